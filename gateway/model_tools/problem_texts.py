"""Problems of a model as text, as JSON, and as annotations of GitHub."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from loaders.model.places import Place
from loaders.model.problems import Problem, Severity

_UNITS = ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k"))


def problem_text(problem: Problem) -> str:
    """Return a problem as a line for people, and lines of DDL to copy below its text."""
    level = "warning: " if problem.severity is Severity.WARNING else ""
    place = f"{problem.place}  "
    subject = f"{problem.subject}: " if problem.subject else ""
    code = f"  [{problem.code}]" if problem.code else ""
    text = f"{place}{level}{subject}{_message(problem)}{code}"
    return "\n".join([text, *(f"{' ' * len(place)}{line}" for line in problem.ddl.splitlines())])


def problem_json(problem: Problem) -> dict[str, Any]:
    """Return a problem as a JSON object. `line` is null where only the file is known, `rows` where they are unknown.

    `code` is null for errors.
    """
    return {
        "code": problem.code or None,
        "severity": problem.severity.name.lower(),
        "file": _relative(problem.place),
        "line": problem.place.line or None,
        "subject": problem.subject,
        "message": problem.message,
        "ddl": problem.ddl,
        "rows": problem.rows,
    }


def github_annotation(problem: Problem) -> str:
    """Return a problem as a command of GitHub's workflows, which shows it beside the line of the file."""
    level = problem.severity.name.lower()
    title = " ".join(filter(None, (problem.subject, f"[{problem.code}]" if problem.code else "")))
    properties = {"file": _relative(problem.place), "line": str(problem.place.line or ""), "title": title}
    said = ",".join(f"{name}={escaped(value, ':,')}" for name, value in properties.items() if value)
    text = "\n".join(filter(None, (_message(problem), problem.ddl)))
    return f"::{level} {said}::{escaped(text)}"


def summary(problems: Sequence[Problem]) -> str:
    """Return how many problems there are, such as `2 errors, 1 warning`; an empty text where there is none."""
    numbers = {level: sum(problem.severity is level for problem in problems) for level in Severity}
    return ", ".join(counted(number, level.name.lower()) for level, number in numbers.items() if number)


def counted(number: int, noun: str) -> str:
    """Return a number of things, such as `1 table` or `7 tables`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def about(rows: int) -> str:
    """Return a number of rows as people say it: `41 M`, `320 k`, `1.2 G`, `17`."""
    for size, unit in _UNITS:
        if rows >= size:
            count = rows / size
            return f"{count:.1f} {unit}" if count < 10 and rows % size >= size / 20 else f"{count:.0f} {unit}"
    return str(rows)


def ordered(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems in the order of file and line, each once."""
    return sorted(set(problems))


def untold(problems: Iterable[Problem], told: Iterable[Problem]) -> list[Problem]:
    """Return the problems of which none is told of the same line and subject that is as bad."""
    worst = {(each.place, each.subject): each.severity for each in sorted(told, key=lambda each: -each.severity)}
    return [each for each in problems if worst.get((each.place, each.subject), Severity.WARNING + 1) > each.severity]


def _message(problem: Problem) -> str:
    return (
        problem.message
        if problem.rows is None
        else f"{problem.message} A request reads about {about(problem.rows)} rows."
    )


def _relative(place: Place) -> str:
    """Return a file's path from the working directory, where it lies below it."""
    path = Path(place.file)
    return str(path.relative_to(Path.cwd())) if place.file and path.is_relative_to(Path.cwd()) else place.file


def escaped(text: str, more: str = "") -> str:
    """Return text as GitHub's workflows take it in a command, with `more` characters escaped too."""
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text
