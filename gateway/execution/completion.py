"""One run of a completer, and the fields that failed in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphql.execution.collect_fields import FieldDetailsList

    from loaders.stores.errors import StoreError


class _Failed:
    """Stands in a column for a value that a store kept from being completed, until a nullable place is null for it."""

    __slots__ = ()


FAILED = _Failed()


@dataclass(slots=True)
class FieldFailure:
    """A field that a store failed for some values of the column that is being completed.

    `places` are the indexes of these values in the column, in order: one several times where several objects below it
    are affected. `path` leads from the first of them down to the first affected object's field.
    """

    cause: StoreError
    details: FieldDetailsList
    places: Sequence[int]
    path: tuple[str | int, ...] = ()


@dataclass(slots=True)
class Completion:
    """One run of a completer: the context of its resolvers, and the failures so far.

    Completers note a failure where it occurs, and translate it to the column of their own values as they return.
    """

    context: Any
    failures: list[FieldFailure] = field(default_factory=list)

    def fail(self, cause: StoreError, details: FieldDetailsList, places: Sequence[int]) -> None:
        """Note that a field failed. The cause loses its traceback, whose frames hold what the request has loaded."""
        if places:
            self.failures.append(FieldFailure(cause.with_traceback(None), details, places))

    def move(self, since: int, origins: Sequence[int], *steps: str | int) -> None:
        """Translate the failures after the first `since` ones from values to those that they were picked from.

        `origins` has the index of each. `steps` lead from there to the value.
        """
        for failure in self.failures[since:]:
            failure.places = [origins[place] for place in failure.places]
            failure.path = (*steps, *failure.path)
