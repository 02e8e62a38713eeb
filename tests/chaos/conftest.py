"""The data of both sample models: in the engines that all tests share, and in engines that may be killed."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.analytics.data import load
from deploy.analytics.data import make as make_analytics
from deploy.embedded.engines import EmbeddedEngines, StoreUrls
from deploy.embedded.model_databases import create_databases, with_urls
from gateway.commands.setup import set_up
from gateway.settings import Settings
from loaders.model.databases import Kind
from loaders.model.loading import load_model
from tests.chaos.engine_processes import EngineProcesses
from tests.chaos.sample_models import ANALYTICS, FLEET
from tests.chaos.world import Databases
from tests.conftest import NewDatabase, Stores

DatabasesOf = Mapping[str, Databases]
"""By the model's name."""


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
    with tempfile.TemporaryDirectory(prefix="fuseway-chaos-") as folder:
        engines = EmbeddedEngines(Path(folder))
        urls = await asyncio.to_thread(engines.start)
        try:
            processes = EngineProcesses(engines, urls)
            yield {model.name: Databases(await _loaded(model.module, urls), processes) for model in (FLEET, ANALYTICS)}
        finally:
            await asyncio.to_thread(engines.stop)


async def _loaded(module: str, urls: StoreUrls) -> StoreUrls:
    """Create a model's databases with its data; returns their URLs."""
    model = load_model(module)
    by_database = await create_databases(urls, model)
    await set_up(with_urls(Settings(redis_url=urls.redis_url), by_database), model)
    url_of = {database.kind: url for database, url in by_database.items()}
    return replace(urls, database_url=url_of[Kind.POSTGRES], clickhouse_url=url_of[Kind.CLICKHOUSE])
