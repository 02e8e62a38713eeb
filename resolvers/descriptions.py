"""A model's own words in the place of descriptions that the gateway writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from graphql import GraphQLEnumType, GraphQLSchema

from loaders.errors import GatewayError

_COORDINATE = re.compile(r"(\w+)(?:\.(\w+)(?:\((\w+):\))?)?", re.ASCII)


class DescriptionError(GatewayError):
    """A description of something that the schema does not have."""


def describe(schema: GraphQLSchema, descriptions: Mapping[str, str]) -> None:
    """Set descriptions by schema coordinate: `Type`, `Type.field`, `Type.field(argument:)`, `Enum.VALUE`.

    Raises DescriptionError for a coordinate that names nothing.
    """
    for coordinate, description in descriptions.items():
        _element(schema, coordinate).description = description


def _element(schema: GraphQLSchema, coordinate: str) -> Any:
    match = _COORDINATE.fullmatch(coordinate)
    type_name, member, argument = match.groups() if match is not None else ("", None, None)
    element: Any = schema.type_map.get(type_name)
    if member is not None and element is not None:
        members = element.values if isinstance(element, GraphQLEnumType) else getattr(element, "fields", {})
        element = members.get(member)
    if argument is not None and element is not None:
        element = getattr(element, "args", {}).get(argument)
    if element is None:
        raise DescriptionError(
            f"descriptions: {coordinate!r} names nothing of the schema: write Type, Type.field, Type.field(argument:)"
            " or Enum.VALUE."
        )
    return element
