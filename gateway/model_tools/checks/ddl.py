"""DDL to be copied: indexes of PostgreSQL and projections of ClickHouse, with names in quotes where they need them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from loaders.model.databases import Kind
from loaders.model.names import columns_in, quoted_name
from loaders.statements.request_shape import never_null

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loaders.model.bound_sections import BoundSection
    from loaders.model.databases import Table
    from loaders.model.order_terms import OrderTerm

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)
_RESERVED_TEXT = """
all analyse analyze and any array as asc asymmetric authorization both case cast check collate collation column
concurrently constraint create cross current_catalog current_date current_role current_schema current_time
current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze
from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
returning right select session_user similar some symmetric system_user table tablesample then to trailing true union
unique user using variadic verbose when where window with
"""
_RESERVED = frozenset(_RESERVED_TEXT.split())


def ddl_name(column: str, kind: Kind = Kind.POSTGRES) -> str:
    """Return a column's name as DDL takes it."""
    is_plain = _PLAIN.fullmatch(column) is not None and column not in _RESERVED
    return column if is_plain else quoted_name(column, kind)


def create_index(table: Table, terms: Iterable[str], method: str = "") -> str:
    """Return the statement that makes an index of terms, each once, while the table is in use; empty without a term.

    `method` is the kind of index, where it is not PostgreSQL's usual one.
    """
    unique, using = ", ".join(dict.fromkeys(terms)), f"using {method} " if method else ""
    return f"create index concurrently on {table.name} {using}({unique});" if unique else ""


def prefix_term(column: str) -> str:
    """Return a column of an index that leads to the texts with a prefix, whatever the collation of the database is."""
    return f"{ddl_name(column)} text_pattern_ops"


def add_projection(table_name: str, columns: Sequence[str]) -> str:
    """Return the statements that add a copy of a table's rows in another order, which ClickHouse chooses by itself."""
    names = ", ".join(ddl_name(column, Kind.CLICKHOUSE) for column in columns)
    projection = ddl_name("_".join(["by", *columns]), Kind.CLICKHOUSE)
    return (
        f"alter table {table_name} add projection {projection} (select * order by {names});\n"
        f"alter table {table_name} materialize projection {projection};"
    )


def order_terms(section: BoundSection, terms: Iterable[OrderTerm]) -> list[str]:
    """Return an order as an index has it: where a term may be null, nulls stand as in the statement."""
    return [_order_term(section, each) for each in terms]


def _order_term(section: BoundSection, term: OrderTerm) -> str:
    expression = term.expression.shown()
    names = columns_in(expression)
    text = ddl_name(names[0]) if len(names) == 1 else f"({expression})"
    if never_null(section, term):
        return f"{text} desc" if term.is_descending else text
    return f"{text}{term.suffix.removeprefix(' asc').removesuffix(' nulls last' if not term.is_descending else '')}"
