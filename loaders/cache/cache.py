"""The cache in front of the stores: look in the process's memory, then in Redis, then load what neither has.

Within the process, a request joins a load that is in flight for the same fields. Between processes, a lease in Redis
says which of them loads; the others look again until the value is there or the lease has ended.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loaders.cache.background_tasks import BackgroundTasks
from loaders.cache.cache_loader import CacheLoader
from loaders.cache.fields import NEVER, CacheField, clock
from loaders.cache.in_flight_load import InFlightLoad, LoadFunction, record_fetch
from loaders.cache.invalidation import EVERYTHING, Change, Follower
from loaders.cache.refresh_coalescer import RefreshCoalescer
from loaders.cache.states import States, states

if TYPE_CHECKING:
    from loaders.cache.listener_health import CombinedHealth, ListenerHealth
    from loaders.cache.local import LocalCache
    from loaders.cache.shared import SharedCache
    from loaders.stores.errors import StoreError


@dataclass(eq=False, slots=True)
class FetchResult:
    """Values by field, each in the order of the keys; and the error of each field that could not be loaded."""

    values: dict[CacheField, list[Any]]
    errors: dict[CacheField, StoreError] = field(default_factory=dict)


class Cache:
    """The cache of one process. Without Redis it loads everything from the stores, and caches nothing."""

    def __init__(self, shared: SharedCache, local: LocalCache) -> None:
        self._shared = shared
        self._local = local
        self.follower: Follower | None = None
        self.listener_health: ListenerHealth | CombinedHealth | None = None
        """Whether changes are heard. None, where nothing listens to any, counts as healthy."""
        self._tasks = BackgroundTasks()
        self._loader = CacheLoader(shared, local, self._tasks, lambda: self.is_kept)
        self._refreshes = RefreshCoalescer(self._loader.refresh, self._tasks.run)
        self._loader.on_stale = self._refreshes.add
        self._joinable: dict[str, tuple[InFlightLoad, asyncio.Task[None]]] = {}
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
        if EVERYTHING in change.sources:
            self._local.clear()
        else:
            self._local.drop(change.keys, change.sources)
        self._loader.mark_outdated(change)
        for key in [key for key, (load, _) in self._joinable.items() if load.outdated]:
            del self._joinable[key]
        for callback in self.on_change:
            callback(change)

    async def fetch(self, keys: Sequence[str], fields: Sequence[CacheField], load: LoadFunction) -> FetchResult:
        """Return the values of the fields of these objects.

        `load` may be called after this has returned, to refresh stale values; equal load functions are called together.
        """
        given_fields, fields = fields, self._adjust_for_health(fields)
        rows: list[list[Any] | None] = [None] * len(keys)
        oldest, stale = NEVER, list[tuple[int, int]]()
        loads: Sequence[InFlightLoad] = ()
        if self.is_kept:
            rows, stale, oldest = self._local.get(keys, fields, clock(self._loader.now_ms()))
            self._refreshes.add(((keys[row], fields[column]) for row, column in stale), load)
        missing = [index for index, row in enumerate(rows) if row is None]
        self.counts["fields from memory"] += (len(keys) - len(missing)) * len(fields)
        result = FetchResult({})
        if missing:
            loads = await self._join_or_start(missing, keys, fields, load, rows, result.errors)
            oldest = min(oldest, *(load.oldest for load in loads))
        if keys:
            fresh_until = (int(oldest[:13]) - self._loader.clock_ms) / 1000
            record_fetch(keys, fields, fresh_until, Counter(fields[column] for _, column in stale), loads)
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

    async def settle(self) -> None:
        """Wait for everything that is being loaded, written or refreshed."""
        await self._tasks.settle()

    async def close(self) -> None:
        """Settle for some seconds, cancel what takes longer, and stop probing Redis."""
        await self._tasks.close()
        await self._shared.close()

    def _adjust_for_health(self, fields: Sequence[CacheField]) -> Sequence[CacheField]:
        return fields if self.listener_health is None else self.listener_health.adjust(fields)

    async def _join_or_start(
        self,
        missing: Sequence[int],
        keys: Sequence[str],
        fields: Sequence[CacheField],
        load: LoadFunction,
        rows: list[list[Any] | None],
        errors: dict[CacheField, StoreError],
    ) -> Sequence[InFlightLoad]:
        """Fill the missing rows from loads in flight of the same fields, and from a new load for the others."""
        loads: dict[int, tuple[InFlightLoad, asyncio.Task[None]]] = {}
        rest: list[int] = []
        for index in missing:
            # Without a lease on changes, a load may predate one that this process has not heard of.
            in_flight = self._joinable.get(keys[index]) if self.is_kept else None
            if in_flight is not None and in_flight[0].fields == fields:
                loads[index] = in_flight
            else:
                rest.append(index)
        self.counts["fields joined"] += len(loads) * len(fields)
        if rest:
            loads.update(dict.fromkeys(rest, self._start([keys[index] for index in rest], fields, load)))
        tasks = dict(loads.values())
        await asyncio.gather(*map(asyncio.shield, tasks.values()))
        for index, (in_flight_load, _) in loads.items():
            rows[index] = in_flight_load.rows[keys[index]]
        for each in tasks:
            errors.update((field, each.errors[field.name]) for field in fields if field.name in each.errors)
        return list(tasks)

    def _start(
        self, keys: Sequence[str], fields: Sequence[CacheField], load: LoadFunction
    ) -> tuple[InFlightLoad, asyncio.Task[None]]:
        in_flight_load = InFlightLoad(keys, fields, load)
        started = (in_flight_load, self._tasks.run(self._run(in_flight_load), awaited=True))
        if self.is_kept:  # otherwise no change would detach it, and requests must not join it
            self._joinable.update(dict.fromkeys(keys, started))
        return started

    async def _run(self, load: InFlightLoad) -> None:
        try:
            await self._loader.look_and_load(load)
        finally:
            for key in load.keys:
                if key in self._joinable and self._joinable[key][0] is load:
                    del self._joinable[key]
