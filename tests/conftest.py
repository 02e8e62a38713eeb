"""The engines, started once for the whole run, and clients of them."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from deploy import SAMPLE_MODEL
from deploy.embedded.engines import EmbeddedEngines, StoreUrls
from deploy.fleet.sample import load_sample
from deploy.fleet.set_up import create_tables
from loaders.migrations import migrate_own
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.errors import StatementFailed
from loaders.stores.postgres import Postgres
from tests.patience import REDIS_ENVIRONMENT, REQUEST_ENVIRONMENT

pytest_plugins = ["tests.tiers", "fuseway.testing.plugin"]

for _name, _default in {"GATEWAY_MODEL": SAMPLE_MODEL, **REDIS_ENVIRONMENT, **REQUEST_ENVIRONMENT}.items():
    os.environ.setdefault(_name, _default)  # of every gateway that a test starts


def pytest_addoption(parser: pytest.Parser) -> None:
    """The long runs' options."""
    parser.addoption(
        "--fuzz-seconds", type=float, default=0.0, help="How long each random test goes on, from new seeds."
    )
    parser.addoption(
        "--soak-seconds", type=float, default=600.0, help="How long the soak of `make chaos` loads a gateway."
    )


class Stores(NamedTuple):
    """Connected clients of both databases."""

    postgres: Postgres
    clickhouse: ClickHouse


@dataclass(frozen=True, slots=True)
class NewStores:
    """Clients of a database of one's own in both stores, and its URLs."""

    stores: Stores
    database_url: str
    clickhouse_url: str


class NewDatabase(Protocol):
    """Call it for a database that is new in both stores and gone at the end of the block."""

    def __call__(self) -> AbstractAsyncContextManager[NewStores]: ...


@pytest.fixture(scope="session")
def engines() -> Iterator[EmbeddedEngines]:
    """The three embedded engines over a folder of their own, not yet started; stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="fuseway-tests-") as folder:
        engines = EmbeddedEngines(Path(folder))
        yield engines
        engines.stop()


@pytest.fixture(scope="session")
def store_urls(request: pytest.FixtureRequest) -> StoreUrls:
    """Where the stores are: as the environment says; the engines are started where it leaves one out."""
    value = [os.environ.get(name, "") for name in ("DATABASE_URL", "CLICKHOUSE_URL", "REDIS_URL")]
    if all(value):
        database_url, clickhouse_url, redis_url = value
        return StoreUrls(database_url=database_url, clickhouse_url=clickhouse_url, redis_url=redis_url)
    engines: EmbeddedEngines = request.getfixturevalue("engines")
    started = engines.start()
    return StoreUrls(
        database_url=value[0] or started.database_url,
        clickhouse_url=value[1] or started.clickhouse_url,
        redis_url=value[2] or started.redis_url,
    )


@pytest.fixture(scope="session")
async def postgres(store_urls: StoreUrls) -> AsyncIterator[Postgres]:
    """A client of PostgreSQL with a small pool."""
    async with _postgres(store_urls.database_url) as client:
        yield client


@pytest.fixture(scope="session")
async def clickhouse(store_urls: StoreUrls) -> AsyncIterator[ClickHouse]:
    """A client of ClickHouse with a few connections."""
    async with _clickhouse(store_urls.clickhouse_url) as client:
        yield client


@pytest.fixture(scope="session")
async def sample_stores(postgres: Postgres, clickhouse: ClickHouse) -> Stores:
    """Both stores, migrated and with the whole sample. Read it, never change it."""
    await create_tables(postgres, clickhouse)
    await migrate_own(postgres)
    await load_sample(postgres, clickhouse, lambda _step, _fraction: None)
    return Stores(postgres, clickhouse)


@pytest.fixture(scope="session")
def new_database(store_urls: StoreUrls, postgres: Postgres, clickhouse: ClickHouse) -> NewDatabase:
    """Databases beside the sample's, for tests that write."""

    @asynccontextmanager
    async def create() -> AsyncIterator[NewStores]:
        name = f"test_{uuid4().hex[:12]}"
        await postgres.execute(f"create database {name}")
        await clickhouse.command(f"create database {name}")
        database_url = _with_database(store_urls.database_url, name)
        clickhouse_url = _with_database(store_urls.clickhouse_url, name)
        try:
            async with _postgres(database_url) as new_postgres, _clickhouse(clickhouse_url) as new_clickhouse:
                yield NewStores(Stores(new_postgres, new_clickhouse), database_url, clickhouse_url)
        finally:
            await _drop(postgres, name)
            await clickhouse.command(f"drop database {name} sync")

    return create


async def _drop(postgres: Postgres, database: str) -> None:
    """Drop a database, ending this role's connections to it.

    `with (force)` would fail while autovacuum is at work there, whose process only a superuser may end. Without it, the
    server stops autovacuum itself and waits five seconds for connections that are closing.
    """
    own = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename = current_user"
    for attempts_left in (2, 1, 0):
        await postgres.rows(own, database)
        try:
            await postgres.execute(f"drop database {database}")
        except StatementFailed:
            if not attempts_left:
                raise
        else:
            return


def _with_database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


@asynccontextmanager
async def _postgres(url: str) -> AsyncIterator[Postgres]:
    client = await Postgres.connect(url, min_size=1, max_size=4, acquire_timeout_s=10, statement_timeout_s=60)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def _clickhouse(url: str) -> AsyncIterator[ClickHouse]:
    client = await ClickHouse.connect(url, max_connections=4, acquire_timeout_s=60, statement_timeout_s=60)
    try:
        yield client
    finally:
        await client.close()
