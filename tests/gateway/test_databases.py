"""The databases of a model: where they are, how they are opened, and what a bare name in them leads to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from deploy.embedded.engines import StoreUrls
from gateway.databases import database_urls, require_urls
from gateway.setting import SettingsError
from gateway.settings import Settings
from gateway.stores import _OWN_DATABASE, Stores, open_stores
from loaders.metrics import database_label
from loaders.model.databases import ClickHouse, Postgres
from loaders.model.names import database_name_mistake
from loaders.stores.errors import StatementFailed, StoreError
from loaders.stores.poolers import MODEL_SESSION, Mode, Pooler
from tests.conftest import NewDatabase, NewStores
from tests.models import loaded_model

MODEL = loaded_model("deploy.analytics.model")
CRM, WEB = MODEL.databases


def settings(crm: str, web: str, **others: Any) -> Settings:
    """Settings with the URLs of the model's databases."""
    return Settings(named_urls=(("DATABASE_CRM_URL", crm), ("CLICKHOUSE_WEB_URL", web)), **others)


@pytest.fixture
async def new(new_database: NewDatabase) -> AsyncIterator[NewStores]:
    async with new_database() as new:
        await new.stores.postgres.execute("create table things (n int)")
        await new.stores.clickhouse.command("create table things (n Int32) engine = MergeTree order by n")
        await new.stores.clickhouse.command("insert into things values (1), (2)")
        yield new


@pytest.fixture
async def stores(new: NewStores, store_urls: StoreUrls) -> AsyncIterator[Stores]:
    async with open_stores(
        settings(new.database_url, new.clickhouse_url, redis_url=store_urls.redis_url), MODEL
    ) as stores:
        yield stores


def test_each_url_that_is_missing_is_a_line_with_its_database_and_place() -> None:
    with pytest.raises(SettingsError) as raised:
        database_urls(Settings(database_url="postgresql://x", clickhouse_url="http://x"), MODEL.databases)
    crm, web = str(raised.value).splitlines()
    assert crm.startswith(
        "DATABASE_CRM_URL is missing, and has no default: the URL of PostgreSQL crm, declared at deploy/analytics/model.py:"
    )
    assert web.startswith(
        "CLICKHOUSE_WEB_URL is missing, and has no default: the URL of ClickHouse web, declared at deploy/analytics/model.py:"
    )
    assert crm.endswith(f":{CRM.place.line}.")


def test_a_url_that_cannot_be_is_named_without_its_password() -> None:
    with pytest.raises(SettingsError) as raised:
        database_urls(settings("mysql://ada:sesame@x", "http://x:port"), MODEL.databases)
    assert str(raised.value) == (
        "DATABASE_CRM_URL must look like postgresql://user:password@host:port/name.\n"
        "CLICKHOUSE_WEB_URL has a port that is not a number from 1 to 65535."
    )


def test_a_model_needs_redis_and_not_the_fleets_stores() -> None:
    require_urls(settings("postgresql://x", "http://x", redis_url="redis://x"), MODEL)
    with pytest.raises(SettingsError, match="REDIS_URL is missing"):
        require_urls(settings("postgresql://x", "http://x"), MODEL)


async def test_each_database_is_shown_by_its_name(stores: Stores) -> None:
    assert await stores.outages(5) == {"postgresql crm": None, "clickhouse web": None, "redis": None}
    assert stores.required == {"postgresql crm"}
    assert (set(stores.databases), stores.own) == ({CRM, WEB}, None)


async def test_a_bare_name_leads_to_no_table_of_postgresql(stores: Stores, new: NewStores) -> None:
    crm: Any = stores.databases[CRM]
    with pytest.raises(StatementFailed, match='relation "things" does not exist'):
        await crm.rows("select * from things")
    assert await crm.rows("select * from public.things") == []
    with pytest.raises(StoreError, match="cannot execute INSERT in a read-only transaction"):
        await crm.rows("insert into public.things values (1)")
    assert await new.stores.postgres.rows("select * from things") == []


async def test_a_bare_name_leads_to_no_table_of_clickhouse(stores: Stores, new: NewStores) -> None:
    web: Any = stores.databases[WEB]
    with pytest.raises(StatementFailed, match="UNKNOWN_TABLE"):
        await web.columns("select n from things", {})
    named = "select n from {fw_database:Identifier}.things order by n"
    assert list((await web.columns(named, {})).columns[0]) == [1, 2]
    assert list((await new.stores.clickhouse.columns(named, {})).columns[0]) == [1, 2]
    with pytest.raises(StatementFailed, match="READONLY"):
        await web.command(f"insert into {new.clickhouse_url.rpartition('/')[2]}.things values (3)")


@dataclass
class Said:
    """A connection that notes what it executes."""

    texts: list[str]

    async def execute(self, query: str) -> str:
        self.texts.append(query)
        return "SELECT 1"


LIMITS = {"statement_timeout": "100", **MODEL_SESSION}


async def test_a_poolers_session_gets_the_same() -> None:
    said = Said([])
    await Pooler.of(Mode.SESSION).prepare(said, LIMITS)
    assert said.texts == [
        "set statement_timeout = '100'; set search_path = ''; set default_transaction_read_only = 'on'"
    ]
    assert Pooler.of(Mode.TRANSACTION).begin(LIMITS) == (
        "begin; set local statement_timeout = '100'; set local search_path = ''; set local transaction_read_only = 'on'"
    )


def test_databases_of_one_name_and_two_kinds_have_settings_of_their_own() -> None:
    assert [each.variable for each in (Postgres("main"), ClickHouse("main"), Postgres(), ClickHouse())] == [
        "DATABASE_MAIN_URL",
        "CLICKHOUSE_MAIN_URL",
        "DATABASE_URL",
        "CLICKHOUSE_URL",
    ]


@pytest.mark.parametrize("label", [_OWN_DATABASE, database_label("DATABASE_URL"), database_label("CLICKHOUSE_URL")])
def test_no_database_of_a_model_is_called_like_another_in_metrics(label: str) -> None:
    assert ": choose another name" in database_name_mistake(Postgres(label))
    assert database_name_mistake(Postgres(f"{label}s")) == ""
