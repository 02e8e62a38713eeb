"""Tables of what clients see: fields with types, arguments with defaults and bounds, values of enums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from graphql import GraphQLField, get_named_type, print_ast
from graphql.utilities.get_default_value_ast import get_default_value_ast

from gateway.model_tools.docs.blocks import Block, Code, Inline, Text, TypeLink, joined, prose, table
from resolvers.scopes import required_scopes

if TYPE_CHECKING:
    from graphql import GraphQLArgument, GraphQLEnumType, GraphQLInputField, GraphQLNamedType

FIELD_HEAD = ("field", "type", "meaning", "from", "needs")
_NOTHING: Mapping[str, Text] = {}


def type_link(declared: Any) -> TypeLink:
    """Return a type in GraphQL that leads to where it is described."""
    return TypeLink(str(declared), get_named_type(declared).name)


def meaning(element: Any, *more: str) -> Text:
    """Return the description of an element of the schema, with what it does not say yet, and why it is deprecated."""
    text = element.description or ""
    text = " ".join([text, *(each for each in more if each not in text)]).strip()
    reason = getattr(element, "deprecation_reason", None)
    text = " ".join(part for part in (text, f"Deprecated: {reason}" if reason else "") if part)
    return prose(text)


def needs(field: GraphQLField) -> Text:
    """Return the scopes that a field needs."""
    alternatives = (joined((Code(scope) for scope in required.scopes), " or ") for required in required_scopes(field))
    return joined(alternatives, " and ")


def fields(declared: Mapping[str, GraphQLField], sources: Mapping[str, Text] = _NOTHING) -> Iterator[Block]:
    """Yield the table of fields, with where they come from by their names."""
    rows = (
        (_name(name, field), (type_link(field.type),), meaning(field), sources.get(name, ()), needs(field))
        for name, field in declared.items()
    )
    return table(FIELD_HEAD, rows)


def arguments(declared: Mapping[str, GraphQLField], bounds: Mapping[str, str]) -> Iterator[Block]:
    """Yield the table of all arguments of some fields; `bounds` has what descriptions may lack, by `field.argument`."""
    rows = (
        (
            (Code(f"{name}({argument_name}:)"),),
            (type_link(argument.type),),
            _default(argument),
            meaning(argument, *filter(None, [bounds.get(f"{name}.{argument_name}")])),
        )
        for name, field in declared.items()
        for argument_name, argument in field.args.items()
    )
    return table(("argument", "type", "default", "meaning"), rows)


def inputs(
    declared: Mapping[str, GraphQLInputField], sources: Mapping[str, Text], scopes: Mapping[str, Text]
) -> Iterator[Block]:
    """Yield the table of an input's fields."""
    rows = (
        (
            _name(name, field),
            (type_link(field.type),),
            _default(field),
            meaning(field),
            sources.get(name, ()),
            scopes.get(name, ()),
        )
        for name, field in declared.items()
    )
    return table(("field", "type", "default", "meaning", "condition", "needs"), rows)


def values(
    declared: GraphQLEnumType, sources: Mapping[str, Text], source_head: str, scopes: Mapping[str, Text] = _NOTHING
) -> Iterator[Block]:
    """Yield the table of an enum's values."""
    rows = (
        (_name(name, value), meaning(value), sources.get(name, ()), scopes.get(name, ()))
        for name, value in declared.values.items()
    )
    return table(("value", "meaning", source_head, "needs"), rows)


def types(declared: Iterable[GraphQLNamedType]) -> Iterator[Block]:
    """Yield the table of types that have nothing but a description."""
    return table(("type", "meaning"), (((Code(each.name),), meaning(each)) for each in declared))


def _name(name: str, element: Any) -> Text:
    deprecated: tuple[Inline, ...] = (" (deprecated)",) if getattr(element, "deprecation_reason", None) else ()
    return (Code(name), *deprecated)


def _default(argument: GraphQLArgument | GraphQLInputField) -> Text:
    node = get_default_value_ast(argument)
    return (Code(print_ast(node)),) if node is not None else ()
