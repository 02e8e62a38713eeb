"""Databases of a model in the embedded engines: one for each that the model names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from deploy.embedded.engines import StoreUrls
from loaders.model.databases import Database, Kind
from loaders.model.model import Model
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.errors import StatementFailed
from loaders.stores.postgres import Postgres

_TIMEOUT_S = 60.0
_DROP_ATTEMPTS = 40
"""Attempts to drop a database, a tenth of a second apart: sessions that were closed take a moment to end."""


async def create_databases(urls: StoreUrls, model: Model, *, prefix: str = "") -> Mapping[Database, str]:
    """Create the databases that are missing, and return the URL of each. `prefix` begins their names."""
    names = {database: f"{prefix}{model.name}_{database.name}".rstrip("_") for database in model.databases}
    async with _opened(urls) as (postgres, clickhouse):
        for database, name in names.items():
            if database.kind is Kind.CLICKHOUSE:
                await clickhouse.command(f"create database if not exists `{name}`")
            elif not await postgres.rows("select where exists (select from pg_database where datname = $1)", name):
                await postgres.execute(f'create database "{name}"')
    plain = {Kind.POSTGRES: urls.database_url, Kind.CLICKHOUSE: urls.clickhouse_url}
    return {
        database: urlsplit(plain[database.kind])._replace(path=f"/{name}").geturl() for database, name in names.items()
    }


async def drop_databases(urls: StoreUrls, names: Iterable[tuple[Kind, str]]) -> None:
    """Drop databases that are there. Raises StatementFailed for one that somebody stays connected to."""
    async with _opened(urls) as (postgres, clickhouse):
        for kind, name in names:
            if kind is Kind.CLICKHOUSE:
                await clickhouse.command(f"drop database if exists `{name}` sync")
            else:
                await _drop_postgres(postgres, name)


async def _drop_postgres(postgres: Postgres, name: str) -> None:
    for left in reversed(range(_DROP_ATTEMPTS)):
        try:
            await postgres.execute(f'drop database if exists "{name}"')
        except StatementFailed:
            if not left:
                raise
            await postgres.rows("select pg_sleep(0.1)")
        else:
            return


@asynccontextmanager
async def _opened(urls: StoreUrls) -> AsyncIterator[tuple[Postgres, ClickHouse]]:
    postgres = await Postgres.connect(
        urls.database_url, min_size=1, max_size=1, acquire_timeout_s=_TIMEOUT_S, statement_timeout_s=_TIMEOUT_S
    )
    try:
        clickhouse = await ClickHouse.connect(
            urls.clickhouse_url, max_connections=1, acquire_timeout_s=_TIMEOUT_S, statement_timeout_s=_TIMEOUT_S
        )
        try:
            yield postgres, clickhouse
        finally:
            await clickhouse.close()
    finally:
        await postgres.close()
