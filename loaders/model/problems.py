"""Problems of a model: all at once, each with its place and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import IntEnum

from loaders.errors import GatewayError
from loaders.model.places import Place


class Severity(IntEnum):
    """How bad a problem is: an error is wrong or cannot work, a warning works and costs."""

    ERROR = 0
    WARNING = 1


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake. The message says what is wrong and what to do; `subject` is the model's own name for it.

    `ddl` is what mends it in the database, to copy; empty where nothing there would. `rows` is about how many rows a
    request reads because of it; None where that is unknown or says nothing.
    """

    place: Place
    subject: str
    message: str
    severity: Severity = Severity.ERROR
    ddl: str = field(default="", compare=False)
    rows: int | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.place}  {self.subject}: {self.message}"


class ModelError(GatewayError):
    """A model that cannot be served. The text has one line for each problem, in the order of file and line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


class Problems:
    """A collector, so that one mistake does not hide the next."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def add(self, place: Place, subject: str, message: str) -> None:
        """Note a problem."""
        self._problems.append(Problem(place, subject, message))

    def raise_if_any(self) -> None:
        """Raise ModelError with all problems so far; return where there is none."""
        if self._problems:
            raise ModelError(self._problems)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean "…"?` for the closest known name, or an empty text."""
    close = get_close_matches(name, list(known), n=1)
    return f' Did you mean "{close[0]}"?' if close else ""
