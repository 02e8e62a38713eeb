"""Connections to PostgreSQL at one of a URL's hosts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import asyncpg

from loaders.stores.hosts import first_to_answer
from loaders.stores.urls.postgres import driver_arguments
from loaders.stores.urls.store_url import StoreURL

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

_PREFERENCES = {"prefer-standby": ("standby", "any")}
"""Roles that hosts are tried for one after the other, where the driver's own choice would be among all that answer."""


async def connect_to_first(url: StoreURL, first: int = 0, **options: Any) -> tuple[int, Connection]:
    """Return the place of the first host that has the role that the URL asks for, and a connection to it.

    The host at the place `first` is tried before the others. `options` replace those that the URL gives to the driver.
    Raises the driver's errors.
    """
    arguments = driver_arguments(url) | options
    if len(url.hosts) == 1:
        return 0, await asyncpg.connect(**arguments)
    role = arguments["target_session_attrs"]
    *preferred, last = _PREFERENCES.get(role, (role,))
    for role in preferred:
        try:
            return await _connect_to_first(url, first, arguments | {"target_session_attrs": role})
        except (OSError, asyncpg.PostgresError, asyncpg.InternalClientError):
            continue  # no host has this role
    return await _connect_to_first(url, first, arguments | {"target_session_attrs": last})


async def _connect_to_first(url: StoreURL, first: int, arguments: dict[str, Any]) -> tuple[int, Connection]:
    places = [*range(first, len(url.hosts)), *range(first)]
    attempts = [partial(asyncpg.connect, **(arguments | at_host(url, place))) for place in places]
    step, connection = await first_to_answer(attempts, asyncpg.Connection.terminate)
    return places[step], connection


def at_host(url: StoreURL, place: int) -> dict[str, Any]:
    """Return the driver's arguments that name one of the hosts."""
    host, port = url.hosts[place]
    return {"host": host, "port": port}
