"""The analysis: its GraphQL types are derived from the declarations of the sections."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

import strawberry
from strawberry.tools import create_type
from strawberry.types.field import StrawberryField

from loaders.catalogue import ANALYSIS
from loaders.catalogue.declaration import Column, ConnectionSection, Kind, ListSection, Section
from loaders.planning import Period
from loaders.planning.request import request
from loaders.sections import Loaded
from resolvers.airlines import Airline
from resolvers.airports import Airport
from resolvers.arguments import after_of, cursor_of
from resolvers.context import Info
from resolvers.pages import PageInfo, page_info

_TYPES: dict[Kind, Any] = {
    Kind.INTEGER: int,
    Kind.FLOAT: float,
    Kind.TEXT: str,
    Kind.DATE: date,
    Kind.INSTANT: datetime,
    Kind.AIRPORT: Airport,
    Kind.AIRLINE: Airline,
}


@dataclass(frozen=True, slots=True)
class AnalysisOf:
    """What the analysis type is resolved from: one aircraft's sections, and the period that they are over."""

    loaded: Loaded
    period: Period | None


class ColumnField(StrawberryField):
    """A leaf that is read from its place in the section's row, with no resolver in between."""

    place: int = 0

    def get_result(self, source: Any, info: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG002 (Strawberry's signature)
        """The value at the column's place."""
        return source[self.place]


def section_type(section: type[Section]) -> Any:
    """The GraphQL type of a section, or of a list section's row; the same one each time."""
    return _SECTION_TYPES[section]


def section_field(section: type[Section], of: Callable[[Any], AnalysisOf]) -> StrawberryField:
    """A field that answers the section; `of` finds what it is read from in the parent's value."""
    if issubclass(section, ConnectionSection):
        return _connection_field(section, of)
    if issubclass(section, ListSection):
        return _list_field(section, of)
    return _object_field(section, of)


def _object_field(section: type[Section], of: Callable[[Any], AnalysisOf]) -> StrawberryField:
    def resolve(root: Any) -> Any:
        source = of(root)
        return source.loaded.get(request(section, source.period))

    declared = section_type(section)
    answer = declared | None if section.present_by else declared
    return _named(section, resolve, answer)


def _list_field(section: type[ListSection], of: Callable[[Any], AnalysisOf]) -> StrawberryField:
    bound = f"How many rows at most, 0 to {section.most:,}."

    def resolve(root: Any, first: Annotated[int | None, strawberry.argument(description=bound)] = section.first) -> Any:
        source = of(root)
        return source.loaded.get(request(section, source.period, first))

    return _named(section, resolve, list[section_type(section)])  # type: ignore[misc]  # a type made at run time


def _connection_field(section: type[ConnectionSection], of: Callable[[Any], AnalysisOf]) -> StrawberryField:
    connection, edge = _connection_types(section)
    bound = f"How many rows at most, 0 to {section.most:,}."

    def resolve(
        root: Any,
        first: Annotated[int | None, strawberry.argument(description=bound)] = section.first,
        after: Annotated[
            str | None, strawberry.argument(description="Cursor that the page follows.")
        ] = strawberry.UNSET,
    ) -> Any:
        source = of(root)
        asked = request(section, source.period, first, after_of(section, after or None))
        rows = source.loaded.get(asked)
        page = rows[: asked.first]
        cursors = [cursor_of(section, row) for row in page]
        edges = [edge(cursor=cursor, node=row) for cursor, row in zip(cursors, page, strict=True)]
        return connection(edges=edges, page_info=page_info(cursors, more=len(rows) > len(page), after=after or None))

    return _named(section, resolve, connection)


def _named(section: type[Section], resolve: Callable[..., Any], answer: Any) -> StrawberryField:
    field: StrawberryField = strawberry.field(
        resolver=resolve, name=section.graphql_name(), description=section.description, graphql_type=answer
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
    def resolve(root: Any, info: Info) -> Any:
        return info.context.links.get(column.kind, root[place])

    field: StrawberryField = strawberry.field(
        resolver=resolve, name=column.graphql_name, description=column.graphql_description, graphql_type=answer
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
    [section_field(section, lambda root: root) for section in ANALYSIS],
    description="The analysis of one aircraft: about fifty sections, over all of its flights or those of a period.",
)
