"""Write a line for each request, and for slow ones the plan too: what they took, never what they asked for."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from gateway.observability.line_limit import limit_lines
from gateway.observability.log_format import FACTS
from gateway.observability.operation_names import EXPORT
from gateway.observability.request_observation import CACHED, OK

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable

    from gateway.observability.request_observation import RequestObservation
    from gateway.settings import Settings
    from loaders.request_stats import RequestStats
    from loaders.statement_record import StatementRecord

REQUESTS, SLOW_OPERATIONS = "gateway.requests", "gateway.operations"
"""The loggers of requests, and of slow ones."""
NONE, FAILED, ALL = "none", "failed", "all"
_ANSWERED = (OK, CACHED)
"""Outcomes of requests that were answered in full."""
_MAX_NAME = 200
"""Characters of names of clients and of their operations."""
_MAX_SECTIONS = 100
"""Sections of a plan whose cached values are told."""
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class RequestLog:
    """Writes requests that are asked for, and operations that take `slow_operation_s` or longer; 0 writes none."""

    def __init__(self, requests: str, slow_operation_s: float, lines_per_s: int) -> None:
        self._requests = requests
        self._slow_operation_s = slow_operation_s
        self._log: logging.Logger = limit_lines(REQUESTS, lines_per_s)
        self._slow_log: logging.Logger = limit_lines(SLOW_OPERATIONS, lines_per_s)

    @classmethod
    def of(cls, settings: Settings) -> RequestLog | None:
        """Return the log that the settings ask for, if any."""
        if settings.log_requests == NONE and not settings.slow_operation_s:
            return None
        return cls(settings.log_requests, settings.slow_operation_s, settings.log_lines_per_s)

    def write(self, observation: RequestObservation, headers: Iterable[tuple[bytes, bytes]], seconds: float) -> None:
        """Write the lines of a request that is over. An export takes as long as its client, and is never slow."""
        is_failed = observation.outcome not in _ANSWERED
        if self._requests == ALL or (self._requests == FAILED and is_failed):
            self._log.info("Request", extra={FACTS: _facts(observation, headers, seconds)})
        if self._slow_operation_s and seconds >= self._slow_operation_s and observation.operation != EXPORT:
            facts = _facts(observation, headers, seconds) | _plan(observation)
            self._slow_log.warning("Slow operation", extra={FACTS: facts})


def _facts(observation: RequestObservation, headers: Iterable[tuple[bytes, bytes]], seconds: float) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "operation": observation.operation[:_MAX_NAME],
        "operation_type": observation.operation_type,
        "viewer": observation.viewer[:_MAX_NAME],
        "outcome": observation.outcome,
        "status": observation.status,
        "duration_s": round(seconds, 6),
        "queued_s": round(observation.queued_s, 6),
        "cost": observation.points,
    }
    if observation.tracker is not None:
        facts |= _accounting(observation.tracker.stats)
    if trace_id := observation.trace_id or _sent_trace_id(headers):
        facts["trace_id"] = trace_id
    return facts


def _accounting(stats: RequestStats) -> dict[str, Any]:
    cached = Counter[str]()
    for counts in stats.fields.values():
        cached.update(counts)
    return {
        "statements": dict(stats.statements),
        "rows": dict(stats.rows),
        "cache": dict(cached),
        "waited_s": round(stats.waited_s, 6),
    }


def _plan(observation: RequestObservation) -> dict[str, Any]:
    """Return the statements of a request in the order of their beginning, and what the cache had of each section."""
    if observation.tracker is None:
        return {}
    stats = observation.tracker.stats
    cached: dict[str, Counter[str]] = {}
    for label, counts in stats.fields.items():
        section = label.partition(" ")[0]  # what follows are values of arguments
        if section in cached or len(cached) < _MAX_SECTIONS:
            cached.setdefault(section, Counter()).update(counts)
    plan = [_step(record, observation.started_at) for record in stats.records]
    return {"plan": plan, "cached": {section: dict(counts) for section, counts in cached.items()}}


def _step(record: StatementRecord, started_at: float) -> dict[str, Any]:
    step = {
        "sections": list(record.sections),
        "store": record.store,
        "keys": record.keys,
        "rows": record.rows,
        "began_s": round(record.began - started_at, 6),
        "duration_s": round(record.took_s(), 6),
        "waited_s": round(record.waited_s, 6),
    }
    if record.seconds is None:
        step["error"] = "under way"
    elif record.error:
        step["error"] = record.error
    return step


def _sent_trace_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the id of the trace that a client says its request belongs to, where the gateway traces nothing."""
    for name, value in headers:
        if name == b"traceparent" and (match := _TRACEPARENT.fullmatch(value)):
            return match[1].decode()
    return ""
