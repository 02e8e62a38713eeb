"""Sections of aircraft: few statements for all that is asked in one tick."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple, Protocol

from aiodataloader import DataLoader

from loaders.errors import CallerError
from loaders.planning import SectionRequest, Values
from loaders.planning.section_request import merged
from loaders.section_statements import MANY_IDS
from loaders.stores.errors import StoreError

Key = tuple[tuple[str, ...], frozenset[SectionRequest]]
"""Tail numbers that are asked for together, and what is asked of each of them.

One key, and so one future, for all aircraft of a field: a future each costs more than all else that is done for it.
"""

MAX_IDS = 10_000
"""Different aircraft in one statement. ClickHouse refuses a parameter over 128 KiB, some 10,000 of the longest keys."""


class SectionSource(Protocol):
    """Where sections come from: the stores, or a cache before them."""

    async def load(
        self, ids: Sequence[str], requests: Sequence[SectionRequest]
    ) -> dict[SectionRequest, Values | StoreError]:
        """The values of each request in the order of the ids, or the error that kept them from being loaded."""
        ...


class Loaded(NamedTuple):
    """The sections of one aircraft: its place in what was loaded together. Thousands are made at once."""

    tail_number: str
    values: Mapping[SectionRequest, Values | StoreError]
    place: int

    def get(self, request: SectionRequest) -> Any:
        """The request's value for this aircraft (see Values). Raises the StoreError that kept it from being loaded."""
        return self.column(request)[self.place]

    def column(self, request: SectionRequest) -> Values:
        """The request's values for all that was loaded together; this aircraft's is at `place`. Raises like `get`."""
        values = self.values[request]
        if isinstance(values, StoreError):
            raise values
        return values


def values_of(aircraft: Sequence[Loaded], request: SectionRequest) -> list[Any]:
    """The request's value of each aircraft, in order: looked up once for those that were loaded together.

    Raises the StoreError that kept it from being loaded.
    """
    values: list[Any] = []
    together: object = None
    for loaded in aircraft:
        _, sections, place = loaded
        if sections is not together:
            column, together = loaded.column(request), sections
        values.append(column[place])
    return values


class SectionLoader(DataLoader[Key, list[Loaded]]):
    """Loads what all keys of the tick ask for, fused: each statement binds the ids once.

    Every id of the tick is asked all requests of the tick, since one statement for all is cheaper than one for each
    different set.
    """

    def __init__(self, source: SectionSource) -> None:
        super().__init__()
        self._source = source
        self._loaded: list[tuple[int, dict[SectionRequest, Values | StoreError]]] = []
        self._released = False

    async def release(self) -> None:
        """Forget what was loaded; where it is much, others get their turn in between."""
        self._released = True
        self.clear_all()
        for ids, values in self._loaded:
            while values:
                values.popitem()
                if ids > MANY_IDS:
                    await asyncio.sleep(0)
        self._loaded.clear()

    def get_cache_key(self, key: Key) -> Any:
        """Keys that want different columns of equal requests are different keys."""
        together, asked = key
        return together, frozenset((request, request.columns) for request in asked)

    async def batch_load_fn(self, keys: list[Key]) -> list[list[Loaded]]:
        """The sections of each key's aircraft, in the order of the keys and of their tail numbers."""
        ids = list(dict.fromkeys(tail_number for together, _ in keys for tail_number in together))
        if len(ids) > MAX_IDS:
            raise CallerError(f"A request can be for {MAX_IDS:,} different aircraft, and this one is for {len(ids):,}.")
        requests = merged(request for _, asked in keys for request in asked)
        values = await self._source.load(ids, requests)
        if not self._released:  # a request may have ended in an error while this was being loaded
            self._loaded.append((len(ids), values))
        places = {tail_number: place for place, tail_number in enumerate(ids)}
        return [
            list(map(Loaded._make, zip(together, repeat(values), map(places.__getitem__, together), strict=False)))
            for together, _ in keys
        ]
