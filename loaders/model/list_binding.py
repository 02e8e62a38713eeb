"""Binding lists: orders, tie-breaks and filters of a list, with the scalar and the scopes of each."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from loaders.model.class_reader import DeclaredField
from loaders.model.column_scopes import ColumnScopes, touched_scopes
from loaders.model.databases import Kind, Table
from loaders.model.filter_conditions import FilterCondition, FilterOperator
from loaders.model.names import column_names, quoted_name
from loaders.model.order_terms import OrderMember, OrderTerm, written_terms
from loaders.model.references import Fragment, OwnField, Reference
from loaders.model.scalars import Scalar
from loaders.model.shapes import scalar_of
from loaders.model.sql_words import words

_PLAIN = re.compile(r'[a-z_][a-z0-9_]*|"(?:[^"\\]|"")+"', re.ASCII)


def column_in(expression: str) -> str | None:
    """Return the column that an expression is; None where it is anything else."""
    return column_names(expression)[0] if _PLAIN.fullmatch(expression) else None


def expression_of(expression: str, kind: Kind) -> Fragment:
    """Return the fragment of an expression over rows; a column stands in quotes, so that it is written in one way."""
    column = column_in(expression)
    return Fragment((quoted_name(column, kind),)) if column is not None else Fragment.of(expression)


def over_own_fields(expression: str, names: Collection[str]) -> Fragment:
    """Return the fragment of an expression over a section's own fields, of which some may stand in it by name."""
    parts: list[str | Reference] = []
    end = 0
    for word in words(expression):
        if word.kind == "name" and word.text in names:
            parts += [*Fragment.of(expression[end : word.offset]).parts, OwnField(word.text)]
            end = word.offset + len(word.text)
    return Fragment((*parts, *Fragment.of(expression[end:]).parts))


def terms_of(order: str, kind: Kind, scalars: Mapping[str, Scalar]) -> tuple[OrderTerm, ...]:
    """Return the terms of an order over columns; `scalars` are those of columns whose type is declared."""
    return tuple(
        OrderTerm(
            expression_of(term.expression, kind),
            term.is_descending,
            term.nulls == "first",
            scalars.get(column_in(term.expression) or term.expression),
        )
        for term in written_terms(order)
    )


def own_terms_of(order: str, scalars: Mapping[str, Scalar]) -> tuple[OrderTerm, ...]:
    """Return the terms of an order over a section's own fields, whose scalars are given by name."""
    return tuple(
        OrderTerm(
            over_own_fields(term.expression, scalars),
            term.is_descending,
            term.nulls == "first",
            scalars.get(term.expression),
        )
        for term in written_terms(order)
    )


def order_members(
    fields: Iterable[DeclaredField], table: Table, scalars: Mapping[str, Scalar], scopes: ColumnScopes
) -> Mapping[str, OrderMember]:
    """Return the members of an order over a table's columns, by name."""
    return MappingProxyType({field.name: _member(field, table, scalars, scopes) for field in fields})


def _member(field: DeclaredField, table: Table, scalars: Mapping[str, Scalar], scopes: ColumnScopes) -> OrderMember:
    written, kind = str(field.option("expression")), field.option("type")
    expression = expression_of(written, table.database.kind)
    scalar = scalars.get(column_in(written) or "") if kind is None else scalar_of(kind)
    return OrderMember(
        field.name,
        expression,
        scalar,
        is_descending=bool(field.option("descending")),
        nulls_first=field.option("nulls") == "first",
        scopes=touched_scopes([expression], [table], scopes),
        is_never_null=field.option("nulls") == "never",
    )


def default_terms(default: str, members: Mapping[str, OrderMember]) -> tuple[OrderTerm, ...]:
    """Return the terms of an order's default; what it does not say is the member's own."""
    return tuple(
        members[term.expression].term(
            is_descending=term.is_descending or None, nulls_first=term.nulls == "first" if term.nulls else None
        )
        for term in written_terms(default)
    )


def filter_conditions(
    fields: Iterable[DeclaredField], table: Table, scopes: ColumnScopes
) -> Mapping[str, FilterCondition]:
    """Return the conditions of a filter over a table's columns, by the names of their fields."""
    return MappingProxyType({field.name: condition for field, condition in _conditions(fields, table, scopes)})


def _conditions(
    fields: Iterable[DeclaredField], table: Table, scopes: ColumnScopes
) -> Iterator[tuple[DeclaredField, FilterCondition]]:
    for field in fields:
        if field.word is None or field.shape is None or field.shape.scalar is None:
            raise TypeError(field.subject)
        operator = FilterOperator(field.word.name)
        sql = _condition(field.word.options, operator, table.database.kind)
        touched = touched_scopes([sql], [table], scopes)
        yield field, FilterCondition(field.name, operator, sql, field.shape.scalar, field.shape.is_list, touched)


def _condition(value: Mapping[str, Any], operator: FilterOperator, kind: Kind) -> Fragment:
    if operator is FilterOperator.WHERE:
        return Fragment(("(", *Fragment.of(value["sql"]).parts, ")"))
    (column,) = column_names(value["column"])
    return Fragment((quoted_name(column, kind),))
