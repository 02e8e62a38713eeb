"""Caches over the real Redis, each of them a process's."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import uuid4

import pytest

from deploy.embedded.engines import StoreUrls
from deploy.fleet.set_up import create_tables
from loaders.cache.cache import Cache
from loaders.cache.factory import open_cache
from loaders.stores.postgres import Postgres
from tests.conftest import NewDatabase, NewStores
from tests.loaders.conftest import open_redis
from tests.patience import PATIENCE_S

OpenCache = Callable[..., AbstractAsyncContextManager[Cache]]


@pytest.fixture
def process(store_urls: StoreUrls) -> OpenCache:
    """Call it for a process's cache; those of one test share what is in Redis, and with no other test.

    Its leases outlast every load of a loaded machine. Tests of what happens at the end of a lease set a shorter one.
    """
    of_test = uuid4().hex[:8]

    @asynccontextmanager
    async def opened(
        max_entries: int = 10_000,
        timeout_s: float = PATIENCE_S,
        lease_s: float = 60,
        url: str = store_urls.redis_url,
        command_timeout_s: float = PATIENCE_S,
    ) -> AsyncIterator[Cache]:
        async with (
            open_redis(url, command_timeout_s=command_timeout_s) as redis,
            open_cache(
                redis, of_test, max_entries=max_entries, max_bytes=1 << 26, timeout_s=timeout_s, lease_s=lease_s
            ) as cache,
        ):
            yield cache

    return opened


@pytest.fixture
async def database(new_database: NewDatabase) -> AsyncIterator[NewStores]:
    """Migrated, with the aircraft N1 and N2."""
    async with new_database() as new:
        await create_tables(*new.stores)
        await new.stores.postgres.execute("insert into aircraft (tail_number) values ('N1'), ('N2')")
        yield new


@pytest.fixture
def register(database: NewStores) -> Postgres:
    return database.stores.postgres
