"""What was served stale is refreshed behind the answer, together with what else turns out stale within a moment."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from contextvars import Context
from typing import Any

from loaders.cache.fields import CacheField
from loaders.cache.in_flight_load import Flight, Load

_GATHER_S = 0.02
"""How long stale places are gathered before they are refreshed together."""


class RefreshCoalescer:
    """Gathers stale places, and calls `refresh` with each flight of them, within a task that `run` begins."""

    def __init__(
        self,
        refresh: Callable[[Flight], Coroutine[Any, Any, None]],
        run: Callable[[Coroutine[Any, Any, None], Context], object],
    ) -> None:
        self._refresh = refresh
        self._run = run
        self._places: dict[tuple[str, CacheField], Load] = {}

    def add(self, places: Iterable[tuple[str, CacheField]], load: Load) -> None:
        """Have these fields of objects refreshed, once for all who ask for it meanwhile."""
        begun = bool(self._places)
        for place in places:
            self._places.setdefault(place, load)
        if self._places and not begun:
            self._run(self._refresh_all(), Context())  # no request's: nobody is told of it

    async def _refresh_all(self) -> None:
        """In as few flights as there are sets of fields, each as far as no other process refreshes it."""
        await asyncio.sleep(_GATHER_S)
        places, self._places = self._places, {}
        fields_of: defaultdict[tuple[Load, str], list[CacheField]] = defaultdict(list)
        for (key, one), load in places.items():
            fields_of[load, key].append(one)
        together: defaultdict[tuple[Load, tuple[CacheField, ...]], list[str]] = defaultdict(list)
        for (load, key), fields in fields_of.items():
            together[load, tuple(fields)].append(key)
        for (load, fields_of_all), keys in together.items():
            await self._refresh(Flight(keys, fields_of_all, load))
