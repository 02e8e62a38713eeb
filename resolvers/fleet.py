"""The fleet as a Relay connection, with a filter and an order."""

from enum import Enum
from typing import TypeVar

import strawberry

from loaders.errors import CallerError
from loaders.fleet import FleetEntry, FleetQuery, FleetSort, cursor_value, sorted_value
from resolvers.aircraft import Aircraft, load_aircraft
from resolvers.arguments import decoded, encoded
from resolvers.context import Info
from resolvers.pages import PageInfo, page_info
from resolvers.selection import selected_of_aircraft

T = TypeVar("T")

DEFAULT_PAGE = 50
MAX_PAGE = 1_000
"""Aircraft. A page is analysed at once: without a bound, one field could ask for the whole fleet's analysis."""

AIRCRAFT_PATHS = (("edges", "node"), ("nodes",))
"""The field names that lead from the connection to its aircraft."""


@strawberry.input(description="Whole numbers from one to another, both inclusive; an absent end is open.")
class IntRange:
    """A condition on a number."""

    from_: int | None = strawberry.field(name="from", default=strawberry.UNSET, description="Least.")
    to: int | None = strawberry.field(default=strawberry.UNSET, description="Greatest.")


@strawberry.input(description="Which aircraft; all that is given must hold.")
class FleetFilter:
    """Conditions on the latest register entry; those on its values an aircraft without one does not meet."""

    registered: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether the register has an entry."
    )
    manufacturer: str | None = strawberry.field(default=strawberry.UNSET, description="Manufacturer, exactly.")
    model: str | None = strawberry.field(default=strawberry.UNSET, description="Model, exactly.")
    tail_number_prefix: str | None = strawberry.field(
        default=strawberry.UNSET, description="What the tail number begins with."
    )
    seats: IntRange | None = strawberry.field(default=strawberry.UNSET, description="Number of seats. Unit: seats.")
    year: IntRange | None = strawberry.field(default=strawberry.UNSET, description="Year of manufacture.")


@strawberry.enum(description="What the fleet is ordered by. Aircraft that lack the value come first, ascending.")
class FleetOrderField(Enum):
    """Every one of them has an index."""

    TAIL_NUMBER = strawberry.enum_value("TAIL_NUMBER", description="The tail number.")
    REVISED_AT = strawberry.enum_value("REVISED_AT", description="When the register entry was last revised.")
    SEATS = strawberry.enum_value("SEATS", description="Number of seats.")
    YEAR = strawberry.enum_value("YEAR", description="Year of manufacture.")


@strawberry.enum(description="Which way an order runs.")
class Direction(Enum):
    """Both along the same index."""

    ASC = strawberry.enum_value("ASC", description="Smallest, earliest, A first.")
    DESC = strawberry.enum_value("DESC", description="Largest, latest, Z first.")


@strawberry.input(description="How the fleet is ordered; the tail number decides between equals.")
class FleetOrder:
    """The order of the pages."""

    field: FleetOrderField = strawberry.field(default=FleetOrderField.TAIL_NUMBER, description="By what.")
    direction: Direction = strawberry.field(default=Direction.ASC, description="Which way.")


@strawberry.type(description="An aircraft and its place in the fleet.")
class AircraftEdge:
    """Relay's edge."""

    cursor: str = strawberry.field(description="The aircraft's place in this order.")
    node: Aircraft = strawberry.field(description="The aircraft.")


@strawberry.type(description="A page of the fleet (Relay).")
class AircraftConnection:
    """Relay's connection."""

    query: strawberry.Private[FleetQuery]
    edges: list[AircraftEdge] = strawberry.field(description="The aircraft of the page, in order.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")

    @strawberry.field(description="The aircraft of the page, without their cursors.")
    def nodes(self) -> list[Aircraft]:
        """The edges' nodes."""
        return [edge.node for edge in self.edges]

    @strawberry.field(description="Aircraft on all pages together; costs a statement of its own. Unit: aircraft.")
    async def total_count(self, info: Info) -> int:
        """Counted only when asked for."""
        return await info.context.loaders.fleet.count(self.query)


async def fleet_page(
    info: Info, first: int | None, after: str | None, conditions: FleetFilter | None, order: FleetOrder | None
) -> AircraftConnection:
    """One page: which aircraft, in one statement, then all that is asked of them, together."""
    rows = DEFAULT_PAGE if first is None else first
    if not 0 <= rows <= MAX_PAGE:
        raise CallerError(f"fleet: first must be from 0 to {MAX_PAGE:,}, and is {rows:,}.")
    query = _query(conditions or FleetFilter(), order or FleetOrder())
    # What is refused below is refused before the page is asked for: it has no price.
    selection = selected_of_aircraft(info._raw_info, AIRCRAFT_PATHS)
    entries = await info.context.loaders.fleet.page(query, rows + 1, _entry(query.sort, after))
    page = entries[:rows]
    aircraft = await load_aircraft(info, [entry.tail_number for entry in page], selection)
    cursors = [encoded([query.sort.name, cursor_value(query.sort, e.sorted_by), e.tail_number]) for e in page]
    edges = [
        AircraftEdge(cursor=at, node=node)  # type: ignore[arg-type]  # resolved from what was loaded
        for at, node in zip(cursors, aircraft, strict=True)
        if node is not None
    ]
    return AircraftConnection(
        query=query, edges=edges, page_info=page_info(cursors, more=len(entries) > rows, after=after)
    )


def _query(conditions: FleetFilter, order: FleetOrder) -> FleetQuery:
    seats, year = conditions.seats or IntRange(), conditions.year or IntRange()
    return FleetQuery(
        sort=FleetSort[order.field.name],
        descending=order.direction is Direction.DESC,
        registered=_given(conditions.registered),
        manufacturer=_given(conditions.manufacturer),
        model=_given(conditions.model),
        tail_number_prefix=_given(conditions.tail_number_prefix),
        seats_from=_given(seats.from_),
        seats_to=_given(seats.to),
        year_from=_given(year.from_),
        year_to=_given(year.to),
    )


def _given(value: T | None) -> T | None:
    return None if value is strawberry.UNSET else value


def _entry(sort: FleetSort, after: str | None) -> FleetEntry | None:
    if after is None:
        return None
    kind = int if sort in (FleetSort.SEATS, FleetSort.YEAR) else str
    name, value, tail_number = decoded(after, [str, kind, str])
    if name != sort.name:
        raise CallerError(f"fleet: the cursor is of the order {name[:20]!r}, and the order asked is {sort.name}.")
    try:
        if not tail_number.isprintable():
            raise ValueError(tail_number)
        return FleetEntry(tail_number, sorted_value(sort, value))
    except (ValueError, OverflowError) as error:
        raise CallerError(f"after: {after[:40]!r} is not a cursor of this list.") from error
