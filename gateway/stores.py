"""The process's three stores, opened and closed together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

from gateway.settings import Settings
from loaders.cache.cache import Cache
from loaders.cache.change_listener import ChangeListener
from loaders.cache.factory import open_cache
from loaders.cache.invalidation import Invalidator
from loaders.cache.listener_health import ListenerHealth
from loaders.cache.listener_lease import ListenerLease
from loaders.cache.register_changes import WHOLE_REGISTER
from loaders.cached_sections import version
from loaders.request_loaders import RequestLoaders
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.poolers import Mode, Pooler
from loaders.stores.postgres import Postgres
from loaders.stores.redis import Redis

_SETTLE_S = 0.3
"""Time for a start to learn whether changes are heard. It takes some milliseconds unless Redis is new. Until then,
answers are cached for a short time."""


@dataclass(frozen=True, slots=True)
class Stores:
    """Connected clients, shared by all requests of the process."""

    postgres: Postgres
    clickhouse: ClickHouse
    redis: Redis
    cache: Cache | None = None
    listener_health: ListenerHealth | None = None

    def loaders(self) -> RequestLoaders:
        """The dataloaders of one request."""
        return RequestLoaders.over(self.postgres, self.clickhouse, self.cache)

    @property
    def warnings(self) -> list[str]:
        """Sentences about what does not work as it should, although requests are answered."""
        reasons = [item.reason for item in (self.listener_health, self.cache) if item is not None]
        return [reason for reason in reasons if reason is not None]

    async def states(self, within_s: float = 5.0) -> dict[str, str]:
        """Return `ok` or `away` for each store. A store that does not answer in time is away."""
        pings = (self.postgres.ping(), self.clickhouse.ping(), self.redis.ping())
        answers = await asyncio.gather(*(asyncio.wait_for(item, within_s) for item in pings), return_exceptions=True)
        names = ("postgresql", "clickhouse", "redis")
        return {name: "ok" if answer is None else "away" for name, answer in zip(names, answers, strict=True)}


@asynccontextmanager
async def open_redis(settings: Settings) -> AsyncIterator[Redis]:
    """Redis alone, which connects when it is first asked: without it the gateway is slower, and starts."""
    redis = Redis.opened(
        settings.redis_url,
        max_connections=settings.redis_connections,
        acquire_timeout_s=settings.acquire_timeout_s,
        command_timeout_s=settings.redis_timeout_s,
    )
    try:
        yield redis
    finally:
        await redis.close()


@asynccontextmanager
async def open_postgres(settings: Settings) -> AsyncIterator[Postgres]:
    """Open PostgreSQL alone. Raises StoreUnavailable, with the address, if it is down."""
    postgres = await Postgres.connect(
        settings.database_url,
        min_size=1,
        max_size=settings.postgres_connections,
        acquire_timeout_s=settings.acquire_timeout_s,
        statement_timeout_s=settings.statement_timeout_s,
        pooler=Pooler.of(Mode(settings.postgres_pooler), settings.postgres_statement_cache),
        direct_url=settings.database_direct_url,
    )
    try:
        yield postgres
    finally:
        await postgres.close()


@asynccontextmanager
async def open_stores(settings: Settings) -> AsyncIterator[Stores]:
    """Connect to both databases, and close all at the end. Raises StoreUnavailable, with the address, if one is
    down."""
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(open_postgres(settings))
        clickhouse = await ClickHouse.connect(
            settings.clickhouse_url,
            max_connections=settings.clickhouse_connections,
            acquire_timeout_s=settings.acquire_timeout_s,
            statement_timeout_s=settings.statement_timeout_s,
            compress=settings.clickhouse_compression,
        )
        stack.push_async_callback(clickhouse.close)
        yield Stores(postgres, clickhouse, await stack.enter_async_context(open_redis(settings)))


@asynccontextmanager
async def open_cached_stores(settings: Settings, *, listens: bool = True) -> AsyncIterator[Stores]:
    """The stores, and a cache before them where the settings want one, which `listens` to the register's changes."""
    async with AsyncExitStack() as stack:
        stores = await stack.enter_async_context(open_stores(settings))
        if settings.cache:
            cache = open_cache(
                stores.redis,
                version(),
                max_entries=settings.cache_entries,
                max_bytes=settings.cache_mib << 20,
                timeout_s=settings.cache_timeout_s,
                lease_s=settings.cache_lease_s,
            )
            stores = replace(stores, cache=await stack.enter_async_context(cache))
            if listens:
                stores = replace(stores, listener_health=await stack.enter_async_context(_listening(stores)))
        yield stores


@asynccontextmanager
async def _listening(stores: Stores) -> AsyncIterator[ListenerHealth | None]:
    """Take part in listening to changes of the register, for the cache; one process of those that share a Redis and a
    release listens for all.
    """
    if stores.cache is None:
        yield None
        return
    listener_health = ListenerHealth(WHOLE_REGISTER.sources, partial(stores.cache.apply, WHOLE_REGISTER))
    stores.cache.listener_health = listener_health
    lease = ListenerLease(stores.redis, version())
    listener = ChangeListener(stores.postgres, Invalidator(stores.redis).invalidate, lease, listener_health)
    listener.start()
    try:
        await listener.settle(_SETTLE_S)
        yield listener_health
    finally:
        await listener.stop()
