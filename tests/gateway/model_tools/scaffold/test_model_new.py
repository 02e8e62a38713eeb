"""`gateway model new` against the real engines: its models are good, and answer what their tables hold."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.embedded.engines import StoreUrls
from gateway.app import build_app
from gateway.cli import main
from gateway.model_tools import new_sources
from gateway.model_tools.scaffold.package import ModelPackage, scaffold
from gateway.model_tools.scaffold.questions import NewOptions, complete
from gateway.settings import Settings
from loaders.catalog.catalog import DatabaseCatalog
from loaders.catalog.clickhouse import read_clickhouse
from loaders.catalog.postgres import read_postgres
from loaders.model.databases import Kind
from loaders.model.loading import load_model
from loaders.model.model import Model
from tests.conftest import NewDatabase, NewStores
from tests.gateway.model_tools.scaffold.generated_rows import fill_clickhouse, fill_postgres
from tests.gateway.model_tools.scaffold.plain_answers import Truth, differences, read_truth
from tests.patience import REDIS_SETTINGS

SCHEMAS = Path(__file__).parent / "schemas"
ROWS = 30
Output = pytest.CaptureFixture[str]


@dataclass(frozen=True)
class Author:
    """Somebody with databases who runs the command in a folder of their own."""

    new: NewStores
    folder: Path
    redis_url: str

    async def run(self, *arguments: str) -> int:
        """Run a command of `gateway model` and return its exit status."""
        return await asyncio.to_thread(main, ["model", *arguments])

    async def package(self, options: NewOptions) -> ModelPackage:
        """Return what the command writes by these options."""
        stores = self.new.stores
        catalogs = [await read_postgres(stores.postgres, ""), await read_clickhouse(stores.clickhouse, "")]
        own = [replace(each, tables={n: t for n, t in each.tables.items() if _is_own(each, n)}) for each in catalogs]
        return scaffold(own, complete(options, own, None))

    async def truth(self, package: ModelPackage, model: Model, tenant: str | None) -> Truth:
        """Return what the tables of the model hold."""
        return await read_truth(package, model, self.new.stores.postgres, self.new.stores.clickhouse, tenant)

    @asynccontextmanager
    async def gateway(self, model: Model, tenant: str | None) -> AsyncIterator[httpx.AsyncClient]:
        """A client of a gateway that serves the model, without a cache."""
        urls = {"database_url": self.new.database_url, "clickhouse_url": self.new.clickhouse_url}
        stores = {**urls, "redis_url": self.redis_url, **REDIS_SETTINGS}
        app = build_app(Settings(**stores, anonymous="all", anonymous_tenant=tenant or "", cache=False), model)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", timeout=60)
        async with app.router.lifespan_context(app), client:
            yield client


def _is_own(catalog: DatabaseCatalog, table: str) -> bool:
    """Return whether a table is one of the test's database: a server of ClickHouse shows those of all."""
    return catalog.kind is Kind.POSTGRES or "." not in table


NewAuthor = Callable[..., AbstractAsyncContextManager[Author]]


@pytest.fixture
def new_author(
    new_database: NewDatabase,
    store_urls: StoreUrls,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> NewAuthor:
    """Call it with names of schemas for an author whose databases have their tables, and rows."""
    monkeypatch.chdir(tmp_path)
    for variable in ("GITHUB_ACTIONS", "DATABASE_URL", "CLICKHOUSE_URL"):
        monkeypatch.delenv(variable, raising=False)

    @asynccontextmanager
    async def create(postgres: str = "", clickhouse: str = "", **filling: Any) -> AsyncIterator[Author]:
        async with new_database() as new:
            if postgres:
                monkeypatch.setenv("DATABASE_URL", new.database_url)
                async with new.stores.postgres.session() as session:
                    await session.execute_script((SCHEMAS / f"{postgres}.sql").read_text())
                await fill_postgres(new.stores.postgres, await read_postgres(new.stores.postgres, ""), ROWS)
            if clickhouse:
                monkeypatch.setenv("CLICKHOUSE_URL", new.clickhouse_url)
                await _create_clickhouse(new, clickhouse, **filling)
            yield Author(new, tmp_path, store_urls.redis_url)

    return create


async def _create_clickhouse(
    new: NewStores, schema: str, unique: dict[str, str], keys: dict[str, Sequence[Any]]
) -> None:
    for statement in (SCHEMAS / f"{schema}.sql").read_text().split(";"):
        if statement.strip():
            await new.stores.clickhouse.command(statement)
    catalog = await read_clickhouse(new.stores.clickhouse, "")
    own = replace(catalog, tables={name: each for name, each in catalog.tables.items() if _is_own(catalog, name)})
    await fill_clickhouse(new.stores.clickhouse, own, ROWS, unique=unique, keys=keys)


async def proven(author: Author, options: NewOptions, tenant: str | None = None) -> Model:
    """Prove that a model is good, that its lock file is current, and that each field answers what its table holds."""
    package = await author.package(options)
    assert {name: (author.folder / "shop" / name).read_text() for name in package.files} == package.files
    assert await author.run("check", "--model", "shop") == 0
    assert await author.run("pull", "--check", "--model", "shop") == 0
    model = load_model(str(author.folder / "shop"))
    variables = json.loads((author.folder / "shop/examples/dashboard.json").read_text())
    truth = await author.truth(package, model, tenant)
    async with author.gateway(model, tenant) as client:
        assert await differences(truth, client) == []
        asked = {"query": package.example.text, "variables": variables}
        answer = (await client.post("/graphql", json=asked)).json()
    assert "errors" not in answer
    (objects,) = answer["data"].values()
    assert [each["id"] for each in objects] == variables["ids"]
    assert objects
    return model


async def test_a_library_is_answered_right(new_author: NewAuthor, capsys: Output) -> None:
    async with new_author("library") as author:
        assert await author.run("new", "shop", "--all", "--no-tenant", "--zone", "Europe/Vienna") == 0
        told = capsys.readouterr().out
        assert told.startswith(
            "shop has a model of 7 object types over 8 tables.\nNo tenant: all rows are everyone's.\nLeft out are those that have\n"
        )
        assert "library.notes, library.titles" in told
        assert "GATEWAY_GRAPHIQL=true gateway serve --model shop/model.py  #" in told
        await proven(author, NewOptions("shop", is_all=True, is_without_tenants=True, zone="Europe/Vienna"))
        assert 'db = m.Postgres(zone="Europe/Vienna")  # DATABASE_URL' in (author.folder / "shop/model.py").read_text()


async def test_an_agency_is_answered_right_for_one_tenant(new_author: NewAuthor, capsys: Output) -> None:
    async with new_author("agency") as author:
        options = ("--tenant", "account_id", "--claim", "account", "--everyone", "currencies")
        assert await author.run("new", "shop", "--schema", "agency", *options) == 0
        told = capsys.readouterr().out
        assert "Left out" not in told
        tenant = told.partition("GATEWAY_ANONYMOUS_TENANT=")[2].split()[0]
        said = NewOptions("shop", schemas=["agency"], tenant="account_id", claim="account", everyones=["currencies"])
        model = await proven(author, said, tenant)
        assert model.tenant is not None
        assert model.tenant.claim == "account"


async def test_telemetry_is_answered_right(new_author: NewAuthor, capsys: Output) -> None:
    unique = {"devices": "id", "sites": "SiteId"}
    numbers = list(range(1, 13))
    keys = {"device_id": numbers, "DeviceId": numbers, "SiteId": numbers, "site_id": numbers[:5]}
    async with new_author(clickhouse="telemetry", unique=unique, keys=keys) as author:
        objects = ["devices=id", "sites=SiteId"]
        options = [text for each in objects for text in ("--object", each)]
        assert await author.run("new", "shop", "--all", "--without", "*.*", "--yes", "--no-tenant", *options) == 0
        assert "shop has a model of 2 object types over 5 tables." in capsys.readouterr().out
        await proven(
            author, NewOptions("shop", is_all=True, is_without_tenants=True, objects=objects, takes_matches=True)
        )


async def test_nothing_is_written_over_silently(new_author: NewAuthor, capsys: Output) -> None:
    async with new_author("agency") as author:
        new = ("new", "shop", "--table", "agency.people", "--no-tenant")
        assert await author.run(*new) == 0
        assert await author.run(*new) == 0  # the same files
        file = author.folder / "shop/model.py"
        file.write_text("# mine\n")
        assert await author.run(*new) == 1
        assert "shop has model.py already: choose another folder, or say --force." in capsys.readouterr().err
        assert file.read_text() == "# mine\n"
        assert await author.run(*new, "--force") == 0
        assert file.read_text() != "# mine\n"
        assert "class Person(m.Object, table=people):" in file.read_text()


async def test_without_a_database_or_an_option_the_command_says_what_is_missing(
    new_author: NewAuthor, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with new_author("agency") as author:
        assert await author.run("new", "shop", "--all") == 1
        error = capsys.readouterr().err
        assert "  --tenant account_id --claim account, or --no-tenant:" in error
        assert not (author.folder / "shop").exists()
        monkeypatch.delenv("DATABASE_URL")
        assert await author.run("new", "shop", "--all") == 1
        assert "No database is known: set DATABASE_URL or CLICKHOUSE_URL" in capsys.readouterr().err
        named = f"crm={author.new.database_url}"
        assert await author.run("new", "shop", "--postgres", named, "--table", "crm:*.people", "--no-tenant") == 0
        assert 'crm_db = m.Postgres("crm")  # DATABASE_CRM_URL' in (author.folder / "shop/model.py").read_text()


async def test_the_tests_of_a_new_model_pass(new_author: NewAuthor) -> None:
    async with new_author("agency") as author:
        assert await author.run("new", "shop", "--all", "--no-tenant") == 0
        urls = {"FUSEWAY_TEST_DATABASE_URL": author.new.database_url, "FUSEWAY_TEST_REDIS_URL": author.redis_url}
        command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "fuseway_pytest", "shop")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            cwd=author.folder,
            env={**os.environ, **urls},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        assert b"3 passed" in output


async def test_without_keys_the_example_has_none_and_the_command_says_so(
    new_author: NewAuthor, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with new_author("agency") as author:
        monkeypatch.setattr(new_sources, "_SAMPLE_S", 0)
        assert await author.run("new", "shop", "--all", "--no-tenant") == 0
        assert "were read in time: write some into shop/examples/dashboard.json." in capsys.readouterr().err
        assert json.loads((author.folder / "shop/examples/dashboard.json").read_text()) == {"ids": []}


async def test_names_of_a_database_are_no_sequences_of_the_terminal(new_author: NewAuthor, capsys: Output) -> None:
    async with new_author("agency") as author:
        await author.new.stores.postgres.execute('create table agency."\x1b[2Jlogs" (id int)')
        assert await author.run("new", "shop", "--all", "--no-tenant") == 0
        told = capsys.readouterr().out
        assert "agency.\\x1b[2Jlogs" in told
        assert "\x1b" not in told
