"""Names in DDL for PostgreSQL, to be copied: in quotes where they need them."""

from __future__ import annotations

import re

from loaders.model.databases import Kind
from loaders.model.names import quoted_name

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


def ddl_name(column: str) -> str:
    """Return a column's name as DDL takes it."""
    is_plain = _PLAIN.fullmatch(column) is not None and column not in _RESERVED
    return column if is_plain else quoted_name(column, Kind.POSTGRES)
