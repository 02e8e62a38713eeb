"""Arguments of fields: declared once, named in SQL, and where they are enums picking SQL by their value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from loaders.model.calls import noting
from loaders.model.databases import Value
from loaders.model.places import Place, calling_place
from loaders.model.references import Fragment, Reference

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Pick(Reference):
    """SQL that depends on an enum's value."""

    argument: Argument[Any]
    sql: Mapping[Any, str]
    place: Place

    @cached_property
    def fragments(self) -> Mapping[str, Fragment]:
        """The SQL by the name of the enum's member."""
        return {member.name: Fragment.of(sql) for member, sql in self.sql.items()}


class Argument(Reference, Generic[T]):
    """An argument of every field whose SQL names it."""

    mistakes: tuple[str, ...] = ()

    def __init__(
        self,
        name: str,
        type: type[T] | None,
        default: Any,
        bounds: tuple[Any, Any] = (None, None),
        description: str = "",
        deprecated: str = "",
    ) -> None:
        self.name = name
        self.type = type
        self.default = default
        self.bounds = bounds
        self.description = description
        self.deprecated = deprecated
        self.place = calling_place()

    def pick(self, sql: Mapping[T, str]) -> Pick:
        """Choose SQL by the argument, which is an enum: every member has its own."""
        return Pick(self, dict(sql), calling_place())


@noting("m.argument")
def argument(
    name: str,
    type: type[T],
    description: str = "",
    *,
    default: T,
    min: T | None = None,
    max: T | None = None,
    deprecated: str = "",
) -> Argument[T]:
    """Declare an argument with its default, and bounds for numbers and dates, both inclusive."""
    return Argument(name, type, default, (min, max), description, deprecated)


@noting("m.time_zone")
def time_zone(name: str, description: str = "", *, default: str | Value, deprecated: str = "") -> Argument[str]:
    """Declare an argument that is a time zone's name, such as Europe/Vienna; its default may be the tenant's own."""
    return Argument(name, None, default, description=description, deprecated=deprecated)
