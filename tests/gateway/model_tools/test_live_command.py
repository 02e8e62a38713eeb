"""`gateway model check --live`: what the databases say is told, and databases that are away are status 2."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.analytics.data import load, make
from deploy.embedded.engines import StoreUrls
from gateway.cli import main
from tests.conftest import NewDatabase, Stores
from tests.gateway.model_tools.conftest import OwnModel
from tests.loaders.model.models import RIGHT

Check = Callable[[], int]
_FEW_INVOICES = """
drop index billing.invoices_by_member;
set session_replication_role = replica;
insert into billing.invoices
    select gen_random_uuid(), n, gen_random_uuid(), 1, 1, now() from generate_series(1, 50) as n;
reset session_replication_role;
analyze;
"""
"""Rows without what their foreign keys name, and no index that leads to them."""


@pytest.fixture
def check(tmp_path: Path, store_urls: StoreUrls, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Checks the small right model in databases without a table."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.setenv("DATABASE_CRM_URL", store_urls.database_url)
    monkeypatch.setenv("CLICKHOUSE_WEB_URL", store_urls.clickhouse_url)
    (tmp_path / "model.py").write_text(RIGHT)
    return lambda: main(["model", "check", "--live", "--model", str(tmp_path / "model.py")])


def test_tables_that_are_missing_are_told(check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    assert check() == 1

    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[0] for line in lines[:-1]] == [
        "model.py:9  app.accounts",
        "model.py:10  app.orders",
        "model.py:11  app.order_lines",
        "model.py:12  events",
    ]
    assert lines[-1] == "4 errors"


def test_a_database_that_is_away_is_status_2(
    check: Check, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_CRM_URL", "postgresql://nobody:nothing@127.0.0.1:1/none")

    assert check() == 2

    told = capsys.readouterr()
    assert told.out == ""
    assert "127.0.0.1:1 cannot be reached" in told.err


async def test_warnings_of_small_tables_are_counted(own_model: OwnModel, capsys: pytest.CaptureFixture[str]) -> None:
    postgres = own_model.stores.postgres
    async with postgres.session() as session:
        await session.execute_script(_FEW_INVOICES)

    assert await own_model.run("check", "--live") == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "4 warnings of indexes not shown, since the tables are small: gateway model check shows all."
    await own_model.run("pull")
    await own_model.run("check")
    told = capsys.readouterr().out
    assert told.count(" no index of billing.invoices ") + told.count(" is sorted by ") == 4


async def test_nothing_is_wrong_with_the_samples(
    new_database: NewDatabase,
    sample_stores: Stores,
    store_urls: StoreUrls,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    assert sample_stores.postgres is not None
    monkeypatch.setenv("DATABASE_URL", store_urls.database_url)
    monkeypatch.setenv("CLICKHOUSE_URL", store_urls.clickhouse_url)
    async with new_database() as new:
        await load(make(), *new.stores)
        await new.stores.postgres.execute("analyze")
        monkeypatch.setenv("DATABASE_CRM_URL", new.database_url)
        monkeypatch.setenv("CLICKHOUSE_WEB_URL", new.clickhouse_url)
        for model in ("analytics", "fleet"):
            options = ["--live", "--strict", "--model", f"deploy.{model}.model"]
            status = await asyncio.to_thread(main, ["model", "check", *options])
            assert (status, capsys.readouterr().out[: 10 + len(model)]) == (0, f"The model {model}")
