"""The engines, started once for the whole run, and clients of them."""

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

import pytest

from deploy import SAMPLE_MODEL
from deploy.embedded.engines import StoreUrls
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.postgres import Postgres
from tests.databases import Stores as Stores
from tests.databases import (
    drop_postgres,
    load_all,
    open_clickhouse,
    open_postgres,
    open_stores,
    with_database,
)
from tests.patience import REDIS_ENVIRONMENT, REQUEST_ENVIRONMENT

pytest_plugins = ["tests.tiers", "tests.garbage", "tests.shared_engines", "fuseway.testing.plugin"]

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
def store_urls(request: pytest.FixtureRequest) -> StoreUrls:
    """Where the stores are: as the environment says; engines are started where it leaves one out."""
    value = [os.environ.get(name, "") for name in ("DATABASE_URL", "CLICKHOUSE_URL", "REDIS_URL")]
    if all(value):
        database_url, clickhouse_url, redis_url = value
        return StoreUrls(database_url=database_url, clickhouse_url=clickhouse_url, redis_url=redis_url)
    started: StoreUrls = request.getfixturevalue("engine_urls")
    return StoreUrls(
        database_url=value[0] or started.database_url,
        clickhouse_url=value[1] or started.clickhouse_url,
        redis_url=value[2] or started.redis_url,
    )


@pytest.fixture(scope="session")
async def postgres(store_urls: StoreUrls) -> AsyncIterator[Postgres]:
    """A client of PostgreSQL with a small pool."""
    async with open_postgres(store_urls.database_url) as client:
        yield client


@pytest.fixture(scope="session")
async def clickhouse(store_urls: StoreUrls) -> AsyncIterator[ClickHouse]:
    """A client of ClickHouse with a few connections."""
    async with open_clickhouse(store_urls.clickhouse_url) as client:
        yield client


@pytest.fixture(scope="session")
async def sample_stores(postgres: Postgres, clickhouse: ClickHouse) -> Stores:
    """Both stores, migrated and with the whole sample. Read it, never change it."""
    stores = Stores(postgres, clickhouse)
    await load_all(stores)
    return stores


@pytest.fixture(scope="session")
def new_database(store_urls: StoreUrls, postgres: Postgres, clickhouse: ClickHouse) -> NewDatabase:
    """Databases beside the sample's, for tests that write."""

    @asynccontextmanager
    async def create() -> AsyncIterator[NewStores]:
        name = f"test_{uuid4().hex[:12]}"
        await postgres.execute(f"create database {name}")
        await clickhouse.command(f"create database {name}")
        urls = with_database(store_urls, name)
        try:
            async with open_stores(urls) as stores:
                yield NewStores(stores, urls.database_url, urls.clickhouse_url)
        finally:
            await drop_postgres(postgres, name)
            await clickhouse.command(f"drop database {name} sync")

    return create
