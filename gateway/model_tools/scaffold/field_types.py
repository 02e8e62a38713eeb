"""The types of a scaffolded model's fields, by the columns that they read."""

from __future__ import annotations

from dataclasses import replace

from loaders.catalog.catalog import Column
from loaders.catalog.column_types import ColumnType, column_type
from loaders.model.databases import Kind
from loaders.model.scalars import ANYTHING, BOOLEAN, BYTES

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


def can_be_key(type_: ColumnType) -> bool:
    """Return whether objects may be known by such a column, in which no row lacks a value."""
    return type_.scalar.can_be_key and not type_.is_list


def is_ordered(type_: ColumnType) -> bool:
    """Return whether a list may be ordered by such a column, and a page go on behind one of its values."""
    return not type_.is_list and type_.scalar not in (ANYTHING, BYTES, BOOLEAN)
