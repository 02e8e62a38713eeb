"""Log statements that take long: their text, and the sizes of what was bound, never the values."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from loaders.statement_record import current_record
from loaders.tracing import current_span, trace_id_of

SLOW_STATEMENTS = "gateway.statements"
"""The logger of slow statements."""
_MAX_TEXT = 20_000
"""Characters of a statement's text. Those of models have some thousands."""
_MAX_VALUES = 100
"""Bound values whose sizes are told."""

_Values = Mapping[str, object] | Sequence[object]

_log = logging.getLogger(SLOW_STATEMENTS)


@dataclass(frozen=True, slots=True)
class SlowStatements:
    """Logs the statements of one database that take `min_s` or longer; none where that is 0."""

    store: str
    database: str
    min_s: float = 0.0

    @contextmanager
    def watched(self, sql: str, values: _Values) -> Iterator[None]:
        """Log the statement that the block runs if it takes long, however it ends.

        `values` are those by name, or in the order of their numbers.
        """
        if not self.min_s:
            yield
            return
        began = time.monotonic()
        error = ""
        try:
            yield
        except BaseException as raised:
            error = type(raised).__name__
            raise
        finally:
            seconds = time.monotonic() - began
            if seconds >= self.min_s:
                self._write(sql, values, seconds, error)

    def _write(self, sql: str, values: _Values, seconds: float, error: str) -> None:
        facts: dict[str, Any] = {"store": self.store, "database": self.database, "duration_s": round(seconds, 4)}
        record = current_record()
        if record is not None:
            facts |= {"sections": list(record.sections), "keys": record.keys, "rows": record.rows}
            facts["waited_s"] = round(record.waited_s, 4)
        if error:
            facts["error"] = error
        if (span := current_span()) is not None:
            facts["trace_id"] = trace_id_of(span)
        named = values if isinstance(values, Mapping) else {f"${place}": each for place, each in enumerate(values, 1)}
        facts["bound"] = {name: size_of(value) for name, value in islice(named.items(), _MAX_VALUES)}
        facts["statement"] = sql[:_MAX_TEXT]
        _log.warning("Slow statement", extra={"facts": facts})


def size_of(value: object) -> str:
    """Return what may be told of a bound value: how many items or characters it has, or its type."""
    if isinstance(value, list | tuple):
        return f"{len(value)} items"
    return f"{len(value)} characters" if isinstance(value, str) else type(value).__name__
