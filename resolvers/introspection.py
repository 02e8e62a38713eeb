"""Count the places of the answer that an introspection fills: each of them is completed by itself."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from graphql import GraphQLObjectType, SchemaMetaFieldDef, TypeMetaFieldDef, get_named_type, is_wrapping_type

from resolvers.places import Places

if TYPE_CHECKING:
    from graphql import GraphQLField, GraphQLSchema
    from graphql.execution.collect_fields import FieldDetailsList

    from resolvers.field_collector import FieldCollector

INTROSPECTION: dict[str, GraphQLField] = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}
"""The fields that ask for the schema."""

_Elements = dict[object, tuple[Any, int]]
"""Types, fields and so on, by what tells them apart: each with how often it is met."""


def introspection_places(schema: GraphQLSchema, reader: FieldCollector, group: FieldDetailsList) -> Places:
    """Return the places that the field's answer will have, counted on the schema itself.

    Elements that are met more than once are counted at once, so that it takes far less than answering.
    """
    field = INTROSPECTION[group[0].node.name.value]
    asked: Any = schema
    if field is TypeMetaFieldDef:
        asked = schema.get_type(str(reader.arguments_of(field, group).get("name")))
    return _Counting(schema, reader).of(field, group, _merged([(asked, 1)]))


class _Counting:
    def __init__(self, schema: GraphQLSchema, reader: FieldCollector) -> None:
        self._info: Any = SimpleNamespace(schema=schema)  # all that the resolvers of these types look at
        self._reader = reader

    def of(self, field: GraphQLField, group: FieldDetailsList, elements: _Elements) -> Places:
        """Return the places of a field's answers."""
        parent = get_named_type(field.type)
        if not isinstance(parent, GraphQLObjectType):
            return Places()
        fields, _ = self._reader.subfields(parent, group)
        times = sum(count for _, count in elements.values())
        filled, read = times * (1 + len(fields)), len(fields)
        for below in fields.values():
            declared = parent.fields.get(below[0].node.name.value)
            if declared is not None and elements:
                places = self.of(declared, below, self._answers(declared, below, elements))
                filled, read = filled + round(places.introspected), read + round(places.fields)
        return Places(introspected=filled, fields=read)

    def _answers(self, field: GraphQLField, group: FieldDetailsList, elements: _Elements) -> _Elements:
        """Return the field's answers of each element; nothing where the field is a leaf."""
        if field.resolve is None or not isinstance(get_named_type(field.type), GraphQLObjectType):
            return {}
        arguments = self._reader.arguments_of(field, group)
        answers = [(field.resolve(item, self._info, **arguments), count) for item, count in elements.values()]
        is_list = any(isinstance(answer, Iterable) for answer, _ in answers)
        return _merged(
            (item, count) for answer, count in answers for item in ((answer or ()) if is_list else (answer,))
        )


def _merged(result: Iterable[tuple[Any, int]]) -> _Elements:
    elements: _Elements = {}
    for item, count in result:
        if item is not None:
            key = str(item) if is_wrapping_type(item) else id(item)
            elements[key] = (item, count + elements.get(key, (item, 0))[1])
    return elements
