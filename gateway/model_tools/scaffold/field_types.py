"""The types of a scaffolded model's fields, by the columns that they read."""

from __future__ import annotations

from dataclasses import replace

from gateway.model_tools.scaffold.words import snake
from loaders.catalog.catalog import Column, TableCatalog
from loaders.catalog.column_types import ColumnType, column_type
from loaders.model.databases import Kind
from loaders.model.scalars import ANYTHING, BOOLEAN, BYTES

_SECRETS = ("password", "passwd", "secret", "encrypted", "private_key", "api_key", "_salt", "_digest", "token")
MAX_LABELS = 60
"""Labels of an enum that is one in the API too; a column whose type has more holds texts."""
IMPORTS = {"Decimal": "from decimal import Decimal", "UUID": "from uuid import UUID"}
"""The import that a name in an annotation needs."""


def field_type(column: Column, kind: Kind, zone: str = "") -> ColumnType | None:
    """Return the type of a column's field; None where no scalar reads it, or no model can name it.

    `zone` is the time zone of times without one, empty where it is unknown.
    """
    known = column_type(column, kind, zone)
    if known is None or "\\" in column.name or column.name.startswith("fw_"):
        return None
    has_unusable_labels = len(known.labels) > MAX_LABELS or any(not label.isprintable() for label in known.labels)
    return replace(known, labels=()) if has_unusable_labels else known


def is_secret(catalog: TableCatalog, column: str) -> bool:
    """Return whether a column's name sounds like a secret. One that refers to a column of another name is an id."""
    is_reference = any(
        own == column and not _sounds_secret(referenced)
        for key in catalog.foreign_keys
        for own, referenced in zip(key.columns, key.referenced_columns, strict=True)
    )
    return _sounds_secret(column) and not is_reference


def can_be_key(type_: ColumnType) -> bool:
    """Return whether objects may be known by such a column, in which no row lacks a value."""
    return type_.scalar.can_be_key and not type_.is_list


def is_ordered(type_: ColumnType) -> bool:
    """Return whether a list may be ordered by such a column, and a page go on behind one of its values."""
    return not type_.is_list and type_.scalar not in (ANYTHING, BYTES, BOOLEAN)


def _sounds_secret(name: str) -> bool:
    return any(part in snake(name) for part in _SECRETS)
