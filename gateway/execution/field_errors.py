"""The errors of one execution, those of stores merged: one for each field that failed, whatever the number of objects.

GraphQL's specification has an error for each place. Thousands of equal ones help no reader, and cost more than all else
of the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from graphql import GraphQLError
from graphql.execution.executor import CollectedErrors

from loaders.objects.section_error import SectionError
from loaders.stores.errors import StoreError

if TYPE_CHECKING:
    from graphql.pyutils import Path

AFFECTED, SECTION, STORE = "affected", "section", "store"
"""Members of the extensions of a store's error: the number of objects, the section, and the store that failed."""

_Steps = Sequence[str | int]
_FieldKey = tuple[tuple[str, ...], type[StoreError], str, str]
"""The field's place in the operation, and why it failed."""


class FieldErrors(CollectedErrors):
    """Collects errors as graphql-core does, but for one field that a store failed only one.

    It is at the first affected object in the order of the answer, and says how many are affected.
    """

    __slots__ = ("_by_field",)

    def __init__(self) -> None:
        super().__init__()
        self._by_field: dict[_FieldKey, GraphQLError] = {}

    def add(self, error: GraphQLError, path: Path | None) -> None:
        """Add an error raised at the position that is null for it."""
        cause = error.original_error
        if not isinstance(cause, StoreError):
            super().add(error, path)
        elif not self.has_nulled_position(path):
            self._error_positions.add(path)
            if not self.merge(cause, error.path or []):
                self.append(error, cause)

    def add_further(self, cause: StoreError, path: Path) -> bool:
        """Count one more object of a field that is null there. Return whether the field has an error already."""
        if _field_key(cause, path.as_list()) not in self._by_field:
            return False
        if not self.has_nulled_position(path):
            self._error_positions.add(path)
            self.merge(cause, path.as_list())
        return True

    def merge(self, cause: StoreError, path: _Steps, affected: int = 1) -> bool:
        """Count further objects for which a field failed, the first of them at this path.

        Return whether the field has an error already; otherwise it is to be appended.
        """
        known = self._by_field.get(_field_key(cause, path))
        if known is None or known.extensions is None:
            return False
        known.extensions[AFFECTED] += affected
        if _indexes(path) < _indexes(known.path or []):
            known.path = list(path)
        return True

    def append(self, error: GraphQLError, cause: StoreError, affected: int = 1) -> None:
        """Add the first error of a field."""
        error.extensions = {**_facts(cause), AFFECTED: affected}
        self._by_field[_field_key(cause, error.path or [])] = error
        self._errors.append(error)


def merge_errors(errors: Iterable[GraphQLError]) -> list[GraphQLError]:
    """Return the errors of several parts of an answer with those of one field merged."""
    merged = FieldErrors()
    result = []
    for error in errors:
        cause, affected = error.original_error, (error.extensions or {}).get(AFFECTED, 1)
        if not isinstance(cause, StoreError):
            result.append(error)
        elif not merged.merge(cause, error.path or [], affected):
            merged.append(error, cause, affected)
            result.append(error)
    return result


def failure_of(cause: StoreError) -> StoreError:
    """Return the failure of the store that is behind an error, shared by all that it affects."""
    return cause.cause if isinstance(cause, SectionError) else cause


def _facts(cause: StoreError) -> dict[str, object]:
    section = {SECTION: cause.section} if isinstance(cause, SectionError) else {}
    return {**section, STORE: cause.store}


def _field_key(cause: StoreError, path: _Steps) -> _FieldKey:
    section = cause.section if isinstance(cause, SectionError) else ""
    names = tuple(step for step in path if isinstance(step, str))
    return names, type(failure_of(cause)), cause.store, section


def _indexes(path: _Steps) -> list[int]:
    return [step for step in path if isinstance(step, int)]
