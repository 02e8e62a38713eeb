"""Lists: orders, filters and bounds."""

from __future__ import annotations

from typing import Any

from loaders.model.class_reader import DeclaredField
from loaders.model.classes import Filter, Order, options_of
from loaders.model.declaration import Model, Reached
from loaders.model.order_terms import order_terms
from loaders.model.places import place_of_class
from loaders.model.problems import Problems, suggestion
from loaders.model.shapes import Many, Of
from loaders.model.words import Argument

_MAX_ROWS = 10_000
"""Rows of one list: more are read in pages, or exported."""


def check_lists(_model: Model, reached: Reached, problems: Problems) -> None:
    """Bounds of lists, terms of orders, types of filters, defaults of arguments."""
    for declared in reached.all_fields():
        _check_bounds(declared, problems)
        _check_order(declared, problems)
        _check_filter_type(declared, problems)
    for cls in reached.classes(Order):
        _check_default_order(cls, reached.fields[cls], problems)
    for argument in reached.arguments:
        _check_argument(argument, problems)


def _check_bounds(declared: DeclaredField, problems: Problems) -> None:
    first, most = declared.given("first"), declared.given("max")
    if first is None or most is None:
        return
    if not isinstance(first, int) or not isinstance(most, int) or not 0 < first <= most <= _MAX_ROWS:
        message = f"first={first!r} and max={most!r}: rows are 1 to max, and max is at most {_MAX_ROWS:,}."
        problems.add(declared.place, declared.subject, message)


def _check_order(declared: DeclaredField, problems: Problems) -> None:
    order, shape = declared.given("order"), declared.shape
    if shape is None or order is None:
        return
    if isinstance(order, type):
        if not issubclass(order, Order):
            problems.add(declared.place, declared.subject, f"order={order.__name__} is no class derived from m.Order.")
        elif shape.many is Many.ONE:
            problems.add(declared.place, declared.subject, "a link has one order: write it as a text.")
        return
    if shape.of is Of.OBJECT and isinstance(order, str) and not order.strip():
        problems.add(declared.place, declared.subject, "say order=…: without one, which rows come first is chance.")


def _check_default_order(cls: type, fields: list[DeclaredField], problems: Problems) -> None:
    default = options_of(cls).get("default")
    place = place_of_class(cls)
    if not isinstance(default, str) or not default.strip():
        problems.add(place, cls.__name__, 'default= is one of its members and a direction, such as "issued_at desc".')
        return
    names = {one.name for one in fields}
    for term in order_terms(default):
        if term.expression not in names:
            hint = suggestion(term.expression, names)
            problems.add(
                place, cls.__name__, f"the default is by {term.expression}, which is none of its members.{hint}"
            )
    for one in fields:
        if one.given("nulls", "last") not in ("first", "last"):
            problems.add(one.place, one.subject, f'nulls= is "first" or "last", and is {one.given("nulls")!r}.')


def _check_filter_type(declared: DeclaredField, problems: Problems) -> None:
    filter_, shape = declared.given("filter"), declared.shape
    if filter_ is not None and not (isinstance(filter_, type) and issubclass(filter_, Filter)):
        problems.add(declared.place, declared.subject, "filter= is a class derived from m.Filter.")
    if not issubclass(declared.owner, Filter) or shape is None or declared.word is None:
        return
    name = declared.word.name
    if shape.of is not Of.SCALAR or shape.many is Many.PAGE:
        problems.add(
            declared.place, declared.subject, f"a condition's value is a scalar, and the annotation says {shape}."
        )
    elif name == "present" and shape.type is not bool:
        problems.add(declared.place, declared.subject, f"m.present is a bool, and the annotation says {shape}.")
    elif name == "prefix" and shape.type is not str:
        problems.add(declared.place, declared.subject, f"m.prefix is a str, and the annotation says {shape}.")
    elif (shape.many is Many.LIST) != (name == "one_of") and name != "where":
        expected = "list[…]" if name == "one_of" else "one value"
        problems.add(declared.place, declared.subject, f"m.{name} takes {expected}, and the annotation says {shape}.")


def _check_argument(argument: Argument[Any], problems: Problems) -> None:
    low, high = argument.bounds
    default = argument.default
    if argument.type is None:
        return
    if not isinstance(default, argument.type):
        message = f"the default {default!r} is no {argument.type.__name__}."
        problems.add(argument.place, argument.name, message)
        return
    if (low is not None and default < low) or (high is not None and default > high):
        problems.add(argument.place, argument.name, f"the default {default!r} lies outside of its own bounds.")
    if low is not None and high is not None and low > high:
        problems.add(argument.place, argument.name, f"min={low!r} is greater than max={high!r}.")
