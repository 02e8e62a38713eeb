"""The cache policy and the statistics of the request that the current task works for."""

import asyncio
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field

import orjson

from loaders.cache_policy import CachePolicy
from loaders.request_stats import RequestStats
from loaders.statement_record import current_record

_PAUSE_EVERY = 100
"""Rows or columns that are measured before other tasks get the event loop."""


@dataclass(frozen=True, slots=True)
class RequestTracker:
    """The record of one request: for its headers and the response cache, and for its statistics."""

    cache_policy: CachePolicy = field(default_factory=CachePolicy)
    stats: RequestStats = field(default_factory=RequestStats)


_current: ContextVar[RequestTracker | None] = ContextVar("request_tracker", default=None)


def begin_request() -> RequestTracker:
    """Begin a request in the current task, and return the tracker that this task and those it starts record in."""
    tracker = RequestTracker()
    _current.set(tracker)
    return tracker


def current_request() -> RequestTracker | None:
    """Return the tracker of the current request; None outside of one."""
    return _current.get()


def forbid_caching() -> None:
    """Record that the answer of the current request holds something that must not be cached."""
    tracker = _current.get()
    if tracker is not None:
        tracker.cache_policy.is_kept = False


def record_wait(seconds: float) -> None:
    """Record how long a statement of the current request waited for a connection."""
    record = current_record()
    if record is not None:
        record.waited_s += seconds
    tracker = _current.get()
    if tracker is not None:
        tracker.stats.waited_s = max(tracker.stats.waited_s, seconds)


async def record_statement(store: str, rows: int, answer: Iterable[Iterable[object]]) -> None:
    """Count a statement and its answer, given by rows or by columns, for the current request."""
    record = current_record()
    if record is not None:
        record.rows += rows
    tracker = _current.get()
    if tracker is None:
        return
    stats = tracker.stats
    stats.statements[store] += 1
    stats.rows[store] += rows
    if stats.measures_bytes:
        for count, part in enumerate(answer):
            stats.bytes[store] += len(orjson.dumps(tuple(part), default=str))
            if count % _PAUSE_EVERY == 0:
                await asyncio.sleep(0)
