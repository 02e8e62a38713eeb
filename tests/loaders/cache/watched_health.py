"""The health of a listener that a test can wait for, and databases whose sessions take another way."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from loaders.cache.listener_health import ListenerHealth
from loaders.stores.postgres import Postgres
from tests.conftest import NewStores
from tests.loaders.stores.relay import Relay


class WatchedHealth(ListenerHealth):
    """ListenerHealth that a test can wait for."""

    def __init__(self) -> None:
        super().__init__({"aircraft"}, self._drop, subject="tables")
        self.drops = 0

    def _drop(self) -> None:
        self.drops += 1

    async def until(self, is_healthy: bool) -> None:
        await until(lambda: self.is_healthy is is_healthy and (self.reason is None) is is_healthy)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(3_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("It did not come to be.")


@asynccontextmanager
async def behind(database: NewStores, session_url: str) -> AsyncIterator[Postgres]:
    """A pool straight to the database, whose sessions take another way."""
    client = await Postgres.connect(
        database.database_url,
        min_size=1,
        max_size=2,
        acquire_timeout_s=5,
        statement_timeout_s=5,
        direct_url=session_url,
    )
    try:
        yield client
    finally:
        await client.close()


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno == logging.ERROR]


def lead_to(between: Relay, url: str) -> None:
    other = Relay(url)
    between._target = other._target
