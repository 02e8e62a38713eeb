"""The analytics sample, in databases of its own, and gateways in the test's process that serve it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from deploy.analytics.data import AnalyticsData, load, make
from deploy.embedded.engines import StoreUrls
from gateway.settings import Settings
from loaders.api_keys import ApiKeys
from loaders.migrations import migrate_own
from loaders.model.loading import load_model
from loaders.model.model import Model
from tests.conftest import NewDatabase, NewStores
from tests.gateway.apps import new_app
from tests.gateway.auth.conftest import added
from tests.gateway.conftest import served as serving
from tests.gateway.models.feeds import DEVICES, TABLES, Feeds, unique
from tests.patience import REDIS_SETTINGS

Served = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@dataclass(frozen=True)
class Analytics:
    """The model, its data, and where they are; `keys` are those of the gateway's own tables beside them."""

    model: Model
    data: AnalyticsData
    new: NewStores
    redis_url: str

    @property
    def settings(self) -> dict[str, Any]:
        urls = (("CLICKHOUSE_WEB_URL", self.new.clickhouse_url), ("DATABASE_CRM_URL", self.new.database_url))
        stores = {"named_urls": urls, "own_database_url": self.new.database_url, "redis_url": self.redis_url}
        return {**stores, **REDIS_SETTINGS}

    async def key(self, number: int, *scopes: str) -> dict[str, str]:
        """The header of a new key of a workspace, by its number, with these scopes or all of the model."""
        tenant = str(self.data.workspaces[number]["id"])
        keys = ApiKeys(self.new.stores.postgres)
        text = await added(keys, scopes or sorted(self.model.scopes), model=self.model.name, tenant=tenant)
        return {"Authorization": f"Bearer {text}"}


@pytest.fixture(scope="session")
async def analytics(new_database: NewDatabase, store_urls: StoreUrls) -> AsyncIterator[Analytics]:
    """Databases with the analytics sample. Read them, never change them."""
    data = make()
    async with new_database() as new:
        await load(data, *new.stores)
        await migrate_own(new.stores.postgres)
        yield Analytics(load_model("deploy.analytics.model"), data, new, store_urls.redis_url)


@pytest.fixture
async def feeds(new_database: NewDatabase, store_urls: StoreUrls) -> AsyncIterator[Feeds]:
    """Databases of a model whose tables tell of changes."""
    async with new_database() as new:
        async with new.stores.postgres.session() as session:
            await session.execute_script(TABLES)
        await new.stores.clickhouse.command(DEVICES)
        yield Feeds(unique(load_model("tests.loaders.objects.feeds_model")), new, store_urls.redis_url)


@pytest.fixture
def served(analytics: Analytics) -> Served:
    """Call it with settings for a client of a gateway that serves the model."""

    @asynccontextmanager
    async def serve(**settings: Any) -> AsyncIterator[httpx.AsyncClient]:
        app = new_app(Settings(**analytics.settings, introspection=True, **settings), analytics.model)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test", timeout=60) as client,
        ):
            yield client

    return serve


@pytest.fixture(scope="session")
def analytics_url(analytics: Analytics, store_urls: StoreUrls) -> Iterator[str]:
    """`gateway serve` over the analytics sample in a process of its own; without a slash at the end."""
    databases = {
        "GATEWAY_MODEL": "deploy.analytics.model",
        "GATEWAY_ANONYMOUS": "",
        "DATABASE_CRM_URL": analytics.new.database_url,
        "CLICKHOUSE_WEB_URL": analytics.new.clickhouse_url,
        "GATEWAY_DATABASE_URL": analytics.new.database_url,
    }
    with serving(store_urls, **databases) as url:
        yield url
