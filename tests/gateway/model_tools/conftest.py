"""A copy of the analytics sample's model, over databases of its own that tests may change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.analytics.data import MIGRATIONS
from gateway.cli import main
from tests.conftest import NewDatabase, Stores

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
