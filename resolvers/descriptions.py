"""A model's own words in the place of descriptions that the gateway writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import GraphQLEnumType, GraphQLSchema

from loaders.model.places import Place
from loaders.model.problems import Problems, suggestion

_COORDINATE = re.compile(r"(\w+)(?:\.(\w+)(?:\((\w+):\))?)?", re.ASCII)


def describe(schema: GraphQLSchema, descriptions: Mapping[str, str], place: Place) -> None:
    """Set descriptions by schema coordinate: `Type`, `Type.field`, `Type.field(argument:)`, `Enum.VALUE`.

    Raises ModelError with the place of the model for coordinates that name nothing.
    """
    problems = Problems()
    for coordinate, description in descriptions.items():
        element = _element(schema, coordinate)
        if element is None:
            message = f"descriptions= has {coordinate!r}, which names nothing of the schema"
            close = suggestion(coordinate, _coordinates(schema))
            written = close or " Write Type, Type.field, Type.field(argument:) or Enum.VALUE."
            problems.add(place, "Model", f"{message}.{written}")
        else:
            element.description = description
    problems.raise_if_any()


def _coordinates(schema: GraphQLSchema) -> Iterator[str]:
    """Yield the coordinates of all that a schema has."""
    for name, declared in schema.type_map.items():
        yield name
        members = declared.values if isinstance(declared, GraphQLEnumType) else getattr(declared, "fields", {})
        for member, element in members.items():
            yield f"{name}.{member}"
            yield from (f"{name}.{member}({argument}:)" for argument in getattr(element, "args", {}))


def _element(schema: GraphQLSchema, coordinate: str) -> Any:
    match = _COORDINATE.fullmatch(coordinate)
    type_name, member, argument = match.groups() if match is not None else ("", None, None)
    element: Any = schema.type_map.get(type_name)
    if member is not None and element is not None:
        members = element.values if isinstance(element, GraphQLEnumType) else getattr(element, "fields", {})
        element = members.get(member)
    if argument is not None and element is not None:
        element = getattr(element, "args", {}).get(argument)
    return element
