"""Scopes of columns, and which of them SQL touches: conditions and orders would tell what a viewer may not read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from loaders.model.class_reader import DeclaredField
from loaders.model.databases import Table
from loaders.model.names import column_names
from loaders.model.references import Fragment
from loaders.model.sql_words import REFERENCE, words
from loaders.model.whole_rows import takes_whole_rows

_PART = re.compile(r'"((?:[^"]|"")+)"|`([^`]+)`|([\w$]+)')

ColumnScopes = Mapping[Table, Mapping[str, frozenset[str]]]
"""By table and name of a column in lower case, the scopes that any object type over the table says for it."""


def column_scopes(fields: Iterable[tuple[Table, DeclaredField]]) -> ColumnScopes:
    """Return the scopes of the columns that fields of objects say."""
    scopes: dict[Table, dict[str, frozenset[str]]] = {}
    for table, field in fields:
        scope = field.option("scope", "")
        if field.word_name == "column" and scope:
            (column,) = column_names(field.column_text)
            of_table = scopes.setdefault(table, {})
            of_table[column.lower()] = of_table.get(column.lower(), frozenset()) | {scope}
    return scopes


def scopes_of_columns(names: Iterable[str], table: Table, scopes: ColumnScopes) -> frozenset[str]:
    """Return the scopes of the columns of a table that are named, in any case."""
    of_table = scopes.get(table, {})
    return frozenset(scope for name in names for scope in of_table.get(name.lower(), ()))


def touched_scopes(sql: Iterable[Fragment], tables: Iterable[Table], scopes: ColumnScopes) -> frozenset[str]:
    """Return the scopes of the columns of some tables that SQL names.

    Names are compared alone, in any case and wherever they stand: a name of something else needs a scope too many. SQL
    that takes whole rows touches all columns.
    """
    fragments = list(sql)
    of_tables = [scopes.get(table, {}) for table in tables]
    if any(of_tables) and any(takes_whole_rows(each.shown(REFERENCE)) for each in fragments):
        return frozenset(scope for of_table in of_tables for needed in of_table.values() for scope in needed)
    names = {name for fragment in fragments for name in _names(fragment)}
    return frozenset(scope for of_table in of_tables for name in names for scope in of_table.get(name, ()))


def _names(fragment: Fragment) -> Iterator[str]:
    for word in words(fragment.shown(REFERENCE)):
        if word.kind == "name":
            for match in _PART.finditer(word.text):
                quoted, ticked, plain = match.groups()
                yield (quoted.replace('""', '"') if quoted else ticked or plain).lower()
