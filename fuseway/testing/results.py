"""Answers of the gateway as tests read them: data, errors with their paths, statistics and plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_MAX_SHOWN = 10
"""Errors that a message shows."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """An error of an answer. `path` leads to the field that failed; it is empty where the whole request did."""

    message: str
    path: tuple[str | int, ...] = ()
    code: str = ""
    extensions: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        place = ".".join(map(str, self.path)) or "the request"
        return f"{place}{f' ({self.code})' if self.code else ''}: {self.message}"


@dataclass(frozen=True, slots=True)
class CacheCounts:
    """The number of objects whose value of a section was fresh in the cache, stale there, or loaded."""

    fresh: int = 0
    stale: int = 0
    missed: int = 0


@dataclass(frozen=True, slots=True)
class Accounting:
    """The cost of one answer: statements and rows, in all and by store, and what the cache had, by section."""

    statements_by_store: Mapping[str, int] = field(default_factory=dict)
    rows_by_store: Mapping[str, int] = field(default_factory=dict)
    cached: Mapping[str, CacheCounts] = field(default_factory=dict)
    fused: Sequence[Sequence[str]] = ()
    """The sections of each statement."""

    @property
    def statements(self) -> int:
        """How many statements the databases were sent."""
        return sum(self.statements_by_store.values())

    @property
    def rows(self) -> int:
        """How many rows the databases returned."""
        return sum(self.rows_by_store.values())


class AnswerError(AssertionError):
    """An answer has errors where a test expects none."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request. `data` is empty where the whole request failed."""

    data: Mapping[str, Any]
    errors: tuple[FieldError, ...]
    extensions: Mapping[str, Any] = field(repr=False)
    status: int
    accounting: Accounting = field(repr=False)

    def require_no_errors(self) -> Answer:
        """Return the answer. Raises AnswerError, which lists the errors with their paths."""
        __tracebackhide__ = True
        if not self.errors:
            return self
        count = f"{len(self.errors)} errors" if len(self.errors) > 1 else "an error"
        shown = [f"  {error}" for error in self.errors[:_MAX_SHOWN]]
        rest = [f"  and {len(self.errors) - _MAX_SHOWN} more"] if len(self.errors) > _MAX_SHOWN else []
        head = f"The gateway answered with {count} (status {self.status}):"
        raise AnswerError("\n".join([head, *shown, *rest]))


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that was sent: its database, such as `postgresql crm`, and its text."""

    store: str
    sql: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The statements that a document takes where nothing is cached, in the order in which they were sent."""

    sent: tuple[Statement, ...]
    answer: Answer

    @property
    def statements(self) -> int:
        """How many statements there are."""
        return len(self.sent)

    @property
    def by_store(self) -> Mapping[str, int]:
        """How many statements each database is sent, such as `{"postgresql crm": 2}`."""
        return {store: len(texts) for store, texts in self.texts.items()}

    @property
    def texts(self) -> Mapping[str, Sequence[str]]:
        """The statements' SQL by database."""
        texts: dict[str, list[str]] = {}
        for statement in self.sent:
            texts.setdefault(statement.store, []).append(statement.sql)
        return texts

    @property
    def fused(self) -> Sequence[Sequence[str]]:
        """The sections that each statement answers."""
        return self.answer.accounting.fused

    def __repr__(self) -> str:
        sections = "; ".join(", ".join(names) for names in self.fused)
        return f"<Plan of {dict(self.by_store)}: {sections}>"


def read_answer(payload: Mapping[str, Any], status: int) -> Answer:
    """Return the answer that a response's JSON holds."""
    errors = tuple(_error(error) for error in payload.get("errors", ()))
    extensions = payload.get("extensions") or {}
    return Answer(
        payload.get("data") or {}, errors, extensions, status, _accounting(extensions.get("accounting") or {})
    )


def _error(error: Mapping[str, Any]) -> FieldError:
    extensions = error.get("extensions") or {}
    code = str(extensions.get("code", ""))
    return FieldError(str(error.get("message", "")), tuple(error.get("path") or ()), code, extensions)


def _accounting(report: Mapping[str, Any]) -> Accounting:
    cached = {
        each["section"]: CacheCounts(each.get("fresh", 0), each.get("stale", 0), each.get("missed", 0))
        for each in report.get("cached", ())
    }
    return Accounting(report.get("statements", {}), report.get("rows", {}), cached, report.get("fused", ()))
