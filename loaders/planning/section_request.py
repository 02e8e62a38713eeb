"""What is asked of each object: a section with its arguments."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from loaders.catalogue.declaration import Column, ListSection, Section
from loaders.errors import CallerError


@dataclass(frozen=True, slots=True)
class Period:
    """Calendar dates in New York, both inclusive; None leaves that end open."""

    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True)
class SectionRequest:
    """A section with its arguments: the unit of planning, equal when it can be answered by the same values.

    `first` is 0 for sections that are not lists; `after` holds the cursor columns of the row that a page follows.
    `columns` are the names that are wanted of an object section, None for all; the others come as None. Requests are
    equal whatever they want of each row: `merged` brings their columns together.
    """

    section: type[Section]
    period: Period | None = None
    first: int = 0
    after: tuple[str | int, ...] = ()
    columns: frozenset[str] | None = field(default=None, compare=False)

    def whole(self) -> "SectionRequest":
        """The same with all columns."""
        return self if self.columns is None else replace(self, columns=None)

    def wants(self, column: Column) -> bool:
        """Whether the column is asked for, or needed to tell whether the section is there."""
        return self.columns is None or column.name in self.columns or column.name == self.section.present_by


def merged(requests: Iterable[SectionRequest]) -> list[SectionRequest]:
    """Each request once, with the columns that any of its equals wants."""
    found: dict[SectionRequest, SectionRequest] = {}
    for one in requests:
        other = found.get(one)
        if other is None:
            found[one] = one
        elif other.columns is not None:
            columns = None if one.columns is None else one.columns | other.columns
            found[one] = replace(other, columns=columns)
    return list(found.values())


def section_request(
    section: type[Section], period: Period | None = None, first: int | None = None, after: tuple[str | int, ...] = ()
) -> SectionRequest:
    """A request with its defaults filled in. Raises CallerError for a `first` or a period that cannot be."""
    if period is not None:
        period = _checked(period) if section.relation.source.periodic else None
    if not issubclass(section, ListSection):
        return SectionRequest(section, period)
    rows = section.first if first is None else first
    if not 0 <= rows <= section.most:
        raise CallerError(f"{section.graphql_name()}: first must be from 0 to {section.most:,}, and is {rows:,}.")
    return SectionRequest(section, period, rows, after)


def _checked(period: Period) -> Period | None:
    if period == Period():
        return None
    if period.start is not None and period.end is not None and period.start > period.end:
        raise CallerError(f"A period must not end before it begins: from {period.start} to {period.end}.")
    return period
