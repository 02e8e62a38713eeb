"""Load what memory lacks: look it up in Redis, load from the stores what this process leases, and write it back."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import Context
from dataclasses import replace
from typing import TYPE_CHECKING

from loaders.cache.fields import MIN_MS, NEVER, VARIANTS, CacheField, Entry, clock, variants, written
from loaders.cache.shared import MAX_FIELDS, CacheLookup, Mode
from loaders.metrics import LEASE_WAITS
from loaders.stores.errors import StoreError

if TYPE_CHECKING:
    from loaders.cache.background_tasks import BackgroundTasks
    from loaders.cache.in_flight_load import InFlightLoad, LoadedValues, LoadFunction
    from loaders.cache.invalidation import Change
    from loaders.cache.local import LocalCache
    from loaders.cache.shared import SharedCache
    from loaders.model.databases import Freshness

_FIRST_WAIT_S, _MAX_WAIT_S = 0.005, 0.05
"""How long to wait for another process's load before looking again: twice as long each time, up to the latter."""
_PAUSE_EVERY = 250
"""Values that are encoded before other tasks get the event loop: about a millisecond."""

_MAX_WRITING = 100_000
"""Values that may wait to be written to Redis, with all that they hold. Of more, the leases are given back alone: where
Redis is slower than the stores, what is to be written would pile up."""
_MAX_GIVING_BACK = 1_000
"""Loads whose leases may wait to be given back; those of more end by themselves."""


class CacheLoader:
    """Runs the loads of one process's cache. `is_kept` says whether cached values may be served and written."""

    def __init__(
        self, shared: SharedCache, local: LocalCache, tasks: BackgroundTasks, is_kept: Callable[[], bool]
    ) -> None:
        self._shared = shared
        self._local = local
        self._tasks = tasks
        self._is_kept = is_kept
        self._in_flight: set[InFlightLoad] = set()
        self._writing = self._giving_back = 0
        self.on_stale: Callable[[Iterable[tuple[str, CacheField]], LoadFunction], None] = lambda _values, _load: None
        """Called with the keys and fields that turn out stale, and with what loads them."""
        self.times_of: Callable[[Freshness, int], Sequence[bytes]] = variants
        """Returns the times that values are cached with, in variants."""
        self.clock_ms = 0.0
        """Milliseconds to add to the monotonic clock to have that of Redis."""
        self.counts: Counter[str] = Counter()

    def now_ms(self) -> float:
        """Return the time by Redis' clock."""
        return time.monotonic() * 1000 + self.clock_ms

    def mark_outdated(self, change: Change) -> None:
        """Mark the loads in flight that may have read something before the change."""
        keys = frozenset(change.keys)
        for load in self._in_flight:
            if change.sources or not keys.isdisjoint(load.keys):
                load.outdated = True

    async def look_and_load(self, load: InFlightLoad) -> None:
        """Fill the rows of a load: from Redis, from the stores, or from what another process loads meanwhile."""
        self._in_flight.add(load)
        waits_since: float | None = None
        try:
            wait_s, keys = _FIRST_WAIT_S, list(load.keys)
            until = time.monotonic() + self._shared.lease_s
            while keys:
                load.is_looking_up = True
                lookup = await self._look_up_or_bypass(load, keys, until)
                load.is_looking_up = False
                if load.is_abandoned:
                    self._give_back(load, keys, lookup)
                    return
                load.last_lookup = keys, lookup
                self._take(load, keys, lookup)
                if lookup.leased:
                    await self._load(load, keys, lookup)
                keys = self._finish_rows(load, keys, lookup)
                if keys:
                    self.counts["waits"] += 1
                    waits_since = waits_since or time.monotonic()
                    await asyncio.sleep(wait_s)
                    wait_s = min(2 * wait_s, _MAX_WAIT_S)
        finally:
            self._in_flight.discard(load)
            if waits_since is not None:
                LEASE_WAITS.observe(time.monotonic() - waits_since)

    async def refresh(self, load: InFlightLoad) -> None:
        """Load the stale values that this process gets the lease of, and take those that another has refreshed."""
        self._in_flight.add(load)
        try:
            lookup = await self._look_up(load.keys, load.fields, mode="refresh")
            if lookup is None:
                return
            self._take(load, load.keys, lookup)
            if lookup.leased:
                self.counts["fields refreshed"] += sum(map(len, lookup.leased.values()))
                await self._load(load, load.keys, lookup)
        finally:
            self._in_flight.discard(load)

    async def _look_up_or_bypass(self, load: InFlightLoad, keys: Sequence[str], until: float) -> CacheLookup:
        """Return what Redis has; everything is to be loaded where it cannot be asked, or waiting took too long."""
        lookup = None
        if len(keys) * len(load.fields) <= MAX_FIELDS and time.monotonic() < until:
            lookup = await self._look_up(keys, load.fields)
        if lookup is not None:
            self.clock_ms = lookup.now_ms - time.monotonic() * 1000
            return lookup
        self.counts["fields bypassed"] += len(keys) * len(load.fields)
        bypass = CacheLookup("", 0, [], [[None] * len(load.fields) for _ in keys])
        bypass.leased.update((column, list(range(len(keys)))) for column in range(len(load.fields)))
        return bypass

    async def _look_up(
        self, keys: Sequence[str], fields: Sequence[CacheField], *, mode: Mode = "load"
    ) -> CacheLookup | None:
        """Return what Redis has; None where it cannot be asked, or may hold what could not be invalidated."""
        return await self._shared.look_up(keys, fields, mode=mode) if self._is_kept() else None

    def _take(self, load: InFlightLoad, keys: Sequence[str], lookup: CacheLookup) -> None:
        """Copy what Redis had into memory, and have stale values refreshed."""
        now, keeps = clock(lookup.now_ms), self._is_kept() and not load.outdated
        stale: list[tuple[str, CacheField]] = []
        for key, row in zip(keys, lookup.rows, strict=True):
            known = [(field, entry) for field, entry in zip(load.fields, row, strict=True) if entry is not None]
            stale += [(key, field) for field, entry in known if entry.times < now]
            self.counts["fields from redis"] += len(known)
            load.oldest = min(load.oldest, *(entry.times for _, entry in known), NEVER)
            if keeps and known:
                self._local.put(key, *zip(*known, strict=True))
        load.stale.update(field for _, field in stale)
        self.on_stale(stale, load.load)

    async def _load(self, load: InFlightLoad, keys: Sequence[str], lookup: CacheLookup) -> None:
        """Ask the stores for what this load has the leases of, put it into its rows, and have it written to Redis."""
        try:
            values = await load.load(
                {load.fields[column]: [keys[row] for row in rows] for column, rows in lookup.leased.items()}
            )
        except BaseException:  # nobody waits any more; or what is no StoreError
            self._give_back(load, keys, lookup)
            raise
        for column, rows in lookup.leased.items():
            field = load.fields[column]
            self.counts["fields loaded"] += len(rows)
            load.missed[field] += len(rows)
            loaded = values[field]
            if isinstance(loaded, StoreError):
                self._serve_on_error(load, lookup, column, loaded)
                continue
            for row in rows:
                lookup.rows[row][column] = Entry(loaded.get(keys[row]), b"", 0)
            age_ms = field.freshness.fresh_s * MIN_MS
            load.oldest = min(load.oldest, clock((lookup.now_ms or self.now_ms()) + age_ms))
        if lookup.epochs:
            self._start_writing(load, keys, lookup, values)

    def _serve_on_error(self, load: InFlightLoad, lookup: CacheLookup, column: int, error: StoreError) -> None:
        """Serve stale values of a field that could not be loaded, where they may be; otherwise its error in their
        place."""
        for row in lookup.leased[column]:
            usable = lookup.usable.get((row, column))
            lookup.rows[row][column] = usable or Entry(error, b"", 0)
            load.oldest = b"0"
            self.counts["fields served on error"] += usable is not None
            if usable is None:
                load.errors[load.fields[column].name] = error

    def _start_writing(
        self, load: InFlightLoad, keys: Sequence[str], lookup: CacheLookup, values: LoadedValues
    ) -> None:
        """Have what was loaded written, unless too much is being written: then the leases are given back alone."""
        count = sum(map(len, lookup.leased.values()))
        if self._writing + count > _MAX_WRITING:
            self.counts["fields not written"] += count
            self._give_back(load, keys, lookup)
            return
        writing = replace(load, task=None, last_lookup=None, spans=None)
        self._in_flight.add(writing)  # a change may outdate it until it is written
        self._writing += count
        self._tasks.run(self._write(writing, keys, lookup, values, count), Context())

    def _give_back(self, load: InFlightLoad, keys: Sequence[str], lookup: CacheLookup) -> None:
        """Give back the leases of what is not loaded or not written, so that others need not wait for their end."""
        leased = sorted({row for rows in lookup.leased.values() for row in rows}) if lookup.epochs else []
        if leased and self._giving_back < _MAX_GIVING_BACK:
            self._giving_back += 1
            self._tasks.run(self._return_leases([keys[row] for row in leased], load.fields, lookup.token), Context())

    async def _return_leases(self, keys: Sequence[str], fields: Sequence[CacheField], token: str) -> None:
        try:
            await self._shared.put(keys, fields, token, [[b""] * len(fields)] * len(keys))
        finally:
            self._giving_back -= 1

    async def _write(
        self, load: InFlightLoad, keys: Sequence[str], lookup: CacheLookup, values: LoadedValues, count: int
    ) -> None:
        try:
            await self._encode_and_put(load, keys, lookup, values)
        finally:
            self._writing -= count

    async def _encode_and_put(
        self, load: InFlightLoad, keys: Sequence[str], lookup: CacheLookup, values: LoadedValues
    ) -> None:
        """Write what was loaded to memory and Redis, and give the leases back. Errors are never cached."""
        try:
            texts = await self._encode(load, keys, lookup, values)
        finally:
            self._in_flight.discard(load)
        await self._shared.put([keys[row] for row in texts], load.fields, lookup.token, list(texts.values()))

    async def _encode(
        self, load: InFlightLoad, keys: Sequence[str], lookup: CacheLookup, values: LoadedValues
    ) -> Mapping[int, list[bytes]]:
        """Return the texts of what was loaded, by row; put the values into memory too unless the load is outdated."""
        texts: defaultdict[int, list[bytes]] = defaultdict(lambda: [b""] * len(load.fields))
        for column, rows in lookup.leased.items():
            field, loaded = load.fields[column], values[load.fields[column]]
            times = self.times_of(field.freshness, lookup.now_ms)
            for count, row in enumerate(rows):
                row_texts = texts[row]
                encoded = None
                if not isinstance(loaded, StoreError):
                    encoded = written(loaded.get(keys[row]), times[row % VARIANTS], lookup.epochs[row][column])
                if encoded is not None:
                    row_texts[column], entry = encoded
                    if self._is_kept() and not load.outdated:
                        self._local.put(keys[row], (field,), (entry,))
                if count % _PAUSE_EVERY == _PAUSE_EVERY - 1:
                    await asyncio.sleep(0)
        return texts

    def _finish_rows(self, load: InFlightLoad, keys: Sequence[str], lookup: CacheLookup) -> list[str]:
        """Take the rows that are complete, and return the keys of the others, which another process loads."""
        rest = []
        for key, row in zip(keys, lookup.rows, strict=True):
            if None in row:
                rest.append(key)
            else:
                load.rows[key] = [entry.value for entry in row if entry is not None]
        return rest
