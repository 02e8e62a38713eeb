"""An object that was loaded: its key, and its place in the columns that were loaded with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from loaders.objects.section_error import SectionError
from loaders.statements.section_request import SectionRequest
from loaders.stores.errors import StoreError

Values = Sequence[Any]
"""The values of a request, one for each key, in the order of the keys.

A section of one row has a tuple in the order of its columns, or None; a list or a page has a list of such tuples. Rows
of a page have the values of the order's terms behind their columns. Where only some objects could not be loaded, since
the cache knows the others, each of these has a SectionError in its place.
"""


@dataclass(slots=True, eq=False)
class ObjectRecord:
    """An object among those that were loaded together. Thousands are made at once, and each is read for each field.

    It is no tuple, whose parts take twice as long to read where its class has a name, and not frozen, which takes three
    times as long to make.

    `values` belongs to the records that were loaded with it: objects that links lead to take the place of keys in it.
    """

    key: Any
    values: dict[SectionRequest, Values | StoreError]
    place: int

    def get(self, request: SectionRequest) -> Any:
        """Return the request's value of this object. Raises SectionError where it could not be loaded."""
        value = self.column(request)[self.place]
        if isinstance(value, SectionError):
            raise section_error(request, value)
        return value

    def column(self, request: SectionRequest) -> Values:
        """Return the request's values of all records; this object's is at `place`. Raises like `get`."""
        values = self.values[request]
        if isinstance(values, StoreError):
            raise section_error(request, values)
        return values


def section_error(request: SectionRequest, failure: StoreError) -> SectionError:
    """Return a new error of a request that could not be loaded, or of what depends on one that could not."""
    if isinstance(failure, SectionError):
        return SectionError(failure.section, failure.cause)
    return SectionError(request.section.name, failure)


def make_records(
    keys: Iterable[Any], values: dict[SectionRequest, Values | StoreError], places: Iterable[int]
) -> list[ObjectRecord]:
    """Return the records of keys by their places."""
    return list(map(ObjectRecord, keys, repeat(values), places))


def values_of(records: Sequence[ObjectRecord], request: SectionRequest) -> list[Any]:
    """Return the request's value of each record, in order: looked up once for those that were loaded together.

    Raises SectionError where none could be loaded. An object that alone could not be has the error in its place.
    """
    values: list[Any] = []
    together: object = None
    for record in records:
        if record.values is not together:
            together = record.values
            column = record.column(request)
        values.append(column[record.place])
    return values


def read_values(values: Sequence[Any], read: Callable[[Sequence[Any]], Sequence[Any]]) -> Sequence[Any]:
    """Return what `read` makes of values, in order; errors in the place of values stay where they are.

    `read` must raise TypeError for an error among the values, which costs those without errors nothing.
    """
    try:
        return read(values)
    except TypeError:
        if not has_errors(values):
            raise
    rest = iter(read([value for value in values if not isinstance(value, SectionError)]))
    return [value if isinstance(value, SectionError) else next(rest) for value in values]


def has_errors(values: Iterable[Any]) -> bool:
    """Return whether some objects alone could not be loaded."""
    return SectionError in set(map(type, values))
