"""Lists: orders, filters and bounds."""

from __future__ import annotations

from enum import Enum
from typing import Any

from loaders.model.arguments import Argument, Pick
from loaders.model.class_reader import DeclaredField
from loaders.model.classes import Filter, Order, options_of
from loaders.model.declaration import ModelDeclaration, ModelParts
from loaders.model.names import is_graphql_name
from loaders.model.order_terms import written_terms
from loaders.model.places import place_of_class
from loaders.model.problems import Problems, suggestion
from loaders.model.references import FilterValue, Fragment
from loaders.model.scalars import SCALARS
from loaders.model.shapes import Cardinality, ValueKind

_MAX_ROWS = 10_000
"""Rows of one list: more are read in pages, or exported."""


_OWN_ARGUMENTS = frozenset({"first", "after", "last", "before", "filter", "order", "period", "id", "ids"})


def check_lists(_model: ModelDeclaration, parts: ModelParts, problems: Problems) -> None:
    """Check bounds of lists, terms of orders, types of filters, arguments and picks."""
    for declared in parts.all_fields():
        _check_bounds(declared, problems)
        _check_order(declared, problems)
        _check_filter_type(declared, problems)
    for cls in parts.classes(Order):
        _check_default_order(cls, parts.fields[cls], problems)
    for argument in parts.arguments:
        _check_argument(argument, problems)
    for pick in parts.picks:
        _check_pick(pick, problems)


def _check_bounds(declared: DeclaredField, problems: Problems) -> None:
    first, maximum, usual = declared.option("first"), declared.option("max"), declared.option("usual", 0)
    if first is None or maximum is None:
        return
    if type(first) is not int or type(maximum) is not int or not 0 < first <= maximum <= _MAX_ROWS:
        message = f"first={first!r} and max={maximum!r}: rows are 1 to max, and max is at most {_MAX_ROWS:,}."
        problems.add(declared.place, declared.subject, message)
    if type(usual) is not int or usual < 0:
        message = f"usual={usual!r}: say about how many rows a busy object has, from 1, or leave it out."
        problems.add(declared.place, declared.subject, message)


def _check_order(declared: DeclaredField, problems: Problems) -> None:
    order, shape = declared.option("order"), declared.shape
    if shape is None or declared.word is None or "order" not in declared.word.options:
        return
    if declared.word.name == "page" and not isinstance(order, type):
        problems.add(declared.place, declared.subject, "order= of a page is a class derived from m.Order.")
        return
    if not isinstance(order, type | str | Pick):
        problems.add(
            declared.place, declared.subject, f"order= is a text, or a class derived from m.Order, and is {order!r}."
        )
        return
    if isinstance(order, type):
        if not issubclass(order, Order):
            problems.add(declared.place, declared.subject, f"order={order.__name__} is no class derived from m.Order.")
        elif shape.cardinality is Cardinality.ONE:
            problems.add(declared.place, declared.subject, "a link has one order: write it as a text.")
        return
    if shape.kind is ValueKind.OBJECT and isinstance(order, str) and not order.strip():
        problems.add(declared.place, declared.subject, "say order=…: without one, which rows come first is chance.")


def _check_default_order(cls: type, fields: list[DeclaredField], problems: Problems) -> None:
    default = options_of(cls).get("default")
    place = place_of_class(cls)
    if not isinstance(default, str) or not default.strip():
        problems.add(place, cls.__name__, 'default= is one of its members and a direction, such as "issued_at desc".')
        return
    names = {field.name for field in fields}
    for term in written_terms(default):
        if term.expression not in names:
            hint = suggestion(term.expression, names)
            problems.add(
                place, cls.__name__, f"the default is by {term.expression}, which is none of its members.{hint}"
            )
    for field in fields:
        if field.option("nulls", "last") not in ("first", "last", "never"):
            problems.add(
                field.place, field.subject, f'nulls= is "first", "last" or "never", and is {field.option("nulls")!r}.'
            )


def _check_filter_type(declared: DeclaredField, problems: Problems) -> None:
    filter_, shape = declared.option("filter"), declared.shape
    if filter_ is not None and not (isinstance(filter_, type) and issubclass(filter_, Filter)):
        problems.add(declared.place, declared.subject, "filter= is a class derived from m.Filter.")
    if not issubclass(declared.owner, Filter) or shape is None or declared.word is None:
        return
    name = declared.word.name
    if name == "where" and not _has_value(declared.option("sql")):
        problems.add(declared.place, declared.subject, "what the client gives is nowhere in the SQL: write {m.value}.")
    if shape.kind is not ValueKind.SCALAR or shape.cardinality is Cardinality.PAGE:
        problems.add(
            declared.place, declared.subject, f"a condition's value is a scalar, and the annotation says {shape}."
        )
    elif name == "present" and shape.type is not bool:
        problems.add(declared.place, declared.subject, f"m.present is a bool, and the annotation says {shape}.")
    elif name == "prefix" and shape.type is not str:
        problems.add(declared.place, declared.subject, f"m.prefix is a str, and the annotation says {shape}.")
    elif (shape.cardinality is Cardinality.LIST) != (name == "one_of") and name != "where":
        expected = "list[…]" if name == "one_of" else "one value"
        problems.add(declared.place, declared.subject, f"m.{name} takes {expected}, and the annotation says {shape}.")


def _check_argument(argument: Argument[Any], problems: Problems) -> None:
    if not isinstance(argument.name, str) or not is_graphql_name(argument.name):
        problems.add(argument.place, "argument", f"{argument.name!r} is no name of GraphQL.")
    elif argument.name in _OWN_ARGUMENTS:
        problems.add(argument.place, argument.name, "the gateway has an argument of this name: choose another.")
    _check_texts(argument, problems)
    kind = argument.type
    if kind is None:
        return
    if not isinstance(kind, type) or not (kind in SCALARS or issubclass(kind, Enum)):
        problems.add(argument.place, argument.name, f"its type is a scalar or an enum, and is {kind!r}.")
        return
    low, high = argument.bounds
    values = {"the default": argument.default, "min=": low, "max=": high}
    wrong = {what: value for what, value in values.items() if not _is_of(value, kind, optional=what != "the default")}
    for what, value in wrong.items():
        problems.add(argument.place, argument.name, f"{what} {value!r} is no {kind.__name__}.")
    if wrong:
        return
    if (low is not None and argument.default < low) or (high is not None and argument.default > high):
        problems.add(argument.place, argument.name, f"the default {argument.default!r} lies outside of its own bounds.")
    if low is not None and high is not None and low > high:
        problems.add(argument.place, argument.name, f"min={low!r} is greater than max={high!r}.")


def _check_texts(argument: Argument[Any], problems: Problems) -> None:
    texts: dict[str, Any] = {"a description": argument.description, "deprecated=": argument.deprecated}
    for what, text in texts.items():
        if not isinstance(text, str):
            problems.add(argument.place, str(argument.name), f"{what} is a text, and is {text!r}.")


def _is_of(value: object, kind: type, *, optional: bool) -> bool:
    """Return whether a value is of a type; in Python true is a whole number, and an instant a date."""
    if value is None:
        return optional
    return isinstance(value, kind) and (type(value) is kind or type(value) not in SCALARS)


def _has_value(sql: object) -> bool:
    references = Fragment.of(sql).references() if isinstance(sql, str) else []
    return any(isinstance(reference, FilterValue) for reference in references)


def _check_pick(pick: Pick, problems: Problems) -> None:
    kind = pick.argument.type
    if not isinstance(kind, type) or not issubclass(kind, Enum):
        problems.add(pick.place, pick.argument.name, "only an argument that is an enum picks SQL.")
        return
    missing = [member.name for member in kind if member not in pick.sql]
    if missing:
        problems.add(pick.place, pick.argument.name, f"picks no SQL for {', '.join(missing)} of {kind.__name__}.")
