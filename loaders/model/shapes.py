"""Shapes: what an annotation says of a field, one value or many, of which type, and whether it may be null."""

from __future__ import annotations

import builtins
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, ForwardRef, Union

from loaders.model.classes import Declared, Group, Node, Object, Page, Section
from loaders.model.problems import suggestion
from loaders.model.scalars import SCALARS, Scalar, enum_scalar
from loaders.model.words import Word


class Cardinality(Enum):
    """How many values a field has."""

    ONE = auto()
    LIST = auto()
    PAGE = auto()


class ValueKind(Enum):
    """The kinds of values that a field may have."""

    SCALAR = auto()
    OBJECT = auto()
    SECTION = auto()
    GROUP = auto()
    NODE = auto()


@dataclass(frozen=True, slots=True)
class Shape:
    """The parts of an annotation. `scalar` is None for other values than scalars; a list of these is an array."""

    cardinality: Cardinality
    kind: ValueKind
    type: Any
    nullable: bool = False
    items_nullable: bool = False
    scalar: Scalar | None = None

    @property
    def is_list(self) -> bool:
        """Whether the value is an array of scalars."""
        return self.kind is ValueKind.SCALAR and self.cardinality is Cardinality.LIST

    def to_python(self, values: Sequence[Any]) -> list[Any]:
        """Return canonical values as those that a model's own functions take, in order; None passes, and no scalars."""
        if self.scalar is None:
            return list(values)
        convert = self.scalar.to_python
        if self.is_list:
            return [value and [None if item is None else convert(item) for item in value] for value in values]
        return [None if value is None else convert(value) for value in values]

    def from_python(self, values: Sequence[Any]) -> list[Any]:
        """Return what a model's own function answered as canonical values, in order; None passes, and no scalars.

        A ScalarError stands in the place of a value that its scalar cannot represent.
        """
        if self.scalar is None:
            return list(values)
        return self.scalar.from_python_lists(values) if self.is_list else self.scalar.from_python(values)

    def __str__(self) -> str:
        name = getattr(self.type, "__name__", str(self.type))
        item = f"{name} | None" if self.items_nullable else name
        inner = {Cardinality.ONE: name, Cardinality.LIST: f"list[{item}]", Cardinality.PAGE: f"Page[{item}]"}[
            self.cardinality
        ]
        return f"{inner} | None" if self.nullable else inner


class ShapeError(ValueError):
    """An annotation that is no field's type; the text says why and what to write."""


def shape_of(annotation: Any, names: Mapping[str, Any]) -> Shape:
    """Return the shape of an annotation, a text or a type. Raises ShapeError."""
    inner, nullable = _without_none(_evaluated(annotation, names), names)
    origin, arguments = typing.get_origin(inner), typing.get_args(inner)
    if inner in (list, Page, typing.List):  # noqa: UP006 (as an author may write it)
        raise ShapeError(f"say of what: {'m.Page' if inner is Page else 'list'}[…].")
    if origin in (list, Page):
        item, items_nullable = _without_none(arguments[0], names)
        many = Cardinality.LIST if origin is list else Cardinality.PAGE
        of, scalar = _of(item)
        return Shape(many, of, item, nullable, items_nullable, scalar)
    of, scalar = _of(inner)
    return Shape(Cardinality.ONE, of, inner, nullable, scalar=scalar)


def scalar_of(type_: type) -> Scalar | None:
    """Return the scalar of a Python type; None for a type that has none."""
    return enum_scalar(type_) if issubclass(type_, Enum) else SCALARS.get(type_)


_SPELLINGS = {
    "Optional": " Write … | None.",
    "List": " Write list[…].",
    "Page": " Write m.Page[…].",
    "date": " Write dt.date, and import datetime as dt.",
    "datetime": " Write dt.datetime, and import datetime as dt.",
    "string": " Write str.",
    "Decimal": " Write from decimal import Decimal at the top of the file.",
    "UUID": " Write from uuid import UUID at the top of the file.",
    "JSON": " Write m.JSON.",
    "BigInt": " Write m.BigInt.",
}


def _evaluated(annotation: Any, names: Mapping[str, Any]) -> Any:
    """Return the type of an annotation, which is a text over the names of its module in files of models."""
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, {"__builtins__": builtins}, dict(names))  # noqa: S307 (the author's own code)
    except NameError as error:
        hint = _SPELLINGS.get(error.name or "") or suggestion(error.name or "", names)
        message = f"{annotation} names {error.name}, which is neither in the module nor among Model(types=…).{hint}"
        raise ShapeError(message) from error
    except Exception as error:
        known = dir(error.obj) if isinstance(error, AttributeError) and error.name else []
        hint = suggestion(error.name, known) if isinstance(error, AttributeError) and error.name else ""
        raise ShapeError(f"the annotation {annotation} cannot be evaluated: {error}.{hint}") from error


def _without_none(annotation: Any, names: Mapping[str, Any]) -> tuple[Any, bool]:
    annotation = _evaluated(annotation, names)
    if typing.get_origin(annotation) not in (Union, types.UnionType):
        return annotation, False
    members = [member for member in typing.get_args(annotation) if member is not types.NoneType]
    if len(members) != 1:
        raise ShapeError("a field has one type, and may be null beside it: a union of others is none.")
    return _evaluated(members[0], names), True


def _shown(inner: Any) -> str:
    if isinstance(inner, Word):
        return f"m.{inner.name}(…) stands behind =, and the type before it: a word"
    return f"the module {inner.__name__}" if isinstance(inner, types.ModuleType) else f"{inner}"


def _no_type(inner: Any) -> str:
    origin = typing.get_origin(inner)
    if origin is Page:
        return f"a page is a list by itself: write m.Page[{getattr(typing.get_args(inner)[0], '__name__', '…')}]."
    name = f"a list in a list, or {inner}," if origin is list else _shown(inner)
    hint = {dict: " Write m.JSON.", typing.Literal: " Write an Enum, whose values are the labels."}.get(origin, "")
    return f"{name} is no type of a field: it has a scalar, an object, a section or a group.{hint}"


def _of(inner: Any) -> tuple[ValueKind, Scalar | None]:
    if not isinstance(inner, type) or typing.get_origin(inner) is not None:
        raise ShapeError(_no_type(inner))
    for base, of in ((Object, ValueKind.OBJECT), (Section, ValueKind.SECTION), (Group, ValueKind.GROUP)):
        if issubclass(inner, base):
            return of, None
    if inner is Node:
        return ValueKind.NODE, None
    if issubclass(inner, Declared):
        raise ShapeError(f"{inner.__name__} is no type of a field: fields have scalars, objects, sections and groups.")
    scalar = scalar_of(inner)
    if scalar is None:
        known = ", ".join(sorted(each.__name__ for each in SCALARS))
        raise ShapeError(
            f"{inner.__name__} is no scalar: scalars are {known}, and enums.{' Write m.JSON.' if inner is dict else ''}"
        )
    return ValueKind.SCALAR, scalar
