"""The words of the language: the calls that stand on the right of a field in a model's class.

A word notes its place and its arguments and never fails: mistakes are found together when the model is compiled. Words
answer Any, since the annotation beside them is the field's type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from loaders.model.arguments import Pick
from loaders.model.calls import noting
from loaders.model.databases import Relation, Table
from loaders.model.places import Place, calling_place


@dataclass(frozen=True, slots=True)
class Word:
    """One use of a word: its name, its place, and what it was given."""

    name: str
    place: Place
    options: Mapping[str, Any]
    description: str = ""
    mistakes: tuple[str, ...] = ()
    """Mistakes in the options that it was called with."""


def _word(name: str, description: str = "", **options: Any) -> Any:
    return Word(name, calling_place(), options, description)


@noting("m.key")
def key(description: str = "", *, shown: bool = True, column: str = "", deprecated: str = "") -> Any:
    """Declare a part of the object's key. `shown=False` leaves the field out of the API; `id` still holds it."""
    return _word("key", description, shown=shown, column=column, deprecated=deprecated)


@noting("m.column")
def column(
    column: str = "",
    description: str = "",
    *,
    scope: str = "",
    unit: str = "",
    shown: bool = True,
    deprecated: str = "",
) -> Any:
    """Declare a column of the object's table, of the field's name unless `column` says another.

    `shown=False` leaves the field out of the API; functions still take the column.
    """
    return _word("column", description, column=column, scope=scope, unit=unit, shown=shown, deprecated=deprecated)


@noting("m.sql")
def sql(expression: str, description: str = "", *, unit: str = "", shown: bool = True, deprecated: str = "") -> Any:
    """Declare a value computed in SQL from the section's rows, or from each row in a list without `group_by`.

    `shown=False` leaves the field out of the API; functions and orders still take it.
    """
    return _word("sql", description, expression=expression, unit=unit, shown=shown, deprecated=deprecated)


@noting("m.group_by")
def group_by(
    expression: str, description: str = "", *, unit: str = "", shown: bool = True, deprecated: str = ""
) -> Any:
    """Group the rows of a list by an expression; the rows of a group become one. `shown` is as in `sql`."""
    return _word("group_by", description, expression=expression, unit=unit, shown=shown, deprecated=deprecated)


@noting("m.percentile")
def percentile(level: float, expression: str, description: str = "", *, unit: str = "", deprecated: str = "") -> Any:
    """Declare the value at a level from 0 to 1 in ascending order, one of those that are there."""
    return _word("percentile", description, level=level, expression=expression, unit=unit, deprecated=deprecated)


@noting("m.ratio")
def ratio(part: str, whole: str, description: str = "", *, deprecated: str = "") -> Any:
    """Declare a share: `part` over `whole`, null where `whole` is 0."""
    return _word("ratio", description, part=part, whole=whole, unit="share, 0 to 1", deprecated=deprecated)


@noting("m.computed")
def computed(function: Callable[..., Any], description: str = "", *, unit: str = "", deprecated: str = "") -> Any:
    """Declare a value computed in Python for all objects at once; the function's parameters name columns."""
    return _word("computed", description, function=function, unit=unit, deprecated=deprecated)


@noting("m.one")
def one(
    column: str,
    description: str = "",
    *,
    over: Table | Relation | None = None,
    by: str = "",
    readable_with: tuple[str, ...] = (),
    deprecated: str = "",
) -> Any:
    """Declare a link to one object, whose key `column` holds.

    In a section, `column` is SQL over its rows. With `over`, it is SQL over that table's rows of this object, whose key
    the column `by` holds; any one of the scopes `readable_with` is then enough to read it, beside those of the target,
    in the place of those of what it is computed from.
    """
    options = {"column": column, "over": over, "by": by, "readable_with": readable_with}
    return _word("one", description, **options, deprecated=deprecated)


@noting("m.many")
def many(
    column: str,
    description: str = "",
    *,
    order: Any,
    filter: type | None = None,
    first: int = 20,
    max: int = 200,
    usual: int = 0,
    deprecated: str = "",
) -> Any:
    """Declare a list, or a page, of the objects whose `column` holds this object's key.

    `usual` is about how many a busy object has, for the price of a query; without it, `first` counts.
    """
    options = {"column": column, "order": order, "filter": filter, "first": first, "max": max, "usual": usual}
    return _word("many", description, **options, deprecated=deprecated)


@noting("m.first")
def first(column: str, description: str = "", *, order: str, deprecated: str = "") -> Any:
    """Declare a link to the first of the objects whose `column` holds this object's key."""
    return _word("first", description, column=column, order=order, deprecated=deprecated)


@noting("m.through")
def through(
    relation: Table | Relation,
    mine: str,
    theirs: str,
    description: str = "",
    *,
    order: Any,
    filter: type | None = None,
    first: int = 20,
    max: int = 200,
    usual: int = 0,
    deprecated: str = "",
) -> Any:
    """Declare a list, or a page, of the objects that a relation joins to this one.

    `order` and `filter` are over the target's columns. `usual` is as in `many`.
    """
    options = {"relation": relation, "mine": mine, "theirs": theirs, "order": order, "filter": filter, "first": first}
    return _word("through", description, **options, max=max, usual=usual, deprecated=deprecated)


@noting("m.section")
def section(
    column: str,
    description: str = "",
    *,
    over: Table | Relation | None = None,
    order: str | Pick = "",
    first: int = 10,
    max: int = 1_000,
    usual: int = 0,
    period: bool = False,
    scope: str = "",
    required: bool = False,
    deprecated: str = "",
) -> Any:
    """Declare a section over the rows whose `column` holds this object's key.

    `over` is another table or relation than the section's own. `period` gives the field an argument of that name.
    Without `required`, the field is nullable: its statement may fail where the object's does not. `usual` is about how
    many rows a busy object has, for the price of a query; without it, `first` counts.
    """
    options = {
        "column": column,
        "over": over,
        "order": order,
        "first": first,
        "max": max,
        "usual": usual,
        "period": period,
        "scope": scope,
    }
    return _word("section", description, **options, required=required, deprecated=deprecated)


@noting("m.nested")
def nested(description: str = "", *, period: bool = False, scope: str = "", deprecated: str = "") -> Any:
    """Declare a group of sections. With `period` it has that argument, which applies to all of them."""
    return _word("nested", description, period=period, scope=scope, deprecated=deprecated)


@noting("m.by_key")
def by_key(column: str = "", description: str = "", *, argument: str = "", deprecated: str = "") -> Any:
    """Declare a root field that answers one object, or several, by the key or by a unique `column`."""
    return _word("by_key", description, column=column, argument=argument, deprecated=deprecated)


@noting("m.page")
def page(
    description: str = "",
    *,
    order: type,
    filter: type | None = None,
    first: int = 20,
    max: int = 1_000,
    deprecated: str = "",
) -> Any:
    """Declare a root field that answers all objects of the tenant, page by page."""
    return _word("page", description, order=order, filter=filter, first=first, max=max, deprecated=deprecated)


@noting("m.current")
def current(description: str = "", *, deprecated: str = "") -> Any:
    """Declare a root field that answers the tenant's own object, whose key is the viewer's claim."""
    return _word("current", description, deprecated=deprecated)


@noting("m.resolver")
def resolver(function: Callable[..., Any], description: str = "", *, points: float = 1, deprecated: str = "") -> Any:
    """Declare a field that a Python function answers; `points` is its price for one object.

    A function of an object's field is called for all objects at once: parameters that are named as columns get lists of
    their values, and it answers a list with an item for each object. Other parameters are the field's arguments, with a
    type and maybe a default; one of type `m.Viewer` gets the viewer. It may be async. It answers an object as
    `m.ref(Type, key)`.
    """
    return _word("resolver", description, function=function, points=points, deprecated=deprecated)


@noting("m.by")
def by(
    expression: str,
    description: str = "",
    *,
    type: type | None = None,
    nulls: str = "last",
    descending: bool = False,
    deprecated: str = "",
) -> Any:
    """Declare a member of an order: a column of the objects, or an expression over columns, which then says its type.

    `descending` is the direction where the client says none, and `nulls` where nulls stand in it, "first" or "last"; in
    the other direction they stand on the other side. `nulls` is "never" for an expression that is never null, such as
    `coalesce(seats, 0)`: an index of this expression then serves the order.
    """
    options = {"expression": expression, "type": type, "nulls": nulls, "descending": descending}
    return _word("by", description, **options, deprecated=deprecated)


@noting("m.equals")
def equals(column: str, description: str = "", *, deprecated: str = "") -> Any:
    """Declare the condition that the column has this value."""
    return _word("equals", description, column=column, deprecated=deprecated)


@noting("m.one_of")
def one_of(column: str, description: str = "", *, deprecated: str = "") -> Any:
    """Declare the condition that the column has one of these values."""
    return _word("one_of", description, column=column, deprecated=deprecated)


@noting("m.between")
def between(column: str, description: str = "", *, deprecated: str = "") -> Any:
    """Declare the condition that the column lies in a range, both ends inclusive, an absent end open."""
    return _word("between", description, column=column, deprecated=deprecated)


@noting("m.at_least")
def at_least(column: str, description: str = "", *, deprecated: str = "") -> Any:
    """Declare the condition that the column has this value or a greater one."""
    return _word("at_least", description, column=column, deprecated=deprecated)


@noting("m.at_most")
def at_most(column: str, description: str = "", *, deprecated: str = "") -> Any:
    """Declare the condition that the column has this value or a smaller one."""
    return _word("at_most", description, column=column, deprecated=deprecated)


@noting("m.less_than")
def less_than(column: str, description: str = "", *, deprecated: str = "") -> Any:
    """Declare the condition that the column has a smaller value."""
    return _word("less_than", description, column=column, deprecated=deprecated)


@noting("m.prefix")
def prefix(column: str, description: str = "", *, deprecated: str = "") -> Any:
    """Declare the condition that the text begins with this one."""
    return _word("prefix", description, column=column, deprecated=deprecated)


@noting("m.present")
def present(column: str, description: str = "", *, deprecated: str = "") -> Any:
    """Declare the condition that the column is not null where true is given, and null where false is."""
    return _word("present", description, column=column, deprecated=deprecated)


@noting("m.contains")
def contains(column: str, description: str = "", *, deprecated: str = "") -> Any:
    """Declare the condition that the array has this value among its own."""
    return _word("contains", description, column=column, deprecated=deprecated)


@noting("m.where")
def where(sql: str, description: str = "", *, deprecated: str = "") -> Any:
    """A condition in SQL, in which `{value}` stands for what the client gave."""
    return _word("where", description, sql=sql, deprecated=deprecated)
