"""The Strawberry types of one schema by name, so that types can refer to each other in circles."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import strawberry
from strawberry.types.base import StrawberryList, StrawberryOptional
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType


class TypeRegistry:
    """Types by their names in GraphQL."""

    def __init__(self) -> None:
        self._types: dict[str, Any] = {}

    def named(self, name: str) -> Any:
        """Return a reference to a type that may be made later."""
        return LateType(name, "", registry=self)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Return a reference to the type of this name, which is made when it is asked for first."""
        if name not in self._types:
            self._types[name] = None  # types that are made meanwhile may refer to it
            self._types[name] = make()
        return self.named(name)

    def __getitem__(self, name: str) -> Any:
        return self._types[name]

    def __iter__(self) -> Any:
        return iter(self._types.values())


@dataclass(frozen=True, eq=False)
class LateType(LazyType[Any, Any]):
    """A reference that Strawberry looks up when it builds the schema."""

    registry: TypeRegistry | None = None

    def resolve_type(self) -> Any:
        """Return the type."""
        return None if self.registry is None else self.registry[self.type_name]


def optional(declared: Any, *, nullable: bool = True) -> Any:
    """Return the nullable type, where it is to be one."""
    return StrawberryOptional(declared) if nullable else declared


def list_of(declared: Any, *, items_nullable: bool = False) -> Any:
    """Return a list's type."""
    return StrawberryList(optional(declared, nullable=items_nullable))


def make_type(
    name: str,
    fields: Sequence[StrawberryField],
    *,
    description: str = "",
    base: type | None = None,
    is_interface: bool = False,
    **attributes: Any,
) -> Any:
    """Return a Strawberry type with these fields; `attributes` are the class's own."""
    made = _make_class(name, fields, base, attributes)
    return strawberry.type(made, name=name, description=description or None, is_interface=is_interface)


def make_input(name: str, fields: Sequence[StrawberryField], *, description: str = "") -> Any:
    """Return a Strawberry input type, whose values reach resolvers as plain dictionaries by GraphQL name."""
    made: Any = strawberry.input(_make_class(name, fields, None, {}), name=name, description=description or None)
    made.__strawberry_definition__.from_input = lambda _type, value, _context: dict(value)
    return made


def _make_class(name: str, fields: Sequence[StrawberryField], base: type | None, attributes: dict[str, Any]) -> type:
    body = {field.python_name: field for field in fields}
    annotations = {field.python_name: field.type for field in fields}
    namespace = {**attributes, **body, "__annotations__": annotations}
    return types.new_class(name, (base,) if base else (), {}, lambda own: own.update(namespace))
