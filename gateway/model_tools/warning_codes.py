"""Codes of warnings about models, by which they are ignored; errors have none, since they cannot be."""

from __future__ import annotations

from enum import StrEnum

from loaders.model.places import Place
from loaders.model.problems import Problem, Severity


class WarningCode(StrEnum):
    """The kind of a warning. Codes stand in models and in CI, so that they do not change."""

    COLUMN_TYPE = "column-type"
    """A type that the annotation reads in part, or labels that the column never has."""
    INT_OVERFLOW = "int-overflow"
    LATEST_VERSION = "latest-version"
    MISSING_INDEX = "missing-index"
    NO_LOCK_FILE = "no-lock-file"
    NULLABLE_COLUMN = "nullable-column"
    SCOPE_MISSPELT = "scope-misspelt"
    SORTING_KEY = "sorting-key"
    """ClickHouse reads many rows for few."""
    UNUSED_IGNORE = "unused-ignore"
    """A comment that ignores nothing."""


def warning(
    place: Place, subject: str, message: str, code: WarningCode, ddl: str = "", rows: int | None = None
) -> Problem:
    """Return a warning."""
    return Problem(place, subject, message, Severity.WARNING, ddl, rows, code.value)
