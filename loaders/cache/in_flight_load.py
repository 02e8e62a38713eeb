"""A load that is in flight, and the types of what it asks the stores for."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from loaders.cache.fields import NEVER, CacheField, Entry
from loaders.deadline import Deadline, current_deadline
from loaders.instruments import OTHER
from loaders.metrics import record_values
from loaders.request_tracker import current_request
from loaders.stores.errors import StoreError
from loaders.tracing import SharedSpans, Span, current_span

if TYPE_CHECKING:
    from loaders.cache.shared import CacheLookup

KeysByField = dict[CacheField, list[str]]
"""The keys of the objects to load, by the field that is needed of them."""
LoadedValues = Mapping[CacheField, Mapping[str, Any] | StoreError]
"""Values by field and key; the error of a field that could not be loaded. A key that is left out has the value None."""
LoadFunction = Callable[[KeysByField], Awaitable[LoadedValues]]
"""Loads from the stores, in as few statements as possible."""

_UNLIMITED_S = 86_400.0
"""The deadline of a load for whom has none, such as `gateway warm`: its statements have a limit of their own."""


@dataclass(eq=False, slots=True)
class InFlightLoad:
    """Objects whose fields are being loaded; `rows` has the values of each, in the order of the fields.

    It goes on while somebody waits for it, until the deadline of whoever waits longest. When the last has left, it is
    abandoned: nobody may join it any more, and its task is cancelled. While a look-up of Redis is under way, which may
    take leases, the task ends after that, when it knows the leases to give back.
    """

    keys: Sequence[str]
    fields: Sequence[CacheField]
    load: LoadFunction
    rows: dict[str, list[Any]] = field(default_factory=dict)
    errors: dict[str, StoreError] = field(default_factory=dict)
    """The error of each field that failed, by the field's name."""
    stale: Counter[CacheField] = field(default_factory=Counter)
    missed: Counter[CacheField] = field(default_factory=Counter)
    oldest: bytes = NEVER
    """The times of its least fresh value."""
    outdated: bool = False
    """Whether a change came that it may predate: then its values are not cached in memory, and no request joins it."""
    task: asyncio.Task[None] | None = None
    deadline: Deadline | None = None
    waiters: int = 0
    is_looking_up: bool = False
    is_abandoned: bool = False
    spans: SharedSpans | None = None
    """The spans of its statements, where the request that began it is traced."""
    last_lookup: tuple[Sequence[str], CacheLookup] | None = None
    """The keys that are not in `rows` yet, and what is known of them."""

    def join(self) -> None:
        """Add the current task as one that waits, until its deadline."""
        self.waiters += 1
        deadline = current_deadline()
        ends_at = asyncio.get_running_loop().time() + _UNLIMITED_S if deadline is None else deadline.ends_at
        if self.deadline is None:
            self.deadline = Deadline(ends_at)
        else:
            self.deadline.extend(ends_at)

    def shorten(self, ends_at: float) -> None:
        """End its statements at a time that may be earlier than its deadline."""
        if self.deadline is not None:
            self.deadline.shorten(ends_at)

    def leave(self) -> None:
        """Remove one that waits. The last one ends the load."""
        self.waiters -= 1
        if self.waiters or self.task is None or self.task.done():
            return
        self.is_abandoned = True
        if not self.is_looking_up:
            self.task.cancel()
            self.task = None  # its cancellation holds the frames that hold this

    def known(self, keys: Sequence[str]) -> dict[str, list[Entry | None]]:
        """Return what is known of keys that are not in `rows`: values of Redis, also those to serve on an error."""
        unfinished, lookup = self.last_lookup or ((), None)
        wanted, columns = set(keys), range(len(self.fields))
        rows: dict[str, list[Entry | None]] = {key: [None] * len(self.fields) for key in keys}
        if lookup is not None:
            for row, key in enumerate(unfinished):
                if key in wanted:
                    rows[key] = [lookup.rows[row][column] or lookup.usable.get((row, column)) for column in columns]
        return rows


def record_fetch(
    keys: Sequence[str],
    fields: Sequence[CacheField],
    fresh_until: float,
    stale: Counter[CacheField],
    loads: Sequence[InFlightLoad],
) -> None:
    """Record, also for the current request, what came from memory, where `stale` counts, and from these loads.

    `fresh_until` is in seconds of the monotonic clock.
    """
    tracker, span = current_request(), current_span()
    if span is not None:
        _describe(span, keys, fields, stale, loads)
    if tracker is not None:
        stale_s = min(each.freshness.stale_while_revalidate_s for each in fields)
        sources = chain.from_iterable(each.sources for each in fields)
        tracker.cache_policy.depends_on(keys, sources, fresh_until, stale_s)
    for each in fields:
        states = _states(each, len(keys), stale, loads)
        record_values(each.section_name or OTHER, **states)
        if tracker is not None:
            for state, count in states.items():
                tracker.stats.count(each.label or each.name, state, count)


def _states(
    field: CacheField, keys: int, stale: Counter[CacheField], loads: Sequence[InFlightLoad]
) -> Mapping[str, int]:
    """Return of how many objects the value of a field was fresh, stale or missed."""
    missed = min(keys, sum(load.missed[field] for load in loads))
    served_stale = min(keys - missed, stale[field] + sum(load.stale[field] for load in loads))
    return {"fresh": keys - missed - served_stale, "stale": served_stale, "missed": missed}


def _describe(
    span: Span,
    keys: Sequence[str],
    fields: Sequence[CacheField],
    stale: Counter[CacheField],
    loads: Sequence[InFlightLoad],
) -> None:
    """Set attributes of the span of a look-up: sections, keys, and the values of each state over all sections."""
    totals = Counter[str]()
    for each in fields:
        totals.update(_states(each, len(keys), stale, loads))
    span.set("fuseway.sections", list(dict.fromkeys(each.section_name for each in fields)))
    span.set("fuseway.keys", len(keys))
    for state, count in totals.items():
        span.set(f"fuseway.values.{state}", count)
