"""The data of both sample models: in the engines that all tests share, and in engines that may be killed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from deploy.analytics.data import load
from deploy.analytics.data import make as make_analytics
from deploy.embedded.engines import StoreUrls
from tests.chaos.databases import DatabasesOf, started_databases
from tests.chaos.sample_models import ANALYTICS, FLEET
from tests.chaos.world import Databases
from tests.conftest import NewDatabase, Stores


@pytest.fixture(scope="session")
async def shared_databases(
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001 - loaded before it is read
    new_database: NewDatabase,
) -> AsyncIterator[DatabasesOf]:
    """The engines that all tests share: their processes are left alone."""
    async with new_database() as new:
        await load(make_analytics(), *new.stores)
        analytics = StoreUrls(new.database_url, new.clickhouse_url, store_urls.redis_url)
        yield {FLEET.name: Databases(store_urls), ANALYTICS.name: Databases(analytics)}


@pytest.fixture(scope="session")
async def own_databases() -> AsyncIterator[DatabasesOf]:
    """Engines that may be stopped and killed."""
    async with started_databases() as databases:
        yield databases
