"""GraphQL types of leaves: the Python types that a schema's scalar map knows, and enums."""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any

import strawberry

from loaders.model.scalars import Scalar

if TYPE_CHECKING:
    from resolvers.type_registry import TypeRegistry


def leaf_type(scalar: Scalar, registry: TypeRegistry) -> Any:
    """Return the type that Strawberry finds a scalar by, in a schema with SCALAR_MAP, or the type of an enum."""
    if isinstance(scalar.python, type) and issubclass(scalar.python, Enum):
        return enum_type(scalar.python, registry)
    return scalar.python


def enum_type(enum: type[Enum], registry: TypeRegistry) -> Any:
    """Return the GraphQL type of a model's enum. Its values are the members' names, as texts."""
    return registry.once(enum.__name__, lambda: _enum(enum))


def make_enum(name: str, members: dict[str, str], description: str = "") -> Any:
    """Return a GraphQL enum of names with their descriptions."""
    make: Any = StrEnum
    made: Any = strawberry.enum(make(name, {member: member for member in members}), name=name, description=description)
    for value in made.__strawberry_definition__.values:
        value.description = members[value.name] or None
    return made


def _enum(enum: type[Enum]) -> Any:
    description = " ".join((vars(enum).get("__doc__") or "").split())
    return make_enum(enum.__name__, {member.name: "" for member in enum}, description)
