"""Columns and orders of sections: SQL of their fields in either store, and what they are over no rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from loaders.model.arguments import Pick
from loaders.model.bound_sections import BoundColumn, BoundSection, PickedOrder
from loaders.model.class_reader import DeclaredField
from loaders.model.databases import Kind
from loaders.model.list_binding import own_terms_of, terms_of
from loaders.model.model import SectionType
from loaders.model.order_terms import OrderTerm, with_tie_break
from loaders.model.references import Fragment, OwnField
from loaders.model.scalars import NUMBERS


def ordered_section(section: BoundSection, declared: SectionType, order: str | Pick) -> BoundSection:
    """Return a list with its order: over the columns of its rows, or over its own fields where rows are grouped."""
    scalars = {column.name: column.scalar for column in section.columns if not column.is_list}
    tie_break: tuple[OrderTerm, ...] = ()
    if section.is_row:
        written = {
            str(field.option("expression")): scalars[field.name] for field in declared.fields if field.name in scalars
        }
        known = {**scalars, **written}

        def terms(text: str) -> tuple[OrderTerm, ...]:
            return terms_of(text, section.database.kind, known)
    else:
        grouped = [column for column in section.columns if column.is_grouped]
        tie_break = tuple(OrderTerm(Fragment((OwnField(each.name),)), scalar=each.scalar) for each in grouped)

        def terms(text: str) -> tuple[OrderTerm, ...]:
            return own_terms_of(text, scalars)

    if isinstance(order, str):
        return replace(section, default_order=with_tie_break(terms(order), tie_break), tie_break=tie_break)
    picked = {member.name: with_tie_break(terms(sql), tie_break) for member, sql in order.sql.items()}
    default = picked[order.argument.default.name]
    return replace(
        section, default_order=default, tie_break=tie_break, picked_order=PickedOrder(order.argument, picked)
    )


def column_expression(field: DeclaredField, kind: Kind) -> Fragment:
    """Return the SQL of a section's field in the language of its store."""
    name = field.word_name
    is_postgres = kind is Kind.POSTGRES
    if name == "percentile":
        level, expression = field.option("level"), field.option("expression")
        if is_postgres:
            return Fragment.of(f"percentile_disc({level}) within group (order by {expression})")
        return Fragment.of(f"toFloat64(quantileExact({level})({expression}))")
    if name == "ratio":
        part, whole = field.option("part"), field.option("whole")
        return Fragment.of(
            f"({part})::float8 / nullif({whole}, 0)" if is_postgres else f"({part}) / nullIf({whole}, 0)"
        )
    return Fragment.of(str(field.option("column" if name == "one" else "expression")))


def empty_value(column: BoundColumn) -> Any:
    """Return a column's value over no rows: an empty list for a list, 0 for a number that cannot be null."""
    if column.is_list:
        return None if column.shape.nullable else []
    return None if column.shape.nullable else NUMBERS.get(column.scalar.name)
