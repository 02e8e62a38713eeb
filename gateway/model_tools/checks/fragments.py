"""SQL of sections, filters and orders over a table: the columns that it names are there, and sums fit their fields."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.model_tools.checks.sql_columns import named_columns
from gateway.model_tools.checks.tables import missing_column
from gateway.model_tools.warning_codes import WarningCode, warning
from loaders.catalog.column_types import column_type
from loaders.model.databases import Kind, Table
from loaders.model.places import place_of_class
from loaders.model.problems import Problem
from loaders.model.references import Fragment
from loaders.model.scalars import BIG_INTEGER, INTEGER
from loaders.model.shapes import ValueKind
from loaders.model.sql_words import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.model_tools.checks.known_model import KnownModel, Use
    from loaders.catalog.catalog import TableCatalog
    from loaders.model.class_reader import DeclaredField
    from loaders.model.model import SectionType

_SUM = re.compile(r"sum\(\s*(\w+)\s*\)", re.IGNORECASE | re.ASCII)
_COUNT = re.compile(r"count\(\s*\*?\s*\)", re.IGNORECASE)
_MAX_INT = 2**31 - 1


def check_fragments(known: KnownModel) -> Iterator[Problem]:
    """Yield names in SQL over a table that are no columns of it, and numbers that may pass 32 bits."""
    for use in known.uses():
        over, shape = use.section.over, use.field.shape
        if not isinstance(over, Table) or over not in known.tables or shape is None:
            continue
        if shape.kind is ValueKind.SECTION:
            yield from _section(known.model.sections[shape.type.__name__], over, known.tables[over])
        else:
            yield from _list(use, over, known)


def _section(section: SectionType, table: Table, catalog: TableCatalog) -> Iterator[Problem]:
    names = {field.name for field in section.fields}
    for name in _unknown(section.where, catalog, table):
        cls = section.fields[0].owner
        yield Problem(place_of_class(cls), section.name, f"where: {missing_column(table, name, catalog)}")
    for field in section.fields:
        for expression in field.expressions:
            for name in _unknown(expression, catalog, table):
                if name not in names:
                    yield Problem(field.place, field.subject, missing_column(table, name, catalog))
        yield from _size(field, table, catalog)


def _list(use: Use, table: Table, known: KnownModel) -> Iterator[Problem]:
    """Yield what is wrong with expressions of the filter and the order of a list of objects."""
    narrowed, order, catalog = use.field.option("filter"), use.field.option("order"), known.tables[table]
    fields = list(known.model.filters[narrowed.__name__].fields) if narrowed is not None else []
    fields += list(known.model.orders[order.__name__].fields) if isinstance(order, type) else []
    for field in fields:
        for expression in field.expressions:
            for name in _unknown(expression, catalog, table):
                yield Problem(field.place, field.subject, missing_column(table, name, catalog))


def _unknown(sql: str, catalog: TableCatalog, table: Table) -> Iterator[str]:
    columns = set(catalog.columns)
    if table.database.kind is Kind.POSTGRES:
        columns |= {name.lower() for name in columns}
    for name in named_columns(Fragment.of(str(sql)).shown(REFERENCE)):
        known_as = name.lower() if table.database.kind is Kind.POSTGRES else name
        if name not in columns and known_as not in columns:
            yield name


def _size(field: DeclaredField, table: Table, catalog: TableCatalog) -> Iterator[Problem]:
    """Yield a number of 32 bits that holds a sum of larger ones, or counts more rows than it can hold."""
    if field.shape is None or field.shape.scalar is not INTEGER or field.word_name != "sql":
        return
    expression = str(field.option("expression"))
    summed = _SUM.fullmatch(expression)
    column = catalog.columns.get(summed.group(1)) if summed is not None else None
    held = None if column is None else column_type(column, table.database.kind)
    if column is not None and held is not None and held.scalar is BIG_INTEGER:
        message = f"sums {column.name}, which is {column.type}, and Int has 32 bits: say m.BigInt."
        yield warning(field.place, field.subject, message, WarningCode.INT_OVERFLOW)
    elif _COUNT.fullmatch(expression) and (catalog.rows or 0) > _MAX_INT:
        message = f"counts rows of {table.name}, of which there are more than Int can hold: say m.BigInt."
        yield warning(field.place, field.subject, message, WarningCode.INT_OVERFLOW)
