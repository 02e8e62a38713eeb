"""Requests of each object: a bound section with its period, bounds, order, filters and arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from loaders.errors import CallerError
from loaders.model.bound_sections import BoundColumn, BoundSection
from loaders.model.names import camel
from loaders.model.order_terms import OrderTerm
from loaders.model.shapes import Cardinality

_MAX_VALUES_LENGTH = 2_000
"""Characters of a request's values: some fifty ids. Clients may send as much as a request's body holds."""


@dataclass(frozen=True, slots=True)
class Period:
    """Calendar dates in the time zone of each table, both inclusive; None leaves that end open."""

    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True)
class SectionRequest:
    """A bound section with its arguments: the unit of planning, equal where the same values answer it.

    `first` is the number of rows of a list, 0 for a section of one row. `after` holds the values of the order's terms
    in the row that a page follows. `order` is the client's choice, empty for the section's own. `filters` and
    `arguments` are pairs of a name and a hashable value in their canonical form, sorted by name. `columns` are the
    names that are wanted of a section of one row, None for all; the others come as None. Requests are equal whatever
    they want of each row: `merged` brings their columns together.
    """

    section: BoundSection
    period: Period | None = None
    first: int = 0
    after: tuple[Any, ...] = ()
    order: tuple[OrderTerm, ...] = ()
    filters: tuple[tuple[str, Any], ...] = ()
    arguments: tuple[tuple[str, Any], ...] = ()
    columns: frozenset[str] | None = field(default=None, compare=False)
    _hash: int = field(init=False, repr=False, compare=False)
    """Its hash. A request is looked up some dozens of times while it is loaded."""

    def __post_init__(self) -> None:
        values = (self.section, self.period, self.first, self.after, self.order, self.filters, self.arguments)
        object.__setattr__(self, "_hash", hash(values))

    def __hash__(self) -> int:
        return self._hash

    def whole(self) -> SectionRequest:
        """Return the same request with all columns."""
        return self if self.columns is None else replace(self, columns=None)

    def wants(self, column: BoundColumn) -> bool:
        """Return whether a column is asked for."""
        return self.columns is None or column.name in self.columns

    @property
    def has_long_values(self) -> bool:
        """Whether its filters and arguments are too long to be cached.

        Caches that are bounded in requests would otherwise be as large as clients like.
        """
        values = (self.after, self.filters, self.arguments)
        return any(values) and len(repr(values)) > _MAX_VALUES_LENGTH

    @property
    def is_list(self) -> bool:
        """Whether each object has a list of rows."""
        return self.section.cardinality is not Cardinality.ONE

    @property
    def limit(self) -> int:
        """The number of rows that are loaded: a page asks for one more, which tells whether another page follows."""
        return self.first + (self.section.cardinality is Cardinality.PAGE)


def section_request(
    section: BoundSection,
    *,
    period: Period | None = None,
    first: int | None = None,
    after: tuple[Any, ...] | None = None,
    order: tuple[OrderTerm, ...] | None = None,
    filters: Mapping[str, Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> SectionRequest:
    """Return a request with its defaults filled in.

    A period is left out where the section knows none. Raises CallerError, which names the field in the API, for a
    `first` or a period out of bounds.
    """
    return SectionRequest(
        section,
        _checked_period(section, period),
        _checked_first(section, first),
        after or (),
        order or (),
        _pairs(filters),
        _pairs(arguments),
    )


def merged(requests: Iterable[SectionRequest]) -> list[SectionRequest]:
    """Return each request once, in the order met, with the columns that any of its equals wants."""
    result: dict[SectionRequest, SectionRequest] = {}
    for request in requests:
        other = result.get(request)
        if other is None:
            result[request] = request
        elif other.columns is not None:
            columns = None if request.columns is None else request.columns | other.columns
            result[request] = replace(other, columns=columns)
    return list(result.values())


def rows_of(request: SectionRequest) -> float:
    """Estimate the rows of a request for a busy object: at most one per day of a period with both ends."""
    if not request.is_list:
        return 1
    rows = min(request.first, request.section.usual or request.first)
    period = request.period
    if period is None or period.start is None or period.end is None:
        return rows
    return min(rows, 1 + (period.end - period.start).days)


def graphql_name(section: BoundSection) -> str:
    """Return the name of the section's field in the API."""
    return camel(section.name.rpartition(".")[2])


def _checked_first(section: BoundSection, first: int | None) -> int:
    if section.cardinality is Cardinality.ONE:
        return 0
    rows = section.first if first is None else first
    if not 0 <= rows <= section.max:
        raise CallerError(f"{graphql_name(section)}: first must be from 0 to {section.max:,}, and is {rows:,}.")
    return rows


def _checked_period(section: BoundSection, period: Period | None) -> Period | None:
    if period is None or period == Period() or not section.is_periodic:
        return None
    if period.start is not None and period.end is not None and period.start > period.end:
        raise CallerError(f"A period must not end before it begins: from {period.start} to {period.end}.")
    return period


def _pairs(values: Mapping[str, Any] | None) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted((values or {}).items()))
