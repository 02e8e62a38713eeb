"""The databases that a new model is made from: where they are, and some keys of their objects."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gateway.databases import url_problem
from gateway.setting import SettingsError
from gateway.stores import open_database
from loaders.catalog.sample_keys import SampleKeys, sample_clickhouse_keys, sample_postgres_keys
from loaders.model.databases import ClickHouse, Database, Postgres
from loaders.model.names import database_name_mistake
from loaders.stores.clickhouse import ClickHouse as ClickHouseStore
from loaders.stores.errors import StoreError

if TYPE_CHECKING:
    from gateway.model_tools.scaffold.choices import TableId
    from gateway.settings import Settings
    from gateway.stores import Store

_NAMED = re.compile(r"(DATABASE|CLICKHOUSE)_([A-Z0-9_]+)_URL")
_OPTION = re.compile(r"(?:([^=:/?]*)=)?(.+)", re.DOTALL)
_SAMPLE_S = 10.0
"""Seconds that keys for an example may take."""
_CLASSES: dict[str, type[Database]] = {each.variable_prefix: each for each in (Postgres, ClickHouse)}


def databases_of(settings: Settings, postgres: Sequence[str], clickhouse: Sequence[str]) -> dict[Database, str]:
    """Return databases with their URLs: those of the options, `NAME=URL` or a URL, or else all of the settings.

    Raises SettingsError where there is none, or where a name or a URL is invalid.
    """
    said: dict[Database, str] = {}
    for kind, option, texts in ((Postgres, "--postgres", postgres), (ClickHouse, "--clickhouse", clickhouse)):
        for text in texts:
            name, url = _name_and_url(text)
            if any((each.kind, each.name) == (kind.kind, name) for each in said):
                same = f"the name {name}" if name else "no name"
                raise SettingsError(f"{option}: two databases have {same}. Name each of them, as in {option} crm=URL.")
            said[kind(name)] = url
    databases = said or _of_settings(settings)
    if not databases:
        raise SettingsError(
            "No database is known: set DATABASE_URL or CLICKHOUSE_URL (DATABASE_<NAME>_URL, CLICKHOUSE_<NAME>_URL for"
            " several), or say --postgres URL or --clickhouse URL."
        )
    problems = [problem for item in databases.items() if (problem := _name_problem(item[0]) or url_problem(*item))]
    if problems:
        raise SettingsError("\n".join(problems))
    return databases


async def read_sample_keys(
    settings: Settings, databases: Mapping[Database, str], table: TableId, key: Sequence[str], tenant: str
) -> SampleKeys | None:
    """Return keys of a few objects over a table; None where the database does not tell them in time.

    `tenant` is the column that holds theirs, empty without tenants.
    """
    database, url = next(
        (each, url) for each, url in databases.items() if (each.kind, each.name) == (table.kind, table.database)
    )
    try:
        async with asyncio.timeout(_SAMPLE_S), open_database(settings, database, url) as store:
            return await _sample_keys(store, table, key, tenant)
    except (StoreError, TimeoutError):
        return None


async def _sample_keys(store: Store, table: TableId, key: Sequence[str], tenant: str) -> SampleKeys:
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


def _name_and_url(text: str) -> tuple[str, str]:
    match = _OPTION.fullmatch(text)
    name, url = match.groups("") if match is not None else ("", text)
    return name, url


def _name_problem(database: Database) -> str:
    mistake = database_name_mistake(database)
    return mistake and f"The database {database.name}: {mistake}"
