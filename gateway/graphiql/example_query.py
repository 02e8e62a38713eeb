"""A query that shows what a schema offers: columns, a link, a section and a list of the objects of a root field."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    parse,
    print_ast,
)

from loaders.model.scalars import ANYTHING, BYTES
from resolvers.object_types import NODE_ID

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

MAX_COLUMNS = 6
MAX_NESTED_COLUMNS = 3
ROWS = 3

_LARGE = frozenset({BYTES.name, ANYTHING.name})
"""Scalars that would fill the page."""


class _FieldKind(Enum):
    COLUMN = auto()
    LINK = auto()
    SECTION = auto()
    """A section of columns, or a group of sections."""
    LIST = auto()


def make_example_query(
    schema: GraphQLSchema, roots: Mapping[str, Collection[str]], hidden: frozenset[str]
) -> tuple[str, str]:
    """Return the first of the root fields that a query can be made for, and the query.

    Each root field comes with the names of its arguments that have a value: they are variables in the query. A root
    field that needs others is passed over. Fields whose coordinates are hidden are left out, as are deprecated ones and
    those that need arguments. The name is empty where no root field can be asked.
    """
    fields = schema.query_type.fields if schema.query_type is not None else {}
    example = _ExampleQuery(hidden)
    for name, arguments in roots.items():
        field = fields[name]
        keys = {key: argument.type for key, argument in field.args.items() if is_required_argument(argument)}
        selection = example.value_of(field, MAX_COLUMNS) if keys.keys() <= set(arguments) else None
        if selection is None:
            continue
        declared = f"({', '.join(f'${key}: {type_}' for key, type_ in keys.items())})" if keys else ""
        passed = [f"{key}: ${key}" for key in keys]
        return name, print_ast(parse(f"query Example{declared} {{ {_call(name, field, passed)} {selection} }}"))
    return "", "{ __typename }"


def _call(name: str, field: GraphQLField, arguments: Sequence[str] = ()) -> str:
    rows = [f"first: {ROWS}"] if "first" in field.args else []
    every = [*arguments, *rows]
    return f"{name}({', '.join(every)})" if every else name


def _kind_of(field: GraphQLField) -> _FieldKind | None:
    declared = get_named_type(field.type)
    if is_leaf_type(declared):
        return _FieldKind.COLUMN
    if not isinstance(declared, GraphQLObjectType):
        return None
    if is_list_type(get_nullable_type(field.type)) or _is_page(declared):
        return _FieldKind.LIST
    return _FieldKind.LINK if declared.interfaces else _FieldKind.SECTION


def _is_page(declared: GraphQLObjectType) -> bool:
    return "pageInfo" in declared.fields


class _ExampleQuery:
    def __init__(self, hidden: frozenset[str]) -> None:
        self._hidden = hidden

    def value_of(self, field: GraphQLField, max_columns: int) -> str | None:
        """Return the selection of a field's value: "" for a column, None where there is nothing to select."""
        declared = get_named_type(field.type)
        if is_leaf_type(declared):
            return ""
        if not isinstance(declared, GraphQLObjectType):
            return None
        if _is_page(declared):
            nodes = self.value_of(declared.fields["nodes"], max_columns)
            return None if nodes is None else f"{{ nodes {nodes} }}"
        fields = [*self._columns(declared)][:max_columns]
        if max_columns == MAX_COLUMNS or not fields:
            fields += self._nested(declared)
        return f"{{ {' '.join(fields)} }}" if fields else None

    def _columns(self, declared: GraphQLObjectType) -> Iterator[str]:
        for name, field in self._shown(declared, _FieldKind.COLUMN):
            if name != NODE_ID and get_named_type(field.type).name not in _LARGE:
                yield name

    def _nested(self, declared: GraphQLObjectType) -> Iterator[str]:
        """Yield the first link, the first section and the first list; of a group the sections alone."""
        for kind in (_FieldKind.LINK, _FieldKind.SECTION, _FieldKind.LIST):
            for name, field in self._shown(declared, kind):
                selection = self.value_of(field, MAX_NESTED_COLUMNS)
                if selection is not None:
                    yield f"{_call(name, field)} {selection}"
                    break

    def _shown(self, declared: GraphQLObjectType, kind: _FieldKind) -> Iterator[tuple[str, GraphQLField]]:
        for name, field in declared.fields.items():
            is_shown = f"{declared.name}.{name}" not in self._hidden and field.deprecation_reason is None
            if is_shown and _kind_of(field) is kind and not any(map(is_required_argument, field.args.values())):
                yield name, field
