"""Links: columns that hold a code and answer the record behind it, loaded in one wave after the sections."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from aiodataloader import DataLoader

from loaders.airlines import Airline
from loaders.airports import Airport
from loaders.catalogue.declaration import Kind, ListSection
from loaders.planning import SectionRequest
from loaders.request_loaders import RequestLoaders
from loaders.section_statements import MANY_IDS
from loaders.sections import Loaded, values_of
from loaders.stores.errors import StoreError

Record = Airport | Airline | None
Link = tuple[SectionRequest, int, Kind]
"""A column that a query follows: its request, its position in the section, and what it leads to."""


class RecordLinks:
    """The records that the links of one request led to, so far."""

    def __init__(self, loaders: RequestLoaders) -> None:
        self._loaders: dict[Kind, DataLoader[str, Any]] = {
            Kind.AIRPORT: loaders.airports,
            Kind.AIRLINE: loaders.airlines,
        }
        self._records: defaultdict[Kind, dict[str | None, Any]] = defaultdict(lambda: {None: None})
        self._failed = False

    async def load(self, links: Iterable[Link], aircraft: Sequence[Loaded]) -> None:
        """Load what the links of these aircraft, loaded together, lead to: one statement a kind, however many links.

        A failed statement is raised where its records are read, not here.
        """
        codes: dict[Kind, dict[str, None]] = {}
        for request, position, kind in links:
            codes.setdefault(kind, {}).update(_codes(request, position, aircraft))
            if len(aircraft) > MANY_IDS:
                await asyncio.sleep(0)
        await asyncio.gather(*(self._load_kind(kind, list(found)) for kind, found in codes.items()))

    def records(self, kind: Kind, codes: Iterable[str | None]) -> list[Record]:
        """The records behind codes that were loaded, in order; None without a code, or where the register lacks it.

        Raises the StoreError that kept one of them from being loaded.
        """
        found = list(map(self._records[kind].__getitem__, codes))
        if self._failed:
            for record in found:
                if isinstance(record, StoreError):
                    raise record
        return found

    def release(self) -> None:
        """Let go of the records."""
        self._records.clear()

    async def _load_kind(self, kind: Kind, codes: list[str]) -> None:
        records: Mapping[str, Any]
        try:
            records = dict(zip(codes, await self._loaders[kind].load_many(codes), strict=True))
        except StoreError as error:
            records, self._failed = dict.fromkeys(codes, error), True
        self._records[kind].update(records)


def _codes(request: SectionRequest, position: int, aircraft: Sequence[Loaded]) -> dict[str, None]:
    """Each code once, in the order met; none where the section itself was not loaded."""
    try:
        rows = values_of(aircraft, request)
    except StoreError:
        return {}
    if issubclass(request.section, ListSection):
        rows = list(chain.from_iterable(rows))
    codes = dict.fromkeys(row[position] for row in rows if row is not None)
    codes.pop(None, None)
    return codes
