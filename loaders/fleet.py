"""Pages of the fleet, from PostgreSQL: which aircraft, in which order. Each order runs along an index."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from loaders.errors import CallerError
from loaders.model.canonical import OUTSIDE_CALENDAR
from loaders.request_tracker import forbid_caching
from loaders.stores.protocols import RelationalStore

_NEVER = "-infinity"
"""The instant of aircraft without one, as PostgreSQL writes it: Python's calendar has none for it."""


class FleetSort(Enum):
    """What the fleet is ordered by: the expression that is indexed and the type of its cursor value.

    Aircraft that lack the value come first in ascending order, last in descending order.
    """

    TAIL_NUMBER = ("tail_number", "text")
    REVISED_AT = ("coalesce(revised_at, '-infinity'::timestamptz)", "text::timestamptz")
    SEATS = ("coalesce(seats, -1)", "integer")
    YEAR = ("coalesce(year, -1)", "integer")


@dataclass(frozen=True, slots=True)
class FleetQuery:
    """Which aircraft: None leaves a condition out; bounds are inclusive."""

    sort: FleetSort = FleetSort.TAIL_NUMBER
    descending: bool = False
    registered: bool | None = None
    manufacturer: str | None = None
    model: str | None = None
    tail_number_prefix: str | None = None
    seats_from: int | None = None
    seats_to: int | None = None
    year_from: int | None = None
    year_to: int | None = None


@dataclass(frozen=True, slots=True)
class FleetEntry:
    """An aircraft's place in the order: the sorted value and its tail number."""

    tail_number: str
    sorted_by: Any


class FleetLoader:
    """Pages by keyset, so that a page costs the same wherever it is; one statement a page."""

    def __init__(self, postgres: RelationalStore) -> None:
        self._postgres = postgres

    async def page(self, query: FleetQuery, first: int, after: FleetEntry | None) -> list[FleetEntry]:
        """The first entries in order after the given one; fewer at the end, `[]` past it."""
        forbid_caching()
        sql, arguments = page_statement(query, first, after)
        return [FleetEntry(row["tail_number"], row["sorted_by"]) for row in await self._postgres.rows(sql, *arguments)]

    async def count(self, query: FleetQuery) -> int:
        """How many aircraft there are in all pages."""
        forbid_caching()
        conditions, arguments = _conditions(query)
        sql = f"select count(*) as aircraft from aircraft where {' and '.join(conditions)}"
        (row,) = await self._postgres.rows(sql, *arguments)
        return int(row["aircraft"])


def page_statement(query: FleetQuery, first: int, after: FleetEntry | None) -> tuple[str, list[object]]:
    """The statement of a page and its arguments."""
    expression, kind = query.sort.value
    place = (
        {"tail_number": "text"} if query.sort is FleetSort.TAIL_NUMBER else {expression: kind, "tail_number": "text"}
    )
    conditions, arguments = _conditions(query)
    if after is not None:
        values = [after.sorted_by, after.tail_number][-len(place) :]
        bound = [f"${len(arguments) + at}::{kind}" for at, kind in enumerate(place.values(), start=1)]
        sign = "<" if query.descending else ">"
        conditions.append(f"({', '.join(place)}) {sign} ({', '.join(bound)})")
        arguments += values
    arguments.append(first)
    direction = " desc" if query.descending else ""
    sql = (
        f"select tail_number, {expression} as sorted_by\nfrom aircraft\nwhere {' and '.join(conditions)}\n"
        f"order by {', '.join(f'{column}{direction}' for column in place)}\nlimit ${len(arguments)}"
    )
    return sql, arguments


_CONDITIONS = {
    "manufacturer": "manufacturer = ${}::text",
    "model": "model = ${}::text",
    "tail_number_prefix": "starts_with(tail_number, ${}::text)",
    "seats_from": "seats >= ${}::integer",
    "seats_to": "seats <= ${}::integer",
    "year_from": "year >= ${}::integer",
    "year_to": "year <= ${}::integer",
}


def _conditions(query: FleetQuery) -> tuple[list[str], list[object]]:
    conditions, arguments = ["true"], list[object]()
    if query.registered is not None:
        conditions.append(f"revision is {'not ' if query.registered else ''}null")
    for name, condition in _CONDITIONS.items():
        value = getattr(query, name)
        if value is None:
            continue
        if isinstance(value, str) and not value.isprintable():
            raise CallerError(f"{_argument(name)}: only printable characters can be searched for.")
        arguments.append(value)
        conditions.append(condition.format(len(arguments)))
    return conditions, arguments


def _argument(name: str) -> str:
    """Return a condition's name as callers know it: in camel case."""
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def cursor_value(sort: FleetSort, value: Any) -> str | int:
    """What a cursor holds of a sorted value: plain text or a number."""
    if sort is FleetSort.REVISED_AT:
        return "" if value is OUTSIDE_CALENDAR else str(value.isoformat())
    return value if isinstance(value, int) else str(value)


def sorted_value(sort: FleetSort, value: str | int) -> object:
    """The sorted value that a cursor holds. Raises ValueError or OverflowError where it is not one."""
    if isinstance(value, int):
        if sort not in (FleetSort.SEATS, FleetSort.YEAR) or not -1 <= value < 2**31:
            raise ValueError(value)
        return value
    if sort is FleetSort.REVISED_AT:
        return _instant(value).isoformat() if value else _NEVER
    if sort is not FleetSort.TAIL_NUMBER or not value.isprintable():
        raise ValueError(value)
    return value


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    return instant.astimezone(UTC)
