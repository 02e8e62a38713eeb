"""The databases of a model under test: new ones in embedded engines, or existing ones that are only read."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

from deploy.embedded.engines import StoreUrls
from deploy.embedded.model_databases import create_databases, drop_databases
from gateway.commands.setup import set_up
from gateway.databases import with_urls
from gateway.settings import Settings
from loaders.stores.errors import StatementFailed, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from loaders.model.databases import Kind
    from loaders.model.model import Model

PREFIX = "FUSEWAY_TEST_"
"""Prefix of a database's own variable, where a test run is to read an existing one."""
_SET_UP_TIMEOUT_S = 600.0


class DatabasesError(Exception):
    """The databases of a test run cannot be had; the message says what to do."""


@dataclass(frozen=True, slots=True)
class ModelDatabases:
    """Where the databases of a model are.

    `urls` are by the variables that `gateway serve` would read, such as `DATABASE_CRM_URL`. `is_existing` says that
    they were there before the run, so that nothing is written. `tenant` is the key that the model's set-up returned.
    """

    urls: Mapping[str, str]
    redis_url: str
    is_existing: bool = False
    tenant: str | None = None
    server: StoreUrls | None = None
    """The servers that new ones were made on."""
    created: list[tuple[Kind, str]] = field(default_factory=list, repr=False)
    """The kinds and names of databases that the run has created, those of copies too."""

    def __getitem__(self, variable: str) -> str:
        return self.urls[variable]

    def settings(self, model: Model) -> Settings:
        """Return the gateway's settings that lead to them."""
        by_database = {database: self.urls[database.variable] for database in model.databases}
        return with_urls(Settings(redis_url=self.redis_url, statement_timeout_s=_SET_UP_TIMEOUT_S), by_database)


def needs_engines() -> bool:
    """Return whether a run needs engines of its own: the environment names no Redis."""
    return not os.environ.get(f"{PREFIX}REDIS_URL")


def existing_databases(model: Model, redis_url: Callable[[], str]) -> ModelDatabases | None:
    """Return the databases that the environment names; None where it names none.

    Raises DatabasesError where it names some of the model's, and not all.
    """
    variables = [database.variable for database in model.databases]
    urls = {name: os.environ.get(f"{PREFIX}{name}", "") for name in variables}
    missing = [f"{PREFIX}{name}" for name, url in urls.items() if not url]
    if len(missing) == len(urls):
        return None
    if missing:
        raise DatabasesError(
            f"{', '.join(missing)} is missing: either all databases of {model.name} exist and are named, or none is,"
            " and new ones are made."
        )
    return ModelDatabases(urls, os.environ.get(f"{PREFIX}REDIS_URL") or redis_url(), is_existing=True)


def new_databases(model: Model, engines: StoreUrls, *, fills: bool = True) -> ModelDatabases:
    """Create databases with names of their own, and call the model's `setup=` where it has one."""
    created = asyncio.run(create_databases(engines, model, prefix=f"test_{uuid4().hex[:8]}_"))
    urls = {database.variable: url for database, url in created.items()}
    names = [(database.kind, urlsplit(url).path.removeprefix("/")) for database, url in created.items()]
    databases = ModelDatabases(urls, engines.redis_url, server=engines, created=names)
    if model.setup is None or not fills:
        return databases
    try:
        tenant = asyncio.run(set_up(databases.settings(model), model))
    except Exception:
        asyncio.run(drop_created(databases))
        raise
    return replace(databases, tenant=tenant)


async def drop_created(databases: ModelDatabases) -> None:
    """Drop the databases that the run has created, unless their server has stopped by now, and its data with it.

    Raises DatabasesError where somebody stays connected to one.
    """
    if databases.server is None or not databases.created:
        return
    with suppress(StoreUnavailable):
        try:
            await drop_databases(databases.server, databases.created)
        except StatementFailed as error:
            names = ", ".join(name for _, name in databases.created)
            raise DatabasesError(
                f"{names} cannot all be dropped: close the connections that your fixtures keep to them, and drop what"
                f" is left. {error}"
            ) from error
    databases.created.clear()
