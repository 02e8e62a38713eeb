"""Refresh stale values in the background, together with others that turn out stale within a moment."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from contextvars import Context
from itertools import islice
from typing import Any

from loaders.cache.fields import CacheField
from loaders.cache.in_flight_load import InFlightLoad, LoadFunction

_GATHER_S = 0.02
"""How long stale values are gathered before they are refreshed together."""
_MAX_STALE, _MAX_REFRESHING = 50_000, 8
"""Values that are gathered, and gatherings that are refreshed at once. More are left for when they are asked again:
where the stores are slower than values become stale, they would pile up."""


class RefreshCoalescer:
    """Gathers stale values, and calls `refresh` with loads of them, in a task that `run` starts."""

    def __init__(
        self,
        refresh: Callable[[InFlightLoad], Coroutine[Any, Any, None]],
        run: Callable[[Coroutine[Any, Any, None], Context], object],
    ) -> None:
        self._refresh = refresh
        self._run = run
        self._refreshing = 0
        self._stale: dict[tuple[str, CacheField], LoadFunction] = {}

    def add(self, values: Iterable[tuple[str, CacheField]], load: LoadFunction) -> None:
        """Have the values of these keys and fields refreshed, once for all requests that ask for it meanwhile."""
        is_scheduled = bool(self._stale)
        if not is_scheduled and self._refreshing >= _MAX_REFRESHING:
            return
        for value in islice(values, _MAX_STALE - len(self._stale)):
            self._stale.setdefault(value, load)
        if self._stale and not is_scheduled:
            self._refreshing += 1
            self._run(self._refresh_and_count(), Context())  # an empty context: no request counts the statements

    async def _refresh_and_count(self) -> None:
        try:
            await self._refresh_all()
        finally:
            self._refreshing -= 1

    async def _refresh_all(self) -> None:
        """Refresh what was gathered, in one load for each set of fields."""
        await asyncio.sleep(_GATHER_S)
        stale, self._stale = self._stale, {}
        fields_by_key: defaultdict[tuple[LoadFunction, str], list[CacheField]] = defaultdict(list)
        for (key, field), load in stale.items():
            fields_by_key[load, key].append(field)
        keys_by_fields: defaultdict[tuple[LoadFunction, tuple[CacheField, ...]], list[str]] = defaultdict(list)
        for (load, key), fields in fields_by_key.items():
            keys_by_fields[load, tuple(fields)].append(key)
        for (load, shared_fields), keys in keys_by_fields.items():
            await self._refresh(InFlightLoad(keys, shared_fields, load))
