"""The whole application in the test's own process, over the real stores: quick to open, with any settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from deploy.embedded.engines import StoreUrls
from gateway.settings import Settings
from tests.fleet.served import MODEL
from tests.gateway.apps import new_app
from tests.patience import REDIS_SETTINGS

OPEN: dict[str, Any] = {"anonymous": "all", "introspection": True, "suggestions": True}
"""The defaults of `gateway run`."""


def settings_of(urls: StoreUrls, **settings: Any) -> Settings:
    """These stores' settings."""
    value = {"database_url": urls.database_url, "clickhouse_url": urls.clickhouse_url, "redis_url": urls.redis_url}
    return Settings(**{**OPEN, **REDIS_SETTINGS, **value, **settings})


@asynccontextmanager
async def opened(urls: StoreUrls, *, address: str = "192.0.2.1", **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client, at that address, of an application that is open for the length of the block."""
    app = new_app(settings_of(urls, **settings), MODEL)
    transport = httpx.ASGITransport(app, client=(address, 1))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test", timeout=60) as client,
    ):
        yield client
