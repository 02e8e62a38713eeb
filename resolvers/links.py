"""Links: columns that hold a code and answer the record behind it, loaded in one wave after the sections."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiodataloader import DataLoader

from loaders.airlines import Airline
from loaders.airports import Airport
from loaders.catalogue.declaration import Kind, ListSection
from loaders.planning import Request
from loaders.request_loaders import RequestLoaders
from loaders.sections import Loaded
from loaders.stores.errors import SystemFault

Record = Airport | Airline | None
Link = tuple[Request, int, Kind]
"""A column that a query follows: its request, its position in the section, and what it leads to."""


class Links:
    """The records that the links of one request led to, so far."""

    def __init__(self, loaders: RequestLoaders) -> None:
        self._loaders: dict[Kind, DataLoader[str, Any]] = {
            Kind.AIRPORT: loaders.airports,
            Kind.AIRLINE: loaders.airlines,
        }
        self._records: dict[tuple[Kind, str], Record | SystemFault] = {}

    async def follow(self, links: Iterable[Link], aircraft: Sequence[Loaded]) -> None:
        """Load what the links of these aircraft, loaded together, lead to: one statement a kind, however many links.

        A failed statement is raised where its records are read, not here.
        """
        codes: dict[Kind, dict[str, None]] = {}
        for request, position, kind in links:
            codes.setdefault(kind, {}).update(dict.fromkeys(_codes(request, position, aircraft)))
        await asyncio.gather(*(self._load(kind, list(found)) for kind, found in codes.items()))

    def get(self, kind: Kind, code: str | None) -> Record:
        """The record behind a code that was followed; None without a code, or where the register lacks it."""
        if code is None:
            return None
        record = self._records[kind, code]
        if isinstance(record, SystemFault):
            raise record
        return record

    def release(self) -> None:
        """Let go of the records."""
        self._records.clear()

    async def _load(self, kind: Kind, codes: list[str]) -> None:
        records: Mapping[str, Any]
        try:
            records = dict(zip(codes, await self._loaders[kind].load_many(codes), strict=True))
        except SystemFault as fault:
            records = dict.fromkeys(codes, fault)
        self._records.update({(kind, code): record for code, record in records.items()})


def _codes(request: Request, position: int, aircraft: Sequence[Loaded]) -> Iterable[str]:
    if not aircraft:
        return
    try:
        column = aircraft[0].column(request)
    except SystemFault:
        return
    for loaded in aircraft:
        value = column[loaded.place]
        rows = value if issubclass(request.section, ListSection) else [value]
        for row in rows:
            if row is not None and row[position] is not None:
                yield row[position]
