"""Invalidate cached values: once an invalidation is acknowledged, no process serves anything older.

An invalidation deletes what it affects from Redis, with all leases on it, and announces the change in a stream. Every
process with a cache follows the stream under a lease that it renews, drops what a change affects, and records how far
it has read. The invalidation waits until all processes have read that far or have lost their lease: a process whose
lease has ended, by its own clock and earlier than by that of Redis, serves nothing from its memory.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from random import SystemRandom

import orjson

from loaders.cache import scripts
from loaders.cache.shards import Shards
from loaders.concurrency import cancel_and_wait
from loaders.errors import CallerError
from loaders.stores.errors import StoreTimeout, StoreUnavailable
from loaders.stores.redis import STORE, Redis, Scripts

EVERYTHING = "*"
_NO_OBJECT = ""
"""The key of an object that does not exist."""
_KEEP = 10_000
"""Changes that stay in the stream. A process that has missed one drops everything."""
_LEASE_S = 3.0
"""How long an invalidation may wait for a process that was killed."""
_LEASE_MS = int(_LEASE_S * 1000)
_MARGIN_S = 0.5
"""How much earlier than Redis a process considers its lease ended: more than clocks drift apart in three seconds."""
_RENEW_S = 0.3
_SILENCE_S = 1.0
"""How long nothing may be announced before a process tests that it can; mostly one does, and the others hear it."""
_SETTLE_S = 1.0
"""How long Redis must accept changes again before cached values are served, so that refused changes come first. It is
longer than RETRY_S, the wait between two attempts to announce one."""
RETRY_S = 0.2
"""How long to wait before a change that could not be announced is tried again."""
_POLL_S = 0.002

_log = logging.getLogger("gateway")
_random = SystemRandom()


@dataclass(frozen=True, slots=True)
class Change:
    """Objects that have changed, and sources that have changed for every object; EVERYTHING stands for all sources."""

    keys: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def written(self) -> bytes:
        """Return the change as it is written to the stream."""
        return orjson.dumps([self.keys, self.sources])

    @classmethod
    def read(cls, text: bytes) -> Change:
        """Parse a change from the stream. Raises ValueError where it is malformed."""
        keys, sources = orjson.loads(text)
        return cls(tuple(keys), tuple(sources))


class Invalidator:
    """Invalidates changes in Redis and in the memory of all processes."""

    def __init__(self, redis: Redis) -> None:
        self._shards = Shards(redis)

    async def invalidate(self, change: Change) -> None:
        """Return when no process serves anything older. Raises StoreError where that cannot be guaranteed."""
        if not change.keys and not change.sources:
            raise CallerError("An invalidation names what has changed: objects, sections, or everything.")
        places = self._shards.places(change.keys)
        concerned = range(len(self._shards)) if change.sources else places
        refusal = await _first_error(
            self._delete(shard, [change.keys[index] for index in places.get(shard, ())], change.sources)
            for shard in concerned
        )
        place = await self._announce(change)  # even where a shard failed, so that processes drop what they can
        if refusal is not None:
            raise refusal
        await self._wait_for_processes(place)

    async def rehearse(self, *, announce: bool) -> None:
        """Run an invalidation of an object that does not exist, on every shard. Raises like an invalidation.

        With `announce`, an empty change is announced, which wakes up every process; otherwise nothing is written.
        """
        refusal = await _first_error(self._delete(shard, [_NO_OBJECT], ()) for shard in range(len(self._shards)))
        if refusal is not None:
            raise refusal
        if announce:
            await self._announce(Change())
            await self._places()

    async def _delete(self, shard: int, keys: Sequence[str], sources: Sequence[str]) -> None:
        token = secrets.token_hex(16)
        for index in range(0, max(len(keys), 1), _KEEP):
            names = ["epochs", *(f"o:{key}" for key in keys[index : index + _KEEP])]
            await self._shards[shard].run(scripts.FORGET, names, [token, *sources])

    async def _announce(self, change: Change) -> bytes:
        """Announce a change, and return its place in the stream."""
        names = ["changes", "changes:count"]
        place: bytes = await self._shards[0].run(scripts.ANNOUNCE, names, [change.written(), _KEEP])
        return place

    async def _places(self) -> list[bytes]:
        """Return how far the processes with a lease have read the stream."""
        names = ["attending", "attending:places"]
        places: list[bytes] = await self._shards[0].run(scripts.AWAITED, names, [_LEASE_MS])
        return places

    async def _wait_for_processes(self, place: bytes) -> None:
        deadline = time.monotonic() + 2 * _LEASE_S
        while time.monotonic() < deadline:
            if all(_order(item) >= _order(place) for item in await self._places()):
                return
            await asyncio.sleep(_POLL_S)
        raise StoreTimeout(STORE, "Not all processes have applied the change in time.")


class Follower:
    """Follows the changes in one process, under a lease.

    `apply` is called with each change, and with a change of EVERYTHING where changes may have been missed. Cached
    values may only be served while `has_lease`: then all acknowledged changes are applied, and new ones can be
    announced.
    """

    def __init__(self, redis: Redis, apply: Callable[[Change], None]) -> None:
        self._scripts = Scripts(redis)
        self._invalidator = Invalidator(redis)
        self._replication_epoch = b""
        self._apply = apply
        self._process = secrets.token_hex(8)
        self._until = 0.0
        self._stopping = False
        self._failing = False
        self._task: asyncio.Task[None] | None = None

    @property
    def has_lease(self) -> bool:
        """Whether this process has a lease on the stream of changes."""
        return time.monotonic() < self._until

    async def start(self) -> None:
        """Start following, and return when the process has its lease or the first attempt has failed."""
        began = asyncio.Event()
        self._task = asyncio.create_task(self._follow(began))
        self._task.add_done_callback(lambda _: began.set())  # however it ends, nobody waits for it
        await began.wait()

    async def stop(self) -> None:
        """Stop following. Invalidations stop waiting for this process when its lease has ended."""
        self._stopping = True
        await cancel_and_wait([self._task] if self._task is not None else [])
        self._until = 0.0

    async def _follow(self, began: asyncio.Event) -> None:
        while not self._stopping:
            try:
                await self._follow_under_lease(began)
            except Exception as error:  # whatever it is, without a lease nothing cached may be served
                self._until = 0.0
                self._apply(Change(sources=(EVERYTHING,)))
                if not self._failing:  # logged once, until changes are followed again
                    _log.warning("Changes cannot be followed, nothing cached is served: %s", str(error)[:500])
                self._failing = True
                began.set()
                await asyncio.sleep(_RENEW_S)

    async def _follow_under_lease(self, began: asyncio.Event) -> None:
        number = -1
        self._until = 0.0
        if self._failing:
            await self._invalidator.rehearse(announce=False)
            await asyncio.sleep(_SETTLE_S)
        await self._invalidator.rehearse(announce=True)
        place = await self._renew(b"")
        began.set()
        heard = rehearsed = time.monotonic()
        while not self._stopping:
            for place_of_entry, entry in await self._scripts.read_stream("changes", place, _RENEW_S):
                place, this = place_of_entry, int(entry[b"number"])
                missed = number not in (-1, this - 1)
                change = Change(sources=(EVERYTHING,)) if missed else Change.read(entry[b"change"])
                if change != Change():
                    self._apply(change)
                number, heard = this, time.monotonic()
            await self._renew(place)
            if time.monotonic() - rehearsed > _RENEW_S / 2:  # not after each of many changes
                # By chance, mostly one of the processes breaks the silence.
                silent = time.monotonic() - heard > _SILENCE_S * _random.uniform(0.7, 1.3)
                await self._invalidator.rehearse(announce=silent)
                rehearsed = time.monotonic()
            if self._failing:
                _log.warning("Changes are followed again.")
            self._failing = False

    async def _renew(self, place: bytes) -> bytes:
        """Renew the lease at a place of the stream, or begin at its end; return the place."""
        began = time.monotonic()
        names = ["attending", "attending:places", "changes"]
        arguments = [self._process, place, _LEASE_MS, self._replication_epoch]
        replication_epoch, place_now = await self._scripts.run(scripts.ATTEND, names, arguments)
        if place and replication_epoch != self._replication_epoch:
            raise StoreUnavailable(STORE, "Redis was started again, or another server is the master.")
        self._replication_epoch = replication_epoch
        if time.monotonic() >= self._until:  # invalidations did not wait for this process, and may be unread
            self._apply(Change(sources=(EVERYTHING,)))
        self._until = began + _LEASE_S - _MARGIN_S
        return bytes(place_now)


async def _first_error(calls: Iterable[Awaitable[None]]) -> BaseException | None:
    """Wait for all calls, and return the error of the first that failed."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    return next((result for result in results if result is not None), None)


def _order(place: bytes) -> tuple[int, int]:
    milliseconds, _, number = place.partition(b"-")
    return int(milliseconds), int(number)
