"""The analytics sample in databases of its own, and who asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID, uuid4

import pytest

from deploy.analytics.data import AnalyticsData, load
from deploy.embedded.engines import StoreUrls
from loaders.cache.cache import Cache
from loaders.cache.factory import open_cache
from loaders.model.loading import load_model
from loaders.model.model import Model
from tests.conftest import NewDatabase, Stores
from tests.loaders.conftest import open_redis
from tests.loaders.objects.asking import DATA, TENANTS, Asker
from tests.loaders.statements import truth
from tests.patience import PATIENCE_S


@pytest.fixture(scope="session")
def analytics() -> Model:
    """The analytics sample's model."""
    return load_model("deploy.analytics.model")


@pytest.fixture(scope="session")
def fleet() -> Model:
    """The fleet's model."""
    return load_model("deploy.fleet.model")


@pytest.fixture(scope="session")
def feeds() -> Model:
    """A model whose tables tell of changes in every way."""
    return load_model("tests.loaders.objects.feeds_model")


@pytest.fixture(scope="package")
async def analytics_stores(new_database: NewDatabase) -> AsyncIterator[Stores]:
    """Both databases with the analytics sample's data. Read them, never change them."""
    async with new_database() as new:
        await load(DATA, new.stores.postgres, new.stores.clickhouse)
        yield new.stores


@pytest.fixture(params=TENANTS, ids=["first", "second", "third"])
def tenant(request: pytest.FixtureRequest) -> UUID:
    """One tenant after the other."""
    asked: UUID = request.param
    return asked


@pytest.fixture
def own(tenant: UUID) -> AnalyticsData:
    """What the tenant may see."""
    return truth.own(DATA, tenant)


@pytest.fixture
def asker(analytics: Model, analytics_stores: Stores, tenant: UUID) -> Asker:
    """Asks the analytics sample for the tenant."""
    return Asker(analytics, analytics_stores, str(tenant))


OpenCache = Callable[[], AbstractAsyncContextManager[Cache]]


@pytest.fixture
def process(store_urls: StoreUrls) -> OpenCache:
    """Call it for a process's cache; those of one test share what is in Redis, and with no other test."""
    of_test = uuid4().hex[:8]

    @asynccontextmanager
    async def opened() -> AsyncIterator[Cache]:
        async with (
            open_redis(store_urls.redis_url) as redis,
            open_cache(
                redis, of_test, max_entries=100_000, max_bytes=1 << 26, timeout_s=PATIENCE_S, lease_s=60
            ) as cache,
        ):
            yield cache

    return opened
