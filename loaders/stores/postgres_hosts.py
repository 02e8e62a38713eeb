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
_PREFERENCE_S = 0.4
"""How long hosts are tried for a role before they are tried for the next one beside it: a silent host would keep the
others from being taken, and a probe has a second in all."""


async def connect_to_first(
    url: StoreURL, first: int = 0, *, is_alone: bool = False, **options: Any
) -> tuple[int, Connection]:
    """Return the place of the first host that has the role that the URL asks for, and a connection to it.

    The host at the place `first` is tried before the others, or alone; then it need not have a role that is only
    preferred. `options` replace those that the URL gives to the driver. Raises the driver's errors.
    """
    arguments = driver_arguments(url) | options
    if len(url.hosts) == 1:
        return 0, await asyncpg.connect(**arguments)
    role = arguments["target_session_attrs"]
    roles = _PREFERENCES.get(role, (role,))
    places = [*range(first, len(url.hosts)), *range(first)]
    if is_alone:
        roles, places = roles[-1:], places[:1]
    rounds = [partial(_connect_to_any, url, places, arguments | {"target_session_attrs": role}) for role in roles]
    _, answer = await first_to_answer(rounds, lambda other: other[1].terminate(), head_start_s=_PREFERENCE_S)
    return answer


async def _connect_to_any(url: StoreURL, places: list[int], arguments: dict[str, Any]) -> tuple[int, Connection]:
    attempts = [partial(asyncpg.connect, **(arguments | at_host(url, place))) for place in places]
    step, connection = await first_to_answer(attempts, asyncpg.Connection.terminate)
    return places[step], connection


def at_host(url: StoreURL, place: int) -> dict[str, Any]:
    """Return the driver's arguments that name one of the hosts."""
    host, port = url.hosts[place]
    return {"host": host, "port": port}
