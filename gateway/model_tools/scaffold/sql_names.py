"""Names of columns and tables in the texts of a model: as they are, or in double quotes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gateway.model_tools.scaffold.choices import TableId
from loaders.model.databases import Kind

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_LOWER = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)
_SQL_WORDS = frozenset(
    {
        "all",
        "and",
        "any",
        "array",
        "as",
        "asc",
        "between",
        "by",
        "case",
        "cast",
        "cross",
        "date",
        "desc",
        "distinct",
        "else",
        "end",
        "exists",
        "extract",
        "false",
        "final",
        "from",
        "full",
        "global",
        "group",
        "having",
        "if",
        "ilike",
        "in",
        "inner",
        "interval",
        "into",
        "is",
        "join",
        "key",
        "left",
        "like",
        "limit",
        "not",
        "null",
        "offset",
        "on",
        "or",
        "order",
        "outer",
        "over",
        "partition",
        "prewhere",
        "right",
        "sample",
        "select",
        "set",
        "settings",
        "table",
        "then",
        "timestamp",
        "to",
        "top",
        "totals",
        "true",
        "union",
        "using",
        "values",
        "when",
        "where",
        "window",
        "with",
    }
)
"""Names that mean something else in an expression."""


def named(column: str) -> str:
    """Return a column as a word's `column` names it."""
    return column if _PLAIN.fullmatch(column) else _quoted(column)


def named_all(columns: Iterable[str]) -> str:
    """Return several columns as a word names them."""
    return ", ".join(map(named, columns))


def term(column: str) -> str:
    """Return a column as a term of an order, or as the expression of `m.by`."""
    return column if _LOWER.fullmatch(column) else _quoted(column)


def expression(column: str) -> str:
    """Return a column of ClickHouse inside of an expression."""
    return column if _PLAIN.fullmatch(column) and column.lower() not in _SQL_WORDS else _quoted(column)


def table_text(table: TableId) -> str:
    """Return a table's name as a model writes it."""
    pattern = _LOWER if table.kind is Kind.POSTGRES else _PLAIN
    schema, separator, name = table.name.partition(".")
    parts = [schema, name] if separator else [schema]
    return ".".join(part if pattern.fullmatch(part) else _quoted(part) for part in parts)


def column_of_term(text: str) -> str:
    """Return the column that a term of an index or of a sorting key is; the text itself where it is an expression."""
    for quote in ('"', "`"):
        if len(text) > 2 and text[0] == text[-1] == quote:
            return text[1:-1].replace(quote * 2, quote)
    return text


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
