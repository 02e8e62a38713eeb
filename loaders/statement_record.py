"""The record of the statement that the current task sends: for metrics, traces and logs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from loaders.metrics import statement_metrics
from loaders.tracing import child_span

_MAX_SUMMARY = 255
"""Characters of a summary, as OpenTelemetry's conventions bound it."""


@dataclass(slots=True)
class StatementRecord:
    """One statement, as far as it has come. Stores fill in what they know: rows, and how long it waited for them."""

    sections: tuple[str, ...]
    store: str
    keys: int
    began: float = field(default_factory=time.perf_counter)
    """By the performance counter."""
    seconds: float | None = None
    """How long it took; None while it is under way."""
    waited_s: float = 0.0
    """How long it waited for a connection, of these seconds."""
    rows: int = 0
    error: str = ""
    """The class of the error that it failed with."""

    def took_s(self) -> float:
        """Return the seconds that it took, so far where it is under way."""
        return time.perf_counter() - self.began if self.seconds is None else self.seconds


_current: ContextVar[StatementRecord | None] = ContextVar("statement_record", default=None)


def current_record() -> StatementRecord | None:
    """Return the record of the statement that the current task sends; None where nobody records it."""
    return _current.get()


@contextmanager
def recorded(record: StatementRecord, tables: Sequence[str]) -> Iterator[None]:
    """Complete the record of a statement that the block sends, and trace it by the tables that it reads."""
    token = _current.set(record)
    summary = " ".join(["SELECT", *tables])[:_MAX_SUMMARY]
    try:
        with child_span(summary, is_client=True) as span:
            if span is None:
                yield
                return
            span.set("db.query.summary", summary)
            span.set("db.operation.name", "SELECT")
            span.set("fuseway.sections", record.sections)
            span.set("fuseway.keys", record.keys)
            try:
                yield
            finally:
                span.set("db.response.returned_rows", record.rows)
                span.set("fuseway.waited_s", record.waited_s)
    except BaseException as error:
        record.error = type(error).__name__
        raise
    finally:
        record.seconds = time.perf_counter() - record.began
        statement_metrics(record.store, record.sections).record(record.seconds)
        _current.reset(token)
