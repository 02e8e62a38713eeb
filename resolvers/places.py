"""Count the places of a response that an operation fills for each object, and how they are completed."""

import operator
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from graphql import GraphQLObjectType, GraphQLStreamDirective, get_named_type, get_nullable_type, is_list_type
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.execution.incremental.build_execution_plan import get_filtered_defer_usage_set


class Places(NamedTuple):
    """Places of the answer for one object, about."""

    leaves: float = 0
    """Values that are written by generated loops."""
    objects: float = 0
    """Objects that are put together by them."""
    edges: float = 0
    """Rows of a connection, each with a cursor, whether they are asked for or not."""
    alone: float = 0
    """Fields that are completed one by one: those beside or above what is denied or comes later."""
    denied: float = 0
    """Fields that the request may not read: each has an error."""
    introspected: float = 0
    """Fields of the schema's own description, which are completed one by one too, from what is in memory."""
    bytes: float = 0
    """Estimated size of all places as JSON."""
    fields: float = 0
    """Fields that are read from the selection, whatever the number of objects."""


NO_PLACES = Places()

_VALUE_BYTES = {"Int": 4, "Float": 18, "Boolean": 5, "Date": 12, "DateTime": 27}
_TEXT_BYTES = 12
"""Estimated bytes of any other leaf as JSON: codes, names, keys."""
_CURSOR_BYTES = 60
_PUNCTUATION = 4
"""Bytes of punctuation around a field (quotes, colon, comma) or an object (including its braces)."""


class Subfields(Protocol):
    """Returns the fields of an object that a request may read, and the number of denied ones."""

    def __call__(self, parent: GraphQLObjectType, group: FieldDetailsList) -> tuple[GroupedFieldSet, int]: ...


class PlaceCounter:
    """Counts the places of selection sets. `rows` says of lists of rows how long they are, by the field's identity."""

    def __init__(self, subfields: Subfields, rows: Mapping[int, float]) -> None:
        self._subfields = subfields
        self._rows = rows

    def of(self, parent: GraphQLObjectType, group: FieldDetailsList) -> Places:
        """Return the places of one object of the type with the field's selection set, itself among them."""
        return self._object(parent, group, 1, 1)[0]

    def _object(
        self, parent: GraphQLObjectType, group: FieldDetailsList, times: float, rows: float
    ) -> tuple[Places, bool]:
        """The places of so many objects, whose lists have so many rows, and whether fields are completed alone."""
        fields, denied = self._subfields(parent, group)
        result = Places(denied=denied * times, fields=len(fields), bytes=_PUNCTUATION * times)
        is_alone = denied > 0
        for key, below in fields.items():
            places, below_alone = self._field(parent, below, times, rows)
            result = add(result, places._replace(bytes=places.bytes + times * (len(key) + _PUNCTUATION)))
            is_alone = is_alone or below_alone or is_deferred(below, group) or is_streamed(below)
        own = Places(alone=times * (1 + len(fields))) if is_alone else Places(objects=times)
        return add(result, own), is_alone

    def _field(
        self, parent: GraphQLObjectType, group: FieldDetailsList, times: float, rows: float
    ) -> tuple[Places, bool]:
        name = group[0].node.name.value
        field = parent.fields.get(name)
        declared: Any = get_named_type(field.type) if field is not None else None  # __typename has no field
        if field is None or not isinstance(declared, GraphQLObjectType):
            size = _CURSOR_BYTES if name == "cursor" else _VALUE_BYTES.get(getattr(declared, "name", ""), _TEXT_BYTES)
            return Places(leaves=times, bytes=times * size), False
        own_rows = self._rows.get(id(group))
        if is_list_type(get_nullable_type(field.type)):
            return self._object(declared, group, times * rows * (1 if own_rows is None else own_rows), 1)
        if own_rows is None:
            return self._object(declared, group, times, 1)
        places, is_alone = self._object(declared, group, times, own_rows)
        return add(places, Places(edges=times * own_rows)), is_alone


def add(item: Places, other: Places) -> Places:
    """Return the sum of both."""
    return Places(*map(operator.add, item, other))


def is_deferred(group: FieldDetailsList, below: FieldDetailsList) -> bool:
    """Return whether a field is delivered later than its parent: all of its uses are in deferred fragments."""
    if any(item.defer_usage is None for item in group):
        return False
    return get_filtered_defer_usage_set(group) != get_filtered_defer_usage_set(below)


def is_streamed(details: FieldDetailsList) -> bool:
    """Return whether a field has @stream, active or not; as in graphql-core, the first use says so for all."""
    return any(item.name.value == GraphQLStreamDirective.name for item in details[0].node.directives or ())
