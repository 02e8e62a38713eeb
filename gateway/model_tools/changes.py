"""Changes of an API, in GraphQL's own terms, as text, JSON and annotations of GitHub."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from gateway.model_tools.problem_texts import counted, escaped

if TYPE_CHECKING:
    from collections.abc import Sequence


class Level(IntEnum):
    """The meaning of a change for clients.

    A breaking one fails queries that were good, a dangerous one may surprise who sends them, a safe one does neither.
    """

    BREAKING = 0
    DANGEROUS = 1
    SAFE = 2


_ANNOTATIONS = {Level.BREAKING: "error", Level.DANGEROUS: "warning", Level.SAFE: "notice"}
_WIDTH = max(len(level.name) for level in Level)


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One change: of what, such as `Customer.email` or `shop.customers.email`, and what it means.

    `subject` is empty where the message names it, as those of graphql-core do.
    """

    level: Level
    subject: str
    message: str


def change_text(change: Change) -> str:
    """Return a change as a line, its level first."""
    return f"{change.level.name.lower():{_WIDTH}}  {f'{change.subject}: ' if change.subject else ''}{change.message}"


def change_json(change: Change) -> dict[str, Any]:
    """Return a change as a JSON object."""
    return {"level": change.level.name.lower(), "subject": change.subject, "message": change.message}


def change_annotation(change: Change) -> str:
    """Return a change as a command of GitHub's workflows."""
    title = escaped(change.subject or "API", ":,")
    return f"::{_ANNOTATIONS[change.level]} title={title}::{escaped(change.message)}"


def changes_summary(changes: Sequence[Change]) -> str:
    """Return how many changes there are of each level, such as `1 breaking, 2 safe`; an empty text where none."""
    numbers = {level: sum(change.level is level for change in changes) for level in Level}
    said = ", ".join(f"{number} {level.name.lower()}" for level, number in numbers.items() if number)
    return f"{counted(len(changes), 'change')}: {said}" if said else ""
