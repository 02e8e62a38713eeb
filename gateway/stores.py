"""The process's stores, opened and closed together."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType

from gateway.change_feeds import listen_to_changes
from gateway.databases import database_urls, state_name
from gateway.settings import Settings
from loaders.cache.cache import Cache
from loaders.cache.factory import open_cache
from loaders.cache.listener_health import CombinedHealth
from loaders.model.databases import Database, Kind
from loaders.model.model import Model
from loaders.objects.schema_faults import SchemaFaults
from loaders.stores.circuit_breaker import Outage
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.poolers import MODEL_SESSION, TIME_ZONE, Mode, Pooler
from loaders.stores.postgres import Postgres
from loaders.stores.redis import Redis

_SETTLE_S = 0.3
"""Time for a start to learn whether changes are heard. It takes some milliseconds unless Redis is new. Until then,
answers are cached for a short time."""


_OWN_CONNECTIONS = 2
"""Connections to the gateway's own tables: all keys that are waited for share one statement."""
_OWN_DATABASE = "gateway"
"""The name in metrics of the database of the gateway's own tables."""
_CACHE_VERSION = "1"
"""The version of what is cached. Digests of the model's sections are part of each entry's name."""

Store = Postgres | ClickHouse


@dataclass(frozen=True, slots=True)
class Stores:
    """Connected clients, shared by all requests of the process.

    `databases` are those of `model`. `own` holds the gateway's own tables: without it, no API key is known.
    """

    databases: Mapping[Database, Store]
    redis: Redis
    model: Model
    own: Postgres | None = None
    faults: SchemaFaults | None = None
    """Model parts that the databases cannot read."""
    cache: Cache | None = None
    listener_health: CombinedHealth | None = None

    @property
    def warnings(self) -> list[str]:
        """Sentences about what does not work as it should, although requests are answered."""
        reasons = [item.reason for item in (self.listener_health, self.cache) if item is not None]
        return [reason for reason in reasons if reason is not None]

    @property
    def required(self) -> frozenset[str]:
        """The names in `states` of the databases that hold objects: without all of these, nothing is known of any."""
        return frozenset(state_name(object_type.table.database) for object_type in self.model.objects.values())

    async def outages(self, within_s: float) -> dict[str, Outage | None]:
        """Return why each store is away, by its name; None for one that is not. It takes `within_s` at most.

        A database is known by its circuit breaker, and is asked only where no request has for a second.
        """
        checks = {state_name(database): store.check for database, store in self.databases.items()}
        checks["redis"] = self.redis.ping
        outages = await asyncio.gather(*(_outage(check, within_s) for check in checks.values()))
        known = {state_name(database): store.outage for database, store in self.databases.items()}
        return {name: outage and (known.get(name) or outage) for name, outage in zip(checks, outages, strict=True)}


async def _outage(check: Callable[[], Awaitable[None]], within_s: float) -> Outage | None:
    try:
        async with asyncio.timeout(within_s):
            await check()
    except Exception as error:  # of any kind: the store is of no use, and the others are to be told of
        return Outage.of(error)
    return None


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
async def open_own(settings: Settings, *, must_answer: bool = True) -> AsyncIterator[Postgres | None]:
    """Open the PostgreSQL that holds the gateway's own tables; None where no setting names one.

    Raises StoreUnavailable, with the address, where it is away. Without `must_answer`, it is used when it is back.
    """
    if settings.own_database_url:
        url, direct_url, variable = settings.own_database_url, settings.own_database_direct_url, "GATEWAY_DATABASE_URL"
    else:
        url, direct_url, variable = settings.database_url, settings.database_direct_url, "DATABASE_URL"
    if not url:
        yield None
        return
    async with _postgres(
        settings,
        url,
        variable,
        direct_url=direct_url,
        max_size=_OWN_CONNECTIONS,
        must_answer=must_answer,
        database=_OWN_DATABASE,
    ) as own:
        yield own


@asynccontextmanager
async def open_stores(settings: Settings, model: Model, *, must_answer: bool = True) -> AsyncIterator[Stores]:
    """Connect to all databases, and close all at the end. StoreUnavailable, with the address, where one is away.

    Those of a model only read, and without a schema or database that bare names are looked up in. Without
    `must_answer`, those that are away are used when they are back.
    """
    async with AsyncExitStack() as stack:
        databases = await stack.enter_async_context(open_databases(settings, model.databases, must_answer=must_answer))
        redis = await stack.enter_async_context(open_redis(settings))
        faults = SchemaFaults(databases, heals=True)
        stack.push_async_callback(faults.close)
        stores = Stores(databases, redis, model, faults=faults)
        own = await stack.enter_async_context(open_own(settings, must_answer=must_answer))
        yield replace(stores, own=own)


@asynccontextmanager
async def open_databases(
    settings: Settings, databases: Iterable[Database], *, only_reads: bool = True, must_answer: bool = True
) -> AsyncIterator[Mapping[Database, Store]]:
    """Connect to a model's databases, and close them at the end.

    With `only_reads`, the connections only read, and find no table by a bare name. Without `must_answer`, those that
    are away are used when they are back.
    """
    urls = database_urls(settings, databases)
    async with AsyncExitStack() as stack:
        stores: dict[Database, Store] = {}
        for database, url in urls.items():
            opened = open_database(settings, database, url, only_reads=only_reads, must_answer=must_answer)
            stores[database] = await stack.enter_async_context(opened)
        yield stores


def open_database(
    settings: Settings, database: Database, url: str, *, only_reads: bool = True, must_answer: bool = True
) -> AbstractAsyncContextManager[Store]:
    """Connect to one database at a URL, as `open_databases` does to those of a model, and close it at the end."""
    if database.kind is Kind.CLICKHOUSE:
        return _clickhouse(settings, url, database.variable, only_reads=only_reads, must_answer=must_answer)
    return _postgres(
        settings,
        url,
        database.variable,
        direct_url=settings.direct_url(database.variable),
        max_size=settings.postgres_connections,
        session_settings=_model_session(database) if only_reads else {},
        must_answer=must_answer,
    )


def _model_session(database: Database) -> Mapping[str, str]:
    return {**MODEL_SESSION, TIME_ZONE: database.zone} if database.zone else MODEL_SESSION


@asynccontextmanager
async def _postgres(
    settings: Settings,
    url: str,
    variable: str,
    *,
    direct_url: str,
    max_size: int,
    must_answer: bool,
    session_settings: Mapping[str, str] = MappingProxyType({}),
    database: str = "",
) -> AsyncIterator[Postgres]:
    postgres = await Postgres.connect(
        url,
        min_size=1,
        max_size=max_size,
        acquire_timeout_s=settings.acquire_timeout_s,
        statement_timeout_s=settings.statement_timeout_s,
        pooler=Pooler.of(Mode(settings.postgres_pooler), settings.postgres_statement_cache),
        direct_url=direct_url,
        variable=variable,
        session_settings=session_settings,
        must_answer=must_answer,
        slow_statement_s=settings.slow_statement_s,
        database=database,
    )
    try:
        yield postgres
    finally:
        await postgres.close()


@asynccontextmanager
async def _clickhouse(
    settings: Settings, url: str, variable: str, *, only_reads: bool, must_answer: bool
) -> AsyncIterator[ClickHouse]:
    clickhouse = await ClickHouse.connect(
        url,
        max_connections=settings.clickhouse_connections,
        acquire_timeout_s=settings.acquire_timeout_s,
        statement_timeout_s=settings.statement_timeout_s,
        compress=settings.clickhouse_compression,
        variable=variable,
        only_reads=only_reads,
        must_answer=must_answer,
        slow_statement_s=settings.slow_statement_s,
    )
    try:
        yield clickhouse
    finally:
        await clickhouse.close()


@asynccontextmanager
async def open_cached_stores(
    settings: Settings, model: Model, *, listens: bool = True, must_answer: bool = True
) -> AsyncIterator[Stores]:
    """The stores, and a cache before them where the settings want one, which `listens` to changes."""
    async with AsyncExitStack() as stack:
        stores = await stack.enter_async_context(open_stores(settings, model, must_answer=must_answer))
        if settings.cache:
            cache = open_cache(
                stores.redis,
                _CACHE_VERSION,
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
async def _listening(stores: Stores) -> AsyncIterator[CombinedHealth | None]:
    """Take part in listening to changes, for the cache; one process of those that share a Redis listens for all."""
    if stores.cache is None:
        yield None
        return
    feeds = listen_to_changes(stores.model, stores.databases, stores.redis, stores.cache, _SETTLE_S)
    async with feeds as combined_health:
        yield combined_health
