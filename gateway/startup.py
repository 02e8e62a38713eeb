"""Reach the stores once, before the workers of `gateway serve` start."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from gateway.stores import Stores, open_stores
from loaders.errors import GatewayError
from loaders.objects.model_survey import survey
from loaders.stores.errors import StoreUnavailable
from loaders.stores.postgres import STORE, Postgres

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.settings import Settings
    from loaders.model.model import Model

_INTERVAL_S = 0.05
_CHECK_S = 1.0
"""How long the start waits for the stores that it can do without."""

_log = logging.getLogger("gateway")


class ModelMismatchError(GatewayError):
    """The databases lack what the model names."""


async def reach_stores(settings: Settings, model: Model, *, is_strict: bool = False) -> None:
    """Wait for PostgreSQL, and say in the log what else is away, without which the gateway serves what it can.

    Raises StoreUnavailable, with the address, where a PostgreSQL has not answered within the setting's time. With
    `is_strict`, raises ModelMismatchError where a database lacks what the model names, and StoreError where one does
    not answer.
    """
    async with open_stores(settings, model, must_answer=False) as stores:
        awaited = [store for store in (*stores.databases.values(), stores.own) if isinstance(store, Postgres)]
        await _until_all_answer(awaited, settings.start_timeout_s)
        for name, outage in (await stores.outages(_CHECK_S)).items():
            if outage is not None:
                _log.warning(
                    "The gateway starts without %s, which is used as soon as it answers: %s", name, outage.reason
                )
        if is_strict:
            await _require_all(model, stores)


async def _require_all(model: Model, stores: Stores) -> None:
    missing = await survey(model, stores.databases)
    if missing:
        lines = "".join(f"\n  {each}" for each in missing)
        raise ModelMismatchError(
            f"The databases lack what the model names:{lines}\nMigrate them or change the model. Without --strict, the"
            " gateway serves all else."
        )


async def _until_all_answer(databases: Iterable[Postgres], within_s: float) -> None:
    """Return when none of the databases is away: their circuit breakers try to reach them."""
    until = asyncio.get_running_loop().time() + within_s
    while reasons := [database.outage.reason for database in databases if database.outage is not None]:
        if asyncio.get_running_loop().time() >= until:
            message = f"{reasons[0]} The start waited {within_s:g} s for it, which GATEWAY_START_TIMEOUT_S sets."
            raise StoreUnavailable(STORE, message)
        await asyncio.sleep(_INTERVAL_S)
