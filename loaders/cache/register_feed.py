"""What changes in PostgreSQL's register, whoever changes it, made known to all caches.

Triggers announce the keys that each transaction changed (migrations/postgres/0003_changes.sql). One process listens,
and invalidates what it hears of. What is announced while nobody listens is lost; so whoever begins to listen takes all
of the register for changed.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson

from loaders.cache.invalidation import Change
from loaders.catalogue import SECTIONS
from loaders.catalogue.sources import AIRCRAFT_TABLE, REGISTER_TABLE
from loaders.stopping import ended
from loaders.stores.postgres import Postgres, PostgresSession

CHANNEL = "gateway_changes"

_GATHER_S = 0.005
"""How long changes are gathered before they are made known together; a transaction may announce several."""
_MOST_KEYS = 10_000
"""Objects that are kept while changes cannot be made known; with more of them, all of the register has changed."""

_SHARED = tuple(sorted({one.relation.source.name for one in SECTIONS.values() if one.relation.source.shared}))

_UNHEARD = "Changes of the register cannot be listened to, which is tried again"
_UNTOLD = "Changes of the register cannot be made known, and are kept until they can"

_log = logging.getLogger("gateway")


@dataclass(frozen=True, slots=True)
class _Table:
    """What of the cache depends on a table: objects by their key, sources with each object, sources with all of it."""

    prefix: str
    with_each: tuple[str, ...]
    whole: tuple[str, ...]


_OF_AIRCRAFT = _Table("aircraft:", _SHARED, (AIRCRAFT_TABLE.name, REGISTER_TABLE.name, *_SHARED))
_TABLES = {
    "aircraft": _OF_AIRCRAFT,
    "register": _OF_AIRCRAFT,
    "airline": _Table("airline:", (), ("airline",)),
    "airport": _Table("airport:", (), ("airport",)),
}

WHOLE_REGISTER = Change(sources=tuple(dict.fromkeys(source for table in _TABLES.values() for source in table.whole)))
"""A change of every aircraft's entry, every airline and every airport."""


def announced(message: str) -> Change:
    """What a message on the channel says has changed: the whole register where it cannot be read."""
    try:
        told = orjson.loads(message)
        table = _TABLES[told["table"]]
        if not told.get("keys"):
            return Change(sources=table.whole)
        return Change(tuple(table.prefix + key for key in told["keys"]), table.with_each)
    except (ValueError, KeyError, TypeError):
        _log.warning("A message on %s cannot be read, the whole register is invalidated: %.200s", CHANNEL, message)
        return WHOLE_REGISTER


class _Kept:
    """Changes that are still to be made known, as one. Bounded: too many objects become the sources as a whole."""

    def __init__(self) -> None:
        self._keys: dict[str, None] = {}
        self._sources: dict[str, None] = {}

    def add(self, change: Change) -> None:
        self._keys.update(dict.fromkeys(change.keys))
        self._sources.update(dict.fromkeys(change.sources))
        if len(self._keys) > _MOST_KEYS:
            self._keys.clear()
            self._sources.update(dict.fromkeys(WHOLE_REGISTER.sources))

    def take(self) -> Change:
        """All of it, which is kept no longer."""
        change = Change(tuple(self._keys), tuple(self._sources))
        self._keys.clear()
        self._sources.clear()
        return change


class RegisterFeed:
    """One process's part in it: it listens, or waits until the one that listens is gone.

    `invalidate` is an Invalidator's. `group` names what the processes have in common that it reaches, such as the URL
    of their Redis: one process of each group listens. A change whose invalidation fails is kept and tried again.

    It takes a connection of its own beside the pool. LISTEN and the lock need one to the primary itself: a pooler that
    hands out connections by the transaction breaks both.

    Every `pause_s` the connection is tried, and what failed, and the lock that another holds, are tried again. A
    connection without an answer for `lost_after_s` is lost; the server lets go of its lock as soon.
    """

    def __init__(
        self,
        postgres: Postgres,
        invalidate: Callable[[Change], Awaitable[None]],
        *,
        group: str,
        pause_s: float = 1.0,
        lost_after_s: float = 5.0,
    ) -> None:
        self._postgres = postgres
        self._invalidate = invalidate
        self._lock = _lock_of(group)
        self._pause_s = pause_s
        self._lost_after_s = lost_after_s
        self._kept = _Kept()
        self._any_kept = asyncio.Event()
        self._failing: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    def start(self) -> None:
        """Begin, without waiting for anything: a store that is away is tried again until it is there."""
        self._stopping = False
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._make_known())]

    async def stop(self) -> None:
        """End the connection, and with it the lock. What is kept is left to the next that listens: it takes all."""
        self._stopping = True
        await ended(self._tasks)
        self._tasks.clear()

    async def _listen(self) -> None:
        while not self._stopping:
            try:
                async with self._postgres.session(lost_after_s=self._lost_after_s) as session:
                    await self._listen_on(session)
            except Exception as error:  # whatever it is, nothing would be heard of any change for good
                self._fail(_UNHEARD, error)
            await asyncio.sleep(self._pause_s)

    async def _listen_on(self, session: PostgresSession) -> None:
        """Ends only by raising, when the connection is lost."""
        await session.end_after_silence(self._lost_after_s)
        while not (await session.rows("select pg_try_advisory_lock($1)", self._lock))[0][0]:
            self._failing.discard(_UNHEARD)
            await asyncio.sleep(self._pause_s)
        await session.listen(CHANNEL, lambda message: self._keep(announced(message)))
        self._keep(WHOLE_REGISTER)  # after it listens: between the two, a change would be in neither
        self._failing.discard(_UNHEARD)
        _log.info("This process listens to changes of the register.")
        while True:
            await asyncio.sleep(self._pause_s)
            await session.rows("select 1")

    def _keep(self, change: Change) -> None:
        self._kept.add(change)
        self._any_kept.set()

    async def _make_known(self) -> None:
        while not self._stopping:
            await self._any_kept.wait()
            await asyncio.sleep(_GATHER_S)
            self._any_kept.clear()
            change = self._kept.take()
            try:
                await self._invalidate(change)
            except Exception as error:  # whatever it is, what has changed must not be forgotten
                self._keep(change)
                self._fail(_UNTOLD, error)
                await asyncio.sleep(self._pause_s)
            else:
                self._failing.discard(_UNTOLD)

    def _fail(self, what: str, error: Exception) -> None:
        """Into the log, once until it succeeds."""
        if what not in self._failing:
            self._failing.add(what)
            _log.warning("%s: %s", what, str(error)[:500] or type(error).__name__)


def _lock_of(group: str) -> int:
    """The number of PostgreSQL's advisory lock. A digest, since a URL may hold a password."""
    digest = hashlib.blake2b(f"register feed of {group}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
