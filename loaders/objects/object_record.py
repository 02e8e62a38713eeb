"""An object that was loaded: its key, and its place in the columns that were loaded with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any, NamedTuple

from loaders.statements.section_request import SectionRequest
from loaders.stores.errors import StoreError

Values = Sequence[Any]
"""The values of a request, one for each key, in the order of the keys.

A section of one row has a tuple in the order of its columns, or None; a list or a page has a list of such tuples. Rows
of a page have the values of the order's terms behind their columns.
"""


class ObjectRecord(NamedTuple):
    """An object among those that were loaded together. Thousands are made at once.

    `values` belongs to the records that were loaded with it: objects that links lead to take the place of keys in it.
    """

    key: Any
    values: dict[SectionRequest, Values | StoreError]
    place: int

    def get(self, request: SectionRequest) -> Any:
        """Return the request's value of this object. Raises the StoreError that kept it from being loaded."""
        return self.column(request)[self.place]

    def column(self, request: SectionRequest) -> Values:
        """Return the request's values of all records; this object's is at `place`. Raises like `get`."""
        values = self.values[request]
        if isinstance(values, StoreError):
            raise values
        return values


def make_records(
    keys: Iterable[Any], values: dict[SectionRequest, Values | StoreError], places: Iterable[int]
) -> list[ObjectRecord]:
    """Return the records of keys by their places."""
    # In less than half of the time that a call of the class takes for each.
    return list(map(tuple.__new__, repeat(ObjectRecord), zip(keys, repeat(values), places, strict=False)))


def values_of(records: Sequence[ObjectRecord], request: SectionRequest) -> list[Any]:
    """Return the request's value of each record, in order: looked up once for those that were loaded together.

    Raises the StoreError that kept it from being loaded.
    """
    values: list[Any] = []
    together: object = None
    for record in records:
        _, columns, place = record
        if columns is not together:
            column, together = record.column(request), columns
        values.append(column[place])
    return values
