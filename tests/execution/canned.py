"""The real schema without databases: loaders that make up rows of the right types, and sometimes fail.

The same seed gives the same rows, in whatever order they are asked for.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from random import Random
from typing import Any, cast

from loaders.airlines import Airline
from loaders.airports import Airport
from loaders.catalogue.declaration import Column, ConnectionSection, Kind, ListSection, Section
from loaders.catalogue.register import Known
from loaders.errors import CallerError
from loaders.fleet import FleetEntry, FleetQuery, FleetSort
from loaders.planning import SectionRequest
from loaders.request_loaders import RequestLoaders
from loaders.sections import Key, Loaded
from loaders.stores.errors import StoreError, StoreTimeout
from resolvers.arguments import encoded
from resolvers.context import RequestContext
from resolvers.scopes import ALL_SCOPES
from tests.execution.documents import Hints

_IDS = ("N14228", "N725MQ", "N804JB", "N865DA", "nothing")
_MANY = tuple(f"N{at}" for at in range(30))

HINTS: Hints = {
    "ids": [
        *_IDS,
        *(f"Aircraft:{one}" for one in _IDS),
        "Airport:JFK",
        "Airline:UA",
        "Airport:nothing",
        "no node",
        "aircraft:N14228",
        "",
    ],
    "tailNumber": _IDS,
    "code": ["JFK", "UA", "nothing"],
    "id": ["Aircraft:N14228", "Airport:JFK", "Airline:UA", "Airline:nothing", "no node", "Aircraft:N:1", "Aircraft:"],
    "first": [0, 1, 2, 3, 30, None, -1, 5_000],
    "after": [None, "no cursor", encoded(["TAIL_NUMBER", "N14228", "N14228"]), encoded([1_357_034_400, 1, "UA"])],
}

_VALUES: Mapping[Kind, Sequence[Any]] = {
    Kind.INTEGER: (0, 1, 17, -3, 2**31 - 1),
    Kind.FLOAT: (0.0, -0.0, 1.25, 1e300),
    Kind.TEXT: ("", "EWR", "é", "null"),
    Kind.DATE: (date(2013, 1, 1), date(2013, 12, 31)),
    Kind.INSTANT: (datetime(2013, 1, 1, 10, tzinfo=UTC), datetime(2013, 6, 1, 12, 30, tzinfo=UTC)),
    Kind.AIRPORT: ("JFK", "LGA", "nothing", "fails"),
    Kind.AIRLINE: ("UA", "nothing", "fails"),
}
_ODD: Mapping[Kind, Sequence[Any]] = {
    Kind.INTEGER: (2**31, True, 1.0, None, "1"),
    Kind.FLOAT: (math.nan, math.inf, 3, None, "1.5"),
    Kind.TEXT: (None, 1, b"bytes"),
    Kind.DATE: (None, "2013-01-01", datetime(2013, 1, 1, tzinfo=UTC)),
    Kind.INSTANT: (None, date(2013, 1, 1), 0),
    Kind.AIRPORT: (None,),
    Kind.AIRLINE: (None,),
}


def canned_context(
    seed: object,
    encode_in_chunks: bool | None,
    scopes: frozenset[str] = ALL_SCOPES,
    *,
    in_parts: bool = False,
) -> RequestContext:
    """A request's context over loaders of this seed."""
    faults = Random(repr(seed)).choice([0.0, 0.0, 0.1])
    loaders = _Loaders(_Sections(repr(seed), faults), _Records(Airport), _Records(Airline), _Fleet(repr(seed)))
    return RequestContext.of(
        cast("RequestLoaders", loaders),
        encode_in_chunks=cast("bool", encode_in_chunks),
        in_parts=in_parts,
        scopes=scopes,
    )


@dataclass(frozen=True, slots=True)
class _Sections:
    seed: str
    faults: float

    async def load(self, key: Key) -> list[Loaded]:
        ids, requests = key
        values = {request: self._of_request(request, ids) for request in requests}
        return [Loaded(tail_number, values, place) for place, tail_number in enumerate(ids)]

    def _of_request(self, request: SectionRequest, ids: Sequence[str]) -> list[Any] | StoreError:
        name = f"{self.seed} {request.section.name} {request.period} {request.first} {request.after}"
        if request.section is Known:
            return [None if one == "nothing" else (one,) for one in ids]
        if Random(name).random() < self.faults:
            return StoreTimeout("canned", "The store did not answer in time.")
        return [self._value(request, Random(f"{name} {one}")) for one in ids]

    def _value(self, request: SectionRequest, rng: Random) -> Any:
        section = request.section
        if issubclass(section, ListSection):
            most = min(request.first + issubclass(section, ConnectionSection), rng.choice([0, 1, 3, 20]))
            return [self._row(section, rng) for _ in range(most)]
        return None if section.present_by and rng.random() < 0.2 else self._row(section, rng)

    def _row(self, section: type[Section], rng: Random) -> tuple[Any, ...]:
        keys = {name for name, _ in section.cursor} if issubclass(section, ConnectionSection) else set()
        return tuple(self._leaf(column, rng, odd=column.name not in keys) for column in section.columns)

    def _leaf(self, column: Column, rng: Random, *, odd: bool) -> Any:
        if column.nullable and rng.random() < 0.1:
            return None
        if odd and rng.random() < self.faults / 10:
            return rng.choice([*_ODD[column.kind], "\ud800"])
        return rng.choice(_VALUES[column.kind])


@dataclass(frozen=True, slots=True)
class _Records:
    kind: type[Airport] | type[Airline]

    async def load(self, code: str) -> Any:
        if code == "nothing":
            return None
        if self.kind is Airline:
            return Airline(code, "An airline")
        return Airport(code, "An airport", 40.5, -73.75, 13, -5.0, "A", None if code == "LGA" else "America/New_York")

    async def load_many(self, codes: Sequence[str]) -> list[Any]:
        if "fails" in codes:
            raise StoreTimeout("canned", "The store did not answer in time.")
        return [await self.load(code) for code in codes]


@dataclass(frozen=True, slots=True)
class _Fleet:
    seed: str

    async def page(self, query: FleetQuery, first: int, after: FleetEntry | None) -> list[FleetEntry]:
        if query.manufacturer == "":
            raise CallerError("manufacturer: only printable characters can be searched for.")
        values: Mapping[FleetSort, Any] = {
            FleetSort.REVISED_AT: datetime(2013, 1, 1, tzinfo=UTC),
            FleetSort.SEATS: 100,
            FleetSort.YEAR: 2000,
        }
        ids = (_IDS if after is None else _MANY)[:first]
        return [FleetEntry(one, values.get(query.sort, one)) for one in ids]

    async def count(self, query: FleetQuery) -> int:
        if query.registered:
            raise StoreTimeout("canned", "The store did not answer in time.")
        return 4_043


@dataclass(frozen=True, slots=True)
class _Loaders:
    sections: _Sections
    airports: _Records
    airlines: _Records
    fleet: _Fleet
