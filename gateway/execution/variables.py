"""Take lists of ids in variables without coercing each item, which graphql-core looks at three times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import GraphQLID, GraphQLString, get_operation_ast, get_variable_values
from graphql.execution.values import VariableValues
from graphql.language import ListTypeNode, NamedTypeNode, NonNullTypeNode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import DocumentNode, GraphQLError, GraphQLSchema, OperationDefinitionNode, TypeNode

_MIN_LENGTH = 16
"""Minimum length of such a list: a shorter one saves nothing."""

_VALUES_A_POINT = 7
_NESTED = frozenset({list, dict})
_TAKE_TEXT_AS_IT_IS = (GraphQLID, GraphQLString)


def texts(
    schema: GraphQLSchema, document: DocumentNode, operation_name: str | None, values: Mapping[str, Any]
) -> dict[str, list[str]]:
    """Return the variables that are long lists of text, declared as lists of ID or String: coercion changes none."""
    lists = {
        name: value
        for name, value in values.items()
        if type(value) is list and len(value) >= _MIN_LENGTH and set(map(type, value)) == {str}
    }
    operation = get_operation_ast(document, operation_name) if lists else None
    if operation is None:
        return {}
    declared = {definition.variable.name.value: definition.type for definition in operation.variable_definitions or ()}
    return {name: lists[name] for name, node in declared.items() if name in lists and _is_list_of_text(schema, node)}


def coerced(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, values: dict[str, Any]
) -> VariableValues | list[GraphQLError]:
    """Return the operation's coerced variables, as execution will have them; the errors where one is invalid."""
    long = texts(schema, document, operation.name.value if operation.name else None, values)
    short = values | {name: [] for name in long}
    coerced_values = get_variable_values(schema, operation.variable_definitions or (), short, max_errors=1)
    return with_texts(coerced_values, long) if isinstance(coerced_values, VariableValues) else coerced_values


def counted(values: Mapping[str, Any], maximum: int) -> int:
    """Return the number of values in lists and objects. Counting stops beyond `maximum`."""
    count, rest = 0, list[Any](values.values())
    while rest and count <= maximum:
        value = rest.pop()
        if isinstance(value, list | dict):
            count += len(value)
            inner = value if isinstance(value, list) else value.values()
            if count <= maximum and not _NESTED.isdisjoint(map(type, inner)):
                rest.extend(inner)
    return count


def points_to_coerce(values: Mapping[str, Any], maximum: int) -> int:
    """Return the points of at most `maximum` values: 1.5 microseconds each, next to none in lists of text."""
    rest = {
        name: value
        for name, value in values.items()
        if type(value) is not list or len(value) < _MIN_LENGTH or set(map(type, value)) != {str}
    }
    return counted(rest, maximum) // _VALUES_A_POINT


def with_texts(values: VariableValues, lists: dict[str, list[str]]) -> VariableValues:
    """Return the coerced values with these lists in the place of their stand-ins."""
    sources = {name: source._replace(value=lists.get(name, source.value)) for name, source in values.sources.items()}
    return values._replace(sources=sources, coerced=values.coerced | lists)


def _is_list_of_text(schema: GraphQLSchema, node: TypeNode) -> bool:
    declared = _nullable(node)
    if not isinstance(declared, ListTypeNode):
        return False
    item = _nullable(declared.type)
    return isinstance(item, NamedTypeNode) and schema.get_type(item.name.value) in _TAKE_TEXT_AS_IT_IS


def _nullable(node: TypeNode) -> TypeNode:
    return node.type if isinstance(node, NonNullTypeNode) else node
