"""The cache in front of the stores: look in the process's memory, then in Redis, then load what neither has.

Within the process, a request joins a load that is in flight for the same fields. Between processes, a lease in Redis
says which of them loads; the others look again until the value is there or the lease has ended.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loaders.cache.background_tasks import BackgroundTasks
from loaders.cache.cache_loader import CacheLoader
from loaders.cache.fields import NEVER, CacheField, Entry, clock
from loaders.cache.in_flight_load import InFlightLoad, LoadFunction, record_fetch
from loaders.cache.invalidation import EVERYTHING, Change, Follower
from loaders.cache.refresh_coalescer import RefreshCoalescer
from loaders.cache.states import States, states
from loaders.deadline import Deadline, current_deadline, working_until
from loaders.metrics import record_invalidation
from loaders.stores.errors import StoreTimeout
from loaders.tracing import SharedSpans, child_span, sharing

if TYPE_CHECKING:
    from loaders.cache.listener_health import CombinedHealth, ListenerHealth
    from loaders.cache.local import LocalCache
    from loaders.cache.shared import SharedCache
    from loaders.model.databases import Freshness
    from loaders.stores.errors import StoreError

_LAST_MOMENT_S = 0.1
"""How long a load may take to end at its deadline: a part of the time that is left for writing the answer."""
_LATE = "Its values were not there by the deadline of the request."


@dataclass(eq=False, slots=True)
class FetchResult:
    """Values by field, each in the order of the keys, with an error in the place of each that could not be loaded.

    `errors` has the fields that have such errors, with one of them.
    """

    values: dict[CacheField, list[Any]]
    errors: dict[CacheField, StoreError] = field(default_factory=dict)


class Cache:
    """The cache of one process. Without Redis it loads everything from the stores, and caches nothing."""

    def __init__(self, shared: SharedCache, local: LocalCache) -> None:
        self._shared = shared
        self.local = self._local = local
        """The memory of this process."""
        self.follower: Follower | None = None
        self.listener_health: ListenerHealth | CombinedHealth | None = None
        """Whether changes are heard. None, where nothing listens to any, counts as healthy."""
        self._tasks = BackgroundTasks()
        self._loader = CacheLoader(shared, local, self._tasks, lambda: self.is_kept)
        self._refreshes = RefreshCoalescer(self._loader.refresh, self._tasks.run)
        self._loader.on_stale = self._refreshes.add
        self._joinable: dict[str, InFlightLoad] = {}
        """By key, the loads in flight that requests may join."""
        self.counts: Counter[str] = self._loader.counts
        self.changes = 0
        """Number of changes that have been applied. While it stays the same, nothing has been invalidated."""
        self.on_change: list[Callable[[Change], None]] = []
        """Called with each change after it has been applied here, for what else depends on cached values."""

    @property
    def is_kept(self) -> bool:
        """Whether cached values may be served: all acknowledged changes are applied, and new ones can be announced."""
        return self.follower is not None and self.follower.has_lease

    @property
    def reason(self) -> str | None:
        """Why Redis is not used, in a sentence that may be public; None while it is used."""
        if not self.is_kept:
            return "Nothing cached is served: Redis is away, or refuses to take changes."
        return "Redis failed or was late: what it holds is not looked up." if self._shared.is_away else None

    def apply(self, change: Change) -> None:
        """Drop the affected entries and detach in-flight loads that may predate the change."""
        self.changes += 1
        record_invalidation(is_everything=EVERYTHING in change.sources, is_of_sources=bool(change.sources))
        if EVERYTHING in change.sources:
            self._local.clear()
        else:
            self._local.drop(change.keys, change.sources)
        self._loader.mark_outdated(change)
        for key in [key for key, load in self._joinable.items() if load.outdated]:
            del self._joinable[key]
        for callback in self.on_change:
            callback(change)

    async def fetch(self, keys: Sequence[str], fields: Sequence[CacheField], load: LoadFunction) -> FetchResult:
        """Return the values of the fields of these objects.

        `load` may be called after this has returned, to refresh stale values; equal load functions are called together.
        What is not there at the current deadline is a StoreTimeout, unless there are stale values to serve on errors.
        """
        with child_span("cache look-up"):
            return await self._fetch(keys, fields, load)

    async def _fetch(self, keys: Sequence[str], fields: Sequence[CacheField], load: LoadFunction) -> FetchResult:
        given_fields, fields = fields, self._adjust_for_health(fields)
        rows: list[list[Any] | None] = [None] * len(keys)
        oldest, stale = NEVER, list[tuple[int, int]]()
        loads: Mapping[int, InFlightLoad] = {}
        if self.is_kept:
            rows, stale, oldest = self._local.get(keys, fields, clock(self._loader.now_ms()))
            self._refreshes.add(((keys[row], fields[column]) for row, column in stale), load)
        missing = [index for index, row in enumerate(rows) if row is None]
        self.counts["fields from memory"] += (len(keys) - len(missing)) * len(fields)
        result = FetchResult({})
        if missing:
            loads = self._join_or_start(missing, keys, fields, load)
            await self._wait(list(dict.fromkeys(loads.values())))
            oldest = min(oldest, self._fill(rows, keys, loads, result))
        if keys:
            fresh_until = (int(oldest[:13]) - self._loader.clock_ms) / 1000
            record_fetch(
                keys,
                fields,
                fresh_until,
                Counter(fields[column] for _, column in stale),
                list(dict.fromkeys(loads.values())),
            )
        result.values = dict(zip(given_fields, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
        if result.errors and given_fields is not fields:
            field_by_name = {field.name: field for field in given_fields}
            result.errors = {field_by_name[field.name]: error for field, error in result.errors.items()}
        return result

    async def states(self, keys: Sequence[str], fields: Sequence[CacheField]) -> States:
        """Return what is fresh, stale and missing now. Nothing is loaded or leased."""
        adjusted = self._adjust_for_health(fields)
        local = self._local if self.is_kept else None
        by_adjusted = await states(local, self._shared, self._loader.clock_ms, keys, adjusted)
        return {field: by_adjusted[other] for field, other in zip(fields, adjusted, strict=True)}

    def cache_with(self, times_of: Callable[[Freshness, int], Sequence[bytes]]) -> None:
        """Cache values with other times than `variants`, so that tests need not wait for them to become stale."""
        self._loader.times_of = times_of

    async def settle(self) -> None:
        """Wait for everything that is being loaded, written or refreshed."""
        await self._tasks.settle()

    async def close(self) -> None:
        """Settle for some seconds, cancel what takes longer, and stop probing Redis."""
        await self._tasks.close()
        await self._shared.close()

    def _adjust_for_health(self, fields: Sequence[CacheField]) -> Sequence[CacheField]:
        return fields if self.listener_health is None else self.listener_health.adjust(fields)

    def _join_or_start(
        self, missing: Sequence[int], keys: Sequence[str], fields: Sequence[CacheField], load: LoadFunction
    ) -> dict[int, InFlightLoad]:
        """Return a load for each missing row: one in flight of the same fields, and a new one for the others.

        Nothing is awaited until all are joined, so that none can end in between.
        """
        loads: dict[int, InFlightLoad] = {}
        rest: list[int] = []
        for index in missing:
            # Without a lease on changes, a load may predate one that this process has not heard of.
            in_flight = self._joinable.get(keys[index]) if self.is_kept else None
            if in_flight is not None and in_flight.fields == fields:
                loads[index] = in_flight
            else:
                rest.append(index)
        self.counts["fields joined"] += len(loads) * len(fields)
        for in_flight in dict.fromkeys(loads.values()):
            in_flight.join()
            if in_flight.spans is not None:
                in_flight.spans.join()
        if rest:
            loads.update(dict.fromkeys(rest, self._start([keys[index] for index in rest], fields, load)))
        return loads

    def _start(self, keys: Sequence[str], fields: Sequence[CacheField], load: LoadFunction) -> InFlightLoad:
        in_flight_load = InFlightLoad(keys, fields, load, spans=SharedSpans.begun())
        in_flight_load.join()
        with working_until(in_flight_load.deadline), sharing(in_flight_load.spans):
            in_flight_load.task = self._tasks.run(self._run(in_flight_load), awaited=True)
        if self.is_kept:  # otherwise no change would detach it, and requests must not join it
            self._joinable.update(dict.fromkeys(keys, in_flight_load))
        return in_flight_load

    async def _wait(self, loads: Sequence[InFlightLoad]) -> None:
        """Return when the loads have ended, at the deadline of the current task, or when that is cancelled."""
        deadline = current_deadline()
        try:
            tasks = [load.task for load in loads if load.task is not None]
            if deadline is None:
                await asyncio.wait(tasks)
            else:
                with suppress(TimeoutError):
                    async with deadline.enforced():
                        await asyncio.wait(tasks)
                await self._end([load for load in loads if load.waiters == 1], deadline)
        finally:
            for load in loads:
                load.leave()
                if load.is_abandoned:
                    self._detach(load)
        for task in tasks:
            if task.done() and not task.cancelled():
                task.result()  # raises what is no StoreError

    async def _end(self, loads: Sequence[InFlightLoad], deadline: Deadline) -> None:
        """End the statements of loads at the deadline, and let the loads take what others have answered."""
        tasks = []
        for load in loads:
            if load.task is not None and not load.task.done():
                self._detach(load)  # it cannot be joined once it is shortened
                load.shorten(deadline.ends_at)
                tasks.append(load.task)
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_MOMENT_S)

    def _fill(
        self,
        rows: list[list[Any] | None],
        keys: Sequence[str],
        loads: Mapping[int, InFlightLoad],
        result: FetchResult,
    ) -> bytes:
        """Put what the loads have into the missing rows, and return the times of the least fresh value.

        A load that has not ended has stale values where they may be served on an error, and otherwise an error.
        """
        oldest = NEVER
        indexes_by_load: defaultdict[InFlightLoad, list[int]] = defaultdict(list)
        for index, load in loads.items():
            indexes_by_load[load].append(index)
        for load, indexes in indexes_by_load.items():
            oldest = min(oldest, load.oldest)
            unfinished = [index for index in indexes if keys[index] not in load.rows]
            known = load.known([keys[index] for index in unfinished]) if unfinished else {}
            late: dict[CacheField, StoreError] = {}
            for index in indexes:
                key = keys[index]
                rows[index] = load.rows[key] if key in load.rows else _values(known[key], load.fields, late)
            oldest = b"0" if unfinished else oldest
            result.errors.update((each, load.errors[each.name]) for each in load.fields if each.name in load.errors)
            result.errors.update(late)
        return oldest

    def _detach(self, load: InFlightLoad) -> None:
        for key in load.keys:
            if self._joinable.get(key) is load:
                del self._joinable[key]

    async def _run(self, load: InFlightLoad) -> None:
        try:
            await self._loader.look_and_load(load)
        finally:
            self._detach(load)
            if load.spans is not None:
                load.spans.close()
            load.task = None  # where it failed, it holds the frames that hold the load


def _values(
    entries: Sequence[Entry | None], fields: Sequence[CacheField], late: dict[CacheField, StoreError]
) -> list[Any]:
    """Return the values of one object, with errors in the place of those that are late, and note these by field."""
    values: list[Any] = []
    for each, entry in zip(fields, entries, strict=True):
        if entry is None and each not in late:
            late[each] = StoreTimeout(each.store, _LATE)
        values.append(late[each] if entry is None else entry.value)
    return values
