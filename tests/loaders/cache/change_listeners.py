"""Feeds of the register, an invalidator that writes down what it is told, and what goes over the channel."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from loaders.cache.change_listener import ChangeListener
from loaders.cache.invalidation import Change
from loaders.cache.listener_health import ListenerHealth
from loaders.cache.listener_lease import LeaseState
from loaders.objects.change_feeds import feed_groups
from loaders.stores.errors import StoreUnavailable
from loaders.stores.postgres import Postgres
from tests.fleet.served import MODEL

CHANNEL = "gateway_changes"


def fleet_source(postgres: Any) -> Any:
    """Where changes of the fleet's tables are heard."""
    (group,) = feed_groups(MODEL, dict.fromkeys(MODEL.databases, postgres))
    return group.source


def changed(*keys: str, tables: Sequence[str] = ("aircraft",), of: str = "Aircraft") -> Change:
    """The change of these objects, announced by these tables."""
    shared = tuple(f"fleet::public.{table}*" for table in tables if table in _SHARED)
    return Change(tuple(f"fleet:{of}::{key}" for key in keys), shared)


_SHARED = ("aircraft",)
"""Tables of which a row is read for other objects than its own too, to compare them."""

EVERYTHING = fleet_source(cast("Any", Postgres.__new__(Postgres))).whole
REVISED = ("register", "aircraft")
"""A revision that is the latest changes the aircraft's own row too."""

REVISE = (
    "insert into register (tail_number, revision, recorded_at, recorded_by, reason)"
    " values ($1, $2, now(), 'test', 'test')"
)


class Invalidated:
    """An invalidator that writes down what it is told. While `fails`, it says that Redis is away."""

    def __init__(self) -> None:
        self._changes: asyncio.Queue[Change] = asyncio.Queue()
        self._failed: asyncio.Queue[Change] = asyncio.Queue()
        self.fails = False
        self.attempts = 0

    async def __call__(self, change: Change) -> None:
        self.attempts += 1
        if self.fails:
            self._failed.put_nowait(change)
            raise StoreUnavailable("redis", "away")
        self._changes.put_nowait(change)

    async def next(self) -> Change:
        async with asyncio.timeout(10):
            return await self._changes.get()

    async def next_failed(self) -> Change:
        async with asyncio.timeout(10):
            return await self._failed.get()

    @property
    def is_empty(self) -> bool:
        return self._changes.empty()


class Leases:
    """Who of a group listens, and whether that is proven, as Redis would know it; ten times as fast, as feeds are here."""

    def __init__(self) -> None:
        self.holder: Lease | None = None
        self.held_until = self.proven_until = 0.0
        self.listeners = 0


class Lease:
    """One process's part in it."""

    def __init__(self, group: Leases) -> None:
        self._group = group

    async def look(self) -> LeaseState:
        now, group = time.monotonic(), self._group
        return LeaseState(group.holder in (None, self) or group.held_until < now, max(group.proven_until - now, 0))

    async def renew(self, lease_s: float, proof_s: float) -> bool:
        if is_free := (await self.look()).is_free:
            self._group.holder, self._group.held_until = self, time.monotonic() + lease_s / 10
            self._group.proven_until = max(self._group.proven_until, time.monotonic() + proof_s / 10)
        return is_free

    async def end(self) -> None:
        if self._group.holder is self:
            self._group.holder = None
            self._group.proven_until = 0


_groups: defaultdict[str, Leases] = defaultdict(Leases)


@asynccontextmanager
async def start_listener(
    postgres: Postgres,
    invalidate: Callable[[Change], Awaitable[None]],
    *,
    group: str = "redis",
    lost_after_s: float = 5,
    listener_health: ListenerHealth | None = None,
) -> AsyncIterator[ChangeListener]:
    """A feed among those of a group, to the end of the block."""
    of_group = _groups[group]
    of_group.listeners += 1
    listener = ChangeListener(
        fleet_source(postgres),
        invalidate,
        Lease(of_group),
        listener_health or ListenerHealth((), lambda: None, subject="tables"),
        pause_s=0.1,
        lost_after_s=lost_after_s,
    )
    listener.start()
    try:
        yield listener
    finally:
        await listener.stop()
        of_group.listeners -= 1
        if not of_group.listeners:
            del _groups[group]


@asynccontextmanager
async def listening(postgres: Postgres) -> AsyncIterator[Invalidated]:
    """What a feed invalidates after it has begun to listen."""
    invalidated = Invalidated()
    async with start_listener(postgres, invalidated):
        assert await invalidated.next() == EVERYTHING
        yield invalidated


@asynccontextmanager
async def messages(postgres: Postgres) -> AsyncIterator[asyncio.Queue[str]]:
    """What is announced, as it is written."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with postgres.session() as session:
        await session.listen(CHANNEL, heard.put_nowait)
        yield heard


async def all_until(heard: asyncio.Queue[str], postgres: Postgres) -> list[str]:
    """The messages up to now: notifications come in the order of the commits."""
    await postgres.execute("select pg_notify($1, 'now')", CHANNEL)
    result = []
    async with asyncio.timeout(10):
        while (message := await heard.get()) != "now":
            result.append(message)
    return result


@asynccontextmanager
async def client(url: str) -> AsyncIterator[Postgres]:
    client = await Postgres.connect(url, min_size=1, max_size=1, acquire_timeout_s=5, statement_timeout_s=5)
    try:
        yield client
    finally:
        await client.close()
