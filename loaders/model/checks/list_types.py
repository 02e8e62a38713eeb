"""Types in lists: conditions fit the columns that they compare, and cursors know what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from loaders.model.arguments import Pick
from loaders.model.class_reader import DeclaredField
from loaders.model.classes import Filter, Group, Object, Order, Query
from loaders.model.declaration import ModelDeclaration, ModelParts
from loaders.model.list_binding import column_in
from loaders.model.names import columns_in
from loaders.model.order_terms import written_terms
from loaders.model.problems import Problems
from loaders.model.shapes import Cardinality, Shape, ValueKind, scalar_of

Columns = Mapping[str, DeclaredField]
"""The fields of an object type that are columns of its table, by the column's name."""


def check_list_types(_model: ModelDeclaration, parts: ModelParts, problems: Problems) -> None:
    """Check the types of conditions and of orders against the columns of the types whose lists use them."""
    for declared, shape in _lists(parts):
        if shape.kind is ValueKind.OBJECT:
            columns = _columns(parts, shape.type)
            for condition in _fields(parts, declared.option("filter"), Filter):
                _check_condition(condition, columns, problems)
            _check_order(declared, shape, columns, parts, problems)
        elif shape.cardinality is Cardinality.PAGE:
            _check_section_order(declared, shape, parts, problems)
    for cls in parts.classes(Order):
        for member in parts.fields[cls]:
            kind = member.option("type")
            if kind is not None and not (isinstance(kind, type) and scalar_of(kind)):
                problems.add(member.place, member.subject, f"type= is a scalar or an enum, and is {kind!r}.")


def _lists(parts: ModelParts) -> Iterator[tuple[DeclaredField, Shape]]:
    """Yield the fields that are lists or pages of objects or sections."""
    for declared in parts.all_fields():
        is_field = issubclass(declared.owner, Object | Group | Query)
        if is_field and declared.shape is not None and declared.shape.cardinality is not Cardinality.ONE:
            yield declared, declared.shape


def _columns(parts: ModelParts, cls: type) -> Columns:
    columns: dict[str, DeclaredField] = {}
    for field in parts.fields.get(cls, ()):
        names = columns_in(field.column_text)
        if field.is_own_column and len(names) == 1 and field.shape is not None and field.shape.scalar is not None:
            columns[names[0]] = field
    return columns


def _fields(parts: ModelParts, cls: Any, base: type) -> list[DeclaredField]:
    is_one = isinstance(cls, type) and issubclass(cls, base)
    return parts.fields.get(cls, []) if is_one else []


def _check_condition(condition: DeclaredField, columns: Columns, problems: Problems) -> None:
    word, shape = condition.word, condition.shape
    if word is None or shape is None or shape.scalar is None or word.name in ("where", "present"):
        return
    (column, *_) = (*columns_in(word.options.get("column")), "")
    declared = columns.get(column)
    if declared is None or declared.shape is None or declared.shape.scalar is None:
        return
    is_array, takes_array = declared.shape.is_list, word.name == "contains"
    if is_array != takes_array:
        held = "an array" if is_array else "one value"
        message = f"m.{word.name} is for {'arrays' if takes_array else 'single values'}, and {declared.subject} has"
        problems.add(condition.place, condition.subject, f"{message} {held}.")
    elif shape.scalar.name != declared.shape.scalar.name:
        expected = declared.shape.scalar.python.__name__
        message = f"its values are {shape.scalar.name}, and those of {declared.subject} {declared.shape.scalar.name}"
        written = f"list[{expected}]" if shape.is_list else expected
        problems.add(condition.place, condition.subject, f"{message}: write {written}.")


def _check_order(
    declared: DeclaredField, shape: Shape, columns: Columns, parts: ModelParts, problems: Problems
) -> None:
    """Check that each term of a page's order has a type, and that a type that is said is that of the column."""
    order, is_page, target = declared.option("order"), shape.cardinality is Cardinality.PAGE, shape.type.__name__
    for member in _fields(parts, order, Order):
        expression, kind = str(member.option("expression", "")), member.option("type")
        column = columns.get(column_in(expression) or "")
        known = column.shape.scalar if column is not None and column.shape is not None else None
        if kind is None and known is None and is_page:
            message = f"cursors hold {expression}, and nothing says its type: say type=…, or declare the column on"
            problems.add(member.place, member.subject, f"{message} {target}.")
        scalar = scalar_of(kind) if isinstance(kind, type) else None
        if scalar is not None and known is not None and scalar.name != known.name and column is not None:
            message = f"type= says {scalar.name}, and {column.subject} is {known.name}: leave out type=."
            problems.add(member.place, member.subject, message)
    if isinstance(order, str) and is_page:
        unknown = [
            term.expression for term in written_terms(order) if (column_in(term.expression) or "") not in columns
        ]
        for expression in unknown:
            message = f"its cursors hold {expression}, and nothing says its type: declare the column on {target}, or"
            problems.add(declared.place, declared.subject, f"{message} order by a class derived from m.Order.")


def _check_section_order(declared: DeclaredField, shape: Shape, parts: ModelParts, problems: Problems) -> None:
    """Check that a page of a section's rows is ordered by fields of the section, whose types are known."""
    order = declared.option("order")
    fields = parts.fields.get(shape.type, [])
    is_grouped = any(field.word_name == "group_by" for field in fields)
    known = {field.name for field in fields} | (
        set() if is_grouped else {str(field.option("expression")) for field in fields}
    )
    for text in order.sql.values() if isinstance(order, Pick) else [order]:
        for term in written_terms(text) if isinstance(text, str) else ():
            if (column_in(term.expression) or term.expression) not in known | {f'"{name}"' for name in known}:
                message = f"its cursors hold {term.expression}, which is no field of {shape.type.__name__}: add one."
                problems.add(declared.place, declared.subject, message)
