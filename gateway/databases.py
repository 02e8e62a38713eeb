"""The databases of the served model, and where they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.setting import SettingsError
from loaders.model.databases import Database, Kind
from loaders.stores.urls.clickhouse import CLICKHOUSE
from loaders.stores.urls.postgres import POSTGRES
from loaders.stores.urls.store_url import InvalidStoreURL, parse_url

if TYPE_CHECKING:
    from gateway.settings import Settings
    from loaders.model.model import Model

_URL_KINDS = {Kind.POSTGRES: POSTGRES, Kind.CLICKHOUSE: CLICKHOUSE}
_PRODUCTS = {Kind.POSTGRES: "PostgreSQL", Kind.CLICKHOUSE: "ClickHouse"}


def state_name(database: Database) -> str:
    """Return the name that `/readyz` and accounting show a database by, such as `postgresql crm`."""
    return f"{_URL_KINDS[database.kind].store} {database.name}".rstrip()


def require_urls(settings: Settings, model: Model) -> None:
    """Raise SettingsError where a URL is missing that the model needs: those of its databases come before Redis's."""
    database_urls(settings, model.databases)
    settings.require("redis_url")


def database_urls(settings: Settings, databases: Iterable[Database]) -> Mapping[Database, str]:
    """Return the URL of each of a model's databases.

    Raises SettingsError with a line for each that is missing or invalid.
    """
    urls = {database: settings.url(database.variable) for database in databases}
    problems = [problem for database, url in urls.items() if (problem := url_problem(database, url))]
    if problems:
        raise SettingsError("\n".join(problems))
    return urls


def with_urls(settings: Settings, urls: Mapping[Database, str]) -> Settings:
    """Return the settings with the URLs of these databases, and of no others."""
    by_variable = {database.variable: url for database, url in urls.items()}
    return replace(
        settings,
        database_url=by_variable.pop("DATABASE_URL", ""),
        clickhouse_url=by_variable.pop("CLICKHOUSE_URL", ""),
        named_urls=tuple(sorted(by_variable.items())),
    )


def url_problem(database: Database, url: str) -> str:
    """Return what is wrong with a database's URL, which is not repeated; an empty text where nothing is."""
    if not url:
        name = f"{_PRODUCTS[database.kind]} {database.name}".rstrip()
        return f"{database.variable} is missing, and has no default: the URL of {name}, declared at {database.place}."
    try:
        parse_url(_URL_KINDS[database.kind], url, database.variable)
    except InvalidStoreURL as error:
        return str(error)
    return ""
