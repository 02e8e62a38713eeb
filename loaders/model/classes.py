"""The classes that a model's own classes derive from. Options are class arguments: a body holds fields alone."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

from loaders.model.calls import noting_in
from loaders.model.databases import Relation, Table

T = TypeVar("T")


class Declared:
    """The root of everything that a model declares by a class."""

    _fuseway_options: ClassVar[dict[str, Any]] = {}
    _fuseway_mistakes: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        cls._fuseway_options = options


@noting_in("__init_subclass__")
class Object(Declared):
    """An object type: each row of its table is an object, known by its key.

    Any one of the scopes `readable_with` is enough to learn that an object exists and to read its own columns that have
    no scope of their own; without it, the table's scope is needed.
    """

    def __init_subclass__(cls, *, table: Table, readable_with: tuple[str, ...] = ()) -> None:
        super().__init_subclass__(table=table, readable_with=readable_with)


@noting_in("__init_subclass__")
class Section(Declared):
    """A section type: SQL over rows of a table or a relation that belong to one object.

    Its fields are aggregates of these rows. With `single`, an object has at most one row, whose values they are.
    """

    def __init_subclass__(cls, *, over: Table | Relation, where: str = "", single: bool = False) -> None:
        super().__init_subclass__(over=over, where=where, single=single)


@noting_in("__init_subclass__")
class Group(Declared):
    """A type that holds sections of an object, so that they have a place of their own in the API."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()


@noting_in("__init_subclass__")
class Filter(Declared):
    """An input type: conditions on a list, of which all that are given hold."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()


@noting_in("__init_subclass__")
class Order(Declared):
    """An enum of what a list can be ordered by."""

    def __init_subclass__(cls, *, default: str) -> None:
        super().__init_subclass__(default=default)


@noting_in("__init_subclass__")
class Query(Declared):
    """The ways in."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()


class Node:
    """The interface of all object types."""


class Page(Generic[T]):
    """A Relay connection of objects or rows."""


def options_of(cls: type[Declared]) -> dict[str, Any]:
    """Return the class arguments of a declaration."""
    return cls._fuseway_options


def mistakes_of(cls: type[Declared]) -> tuple[str, ...]:
    """Return what is wrong with the class arguments of a declaration."""
    return cls._fuseway_mistakes
