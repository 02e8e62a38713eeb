"""Load the sections of aircraft, with few statements for everything that is requested in one tick."""

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
"""Tail numbers that are requested together, and the section requests for each of them.

All aircraft of a field share one key, and so one future: a future for each would cost more than all other work on it.
"""

MAX_IDS = 10_000
"""Maximum ids in one statement. ClickHouse refuses a parameter over 128 KiB, some 10,000 of the longest keys."""


class SectionSource(Protocol):
    """A source of sections: the stores, or a cache in front of them."""

    async def load(
        self, ids: Sequence[str], requests: Sequence[SectionRequest]
    ) -> dict[SectionRequest, Values | StoreError]:
        """Return the values of each request in the order of the ids, or the error that kept them from being loaded."""
        ...


class Loaded(NamedTuple):
    """The sections of one aircraft, as its place in a shared load. Thousands are created at once."""

    tail_number: str
    values: Mapping[SectionRequest, Values | StoreError]
    place: int

    def get(self, request: SectionRequest) -> Any:
        """Return the request's value for this aircraft (see Values), or raise the StoreError of its load."""
        return self.column(request)[self.place]

    def column(self, request: SectionRequest) -> Values:
        """Return the request's values for the whole shared load, with this aircraft's at `place`. Raises like `get`."""
        values = self.values[request]
        if isinstance(values, StoreError):
            raise values
        return values


def values_of(aircraft: Sequence[Loaded], request: SectionRequest) -> list[Any]:
    """Return the request's value of each aircraft, in order, with one look-up for each shared load.

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
    """Loads what all keys of a tick request, in fused statements that bind the ids once.

    Every request of the tick is loaded for every id of the tick, since one statement for all is cheaper than one for
    each different set.
    """

    def __init__(self, source: SectionSource) -> None:
        super().__init__()
        self._source = source
        self._loaded: list[tuple[int, dict[SectionRequest, Values | StoreError]]] = []
        self._released = False

    async def release(self) -> None:
        """Free what was loaded. Where it is much, other tasks get the event loop in between."""
        self._released = True
        self.clear_all()
        for ids, values in self._loaded:
            while values:
                values.popitem()
                if ids > MANY_IDS:
                    await asyncio.sleep(0)
        self._loaded.clear()

    def get_cache_key(self, key: Key) -> Any:
        """Return a key that tells apart equal requests with different columns."""
        together, asked = key
        return together, frozenset((request, request.columns) for request in asked)

    async def batch_load_fn(self, keys: list[Key]) -> list[list[Loaded]]:
        """Return the sections of each key's aircraft, in the order of the keys and of their tail numbers."""
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
