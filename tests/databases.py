"""Clients of databases, and databases that are created, copied and dropped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from deploy.embedded.engines import StoreUrls
from deploy.fleet.sample import load_sample
from deploy.fleet.set_up import create_tables
from loaders.migrations import migrate_own
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.errors import StatementFailed
from loaders.stores.postgres import Postgres

SAMPLE: Final = "sample"
"""The database, in both stores, that workers get copies of."""


class Stores(NamedTuple):
    """Connected clients of both databases."""

    postgres: Postgres
    clickhouse: ClickHouse


def with_database(urls: StoreUrls, name: str) -> StoreUrls:
    """Return the URLs of a database of this name in both stores."""
    database_url, clickhouse_url = (
        urlsplit(url)._replace(path=f"/{name}").geturl() for url in (urls.database_url, urls.clickhouse_url)
    )
    return replace(urls, database_url=database_url, clickhouse_url=clickhouse_url)


@asynccontextmanager
async def open_postgres(url: str) -> AsyncIterator[Postgres]:
    """A client with a small pool."""
    client = await Postgres.connect(url, min_size=1, max_size=4, acquire_timeout_s=10, statement_timeout_s=60)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def open_clickhouse(url: str) -> AsyncIterator[ClickHouse]:
    """A client with a few connections."""
    client = await ClickHouse.connect(url, max_connections=4, acquire_timeout_s=60, statement_timeout_s=60)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def open_stores(urls: StoreUrls) -> AsyncIterator[Stores]:
    """Clients of both databases."""
    async with open_postgres(urls.database_url) as postgres, open_clickhouse(urls.clickhouse_url) as clickhouse:
        yield Stores(postgres, clickhouse)


async def load_all(stores: Stores) -> None:
    """Create the gateway's tables and the fleet's, and load the whole sample, where they are missing."""
    await create_tables(*stores)
    await migrate_own(stores.postgres)
    await load_sample(*stores, lambda _step, _fraction: None)


async def load_sample_databases(urls: StoreUrls) -> None:
    """Create the database SAMPLE in both stores, and load it."""
    await create_databases(urls, SAMPLE)
    async with open_stores(with_database(urls, SAMPLE)) as stores:
        await load_all(stores)


async def create_databases(urls: StoreUrls, name: str, template: str | None = None) -> None:
    """Create a database in both stores, empty or as a copy; to PostgreSQL's template nobody may be connected."""
    async with open_stores(urls) as (postgres, clickhouse):
        await postgres.execute(f"create database {name}" + (f" template {template}" if template else ""))
        await clickhouse.command(f"create database {name}")
        if template:
            await _copy_tables(clickhouse, template, name)


async def _copy_tables(clickhouse: ClickHouse, source: str, target: str) -> None:
    """Copy tables without partitions: both then have the same parts, which are never changed."""
    names = await clickhouse.columns(
        "select name from system.tables where database = {source:String}", {"source": source}
    )
    for (name,) in zip(*names.columns, strict=True):
        await clickhouse.command(f"create table {target}.{name} as {source}.{name}")
        await clickhouse.command(f"alter table {target}.{name} attach partition tuple() from {source}.{name}")


async def drop_postgres(postgres: Postgres, database: str) -> None:
    """Drop a database of PostgreSQL, ending this role's connections to it.

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
