"""The real schema without databases: a loader that makes up rows of the right types, and sometimes fails.

The same seed gives the same rows, in whatever order they are asked for.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from random import Random
from typing import Any

from loaders.model.bound_sections import BoundColumn
from loaders.model.scalars import DATE, FLOAT, INSTANT, INTEGER, TEXT, Scalar
from loaders.objects.object_loader import LoadKey
from loaders.objects.object_record import ObjectRecord, Values
from loaders.objects.section_error import SectionError
from loaders.statements.list_conditions import term_scalar
from loaders.statements.request_shape import shape_of
from loaders.statements.section_request import SectionRequest
from loaders.stores.errors import ColumnUnavailable, StoreError, StoreTimeout
from resolvers.request_context import RequestContext
from tests.execution.documents import Hints
from tests.execution.engines import STORE_ERROR
from tests.fleet.served import ALL_SCOPES

NO_FAULTS = "no faults"
"""How a seed begins whose loaders never fail."""
_IDS = ("N14228", "N725MQ", "N804JB", "N865DA", "nothing")
_MANY = tuple(f"N{index}" for index in range(30))

HINTS: Hints = {
    "ids": [
        *_IDS,
        *(f"Aircraft:{item}" for item in _IDS),
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
    "after": [None, "no cursor"],
}

_VALUES: Mapping[Scalar, Sequence[Any]] = {
    INTEGER: (0, 1, 17, -3, 2**31 - 1),
    FLOAT: (0.0, -0.0, 1.25, 1e300),
    TEXT: ("", "EWR", "é", "null"),
    DATE: (date(2013, 1, 1), date(2013, 12, 31)),
    INSTANT: (datetime(2013, 1, 1, 10, tzinfo=UTC), datetime(2013, 6, 1, 12, 30, tzinfo=UTC)),
}
_ODD: Mapping[Scalar, Sequence[Any]] = {
    INTEGER: (2**31, True, 1.0, None, "1"),
    FLOAT: (math.nan, math.inf, 3, None, "1.5"),
    TEXT: (None, 1, b"bytes"),
    DATE: (None, "2013-01-01", datetime(2013, 1, 1, tzinfo=UTC)),
    INSTANT: (None, date(2013, 1, 1), 0),
}
_CODES = ("JFK", "LGA", "UA", "nothing", "fails")
"""Keys that links lead to."""


def canned_context(
    seed: object,
    encode_in_chunks: bool | None,
    scopes: frozenset[str] = ALL_SCOPES,
    *,
    in_parts: bool = False,
) -> RequestContext:
    """Return a request's context over loaders of this seed."""
    faults = 0.0 if str(seed).startswith(NO_FAULTS) else Random(repr(seed)).choice([0.0, 0.0, 0.0, 0.1, 0.2])
    encode: Any = encode_in_chunks
    return RequestContext(CannedLoaders(CannedObjects(repr(seed), faults)), scopes, encode, in_parts)


@dataclass(frozen=True, slots=True)
class CannedObjects:
    seed: str
    faults: float

    async def load(self, key: LoadKey) -> list[ObjectRecord]:
        space, keys, requests = key
        if "fails" in keys and space.name != "Aircraft":
            raise StoreTimeout("canned", STORE_ERROR)
        values: dict[SectionRequest, Values | StoreError] = {
            request: self._of_request(request, keys) for request in requests
        }
        return [ObjectRecord(each, values, place) for place, each in enumerate(keys)]

    def _of_request(self, request: SectionRequest, keys: Sequence[Any]) -> list[Any] | StoreError:
        name = f"{self.seed} {request.section.name} {request.period} {request.first} {request.filters}"
        if Random(name).random() < self.faults:
            return StoreTimeout("canned", STORE_ERROR)
        lost = SectionError(request.section.name, StoreTimeout("canned", STORE_ERROR))
        return [lost if self._is_lost(name, key) else self._of_key(request, name, key) for key in keys]

    def _is_lost(self, name: str, key: Any) -> bool:
        """Whether the values of one object alone could not be loaded, as where the cache knows the others."""
        return Random(f"{name} {key} lost").random() < self.faults / 2

    def _of_key(self, request: SectionRequest, name: str, key: Any) -> Any:
        if request.section.name.endswith(".record"):
            return None if key == "nothing" else self._record(request, key)
        return self._value(request, Random(f"{name} {key}"))

    def _record(self, request: SectionRequest, key: Any) -> tuple[Any, ...]:
        rng = Random(f"{self.seed} {request.section.name} {key}")
        own = request.section.key.columns
        return tuple(
            key if column.name in own else self._leaf(request, column, rng) for column in request.section.columns
        )

    def _value(self, request: SectionRequest, rng: Random) -> Any:
        if request.is_list:
            return [self._row(request, rng) for _ in range(min(request.limit, rng.choice([0, 1, 3, 20])))]
        return None if request.section.is_nullable and rng.random() < 0.2 else self._row(request, rng)

    def _row(self, request: SectionRequest, rng: Random) -> tuple[Any, ...]:
        section = request.section
        row = [self._leaf(request, column, rng) for column in section.columns]
        if section.target:  # its key is never null, and its cursor is made of it
            row[0] = rng.choice(_MANY)
        terms = shape_of(request, 0).order if request.limit > request.first else ()
        return (*row, *(rng.choice(_VALUES[term_scalar(term)]) for term in terms))

    def _leaf(self, request: SectionRequest, column: BoundColumn, rng: Random) -> Any:
        if rng.random() < self.faults / 10:
            return SectionError(request.section.name, ColumnUnavailable("canned", STORE_ERROR))
        if column.target:
            return rng.choice([None, *_CODES])
        if column.shape.nullable and rng.random() < 0.1:
            return None
        if rng.random() < self.faults / 10:
            return rng.choice([*_ODD[column.scalar], "\ud800"])
        return rng.choice(_VALUES[column.scalar])


@dataclass(frozen=True, slots=True)
class CannedLoaders:
    objects: CannedObjects
    tenant: None = None

    async def release(self) -> None:
        pass

    def uncached(self) -> "CannedLoaders":
        return self
