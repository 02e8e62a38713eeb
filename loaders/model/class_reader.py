"""Classes of a model as lists of fields: names, places, shapes and words, not yet checked."""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loaders.model.classes import Declared, Filter, Group, Node, Object, Order, Page, Query, Section
from loaders.model.names import camel
from loaders.model.places import Place, place_of_attribute
from loaders.model.problems import Problems
from loaders.model.shapes import Shape, ShapeError, shape_of
from loaders.model.words import Word

_LANGUAGE = (Declared, Object, Section, Group, Filter, Order, Query, Node, Page)


@dataclass(frozen=True, slots=True)
class DeclaredField:
    """A field as it stands in its class. `shape` is None where the annotation is missing or wrong, which is noted."""

    owner: type[Declared]
    name: str
    place: Place
    shape: Shape | None
    word: Word | None

    @property
    def subject(self) -> str:
        """The field's name in messages."""
        return f"{self.owner.__name__}.{self.name}"

    @property
    def column_text(self) -> str:
        """The columns that its word names, as `column_names` reads them; the field's own name by default."""
        return self.option("column") or f'"{self.name}"'

    @property
    def word_name(self) -> str:
        """The name of its word; empty where it has none."""
        return self.word.name if self.word is not None else ""

    @property
    def is_key(self) -> bool:
        """Whether the field is a part of its object's key."""
        return self.word_name == "key"

    @property
    def is_own_column(self) -> bool:
        """Whether the field of an object is a column of its table that is no link."""
        return self.word_name in ("", "key", "column")

    @property
    def is_computed(self) -> bool:
        """Whether the field's value is computed in Python."""
        return self.word_name == "computed"

    @property
    def has_sql_link(self) -> bool:
        """Whether the field is a link whose key is computed in SQL, and not held by a column of the object's table."""
        return self.word_name == "one" and (not issubclass(self.owner, Object) or self.option("over") is not None)

    @property
    def expressions(self) -> list[Any]:
        """The SQL arguments of its word, except for orders. In an invalid model they may be other values."""
        values = self.word.options if self.word is not None else {}
        names = ("expression", "part", "whole", "sql", *(["column"] if self.has_sql_link else []))
        return [values[name] for name in names if name in values]

    @property
    def graphql_name(self) -> str:
        """The field's name in the API."""
        return camel(self.name)

    @property
    def description(self) -> str:
        """The author's description, with the unit."""
        if self.word is None:
            return ""
        unit = self.word.options.get("unit")
        return f"{self.word.description} Unit: {unit}.".lstrip() if unit else self.word.description

    def option(self, name: str, default: Any = None) -> Any:
        """Return an argument of the word, or `default` if the field has no word or the word no such argument."""
        return default if self.word is None else self.word.options.get(name, default)


def fields_of(cls: type[Declared], types: Mapping[str, Any], problems: Problems) -> list[DeclaredField]:
    """Return the fields of a class in the order of its body, those of its mixins first."""
    fields: dict[str, DeclaredField] = {}
    for body in bodies_of(cls):
        for field in _fields_of_body(cls, body, types, problems):
            fields[field.name] = field
    return list(fields.values())


def bodies_of(cls: type[Declared]) -> list[type]:
    """Return the classes whose bodies hold a class's fields: its mixins, and itself last."""
    return [body for body in reversed(cls.__mro__) if body not in (*_LANGUAGE, object) and body.__module__ != "typing"]


def _fields_of_body(
    cls: type[Declared], body: type, types: Mapping[str, Any], problems: Problems
) -> Iterator[DeclaredField]:
    annotations: dict[str, Any] = vars(body).get("__annotations__", {})
    names = {**types, **vars(sys.modules[body.__module__])}
    for name in [*annotations, *(name for name in vars(body) if name not in annotations)]:
        value = vars(body).get(name)
        is_declared = name in annotations or isinstance(value, Word)
        if name.startswith("_") and not is_declared:
            continue
        written = name.removeprefix(f"_{body.__name__.lstrip('_')}") if "__" in name else name
        place = value.place if isinstance(value, Word) else place_of_attribute(body, written)
        subject = f"{cls.__name__}.{written}"
        mistake = _mistake(name, value, is_declared=is_declared, has_value=name in vars(body))
        if mistake:
            problems.add(place, subject, mistake)
            continue
        word = value if isinstance(value, Word) else None
        yield DeclaredField(cls, name, place, _shape(annotations.get(name), names, place, subject, problems), word)


def _mistake(name: str, value: Any, *, is_declared: bool, has_value: bool) -> str:
    """Return what is wrong with an attribute of a class body, or an empty text."""
    if name.startswith("_"):
        return "a field's name begins with a letter: leave out the underscore."
    if not has_value or isinstance(value, Word):
        return ""
    if callable(value) and getattr(value, "__module__", "") == Word.__module__:
        return f"call the word: m.{value.__name__}(…)."
    if isinstance(value, tuple) and value and isinstance(value[0], Word):
        return "a comma stands behind the word: leave it out."
    if not is_declared:
        return "is no field: constants, functions and classes stand outside of the class."
    return f"{reprlib.repr(value)} is no word of the language: leave it out, or say m.column(…)."


def _shape(annotation: Any, names: Mapping[str, Any], place: Place, subject: str, problems: Problems) -> Shape | None:
    if annotation is None:
        return None
    try:
        return shape_of(annotation, names)
    except ShapeError as error:
        problems.add(place, subject, str(error))
        return None
