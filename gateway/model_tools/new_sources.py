"""The databases that a new model is made from: where they are, what they have, and some keys of their objects."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from gateway.databases import url_problem
from gateway.setting import SettingsError
from gateway.stores import open_database
from loaders.catalog.clickhouse import read_clickhouse
from loaders.catalog.postgres import read_postgres
from loaders.catalog.sample_keys import SampleKeys, sample_clickhouse_keys, sample_postgres_keys
from loaders.model.databases import ClickHouse, Database, Postgres
from loaders.stores.clickhouse import ClickHouse as ClickHouseStore

if TYPE_CHECKING:
    from gateway.model_tools.scaffold.choices import TableId
    from gateway.settings import Settings
    from loaders.catalog.catalog import DatabaseCatalog

_NAMED = re.compile(r"(DATABASE|CLICKHOUSE)_([A-Z0-9_]+)_URL")
_OPTION = re.compile(r"(?:([a-z][a-z0-9_]*)=)?(.+)", re.DOTALL)
_CLASSES: dict[str, type[Database]] = {each.variable_prefix: each for each in (Postgres, ClickHouse)}


def databases_of(settings: Settings, postgres: Sequence[str], clickhouse: Sequence[str]) -> dict[Database, str]:
    """Return databases with their URLs: those of the options, `NAME=URL` or a URL, or else all of the settings.

    Raises SettingsError where there is none, or where a URL is invalid.
    """
    said = {
        **{_named(Postgres, text): _url(text) for text in postgres},
        **{_named(ClickHouse, text): _url(text) for text in clickhouse},
    }
    databases = said or _of_settings(settings)
    if not databases:
        raise SettingsError(
            "No database is known: set DATABASE_URL or CLICKHOUSE_URL (DATABASE_<NAME>_URL, CLICKHOUSE_<NAME>_URL for"
            " several), or say --postgres URL or --clickhouse URL."
        )
    problems = [problem for database, url in databases.items() if (problem := url_problem(database, url))]
    if problems:
        raise SettingsError("\n".join(problems))
    return databases


async def read_catalogs(settings: Settings, databases: Mapping[Database, str]) -> list[DatabaseCatalog]:
    """Return what the databases have. Raises StoreError where one is away or refuses."""
    catalogs = []
    for database, url in databases.items():
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(open_database(settings, database, url))
            read = read_clickhouse if isinstance(store, ClickHouseStore) else read_postgres
            catalogs.append(await read(store, database.name))  # type: ignore[arg-type]
    return catalogs


async def read_sample_keys(
    settings: Settings, databases: Mapping[Database, str], table: TableId, key: Sequence[str], tenant: str
) -> SampleKeys:
    """Return keys of a few objects over a table; `tenant` is the column that holds theirs, empty without tenants."""
    database, url = next(
        (each, url) for each, url in databases.items() if (each.kind, each.name) == (table.kind, table.database)
    )
    async with open_database(settings, database, url) as store:
        if isinstance(store, ClickHouseStore):
            return await sample_clickhouse_keys(store, table.name, key, tenant)
        return await sample_postgres_keys(store, table.name, key, tenant)


def _of_settings(settings: Settings) -> dict[Database, str]:
    databases: dict[Database, str] = {}
    if settings.database_url:
        databases[Postgres()] = settings.database_url
    if settings.clickhouse_url:
        databases[ClickHouse()] = settings.clickhouse_url
    for variable, url in settings.named_urls:
        match = _NAMED.fullmatch(variable)
        if match is not None and not f"_{match.group(2)}".endswith("_DIRECT"):
            databases[_CLASSES[match.group(1)](match.group(2).lower())] = url
    return databases


def _named(kind: type[Database], text: str) -> Database:
    match = _OPTION.fullmatch(text)
    return kind((match.group(1) if match is not None else "") or "")


def _url(text: str) -> str:
    match = _OPTION.fullmatch(text)
    return match.group(2) if match is not None else text
