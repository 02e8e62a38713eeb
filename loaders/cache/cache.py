"""From what is asked to what is answered: the process's memory, Redis, and the stores for what neither has.

Within the process, what is already being fetched is waited for and not fetched again (a *flight*). Between processes, a
lease in Redis says who loads; the others look again until the value is there or the lease has ended.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field, replace
from typing import Any

from loaders.cache.fields import LEAST_MS, NEVER, VARIANTS, CacheField, Entry, clock, variants, written
from loaders.cache.in_flight_load import Answers, Flight, Load, note
from loaders.cache.invalidation import EVERYTHING, Change, Follower
from loaders.cache.listener_health import ListenerHealth
from loaders.cache.local import LocalCache
from loaders.cache.refresh_coalescer import RefreshCoalescer
from loaders.cache.shared import MOST_PLACES, Found, Mode, SharedCache
from loaders.cache.states import States, states
from loaders.concurrency import cancel_and_wait, close_with_timeout
from loaders.stores.errors import StoreError

_FIRST_LOOK_S, _LATER_LOOKS_S = 0.005, 0.05
"""How long to wait for another process's load before looking again: twice as long each time, up to the latter."""
_PAUSE_EVERY = 250
"""Values that are written without letting others have their turn: about a millisecond."""

_log = logging.getLogger("gateway")


@dataclass(eq=False, slots=True)
class Fetched:
    """Values by field, each in the order of the keys; and the error of each field that could not be loaded."""

    values: dict[CacheField, list[Any]]
    errors: dict[CacheField, StoreError] = field(default_factory=dict)


class Cache:
    """One process's cache in front of the stores. Without Redis it asks the stores, and keeps nothing."""

    def __init__(self, shared: SharedCache, local: LocalCache) -> None:
        self._shared = shared
        self._local = local
        self.follower: Follower | None = None
        self.listener_health: ListenerHealth | None = None
        """Whether changes of the register are heard. None, where nothing listens to them, counts as healthy."""
        self._flights: dict[str, tuple[Flight, asyncio.Task[None]]] = {}
        self._aloft: set[Flight] = set()
        self._refreshes = RefreshCoalescer(self._refresh, self._run)
        self._tasks: set[asyncio.Task[None]] = set()
        self._clock_ms = 0.0
        """What to add to the monotonic clock to have Redis'."""
        self.counts: Counter[str] = Counter()
        self.changes = 0
        """How many changes have been applied. Where it has not moved since, nothing has been invalidated."""
        self.listeners: list[Callable[[Change], None]] = []
        """Told of each change when it has been applied here: for what is kept of what was read."""

    @property
    def is_kept(self) -> bool:
        """Whether anything cached may be served: changes that were made known are applied, and others can be."""
        return self.follower is not None and self.follower.attends

    @property
    def reason(self) -> str | None:
        """Why Redis is not used, in a sentence that may be public; None while it is."""
        if not self.is_kept:
            return "Nothing cached is served: Redis is away, or refuses to take changes."
        return "Redis failed or was late: what it holds is not looked up." if self._shared.is_away else None

    def apply(self, change: Change) -> None:
        """Let go of what the change concerns, and let nobody wait any more for a load that may have begun before it."""
        self.changes += 1
        if EVERYTHING in change.sources:
            self._local.clear()
        else:
            self._local.drop(change.keys, change.sources)
        keys = frozenset(change.keys)
        for flight in self._aloft:
            if change.sources or not keys.isdisjoint(flight.keys):
                flight.outdated = True
        for key in [key for key, (flight, _) in self._flights.items() if flight.outdated]:
            del self._flights[key]
        for listener in self.listeners:
            listener(change)

    async def fetch(self, keys: Sequence[str], fields: Sequence[CacheField], load: Load) -> Fetched:
        """The values of the fields.

        `load` may be called after this has returned, to refresh what was stale; loads that are equal are made together.
        """
        asked, fields = fields, self._adjust_for_health(fields)
        rows: list[list[Any] | None] = [None] * len(keys)
        oldest, stale = NEVER, list[tuple[int, int]]()
        flights: Sequence[Flight] = ()
        if self.is_kept:
            rows, stale, oldest = self._local.get(keys, fields, clock(self._now_ms()))
            self._refreshes.add(((keys[at], fields[which]) for at, which in stale), load)
        missing = [at for at, row in enumerate(rows) if row is None]
        self.counts["fields from memory"] += (len(keys) - len(missing)) * len(fields)
        fetched = Fetched({})
        if missing:
            flights = await self._fly(missing, keys, fields, load, rows, fetched.errors)
            oldest = min(oldest, *(flight.oldest for flight in flights))
        if keys:
            fresh_until = (int(oldest[:13]) - self._clock_ms) / 1000
            note(keys, fields, fresh_until, Counter(fields[which] for _, which in stale), flights)
        fetched.values = dict(zip(asked, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
        if fetched.errors and asked is not fields:
            names = {one.name: one for one in asked}
            fetched.errors = {names[one.name]: error for one, error in fetched.errors.items()}
        return fetched

    async def states(self, keys: Sequence[str], fields: Sequence[CacheField]) -> States:
        """What is there now, with nothing loaded or leased."""
        adjusted = self._adjust_for_health(fields)
        found = await states(self._local if self.is_kept else None, self._shared, self._clock_ms, keys, adjusted)
        return {one: found[other] for one, other in zip(fields, adjusted, strict=True)}

    def _adjust_for_health(self, fields: Sequence[CacheField]) -> Sequence[CacheField]:
        return fields if self.listener_health is None else self.listener_health.adjust(fields)

    async def settle(self) -> None:
        """Wait for what is being fetched, written or refreshed."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """Settle for some seconds, end what takes longer, and stop looking for Redis."""
        await close_with_timeout(self.settle())
        await cancel_and_wait(self._tasks)
        await self._shared.close()

    async def _fly(
        self,
        missing: Sequence[int],
        keys: Sequence[str],
        fields: Sequence[CacheField],
        load: Load,
        rows: list[list[Any] | None],
        errors: dict[CacheField, StoreError],
    ) -> Sequence[Flight]:
        """Join the flights that fetch the same, begin one for the rest, and take what comes of them."""
        joined: dict[int, tuple[Flight, asyncio.Task[None]]] = {}
        own: list[int] = []
        for at in missing:
            aloft = self._flights.get(keys[at]) if self.is_kept else None  # else it may be of before a change
            if aloft is not None and aloft[0].fields == fields:
                joined[at] = aloft
            else:
                own.append(at)
        self.counts["fields joined"] += len(joined) * len(fields)
        if own:
            begun = self._begin([keys[at] for at in own], fields, load)
            joined.update(dict.fromkeys(own, begun))
        flights = dict(joined.values())
        await asyncio.gather(*map(asyncio.shield, flights.values()))
        for at, (flight, _) in joined.items():
            rows[at] = flight.rows[keys[at]]
        for flight in flights:
            errors.update((one, flight.errors[one.name]) for one in fields if one.name in flight.errors)
        return list(flights)

    def _begin(
        self, keys: Sequence[str], fields: Sequence[CacheField], load: Load
    ) -> tuple[Flight, asyncio.Task[None]]:
        flight = Flight(keys, fields, load)
        begun = (flight, self._run(self._fetch(flight), awaited=True))
        if self.is_kept:  # else nobody could say that a change has come since it began, and others must not join it
            self._flights.update(dict.fromkeys(keys, begun))
        return begun

    async def _fetch(self, flight: Flight) -> None:
        self._aloft.add(flight)
        try:
            await self._look_and_load(flight)
        finally:
            self._aloft.discard(flight)
            for key in flight.keys:
                if key in self._flights and self._flights[key][0] is flight:
                    del self._flights[key]

    async def _look_and_load(self, flight: Flight) -> None:
        wait_s, keys = _FIRST_LOOK_S, list(flight.keys)
        until = time.monotonic() + self._shared.lease_s
        while keys:
            found = None
            if len(keys) * len(flight.fields) <= MOST_PLACES and time.monotonic() < until:
                found = await self._look_up(keys, flight.fields)
            if found is None:
                self.counts["fields bypassed"] += len(keys) * len(flight.fields)
                found = Found("", 0, [], [[None] * len(flight.fields) for _ in keys])
                found.leased.update((which, list(range(len(keys)))) for which in range(len(flight.fields)))
            else:
                self._clock_ms = found.now_ms - time.monotonic() * 1000
            self._take(flight, keys, found)
            if found.leased:
                await self._load(flight, keys, found)
            keys = self._finished(flight, keys, found)
            if keys:
                self.counts["waits"] += 1
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, _LATER_LOOKS_S)

    async def _look_up(self, keys: Sequence[str], fields: Sequence[CacheField], *, mode: Mode = "load") -> Found | None:
        """What Redis has, None where it cannot be asked, or may hold what could not be invalidated."""
        return await self._shared.look_up(keys, fields, mode=mode) if self.is_kept else None

    def _take(self, flight: Flight, keys: Sequence[str], found: Found) -> None:
        """Keep in memory what Redis had, and have refreshed what was stale."""
        now, keeps = clock(found.now_ms), self.is_kept and not flight.outdated
        stale: list[tuple[str, CacheField]] = []
        for key, row in zip(keys, found.rows, strict=True):
            known = [(one, entry) for one, entry in zip(flight.fields, row, strict=True) if entry is not None]
            stale += [(key, one) for one, entry in known if entry.times < now]
            self.counts["fields from redis"] += len(known)
            flight.oldest = min(flight.oldest, *(entry.times for _, entry in known), NEVER)
            if keeps and known:
                self._local.put(key, *zip(*known, strict=True))
        flight.stale.update(one for _, one in stale)
        self._refreshes.add(stale, flight.load)

    async def _load(self, flight: Flight, keys: Sequence[str], found: Found) -> None:
        """Ask the stores for what is this flight's to load, put it into its rows, and have it kept."""
        answers = await flight.load(
            {flight.fields[which]: [keys[at] for at in places] for which, places in found.leased.items()}
        )
        for which, places in found.leased.items():
            self.counts["fields loaded"] += len(places)
            flight.missed[flight.fields[which]] += len(places)
            answer = answers[flight.fields[which]]
            if isinstance(answer, StoreError):
                self._without(flight, found, which, answer)
                continue
            for at in places:
                found.rows[at][which] = Entry(answer.get(keys[at]), b"", 0)
            age_ms = flight.fields[which].freshness.max_age_s * LEAST_MS
            flight.oldest = min(flight.oldest, clock((found.now_ms or self._now_ms()) + age_ms))
        if found.epochs:
            keeping = replace(flight)
            self._aloft.add(keeping)  # until it is kept, it may be outdated
            self._run(self._keep(keeping, keys, found, answers))

    def _without(self, flight: Flight, found: Found, which: int, error: StoreError) -> None:
        """What is known of a field that could not be loaded, where it may be served then; else the error."""
        for at in found.leased[which]:
            known = found.usable.get((at, which))
            found.rows[at][which] = known or Entry(None, b"", 0)
            flight.oldest = b"0"
            self.counts["fields served on error"] += known is not None
            if known is None:
                flight.errors[flight.fields[which].name] = error

    async def _keep(self, flight: Flight, keys: Sequence[str], found: Found, answers: Answers) -> None:
        """Write what was loaded, and give the leases back. Errors are never kept."""
        try:
            texts = await self._written(flight, keys, found, answers)
        finally:
            self._aloft.discard(flight)
        await self._shared.put([keys[at] for at in texts], flight.fields, found.token, list(texts.values()))

    async def _written(
        self, flight: Flight, keys: Sequence[str], found: Found, answers: Answers
    ) -> Mapping[int, list[bytes]]:
        """The texts of what was loaded, which is put into memory too where nothing of it is outdated."""
        texts: defaultdict[int, list[bytes]] = defaultdict(lambda: [b""] * len(flight.fields))
        for which, places in found.leased.items():
            of, answer = flight.fields[which], answers[flight.fields[which]]
            times = variants(of.freshness, found.now_ms)
            for count, at in enumerate(places):
                row = texts[at]
                kept = None
                if not isinstance(answer, StoreError):
                    kept = written(answer.get(keys[at]), times[at % VARIANTS], found.epochs[at][which])
                if kept is not None:
                    row[which], entry = kept
                    if self.is_kept and not flight.outdated:
                        self._local.put(keys[at], (of,), (entry,))
                if count % _PAUSE_EVERY == _PAUSE_EVERY - 1:
                    await asyncio.sleep(0)
        return texts

    def _finished(self, flight: Flight, keys: Sequence[str], found: Found) -> list[str]:
        """Take the rows that are whole; the keys of the others, which another process loads."""
        rest = []
        for key, row in zip(keys, found.rows, strict=True):
            if None in row:
                rest.append(key)
            else:
                flight.rows[key] = [entry.value for entry in row if entry is not None]
        return rest

    async def _refresh(self, flight: Flight) -> None:
        """Load what this process gets the leases of, and take what another has refreshed."""
        self._aloft.add(flight)
        try:
            found = await self._look_up(flight.keys, flight.fields, mode="refresh")
            if found is None:
                return
            self._take(flight, flight.keys, found)
            if found.leased:
                self.counts["fields refreshed"] += sum(map(len, found.leased.values()))
                await self._load(flight, flight.keys, found)
        finally:
            self._aloft.discard(flight)

    def _now_ms(self) -> float:
        """By Redis' clock."""
        return time.monotonic() * 1000 + self._clock_ms

    def _run(
        self, work: Coroutine[Any, Any, None], context: Context | None = None, *, awaited: bool = False
    ) -> asyncio.Task[None]:
        """Begin what nobody may wait for; whoever waits for what is `awaited` is told why it failed."""
        task = asyncio.create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._done if awaited else self._done_in_background)
        return task

    def _done(self, task: asyncio.Task[None]) -> BaseException | None:
        self._tasks.discard(task)
        return None if task.cancelled() else task.exception()

    def _done_in_background(self, task: asyncio.Task[None]) -> None:
        if (error := self._done(task)) is not None:
            _log.error("What was cached could not be refreshed or kept.", exc_info=error)
