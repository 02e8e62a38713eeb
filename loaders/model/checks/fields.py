"""Fields: which words may stand in which class, and which type a word's field has."""

from __future__ import annotations

import inspect
import math
from typing import Any

from loaders.model.class_reader import DeclaredField
from loaders.model.classes import Filter, Group, Object, Order, Query, Section
from loaders.model.declaration import ModelDeclaration, ModelParts
from loaders.model.names import is_scope
from loaders.model.problems import Problems, suggestion
from loaders.model.scalars import NUMBERS
from loaders.model.shapes import Cardinality, ValueKind

_COLUMN = ""
"""A field without a word: a column of the object's table."""
_WORDS: dict[type, frozenset[str]] = {
    Object: frozenset(
        {_COLUMN, "key", "column", "computed", "one", "many", "first", "through", "section", "nested", "resolver"}
    ),
    Section: frozenset({"sql", "group_by", "percentile", "ratio", "one", "computed"}),
    Group: frozenset({"section"}),
    Filter: frozenset(
        {"equals", "one_of", "between", "at_least", "at_most", "less_than", "prefix", "present", "contains", "where"}
    ),
    Order: frozenset({"by"}),
    Query: frozenset({"by_key", "page", "current", "resolver"}),
}
_ONE = frozenset({Cardinality.ONE})
_ONE_OR_LIST = frozenset({Cardinality.ONE, Cardinality.LIST})
_LIST_OR_PAGE = frozenset({Cardinality.LIST, Cardinality.PAGE})
_SCALAR = frozenset({ValueKind.SCALAR})
_SHAPES: dict[str, tuple[frozenset[Cardinality], frozenset[ValueKind], str]] = {
    _COLUMN: (
        _ONE_OR_LIST,
        _SCALAR,
        "a scalar, or a list of scalars",
    ),
    "key": (_ONE, _SCALAR, "a scalar"),
    "column": (
        _ONE_OR_LIST,
        _SCALAR,
        "a scalar, or a list of scalars",
    ),
    "sql": (
        _ONE_OR_LIST,
        _SCALAR,
        "a scalar, or a list of scalars",
    ),
    "group_by": (_ONE, _SCALAR, "a scalar"),
    "percentile": (_ONE, _SCALAR, "a number, which may be null"),
    "ratio": (_ONE, _SCALAR, "float | None"),
    "one": (_ONE, frozenset({ValueKind.OBJECT}), "an object type, with | None"),
    "first": (_ONE, frozenset({ValueKind.OBJECT}), "an object type, with | None"),
    "many": (
        _LIST_OR_PAGE,
        frozenset({ValueKind.OBJECT}),
        "list[…] or m.Page[…] of an object type",
    ),
    "through": (
        _LIST_OR_PAGE,
        frozenset({ValueKind.OBJECT}),
        "list[…] or m.Page[…] of an object type",
    ),
    "section": (frozenset(Cardinality), frozenset({ValueKind.SECTION}), "a section, or list[…] or m.Page[…] of one"),
    "nested": (_ONE, frozenset({ValueKind.GROUP}), "a group"),
    "by_key": (
        _ONE_OR_LIST,
        frozenset({ValueKind.OBJECT, ValueKind.NODE}),
        "an object type or m.Node",
    ),
    "page": (frozenset({Cardinality.PAGE}), frozenset({ValueKind.OBJECT}), "m.Page[…] of an object type"),
    "current": (_ONE, frozenset({ValueKind.OBJECT}), "an object type"),
}
_WORD_FOR = {
    ValueKind.OBJECT: "m.one(…), m.first(…), m.many(…) or m.through(…)",
    ValueKind.SECTION: "m.section(…)",
    ValueKind.GROUP: "m.nested(…)",
    ValueKind.NODE: "m.by_key()",
}
_COLUMNS = frozenset({_COLUMN, "key", "column", "sql", "group_by", "percentile", "ratio"})
"""The words whose fields a computed field's function may have as parameters."""
_NULLABLE = frozenset({"one", "first", "percentile", "ratio", "by_key", "current"})
"""Words whose value may be missing whatever the author knows, so that the type has to say so."""


def check_fields(_model: ModelDeclaration, parts: ModelParts, problems: Problems) -> None:
    """Check that each word may stand in its class, that its field's type fits, and the arguments of single words."""
    for declared in parts.all_fields():
        kind = next(base for base in _WORDS if issubclass(declared.owner, base))
        name = declared.word_name
        if name not in _WORDS[kind]:
            _wrong_word(declared, kind, name, problems)
        elif declared.shape is not None:
            _check_shape(declared, name, problems)
        elif kind is not Order and name != "resolver" and "__annotations__" in vars(declared.owner):
            _check_annotated(declared, problems)
        _check_arguments(declared, name, parts, problems)


def _wrong_word(declared: DeclaredField, kind: type, name: str, problems: Problems) -> None:
    known = ", ".join(f"m.{word}" for word in sorted(_WORDS[kind] - {_COLUMN}))
    what = f"m.{name} is no word of m.{kind.__name__}" if name else f"a field of m.{kind.__name__} needs a word"
    problems.add(declared.place, declared.subject, f"{what}: it has {known}.")


def _check_annotated(declared: DeclaredField, problems: Problems) -> None:
    annotations = {name for body in declared.owner.__mro__ for name in vars(body).get("__annotations__", {})}
    if declared.name not in annotations:
        problems.add(declared.place, declared.subject, f"has no type: write {declared.name}: … = m.….")


def _check_shape(declared: DeclaredField, name: str, problems: Problems) -> None:
    shape = declared.shape
    if name not in _SHAPES or shape is None:
        return
    cardinalities, kinds, expected = _SHAPES[name]
    word = f"m.{name}" if name else "a column"
    if not name and shape.kind in _WORD_FOR:
        problems.add(
            declared.place, declared.subject, f"a field of type {shape} needs a word: {_WORD_FOR[shape.kind]}."
        )
        return
    if shape.cardinality not in cardinalities or shape.kind not in kinds:
        problems.add(declared.place, declared.subject, f"{word} is {expected}, and the annotation says {shape}.")
        return
    is_missing_none = name in _NULLABLE and not (shape.nullable or shape.items_nullable)
    if is_missing_none and not (name == "by_key" and shape.cardinality is Cardinality.LIST):
        problems.add(declared.place, declared.subject, f"{word} may have no value: write {shape} | None.")
    elif is_missing_none:
        item = getattr(shape.type, "__name__", "…")
        problems.add(declared.place, declared.subject, f"an id may be unknown: write list[{item} | None].")


def _check_arguments(declared: DeclaredField, name: str, parts: ModelParts, problems: Problems) -> None:
    if name == "percentile":
        level = declared.option("level")
        if not isinstance(level, int | float) or not 0 <= level <= 1:
            problems.add(declared.place, declared.subject, f"the level is a number from 0 to 1, and is {level!r}.")
    scalar = declared.shape.scalar if declared.shape is not None else None
    if scalar is not None and name == "percentile" and scalar.name not in NUMBERS:
        problems.add(
            declared.place, declared.subject, f"a percentile is a number, and the annotation says {scalar.name}."
        )
    if scalar is not None and name == "ratio" and scalar.name != "Float":
        problems.add(
            declared.place, declared.subject, f"a ratio is float | None, and the annotation says {scalar.name}."
        )
    if name in ("sql", "group_by", "percentile") and not str(declared.option("expression", "")).strip():
        problems.add(declared.place, declared.subject, "the SQL is empty.")
    if name == "computed":
        _check_computed(declared, parts, problems)
    points = declared.option("points", 1)
    if isinstance(points, bool) or not isinstance(points, int | float) or not 0 <= points < math.inf:
        problems.add(declared.place, declared.subject, f"points= is the price for one object, and is {points!r}.")
    _check_texts(declared, problems)
    deprecated = declared.option("deprecated", "")
    if not isinstance(deprecated, str):
        problems.add(declared.place, declared.subject, "deprecated= is the reason, in a sentence for the API's users.")


def _check_texts(declared: DeclaredField, problems: Problems) -> None:
    description: Any = declared.word.description if declared.word is not None else ""
    if not isinstance(description, str):
        problems.add(declared.place, declared.subject, f"a description is a text, and is {description!r}.")
    unit, scope = declared.option("unit", ""), declared.option("scope", "")
    if not isinstance(unit, str):
        problems.add(declared.place, declared.subject, f"unit= is a text, and is {unit!r}.")
    if not is_scope(scope):
        problems.add(declared.place, declared.subject, f"the scope {scope!r} is no text without spaces and quotes.")


def _check_computed(declared: DeclaredField, parts: ModelParts, problems: Problems) -> None:
    """Check that the function's parameters name columns of the same class, shown or not."""
    function = declared.option("function")
    if not callable(function):
        problems.add(declared.place, declared.subject, "m.computed takes a function.")
        return
    if inspect.iscoroutinefunction(function):
        problems.add(declared.place, declared.subject, "its function is async: what awaits something is m.resolver(…).")
    fields = parts.fields[declared.owner]
    known = {each.name for each in fields if each.word_name in _COLUMNS}
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        problems.add(declared.place, declared.subject, "its function does not say its parameters: write one with def.")
        return
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            problems.add(declared.place, declared.subject, f"its function takes *{parameter.name}: name the columns.")
        elif parameter.name not in known:
            hint = suggestion(parameter.name, known)
            message = f"its function asks for {parameter.name}, and {declared.owner.__name__} has no such column.{hint}"
            problems.add(declared.place, declared.subject, message)
