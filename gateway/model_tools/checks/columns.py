"""Columns that fields of objects, filters and orders name: that they are there, and what becomes of their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model_tools.checks.column_values import can_meet, reading_problem
from gateway.model_tools.checks.tables import missing_column
from gateway.model_tools.warning_codes import WarningCode, warning
from loaders.model.filter_conditions import FilterOperator
from loaders.model.list_binding import column_in
from loaders.model.names import column_names
from loaders.model.problems import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.model_tools.checks.known_model import KnownModel
    from loaders.catalog.catalog import Column
    from loaders.model.class_reader import DeclaredField
    from loaders.model.databases import Table
    from loaders.model.model import ObjectType

_LISTS = ("many", "page", "through")
_WITHOUT_VALUE_OF_COLUMN = frozenset({FilterOperator.PRESENT.value, FilterOperator.WHERE.value})


def check_columns(known: KnownModel) -> Iterator[Problem]:
    """Yield what is wrong with the columns of objects, and of the filters and orders of their lists."""
    for object_type in known.model.objects.values():
        if object_type.table in known.tables:
            for field in object_type.fields:
                yield from _field(field, object_type, known)
    for use in known.uses():
        target = known.model.objects.get(use.section.target)
        if target is not None and use.field.word_name in _LISTS and target.table in known.tables:
            yield from _list(use.field, target.table, known)


def _field(field: DeclaredField, owner: ObjectType, known: KnownModel) -> Iterator[Problem]:
    if field.is_own_column and field.shape is not None and field.shape.scalar is not None:
        (name,) = column_names(field.column_text)
        column = known.tables[owner.table].columns.get(name)
        if column is None:
            yield _missing(field, name, owner.table, known)
        else:
            yield from _value(field, column, owner, known)
    elif field.word_name == "one" and not field.has_sql_link and field.shape is not None:
        key = known.model.objects[field.shape.type.__name__].key
        for name, scalar in zip(column_names(field.column_text), key.scalars, strict=True):
            column = known.tables[owner.table].columns.get(name)
            if column is None:
                yield _missing(field, name, owner.table, known)
            elif problem := reading_problem(column, scalar, owner.table.database, is_list=False):
                target = f"{field.shape.type.__name__}'s key is {scalar.name}"
                yield _reading(field, f"{name} {problem[1]} {target}.", problem[0])


def _reading(field: DeclaredField, message: str, severity: Severity) -> Problem:
    """Return that a field reads nothing of a column, or a part of it."""
    if severity is Severity.WARNING:
        return warning(field.place, field.subject, message, WarningCode.COLUMN_TYPE)
    return Problem(field.place, field.subject, message, severity)


def _value(field: DeclaredField, column: Column, owner: ObjectType, known: KnownModel) -> Iterator[Problem]:
    shape = field.shape
    if shape is None or shape.scalar is None:
        return
    catalog, database = known.tables[owner.table], owner.table.database
    problem = reading_problem(column, shape.scalar, database, is_list=shape.is_list)
    if problem is not None:
        yield _reading(field, f"{column.name} {problem[1]}", problem[0])
    elif column.is_nullable and not shape.nullable and not catalog.is_view and not field.is_key:
        message = f"{column.name} may be null in {owner.table.name}, and a null fails the object: say {shape} | None."
        yield warning(field.place, field.subject, message, WarningCode.NULLABLE_COLUMN)


def _list(field: DeclaredField, table: Table, known: KnownModel) -> Iterator[Problem]:
    narrowed, order = field.option("filter"), field.option("order")
    for condition in known.model.filters[narrowed.__name__].fields if narrowed is not None else ():
        yield from _condition(condition, table, known)
    if not isinstance(order, str):
        for member in known.model.orders[order.__name__].fields:
            name = column_in(str(member.option("expression")))
            if name is not None and name not in known.tables[table].columns:
                yield _missing(member, name, table, known)


def _condition(condition: DeclaredField, table: Table, known: KnownModel) -> Iterator[Problem]:
    if "column" not in (condition.word.options if condition.word is not None else {}):
        return
    (name,) = column_names(condition.column_text)
    column = known.tables[table].columns.get(name)
    shape = condition.shape
    if column is None:
        yield _missing(condition, name, table, known)
    elif condition.word_name not in _WITHOUT_VALUE_OF_COLUMN and shape is not None and shape.scalar is not None:
        kind = table.database.kind
        if not can_meet(column, shape.scalar, kind):
            message = f"{name} of {table.name} is {column.type}, which cannot be compared with {shape.scalar.name}."
            yield Problem(condition.place, condition.subject, message)


def _missing(field: DeclaredField, name: str, table: Table, known: KnownModel) -> Problem:
    return Problem(field.place, field.subject, missing_column(table, name, known.tables[table]))
