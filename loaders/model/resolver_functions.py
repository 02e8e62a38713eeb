"""Functions of a model that answer fields which cannot be declared: what they take, and what they cost."""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from loaders.model.shapes import Shape, ShapeError, shape_of

REQUIRED: Any = inspect.Parameter.empty
"""The default of an argument that has none."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """A viewer: the tenant as a value of Python, None in a model without tenants, and the scopes."""

    tenant: Any
    scopes: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class FunctionArgument:
    """A parameter of a function that clients give: its name in Python, its type, and its default or REQUIRED."""

    name: str
    shape: Shape
    default: Any


@dataclass(frozen=True, slots=True)
class ResolverFunction:
    """A function that answers a field.

    One of an object's field is called with all objects at once and answers a list with an item for each: its parameters
    that name `columns` get lists of these, in the same order. One of a root field is called once. `arguments` come from
    the client; `viewer` is the parameter that gets the viewer, empty where none does. It answers objects as references.
    `points` is the price for one object.
    """

    function: Callable[..., Any]
    columns: tuple[str, ...]
    arguments: tuple[FunctionArgument, ...]
    viewer: str
    points: float


_NO_MODULE = types.ModuleType("none")


class FunctionError(ValueError):
    """A function that cannot answer a field; the text says why and what to write."""


def resolver_function(
    function: Any, points: float, columns: frozenset[str], names: Mapping[str, Any]
) -> ResolverFunction:
    """Return a function with what it takes. Parameters are columns by name, the viewer by type, or arguments.

    Annotations are evaluated over `names` and those of the function's module. Raises FunctionError.
    """
    if not callable(function):
        raise FunctionError("m.resolver takes a function.")
    known = {**names, **vars(sys.modules.get(getattr(function, "__module__", ""), _NO_MODULE))}
    taken: list[str] = []
    arguments: list[FunctionArgument] = []
    viewer = ""
    for parameter in _parameters(function):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise FunctionError(f"its function takes {parameter}: name its parameters, none of them before a /.")
        if _is_viewer(parameter.annotation, known):
            viewer = parameter.name
        elif parameter.name in columns:
            taken.append(parameter.name)
        else:
            arguments.append(FunctionArgument(parameter.name, _shape(parameter, known), parameter.default))
    return ResolverFunction(function, tuple(taken), tuple(arguments), viewer, points)


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except ValueError as error:
        raise FunctionError("its function does not say its parameters: write one with def.") from error


def _is_viewer(annotation: Any, names: Mapping[str, Any]) -> bool:
    if not isinstance(annotation, str):
        return annotation is Viewer
    try:
        return eval(annotation, {}, dict(names)) is Viewer  # noqa: S307 (the author's own code)
    except Exception:  # no type, which is said where it is read as one
        return False


def _shape(parameter: inspect.Parameter, names: Mapping[str, Any]) -> Shape:
    if parameter.annotation is inspect.Parameter.empty:
        raise FunctionError(f"its parameter {parameter.name} is no column and has no type: write {parameter.name}: ….")
    try:
        shape = shape_of(parameter.annotation, names)
    except ShapeError as error:
        raise FunctionError(f"its parameter {parameter.name}: {error}") from error
    if shape.scalar is None:
        raise FunctionError(f"its parameter {parameter.name} is a {shape}: arguments are scalars, or lists of these.")
    return shape
