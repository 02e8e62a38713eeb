"""Catalogs of a model's databases, through the connections that the settings name."""

from __future__ import annotations

import pytest

from deploy.analytics.data import MIGRATIONS
from gateway.catalogs import read_catalogs, read_model_catalogs
from gateway.setting import SettingsError
from gateway.settings import Settings
from tests.conftest import NewDatabase
from tests.models import loaded_model

MODEL = loaded_model("deploy.analytics.model")


async def test_the_tables_of_a_model_are_read_from_its_databases(new_database: NewDatabase) -> None:
    async with new_database() as new:
        async with new.stores.postgres.session() as session:
            await session.execute_script((MIGRATIONS / "postgres.sql").read_text())
        await new.stores.clickhouse.command((MIGRATIONS / "clickhouse.sql").read_text())
        await new.stores.postgres.execute("create table app.others (id int)")
        urls = (("DATABASE_CRM_URL", new.database_url), ("CLICKHOUSE_WEB_URL", new.clickhouse_url))
        of_model = await read_model_catalogs(Settings(named_urls=urls), MODEL)
        of_databases = await read_catalogs(Settings(named_urls=urls), MODEL.databases)
    assert [catalog.name for catalog in of_model.values()] == ["crm", "web"]
    crm, web = of_model.values()
    assert list(crm.tables) == [
        "app.Projects", "app.members", "app.project_members", "app.workspaces",
        "billing.invoice_lines", "billing.invoices", "billing.plans",
    ]  # fmt: skip
    assert list(web.tables) == ["events"]
    assert crm.tables["app.members"].columns["role"].type == "app.role"  # no schema is looked in for a bare name
    assert "app.others" in next(iter(of_databases.values())).tables


async def test_a_url_that_is_missing_is_said() -> None:
    with pytest.raises(SettingsError, match="DATABASE_CRM_URL is missing"):
        await read_model_catalogs(Settings(), MODEL)
