"""Engines of one's own with the data of both sample models, which may be stopped and killed."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from deploy.embedded.engines import EmbeddedEngines, StoreUrls
from deploy.embedded.model_databases import create_databases
from gateway.commands.setup import set_up
from gateway.databases import with_urls
from gateway.settings import Settings
from loaders.model.databases import Kind
from loaders.model.loading import load_model
from tests.chaos.engine_processes import EngineProcesses
from tests.chaos.sample_models import MODELS
from tests.chaos.world import Databases

DatabasesOf = Mapping[str, Databases]
"""By the model's name."""


@asynccontextmanager
async def started_databases() -> AsyncIterator[DatabasesOf]:
    """The databases of both models, for the length of the block."""
    with tempfile.TemporaryDirectory(prefix="fuseway-chaos-") as folder:
        engines = EmbeddedEngines(Path(folder))
        urls = await asyncio.to_thread(engines.start)
        try:
            processes = EngineProcesses(engines, urls)
            yield {model.name: Databases(await _loaded(model.module, urls), processes) for model in MODELS}
        finally:
            await asyncio.to_thread(engines.stop)


async def _loaded(module: str, urls: StoreUrls) -> StoreUrls:
    """Create a model's databases with its data; returns their URLs."""
    model = load_model(module)
    by_database = await create_databases(urls, model)
    await set_up(with_urls(Settings(redis_url=urls.redis_url), by_database), model)
    url_of = {database.kind: url for database, url in by_database.items()}
    return replace(urls, database_url=url_of[Kind.POSTGRES], clickhouse_url=url_of[Kind.CLICKHOUSE])
