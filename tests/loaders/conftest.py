"""Clients of the real Redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from deploy.embedded.engines import StoreUrls
from loaders.stores.redis import Redis
from tests.patience import PATIENCE_S


@asynccontextmanager
async def open_redis(url: str, *, command_timeout_s: float = PATIENCE_S) -> AsyncIterator[Redis]:
    """A client of its own."""
    redis = await Redis.connect(url, max_connections=8, acquire_timeout_s=5, command_timeout_s=command_timeout_s)
    try:
        yield redis
    finally:
        await redis.close()


@pytest.fixture
async def redis(store_urls: StoreUrls) -> AsyncIterator[Redis]:
    async with open_redis(store_urls.redis_url) as redis:
        yield redis
