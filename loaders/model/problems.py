"""Problems of a model: all at once, each with its place and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import IntEnum

from loaders.errors import GatewayError
from loaders.model.places import Place

RELATION = "relation"
"""The subject of the problems of a relation, which has no name of its own."""


class Severity(IntEnum):
    """How bad a problem is: an error is wrong or cannot work, a warning works and costs."""

    ERROR = 0
    WARNING = 1


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake. The message says what is wrong and what to do; `subject` is the model's own name for it.

    `ddl` is what mends it in the database, to copy; empty where nothing there would. `rows` is about how many rows a
    request reads because of it; None where that is unknown or says nothing. `code` names the kind of a warning, by
    which it may be ignored; errors have none.
    """

    place: Place
    subject: str
    message: str
    severity: Severity = Severity.ERROR
    ddl: str = field(default="", compare=False)
    rows: int | None = field(default=None, compare=False)
    code: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.place}  {self.sentence}"

    @property
    def sentence(self) -> str:
        """The message behind its subject, where it has one."""
        return f"{self.subject}: {self.message}" if self.subject else self.message


class ModelError(GatewayError):
    """A model that cannot be served. The text has one line for each problem, in the order of file and line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


class Problems:
    """A collector, so that one mistake does not hide the next."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._causes: dict[tuple[str, str, int], set[Problem]] = {}

    def add(self, place: Place, subject: str, message: str, *, is_cause: bool = False) -> None:
        """Note a problem. One that is the cause of others of the same subject is shown without them."""
        problem = Problem(place, subject, message)
        self._problems.append(problem)
        if is_cause:
            self._causes.setdefault(_subject_of(problem), set()).add(problem)

    def raise_if_any(self) -> None:
        """Raise ModelError with all problems so far; return where there is none."""
        if self._problems:
            raise ModelError(filter(self._is_shown, self._problems))

    def _is_shown(self, problem: Problem) -> bool:
        causes = self._causes.get(_subject_of(problem))
        return causes is None or problem in causes


def _subject_of(problem: Problem) -> tuple[str, str, int]:
    """Return what a problem is of: a subject of a file, and of relations, which have no name, that of its line."""
    line = problem.place.line if problem.subject == RELATION else 0
    return problem.place.file, problem.subject, line


def suggestion(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str:
    """Return ` Did you mean "…"?` for the closest known name, or an empty text; a likeness of 1 is equality."""
    close = get_close_matches(name, list(known), n=1, cutoff=likeness)
    return f' Did you mean "{close[0]}"?' if close else ""


def misspelled(name: str, known: Iterable[str]) -> str:
    """Return the known name that a name is a slip of: other capitals or underscores, or one letter; else an empty text.

    A digit is no slip, since `line_1` and `line_2` are two names, and short names have too many neighbours.
    """
    names = list(known)
    if name in names:
        return ""
    plain = _plain(name)
    same = [each for each in names if _plain(each) == plain]
    near = [each for each in names if min(len(each), len(name)) > 3 and _is_one_letter_away(name, each)]
    return (same or near or [""])[0]


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _is_one_letter_away(left: str, right: str) -> bool:
    """Return whether one letter is changed, added or left out, or two neighbours are exchanged."""
    start = next((place for place, pair in enumerate(zip(left, right, strict=False)) if len(set(pair)) > 1), None)
    if start is None:
        return abs(len(left) - len(right)) == 1 and not (left + right)[-1].isdigit()
    rest, other = left[start:], right[start:]
    if (rest + " ")[0].isdigit() or (other + " ")[0].isdigit():
        return False
    is_exchanged = rest[:2] == other[:2][::-1] and rest[2:] == other[2:]
    return is_exchanged or rest[1:] == other[1:] or rest[1:] == other or rest == other[1:]
