"""Stock Strawberry, as its documentation shows: types with async resolvers, a dataloader for each thing that is loaded.

`python -m benchmarks.endpoints.stock PORT`. The types are made from the catalogue, so that they are the gateway's; what
they are not is fused, read ahead, or executed by anything but graphql-core: a section is loaded by a loader of its own,
keyed by tail number, with one statement a batch.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import strawberry
from aiodataloader import DataLoader
from loaders.airlines import AirlineByCodeLoader
from loaders.airports import AirportByCodeLoader
from loaders.catalogue import ANALYSIS, SECTIONS
from loaders.catalogue.declaration import Column, Kind, ListSection, Section
from loaders.catalogue.flights import FlightLog
from loaders.catalogue.network import MainCarrier, MainOrigin
from loaders.catalogue.register import Known, Registration, Revisions
from loaders.planning import plan
from loaders.planning.section_request import section_request
from resolvers.arguments import cursor_of
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL

from benchmarks.endpoints.serving import CountedStores, application, serve
from benchmarks.endpoints.statements import fetched


@strawberry.type
class Airline:
    """An airline."""

    id: strawberry.ID
    code: str
    name: str


@strawberry.type
class Airport:
    """An airport."""

    id: strawberry.ID
    code: str
    name: str
    latitude: float
    longitude: float
    altitude_feet: int
    utc_offset_hours: float
    time_zone: str | None


@strawberry.type
class PageInfo:
    """Where a page stands."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


_TYPES: dict[Kind, Any] = {
    Kind.INTEGER: int,
    Kind.FLOAT: float,
    Kind.TEXT: str,
    Kind.DATE: date,
    Kind.INSTANT: datetime,
}


class SectionByTailNumberLoader(DataLoader[str, Any]):
    """Tail numbers to one section of each: one statement a batch, in the order of the keys."""

    def __init__(self, stores: CountedStores, section: type[Section]) -> None:
        super().__init__()
        self._stores = stores
        self._section = section

    async def batch_load_fn(self, keys: list[str]) -> list[Any]:
        """Fetch, align, build."""
        asked = section_request(self._section)
        (statement,) = plan([asked])
        columns, read_by = await fetched(self._stores, statement, keys)
        return [_built(self._section, value) for value in dict(filter(None, statement.read(columns, read_by)))[asked]]


@dataclass(frozen=True, slots=True)
class Context:
    """The loaders of one request."""

    sections: dict[type[Section], SectionByTailNumberLoader]
    airlines: AirlineByCodeLoader
    airports: AirportByCodeLoader


Info = strawberry.Info[Context, None]


async def _airline(info: Info, code: str | None) -> Airline | None:
    record = await info.context.airlines.load(code) if code else None
    if record is None:
        return None
    return Airline(id=strawberry.ID(record.code), code=record.code, name=record.name)


async def _airport(info: Info, code: str | None) -> Airport | None:
    record = await info.context.airports.load(code) if code else None
    if record is None:
        return None
    return Airport(
        id=strawberry.ID(record.code),
        code=record.code,
        name=record.name,
        latitude=record.latitude,
        longitude=record.longitude,
        altitude_feet=record.altitude_feet,
        utc_offset_hours=record.utc_offset_hours,
        time_zone=record.time_zone,
    )


_LINKS: dict[Kind, Any] = {Kind.AIRLINE: (Airline, _airline), Kind.AIRPORT: (Airport, _airport)}


def _made(name: str, members: dict[str, Any], annotations: dict[str, Any]) -> Any:
    return strawberry.type(type(name, (), {"__annotations__": annotations, **members}))


def _link(column: Column, code: str) -> Any:
    declared, load = _LINKS[column.kind]

    async def resolve(root: Any, info: Info) -> Any:
        return await load(info, getattr(root, code))

    return strawberry.field(resolver=resolve, graphql_type=declared | None)


def _row_type(section: type[Section]) -> Any:
    """Attributes for the columns; a code is private, and a resolver beside it loads what it leads to."""
    members: dict[str, Any] = {}
    annotations: dict[str, Any] = {}
    for column in section.columns:
        if column.kind in _LINKS:
            annotations[f"{column.name}_code"] = strawberry.Private[object]
            members[column.name] = _link(column, f"{column.name}_code")
        else:
            declared = _TYPES[column.kind]
            annotations[column.name] = declared | None if column.nullable else declared
    return _made(section.type_name, members, annotations)


_ROWS = {section: _row_type(section) for section in SECTIONS.values()}
_ATTRIBUTES = {
    section: [f"{column.name}_code" if column.kind in _LINKS else column.name for column in section.columns]
    for section in SECTIONS.values()
}
_EDGE = _made("LoggedFlightEdge", {}, {"cursor": str, "node": _ROWS[FlightLog]})
_PAGE = _made("LoggedFlightConnection", {}, {"edges": list[_EDGE], "page_info": PageInfo})  # type: ignore[valid-type]


def _built(section: type[Section], value: Any) -> Any:
    """Instances of the types: one for an object, one for each row of a list."""
    made, names = _ROWS[section], _ATTRIBUTES[section]
    if not issubclass(section, ListSection):
        return None if value is None else made(**dict(zip(names, value, strict=True)))
    rows = [made(**dict(zip(names, row, strict=True))) for row in value]
    if section is not FlightLog:
        return rows
    cursors = [cursor_of(FlightLog, row) for row in value[: FlightLog.first]]
    place = PageInfo(
        has_next_page=len(value) > len(cursors),
        has_previous_page=False,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )
    edges = [_EDGE(cursor=cursor, node=row) for cursor, row in zip(cursors, rows, strict=False)]
    return _PAGE(edges=edges, page_info=place)


def _section_field(section: type[Section]) -> Any:
    async def resolve(root: Any, info: Info) -> Any:
        return await info.context.sections[section].load(root.id)

    declared = _ROWS[section]
    if section is FlightLog:
        declared = _PAGE
    elif issubclass(section, ListSection):
        declared = list[declared]  # type: ignore[valid-type]  # a type made at run time
    elif section.present_by:
        declared = declared | None
    return strawberry.field(resolver=resolve, graphql_type=declared)


Analysis: Any = _made(
    "Analysis",
    {section.name: _section_field(section) for section in ANALYSIS},
    {"id": strawberry.Private[object]},
)


@strawberry.type
class Aircraft:
    """An aircraft; all but its key is loaded by resolvers."""

    id: strawberry.ID
    registration: Any = _section_field(Registration)
    revisions: Any = _section_field(Revisions)
    analysis: Any = strawberry.field(resolver=lambda root: Analysis(id=root.id), graphql_type=Analysis)

    @strawberry.field
    def tail_number(self) -> str:
        """The key."""
        return self.id

    @strawberry.field
    async def operator(self, info: Info) -> Airline | None:
        """Two loads, one after the other."""
        carrier = await info.context.sections[MainCarrier].load(self.id)
        return await _airline(info, carrier.code_code)

    @strawberry.field
    async def home_base(self, info: Info) -> Airport | None:
        """Two loads, one after the other."""
        origin = await info.context.sections[MainOrigin].load(self.id)
        return await _airport(info, origin.code_code)


@strawberry.type
class Query:
    """The one field that is measured."""

    @strawberry.field
    async def aircraft_by_ids(self, info: Info, ids: list[strawberry.ID]) -> list[Aircraft | None]:
        """Those that are tracked."""
        known = await info.context.sections[Known].load_many(ids)
        return [Aircraft(id=key) if one else None for key, one in zip(ids, known, strict=True)]


class StockEndpoint(GraphQL[Context, None]):
    """Strawberry's endpoint with loaders in its context."""

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:  # noqa: ARG002
        """New loaders for each request."""
        stores: CountedStores = request.app.state.stores
        return Context(
            {section: SectionByTailNumberLoader(stores, section) for section in SECTIONS.values()},
            AirlineByCodeLoader(stores.postgres),
            AirportByCodeLoader(stores.postgres),
        )


if __name__ == "__main__":
    serve(application([Route("/graphql", StockEndpoint(strawberry.Schema(query=Query)))]))
