"""Databases of models that tests check: a copy of the analytics sample's, which they may change, and a small one's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.analytics.data import MIGRATIONS
from gateway.cli import main
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.poolers import MODEL_SESSION
from loaders.stores.postgres import Postgres
from tests.conftest import NewDatabase, NewStores, Stores
from tests.gateway.model_tools.shop import create_tables

SAMPLE = Path("deploy/analytics/model.py")
_TEXT = SAMPLE.read_text()


@dataclass(frozen=True)
class OwnModel:
    """A model's file that a test may edit, and its databases."""

    file: Path
    stores: Stores

    @property
    def lock(self) -> Path:
        """The file beside it."""
        return self.file.with_suffix(".lock")

    async def run(self, command: str, *options: str) -> int:
        """Run a command of `gateway model` and return its exit status."""
        return await asyncio.to_thread(main, ["model", command, *options, "--model", str(self.file)])


@pytest.fixture
async def own_model(
    new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[OwnModel]:
    """The sample's model without a lock file, over empty tables."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    async with new_database() as new:
        async with new.stores.postgres.session() as session:
            await session.execute_script((MIGRATIONS / "postgres.sql").read_text())
        await new.stores.clickhouse.command((MIGRATIONS / "clickhouse.sql").read_text())
        monkeypatch.setenv("DATABASE_CRM_URL", new.database_url)
        monkeypatch.setenv("CLICKHOUSE_WEB_URL", new.clickhouse_url)
        file = tmp_path / "model.py"
        file.write_text(_TEXT)
        yield OwnModel(file, new.stores)


async def reading(new: NewStores) -> Stores:
    """Clients that only read, as those of a served model."""
    postgres = await Postgres.connect(
        new.database_url,
        min_size=1,
        max_size=4,
        acquire_timeout_s=60,
        statement_timeout_s=60,
        session_settings=MODEL_SESSION,
    )
    clickhouse = await ClickHouse.connect(
        new.clickhouse_url, max_connections=4, acquire_timeout_s=60, statement_timeout_s=60, only_reads=True
    )
    return Stores(postgres, clickhouse)


@pytest.fixture(scope="package")
async def shop_stores(new_database: NewDatabase) -> AsyncIterator[Stores]:
    """Both databases of the small right model. Read them, never change them."""
    async with new_database() as new:
        await create_tables(new.stores)
        stores = await reading(new)
        try:
            yield stores
        finally:
            await stores.postgres.close()
            await stores.clickhouse.close()
