"""Catalogs of a model's databases, read through connections that only read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.stores import open_databases
from loaders.catalog.clickhouse import read_clickhouse
from loaders.catalog.postgres import read_postgres
from loaders.catalog.table_names import catalog_name
from loaders.stores.clickhouse import ClickHouse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from gateway.settings import Settings
    from gateway.stores import Store
    from loaders.catalog.catalog import DatabaseCatalog
    from loaders.model.databases import Database
    from loaders.model.model import Model


async def read_model_catalogs(settings: Settings, model: Model) -> Mapping[Database, DatabaseCatalog]:
    """Connect to the databases of a model, and return what each tells of the model's tables.

    A table that is not there is missing. Raises SettingsError for a URL that is missing or invalid, StoreError where a
    database is away or refuses.
    """
    async with open_databases(settings, model.databases) as stores:
        return await catalogs_of(model, stores)


async def catalogs_of(model: Model, stores: Mapping[Database, Store]) -> Mapping[Database, DatabaseCatalog]:
    """Return what the connected databases of a model tell of its tables, in their order."""
    tables = {database: set[str]() for database in stores}
    for table in model.tables:
        tables[table.database].add(catalog_name(table))
    reads = (read_catalog(store, database.name, tables[database]) for database, store in stores.items())
    return dict(zip(stores, await asyncio.gather(*reads), strict=True))


async def read_catalogs(settings: Settings, databases: Iterable[Database]) -> Mapping[Database, DatabaseCatalog]:
    """Connect to databases, and return what each tells of all its tables and views of users, in their order.

    Raises as `read_model_catalogs` does.
    """
    async with open_databases(settings, databases) as stores:
        reads = (read_catalog(store, database.name) for database, store in stores.items())
        return dict(zip(stores, await asyncio.gather(*reads), strict=True))


async def read_catalog(store: Store, name: str, tables: Collection[str] | None = None) -> DatabaseCatalog:
    """Return what a connected database tells of these tables, or of all; `name` is the model's for it."""
    if isinstance(store, ClickHouse):
        return await read_clickhouse(store, name, tables)
    return await read_postgres(store, name, tables)
