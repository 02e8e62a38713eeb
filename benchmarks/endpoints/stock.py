"""Stock Strawberry, as its documentation shows: types with async resolvers, a dataloader for each thing that is loaded.

`python -m benchmarks.endpoints.stock PORT`. The types are made from the model, so that they are the gateway's; what
they are not is fused, read ahead, or executed by anything but graphql-core: a section is loaded by a loader of its own,
keyed by tail number, with one statement a batch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import strawberry
from aiodataloader import DataLoader
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL

from benchmarks.endpoints.cursors import cursor_of
from benchmarks.endpoints.serving import CountedStores, application, serve
from benchmarks.endpoints.statements import fetched
from deploy import SAMPLE_MODEL
from loaders.model.bound_sections import RECORD, BoundColumn, BoundSection
from loaders.model.class_reader import DeclaredField
from loaders.model.loading import load_model
from loaders.model.shapes import Cardinality, ValueKind
from loaders.statements.planning import plan
from loaders.statements.row_reader import read
from loaders.statements.section_request import section_request

MODEL = load_model(SAMPLE_MODEL)
SECTIONS = MODEL.bound_sections

Build = Callable[[Any], Any]
"""From the value of a section to what its resolver returns."""


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


class SectionByKeyLoader(DataLoader[str, Any]):
    """Tail numbers, or codes of airlines and airports, to one section of each: one statement a batch, in order."""

    def __init__(self, stores: CountedStores, section: BoundSection, build: Build) -> None:
        super().__init__()
        self._stores = stores
        self._section = section
        self._build = build

    async def batch_load_fn(self, keys: list[str]) -> list[Any]:
        """Fetch, align, build."""
        request = section_request(self._section)
        (statement,) = plan([request])
        columns, types = await fetched(self._stores, statement, keys)
        values = dict(filter(None, read(statement, columns, keys, types)))[request]
        return [self._build(value) for value in values]


@dataclass(frozen=True, slots=True)
class Context:
    """The loaders of one request, by the digests of their sections: what two fields answer alike is loaded once."""

    loaders: dict[str, SectionByKeyLoader]

    @classmethod
    def over(cls, stores: CountedStores) -> "Context":
        """Return new loaders for each section."""
        sections = ((SECTIONS[name], build) for name, build in _BUILDERS.items())
        return cls({section.digest: SectionByKeyLoader(stores, section, build) for section, build in sections})

    def loader(self, name: str) -> SectionByKeyLoader:
        """Return the loader of a section by its name, such as `Aircraft.registration`."""
        return self.loaders[SECTIONS[name].digest]


Info = strawberry.Info[Context, None]


async def _linked(info: Info, target: str, code: str | None) -> Any:
    return await info.context.loader(f"{target}.{RECORD}").load(code) if code else None


def _made(name: str, members: dict[str, Any], annotations: dict[str, Any]) -> Any:
    return strawberry.type(type(name, (), {"__annotations__": annotations, **members}))


_LINKS: dict[str, Any] = {"Airline": Airline, "Airport": Airport}


def _attribute(column: BoundColumn) -> str:
    return f"{column.name}_code" if column.target else column.name


def _link(column: BoundColumn) -> Any:
    async def resolve(root: Any, info: Info) -> Any:
        return await _linked(info, column.target, getattr(root, _attribute(column)))

    return strawberry.field(resolver=resolve, graphql_type=_LINKS[column.target] | None)


def _row_type(name: str, section: BoundSection) -> Any:
    """Return a type with attributes for the columns; a code is private, and a resolver beside it loads its object."""
    members: dict[str, Any] = {}
    annotations: dict[str, Any] = {}
    for column in section.columns:
        if column.target:
            annotations[_attribute(column)] = strawberry.Private[object]
            members[column.name] = _link(column)
        else:
            declared = column.shape.type
            annotations[column.name] = declared | None if column.shape.nullable else declared
    return _made(name, members, annotations)


def _type_names(owner: str, fields: tuple[DeclaredField, ...]) -> dict[str, str]:
    """Return the names of the sections that fields answer, each with the name of its type."""
    return {
        f"{owner}.{field.name}": field.shape.type.__name__
        for field in fields
        if field.shape is not None and field.shape.kind is ValueKind.SECTION
    }


_ANALYSIS = _type_names("Aircraft.analysis", MODEL.groups["Analysis"].fields)
_TYPE_NAMES = _type_names("Aircraft", MODEL.objects["Aircraft"].fields) | _ANALYSIS
_ROWS = {type_name: _row_type(type_name, SECTIONS[name]) for name, type_name in _TYPE_NAMES.items()}

_FLIGHT_LOG = SECTIONS["Aircraft.analysis.flight_log"]
_EDGE = _made("LoggedFlightEdge", {}, {"cursor": str, "node": _ROWS["LoggedFlight"]})
_PAGE = _made("LoggedFlightConnection", {}, {"edges": list[_EDGE], "page_info": PageInfo})  # type: ignore[valid-type]


def _section_field(name: str) -> Any:
    async def resolve(root: Any, info: Info) -> Any:
        return await info.context.loader(name).load(root.id)

    section, declared = SECTIONS[name], _ROWS[_TYPE_NAMES[name]]
    if section is _FLIGHT_LOG:
        declared = _PAGE
    elif section.cardinality is Cardinality.LIST:
        declared = list[declared]  # type: ignore[valid-type]  # a type made at run time
    elif section.is_nullable:
        declared = declared | None
    return strawberry.field(resolver=resolve, graphql_type=declared)


Analysis: Any = _made(
    "Analysis",
    {name.rpartition(".")[2]: _section_field(name) for name in _ANALYSIS},
    {"id": strawberry.Private[object]},
)


@strawberry.type
class Aircraft:
    """An aircraft; all but its key is loaded by resolvers."""

    id: strawberry.ID
    tail_number: str
    registration: Any = _section_field("Aircraft.registration")
    revisions: Any = _section_field("Aircraft.revisions")
    analysis: Any = strawberry.field(resolver=lambda root: Analysis(id=root.id), graphql_type=Analysis)

    @strawberry.field
    async def operator(self, info: Info) -> Airline | None:
        """Two loads, one after the other."""
        code = await info.context.loader("Aircraft.operator").load(self.id)
        airline: Airline | None = await _linked(info, "Airline", code)
        return airline

    @strawberry.field
    async def home_base(self, info: Info) -> Airport | None:
        """Two loads, one after the other."""
        code = await info.context.loader("Aircraft.home_base").load(self.id)
        airport: Airport | None = await _linked(info, "Airport", code)
        return airport


def _row_builder(made: Any, section: BoundSection) -> Build:
    attributes = list(map(_attribute, section.columns))

    def build(row: Any) -> Any:
        return made(**dict(zip(attributes, row, strict=False)))  # rows of a page end with the values of its order

    return build


def _section_builder(name: str) -> Build:
    """Return how instances of the types are built: one for an object, one for each row of a list."""
    section = SECTIONS[name]
    build = _row_builder(_ROWS[_TYPE_NAMES[name]], section)
    if section is _FLIGHT_LOG:
        return lambda rows: _page(rows, build)
    if section.cardinality is Cardinality.LIST:
        return lambda rows: [build(row) for row in rows]
    return lambda row: None if row is None else build(row)


def _page(rows: Any, build: Build) -> Any:
    shown = rows[: _FLIGHT_LOG.first]
    cursors = [cursor_of(row[len(_FLIGHT_LOG.columns) :]) for row in shown]
    place = PageInfo(
        has_next_page=len(rows) > len(shown),
        has_previous_page=False,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )
    edges = [_EDGE(cursor=cursor, node=build(row)) for cursor, row in zip(cursors, shown, strict=True)]
    return _PAGE(edges=edges, page_info=place)


def _object_builder(made: Any) -> Build:
    name = made.__name__
    attributes = list(map(_attribute, SECTIONS[f"{name}.{RECORD}"].columns))
    (key,) = MODEL.objects[name].key.columns

    def build(row: Any) -> Any:
        values = dict(zip(attributes, row, strict=True))
        return made(id=strawberry.ID(values[key]), **values)

    return lambda row: None if row is None else build(row)


_BUILDERS: dict[str, Build] = {
    **{name: _section_builder(name) for name in _TYPE_NAMES},
    **{f"{made.__name__}.{RECORD}": _object_builder(made) for made in (Aircraft, Airline, Airport)},
    **{f"Aircraft.{name}": lambda row: None if row is None else row[0] for name in ("operator", "home_base")},
}


@strawberry.type
class Query:
    """The one field that is measured."""

    @strawberry.field
    async def aircraft_by_ids(self, info: Info, ids: list[strawberry.ID]) -> list[Aircraft | None]:
        """Those that are tracked."""
        aircraft: list[Aircraft | None] = await info.context.loader(f"Aircraft.{RECORD}").load_many(ids)
        return aircraft


SCHEMA = strawberry.Schema(query=Query)


class StockEndpoint(GraphQL[Context, None]):
    """Strawberry's endpoint with loaders in its context."""

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:  # noqa: ARG002
        """New loaders for each request."""
        return Context.over(request.app.state.stores)


if __name__ == "__main__":
    serve(application([Route("/graphql", StockEndpoint(SCHEMA))]))
