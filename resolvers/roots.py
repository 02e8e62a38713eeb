"""Root fields as data: what each is for, and from which section it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

from loaders.model.bound_sections import BoundSection
from loaders.model.class_reader import DeclaredField
from loaders.model.model import Model
from loaders.model.names import camel, column_names
from loaders.model.shapes import Cardinality, ValueKind

ROOT_PATH = "Query"
"""The first part of the names of sections that root fields are answered from."""


class RootKind(Enum):
    """The argument that a root field is asked with."""

    KEY = auto()
    UNIQUE = auto()
    """By a column that no two objects have the same value in."""
    NODE = auto()
    PAGE = auto()
    CURRENT = auto()
    """The tenant's own object."""
    RESOLVER = auto()


@dataclass(frozen=True, slots=True)
class Root:
    """A root field: its kind, whether it takes several keys, and the objects that it answers.

    `section` answers look-ups and pages; the keys of other root fields are those of the objects. `argument` is the name
    of the one that takes keys; those of several columns are texts, as an object's id would be.
    """

    field: DeclaredField
    kind: RootKind
    is_list: bool
    object_type: str = ""
    section: BoundSection | None = None
    argument: str = ""
    columns: tuple[str, ...] = ()
    """The arguments of a look-up by several columns, one for each."""

    @property
    def function_name(self) -> str:
        """The name of the function that answers the field, among the model's functions."""
        return self.field.subject

    @property
    def name(self) -> str:
        """The field's name in the API."""
        return camel(self.field.name)

    def texts(self, arguments: Mapping[str, Any]) -> list[Any]:
        """Return the ids or values that the arguments list, as they were given; of several columns tuples."""
        if self.columns:
            return [tuple(arguments[name] for name in self.columns)]
        if not self.argument:
            return []
        value = arguments[self.argument]
        return list(value) if self.is_list else [value]


def roots_of(model: Model) -> Mapping[str, Root]:
    """Return the root fields by their names in the API, in order."""
    roots = (_root(model, field) for field in model.roots)
    return MappingProxyType({root.name: root for root in roots})


def _root(model: Model, field: DeclaredField) -> Root:
    word, shape = field.word, field.shape
    name = word.name if word is not None else ""
    is_list = shape is not None and shape.cardinality is Cardinality.LIST
    target = shape.type.__name__ if shape is not None and shape.kind is ValueKind.OBJECT else ""
    section = model.bound_sections.get(f"{ROOT_PATH}.{field.name}")
    argument = field.option("argument")
    if name == "page":
        return Root(field, RootKind.PAGE, is_list, target, section)
    if name == "current":
        return Root(field, RootKind.CURRENT, is_list, target)
    if name == "resolver" or shape is None:
        return Root(field, RootKind.RESOLVER, is_list, target)
    if shape.kind is ValueKind.NODE:
        return Root(field, RootKind.NODE, is_list, argument=argument or ("ids" if is_list else "id"))
    if field.option("column"):
        columns = tuple(map(camel, column_names(field.option("column"))))
        if len(columns) > 1 and not is_list:
            return Root(field, RootKind.UNIQUE, is_list, target, section, columns=columns)
        default = "keys" if len(columns) > 1 else f"{columns[0]}s" if is_list else columns[0]
        return Root(field, RootKind.UNIQUE, is_list, target, section, argument or default)
    return Root(field, RootKind.KEY, is_list, target, argument=argument or ("ids" if is_list else "id"))
