"""Options of `gateway model new` that are refused before a database is read or a file written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.databases import with_urls
from gateway.model_tools import new_sources
from gateway.model_tools.new_sources import databases_of, read_sample_keys
from gateway.model_tools.scaffold.choices import TableId
from gateway.setting import SettingsError
from gateway.settings import Settings
from loaders.catalog.sample_keys import sample_clickhouse_keys
from loaders.model.databases import ClickHouse, Kind, Postgres
from loaders.stores.errors import StoreError
from tests.conftest import NewDatabase

URL = "postgresql://app@db.test/shop"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--no-tenant", "--tenant", "org_id"], "--no-tenant and --tenant: say one of the two."),
        (["--no-tenant", "--claim", "org"], "--no-tenant and --claim: say one of the two."),
        (["--claim", "org"], "--claim says nothing without --tenant"),
        (["--name", "My Shop"], "--name My Shop: use lower-case letters, digits, - and _"),
        (["--postgres", URL], "--postgres: two databases have no name. Name each of them, as in --postgres crm=URL."),
        (["--postgres", f"crm={URL}", "--postgres", f"crm={URL}"], "--postgres: two databases have the name crm."),
        (["--postgres", f"CRM={URL}"], "The database CRM: a database's name is part of its setting's: use lower-case"),
        (["--postgres", f"gateway={URL}"], "The database gateway: metrics call the gateway's own database so: choose"),
    ],
)
def test_what_contradicts_itself_is_refused(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["model", "new", str(tmp_path / "shop"), "--all", "--postgres", URL, *options]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize("folder", ["file", "file/shop"])
def test_a_folder_that_is_a_file_is_refused(folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    assert main(["model", "new", str(tmp_path / folder), "--all", "--no-tenant", "--postgres", URL]) == 1
    assert f"{tmp_path / 'file'} is a file, and no folder of a package: choose another one." in capsys.readouterr().err


def test_databases_of_options_are_read_from_their_urls() -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        databases_of(Settings(), ["mysql://db.test/shop"], [])
    web = "http://web.test:8123/web"
    databases = databases_of(Settings(database_url="postgresql://old.test/x"), [f"crm={URL}"], [web])
    assert [(type(each), each.name) for each in databases] == [(Postgres, "crm"), (ClickHouse, "")]
    settings = with_urls(Settings(database_url="postgresql://old.test/x"), databases)
    assert [settings.url(each.variable) for each in databases] == [URL, web]


@pytest.mark.parametrize("is_slow", [False, True])
async def test_keys_that_are_not_told_in_time_are_none(is_slow: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def open_database(*_arguments: object) -> AsyncIterator[None]:
        if not is_slow:
            raise StoreError("postgresql", "away")
        await asyncio.Event().wait()
        yield

    monkeypatch.setattr(new_sources, "open_database", open_database)
    monkeypatch.setattr(new_sources, "_SAMPLE_S", 0.01)
    table = TableId(Kind.POSTGRES, "", "shop.orders")
    assert await read_sample_keys(Settings(), {Postgres(): URL}, table, ["id"], "") is None


@pytest.mark.parametrize("tenant", ["", "org"])
async def test_keys_of_clickhouse_are_taken_from_few_rows(tenant: str, new_database: NewDatabase) -> None:
    async with new_database() as new:
        clickhouse = new.stores.clickhouse
        await clickhouse.command("create table hits (id UInt64, org UInt8) engine = MergeTree order by id")
        await clickhouse.command("insert into hits select intDiv(number, 2), 7 from numbers(1000000)")
        keys = await sample_clickhouse_keys(clickhouse, "hits", ["id"], tenant)
    assert list(keys.columns[0]) == [0, 1, 2, 3, 4]
    assert keys.tenant == ((tenant and "7") or None)
