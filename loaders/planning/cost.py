"""What a request weighs for one object: rows, bytes, points. Estimates, for a price before anything is asked."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from loaders.catalogue.declaration import Column, Kind, ListSection
from loaders.planning.request import Request

STATEMENT_POINTS = 100
"""Of each statement, whatever it asks: a point is about ten microseconds of a store, and a statement begins with one
millisecond or, over the flights, with ten.
"""
_POINTS_A_ROW = 0.1
"""Of a list's row: rows are counted out and sent, not computed each."""

_BYTES = {
    Kind.INTEGER: 4,
    Kind.FLOAT: 18,
    Kind.TEXT: 10,
    Kind.DATE: 12,
    Kind.INSTANT: 27,
    Kind.AIRPORT: 80,
    Kind.AIRLINE: 50,
}
"""Of a value as JSON, about; of a record, with its name and code."""
_PUNCTUATION = 4
"""Bytes around a field: quotes, colon, comma."""


class Weight(NamedTuple):
    """Of one object."""

    rows: float
    bytes: float
    points: float


def weight_of(requests: Iterable[Request]) -> Weight:
    """Of all of them together."""
    weights = [_weight(one, one.columns) for one in requests]
    return Weight(*map(sum, zip(*weights, strict=True))) if weights else Weight(0, 0, 0)


@lru_cache(maxsize=1_024)
def _weight(request: Request, columns: frozenset[str] | None) -> Weight:  # requests are equal whatever they want
    section = request.section
    wanted = [column for column in section.columns if columns is None or column.name in columns]
    rows = min(request.first, section.usual or request.first) if issubclass(section, ListSection) else 1
    return Weight(
        rows, rows * sum(map(_bytes, wanted)), section.points + (rows * _POINTS_A_ROW if request.first else 0)
    )


def _bytes(column: Column) -> int:
    return len(column.graphql_name) + _PUNCTUATION + _BYTES[column.kind]
