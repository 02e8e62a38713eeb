"""Relay connections: pages of objects and of rows, their edges and their cursors.

Pages and edges are tuples, so that they cost little to make.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from loaders.model.bound_sections import COUNT
from loaders.objects.object_record import ObjectRecord, values_of
from loaders.statements.section_request import SectionRequest, section_request
from loaders.stores.errors import StoreError
from resolvers.deferred_loading import DeferredValue
from resolvers.fields import FieldText, batch_field, column_field
from resolvers.function_columns import ColumnError, error_in
from resolvers.section_arguments import list_identity
from resolvers.type_registry import list_of, make_type, optional

if TYPE_CHECKING:
    from strawberry.types.field import StrawberryField

    from loaders.model.bound_sections import BoundSection
    from loaders.model.model import ObjectType, SectionType
    from resolvers.cursors import CursorSealer, Seal
    from resolvers.schema_parts import SchemaParts

Edge = tuple[Any, Sequence[Any], str]
"""The node, the values that it is ordered by, and the identity of the list."""
Page = tuple[list[Edge], bool, bool, Any]
"""The edges, whether another page follows, whether the page follows a cursor, and the number of rows on all pages.

The number is an int, a StoreError, or a DeferredValue; None where it was not asked for. It is a plain tuple, since that
is what generated code reads.
"""
_EDGES, _HAS_NEXT, _HAS_PREVIOUS, _TOTAL = range(4)
"""Places in a page."""
EDGES, NODES, NODE, TOTAL_COUNT = "edges", "nodes", "node", "totalCount"

Read = Callable[[Sequence[ObjectRecord], SectionRequest, Sequence[Any]], Sequence[Any]]
"""(objects, request, the request's value of each) to the field's value of each."""


def count_request(count: BoundSection, request: SectionRequest) -> SectionRequest:
    """Return the request of how many rows all pages of a list have."""
    return section_request(count, filters=dict(request.filters), arguments=dict(request.arguments))


def holds_objects(declared: object) -> bool:
    """Return whether a Strawberry type is a page of objects, each of which may be large."""
    return getattr(declared, "fuseway_holds_objects", False)


def make_page(
    request: SectionRequest,
    rows: Sequence[Any],
    record: SectionRequest | None = None,
    total: int | StoreError | None = None,
) -> Page:
    """Return the page that the rows of a list are; there is one row more where another page follows.

    The rows are objects where `record` is given, the request of their own columns.
    """
    identity, width = list_identity(request), len(request.section.columns)
    shown = rows[: request.first]
    if record is None:
        edges = [(row, row[width:], identity) for row in shown]
    else:
        edges = [(each, row[width:], identity) for each, row in zip(shown, values_of(shown, record), strict=True)]
    return edges, len(rows) > len(shown), bool(request.after), total


def connection_reader(parts: SchemaParts, section: BoundSection) -> Read:
    """Return how pages are made of what a section answers."""
    count = parts.model.bound_sections.get(f"{section.name}.{COUNT}")
    record = parts.record(section.target) if section.target else None

    def read(objects: Sequence[ObjectRecord], request: SectionRequest, values: Sequence[Any]) -> Sequence[Any]:
        total = None if count is None else count_request(count, request)

        def page(each: ObjectRecord, rows: Sequence[Any]) -> Page:
            return make_page(request, rows, record, None if total is None else _total(each, total))

        def read_page(each: ObjectRecord, value: Any) -> Any:
            if isinstance(value, DeferredValue):
                return value.then(lambda rows: page(each, rows))
            return value if isinstance(value, StoreError) else page(each, value)

        return [read_page(each, value) for each, value in zip(objects, values, strict=True)]

    return read


def _total(each: ObjectRecord, request: SectionRequest) -> Any:
    """Return the count of an object, or the error in its place; None where it was not asked for.

    It is awaitable where only a deferred part asks for it.
    """
    if request not in each.values:
        return None
    try:
        row = each.get(request)
    except StoreError as error:
        return error
    return row.then(_count) if isinstance(row, DeferredValue) else _count(row)


def _count(row: Any) -> Any:
    return None if row is None else row[0]


def section_connection(parts: SchemaParts, section: SectionType, row: Any) -> Any:
    """Return the type of a page of rows."""
    names = ", ".join(parts.list_names.get(section.name, ()))

    def make() -> Any:
        node = FieldText(NODE, "The row.")
        edge = _edge_type(
            parts, section.name, f"A row of {names} and its cursor.", node, row, "The row's place in the list."
        )
        fields = [
            column_field(FieldText(EDGES, "The rows of the page, in order."), list_of(edge), _EDGES),
            _page_info_field(parts),
        ]
        return make_type(f"{section.name}Connection", fields, description=f"A page of {names} (Relay).")

    return parts.registry.once(f"{section.name}Connection", make)


def object_connection(parts: SchemaParts, kind: ObjectType) -> Any:
    """Return the type of a page of objects."""

    def make() -> Any:
        declared = parts.registry.named(kind.name)
        node = FieldText(NODE, "The object.")
        edge = _edge_type(
            parts, kind.name, f"{kind.name} and its place in the list.", node, declared, "The place in this order."
        )
        fields = [
            column_field(FieldText(EDGES, "The objects of the page, in order."), list_of(edge), _EDGES),
            _page_info_field(parts),
            batch_field(FieldText(NODES, "The objects of the page, without their cursors."), list_of(declared), _nodes),
            column_field(
                FieldText(TOTAL_COUNT, "Objects on all pages together; costs a statement of its own."), int, _TOTAL
            ),
        ]
        description = f"A page of {kind.name} (Relay)."
        return make_type(f"{kind.name}Connection", fields, description=description, fuseway_holds_objects=True)

    return parts.registry.once(f"{kind.name}Connection", make)


def _nodes(parents: Sequence[Page], _arguments: Mapping[str, Any], _context: Any) -> Sequence[Any]:
    return [[node for node, _, _ in edges] for edges, _, _, _ in parents]


def _edge_type(parts: SchemaParts, name: str, description: str, node: FieldText, declared: Any, cursor: str) -> Any:
    def make() -> Any:
        fields: list[StrawberryField] = [
            batch_field(FieldText("cursor", cursor), str, _cursors(parts.arguments.cursors)),
            column_field(node, declared, 0),
        ]
        return make_type(f"{name}Edge", fields, description=description)

    return parts.registry.once(f"{name}Edge", make)


def _cursors(sealer: CursorSealer) -> Any:
    def batch(parents: Sequence[Edge], _arguments: Mapping[str, Any], context: Any) -> Sequence[str | ColumnError]:
        return _sealed(sealer, parents, context.tenant)

    return batch


def _sealed(sealer: CursorSealer, edges: Sequence[Edge], tenant: str) -> list[str | ColumnError]:
    """Return the cursors of edges; the error instead where a value that one is ordered by is one."""
    identities = {identity for _, _, identity in edges}
    seals = {identity: sealer.of_list(identity, tenant) for identity in identities}
    try:
        return [seals[identity](values) for _, values, identity in edges]
    except TypeError:
        return [_cursor_or_error(seals[identity], values) for _, values, identity in edges]


def _cursor_or_error(seal: Seal, values: Sequence[Any]) -> str | ColumnError:
    try:
        return seal(values)
    except TypeError:
        error = error_in(values)
        if error is None:
            raise
        return error


def _page_info_field(parts: SchemaParts) -> StrawberryField:
    declared = parts.registry.once("PageInfo", lambda: _page_info(parts.arguments.cursors))
    return batch_field(FieldText("pageInfo", "Where the page stands."), declared, _themselves)


def _themselves(parents: Sequence[Page], _arguments: Mapping[str, Any], _context: Any) -> Sequence[Page]:
    return parents


def _page_info(sealer: CursorSealer) -> Any:
    def cursor_at(place: int) -> Any:
        def batch(
            parents: Sequence[Page], _arguments: Mapping[str, Any], context: Any
        ) -> Sequence[str | ColumnError | None]:
            ends = [edges[place] for edges, _, _, _ in parents if edges]
            cursors = iter(_sealed(sealer, ends, context.tenant))
            return [next(cursors) if edges else None for edges, _, _, _ in parents]

        return batch

    start = FieldText("startCursor", "Cursor of the first edge; null on an empty page.")
    end = FieldText("endCursor", "Cursor of the last edge, to ask for what is after it.")
    fields = [
        column_field(FieldText("hasNextPage", "Whether another page follows."), bool, _HAS_NEXT),
        column_field(FieldText("hasPreviousPage", "Whether the page follows a cursor."), bool, _HAS_PREVIOUS),
        batch_field(start, optional(str), cursor_at(0)),
        batch_field(end, optional(str), cursor_at(-1)),
    ]
    return make_type("PageInfo", fields, description="Where a page of a connection stands (Relay).")
