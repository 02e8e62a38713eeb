"""Workers of a run share engines, have databases of their own in them, and leave nothing behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import uuid4

import psutil
import pytest

from deploy.embedded.engines import StoreUrls
from tests.conftest import Stores
from tests.databases import create_databases, drop_postgres, open_stores, with_database
from tests.shared_engines import EngineServer, ask


@pytest.mark.engine
def test_two_workers_have_a_database_each_in_the_same_engines_which_end_with_the_run() -> None:
    before = psutil.Process().children()
    server = EngineServer()
    try:
        first, second, again = (ask(server.address, (name, False)) for name in ("gw0", "gw1", "gw1"))
        started = [child for child in psutil.Process().children() if child not in before]
    finally:
        server.close()
    for name in ("database_url", "clickhouse_url"):
        own, other = (urlsplit(getattr(urls, name)) for urls in (first, second))
        assert (own.netloc, own.path, other.path) == (other.netloc, "/gw0", "/gw1")
    assert "already exists" in again
    assert len(started) == 3
    assert [child for child in started if child.is_running()] == []


def test_engines_that_are_never_asked_for_are_not_started() -> None:
    before = psutil.Process().children()
    server = EngineServer()
    assert psutil.Process().children() == before
    server.close()


@pytest.fixture
async def names(store_urls: StoreUrls) -> AsyncIterator[tuple[str, str]]:
    """Names of two databases, which are dropped at the end."""
    source, target = (f"test_{uuid4().hex[:12]}" for _ in range(2))
    yield source, target
    async with open_stores(store_urls) as (postgres, clickhouse):
        for name in (source, target):
            await drop_postgres(postgres, name)
            await clickhouse.command(f"drop database {name} sync")


async def test_a_copy_has_all_tables_and_rows_and_is_a_database_of_its_own(
    store_urls: StoreUrls, names: tuple[str, str]
) -> None:
    source, target = names
    await create_databases(store_urls, source)
    async with open_stores(with_database(store_urls, source)) as stores:
        await stores.postgres.execute("create table numbers as select 7 as number")
        for table in ("numbers", "nothing"):
            await stores.clickhouse.command(f"create table {table} (number UInt8) engine = MergeTree order by number")
        await stores.clickhouse.command("insert into numbers values (7)")
    await create_databases(store_urls, target, source)
    async with open_stores(with_database(store_urls, target)) as stores:
        await stores.clickhouse.command("insert into nothing values (8)")
        await stores.clickhouse.command("insert into numbers values (9)")
        assert await _numbers(stores) == ([7], [7, 9], [8])
    async with open_stores(with_database(store_urls, source)) as stores:
        assert await _numbers(stores) == ([7], [7], [])


async def _numbers(stores: Stores) -> tuple[list[int], list[int], list[int]]:
    """Return the rows of PostgreSQL's table, and of both of ClickHouse."""
    rows = await stores.postgres.rows("select number from numbers")
    return [row[0] for row in rows], await _column(stores, "numbers"), await _column(stores, "nothing")


async def _column(stores: Stores, table: str) -> list[int]:
    answer = await stores.clickhouse.columns(f"select number from {table} order by number", {})
    return [number for column in answer.columns for number in column]
