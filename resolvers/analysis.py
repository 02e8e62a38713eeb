"""The analysis: its GraphQL types are derived from the declarations of the sections."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any

import strawberry
from strawberry.tools import create_type
from strawberry.types.field import StrawberryField

from loaders.catalogue import ANALYSIS
from loaders.catalogue.declaration import Column, ConnectionSection, Kind, ListSection, Section
from loaders.planning import Period
from loaders.planning.section_request import section_request
from loaders.sections import Loaded, values_of
from resolvers.airlines import Airline
from resolvers.airports import Airport
from resolvers.arguments import after_of, cursor_of
from resolvers.batching import BATCH, Batch, ColumnField
from resolvers.context import Info, RequestContext
from resolvers.deferred import when_there
from resolvers.pages import PageInfo, page_info
from resolvers.scopes import RequiresScope, Scope

_TYPES: dict[Kind, Any] = {
    Kind.INTEGER: int,
    Kind.FLOAT: float,
    Kind.TEXT: str,
    Kind.DATE: date,
    Kind.INSTANT: datetime,
    Kind.AIRPORT: Airport,
    Kind.AIRLINE: Airline,
}


AnalysisOf = tuple[Loaded, Period | None]
"""What the analysis type is resolved from: one aircraft's sections, and the period that they are over."""


def section_type(section: type[Section]) -> Any:
    """The GraphQL type of a section, or of a list section's row; the same one each time."""
    return _SECTION_TYPES[section]


def section_field(section: type[Section], *, of_aircraft: bool = False, always: bool = False) -> StrawberryField:
    """A field that answers the section, of an AnalysisOf or, where it is `of_aircraft`, of a Loaded.

    It is nullable, so that a section whose statement failed is null and the rest of the aircraft answers; unless it is
    `always` there.
    """
    declared = section_type(section)
    if issubclass(section, ConnectionSection):
        connection, edge = _connection_types(section)
        return _paged(section, connection | None, partial(_connections, section, connection, edge))
    batch = partial(_values_of_aircraft if of_aircraft else _values, section)
    if issubclass(section, ListSection):
        rows = list[declared]  # type: ignore[valid-type]  # a type made at run time
        return _listed(section, rows if always else rows | None, batch)
    return _field(section, lambda root: batch([root], {}, None)[0], declared | None, batch)


def _listed(section: type[ListSection], answer: Any, batch: Batch) -> StrawberryField:
    def resolve(root: Any, first: Annotated[int | None, _first(section)] = section.first) -> Any:
        return batch([root], {"first": first}, None)[0]

    return _field(section, resolve, answer, batch)


def _paged(section: type[ListSection], answer: Any, batch: Batch) -> StrawberryField:
    def resolve(
        root: Any,
        first: Annotated[int | None, _first(section)] = section.first,
        after: Annotated[
            str | None, strawberry.argument(description="Cursor that the page follows.")
        ] = strawberry.UNSET,
    ) -> Any:
        return batch([root], {"first": first, "after": after or None}, None)[0]

    return _field(section, resolve, answer, batch)


def _first(section: type[ListSection]) -> Any:
    return strawberry.argument(description=f"How many rows at most, 0 to {section.most:,}.")


def _values(
    section: type[Section], parents: Sequence[AnalysisOf], arguments: Mapping[str, Any], _context: Any
) -> Sequence[Any]:
    """The section of each parent, in order. Raises the StoreError that kept it from being loaded.

    Parents of one field are over one period: it is an argument of the field above.
    """
    period = parents[0][1] if parents else None
    asked = section_request(section, period, arguments.get("first"), after_of(section, arguments.get("after")))
    return values_of([loaded for loaded, _ in parents], asked)


def _values_of_aircraft(
    section: type[Section], parents: Sequence[Loaded], arguments: Mapping[str, Any], _context: Any
) -> Sequence[Any]:
    return values_of(parents, section_request(section, first=arguments.get("first")))


def _connections(
    section: type[ConnectionSection],
    connection: Any,
    edge: Any,
    parents: Sequence[Any],
    arguments: Mapping[str, Any],
    context: Any,
) -> Sequence[Any]:
    """A page of each parent, in order. Raises like _values."""
    pages = partial(_pages, section, connection, edge, arguments)
    return when_there(_values(section, parents, arguments, context), pages)


def _pages(
    section: type[ConnectionSection],
    connection: Any,
    edge: Any,
    arguments: Mapping[str, Any],
    lists: Sequence[Sequence[Any]],
) -> Sequence[Any]:
    first, after = arguments.get("first"), arguments.get("after")
    size = section.first if first is None else first
    pages = []
    for rows in lists:
        page = rows[:size]
        cursors = [cursor_of(section, row) for row in page]
        edges = [edge(cursor=cursor, node=row) for cursor, row in zip(cursors, page, strict=True)]
        pages.append(connection(edges=edges, page_info=page_info(cursors, more=len(rows) > len(page), after=after)))
    return pages


def _field(section: type[Section], resolve: Callable[..., Any], answer: Any, batch: Batch) -> StrawberryField:
    field: StrawberryField = strawberry.field(
        resolver=resolve,
        name=section.graphql_name(),
        description=section.description,
        graphql_type=answer,
        metadata={BATCH: batch},
        extensions=[RequiresScope(Scope.REGISTER)]
        if section.scope() == Scope.REGISTER
        else [],  # the analysis has its own
    )
    field.python_name = section.name
    return field


def _connection_types(section: type[ConnectionSection]) -> tuple[Any, Any]:
    row = section_type(section)
    edge = _plain_type(
        f"{section.type_name}Edge",
        f"A row of {section.graphql_name()} and its cursor.",
        cursor=(str, "The row's place in the list."),
        node=(row, "The row."),
    )
    connection = _plain_type(
        f"{section.type_name}Connection",
        f"A page of {section.graphql_name()} (Relay).",
        edges=(list[edge], "The rows of the page, in order."),  # type: ignore[valid-type]
        page_info=(PageInfo, "Where the page stands."),
    )
    return connection, edge


def _plain_type(name: str, description: str, **fields: tuple[Any, str]) -> Any:
    namespace: dict[str, Any] = {"__annotations__": {key: declared for key, (declared, _) in fields.items()}}
    namespace |= {key: strawberry.field(description=text) for key, (_, text) in fields.items()}
    return strawberry.type(type(name, (), namespace), description=description)


def _column_field(place: int, column: Column) -> StrawberryField:
    declared = _TYPES[column.kind]
    answer = declared | None if column.nullable else declared
    if column.kind in (Kind.AIRPORT, Kind.AIRLINE):
        return _link_field(place, column, answer)
    field = ColumnField(
        python_name=column.name,
        graphql_name=column.graphql_name,
        description=column.graphql_description,
        type_annotation=strawberry.annotation.StrawberryAnnotation(answer),
    )
    field.place = place
    return field


def _link_field(place: int, column: Column, answer: Any) -> StrawberryField:
    def batch(rows: Sequence[Any], _arguments: Mapping[str, Any], context: RequestContext) -> Sequence[Any]:
        return context.links.records(column.kind, [row[place] for row in rows])

    def resolve(root: Any, info: Info) -> Any:
        return batch([root], {}, info.context)[0]

    field: StrawberryField = strawberry.field(
        resolver=resolve,
        name=column.graphql_name,
        description=column.graphql_description,
        graphql_type=answer,
        metadata={BATCH: batch},
        extensions=[RequiresScope(Scope.REGISTER)],
    )
    field.python_name = column.name
    return field


def _type_of(section: type[Section]) -> Any:
    fields = [_column_field(place, column) for place, column in enumerate(section.columns)]
    description = f"A row of {section.graphql_name()}. " if issubclass(section, ListSection) else ""
    return create_type(section.type_name, fields, description=description + section.description)


_SECTION_TYPES = {section: _type_of(section) for section in ANALYSIS}

Analysis: Any = create_type(
    "Analysis",
    [section_field(section) for section in ANALYSIS],
    description="The analysis of one aircraft: about fifty sections, over all of its flights or those of a period.",
)
