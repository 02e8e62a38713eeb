"""Open the cache of a process, and close it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from loaders.cache.cache import Cache
from loaders.cache.invalidation import Follower
from loaders.cache.local import LocalCache
from loaders.cache.shared import SharedCache
from loaders.stores.redis import Redis


@asynccontextmanager
async def open_cache(
    redis: Redis, version: str, *, max_entries: int, max_bytes: int, timeout_s: float, lease_s: float
) -> AsyncIterator[Cache]:
    """Yield a cache that follows changes. Without Redis, it loads everything from the stores and caches nothing."""
    shared = SharedCache(redis, version, timeout_s=timeout_s, lease_s=lease_s)
    cache = Cache(shared, LocalCache(max_entries, max_bytes))
    cache.follower = Follower(redis, cache.apply)
    await cache.follower.start()
    try:
        yield cache
    finally:
        await cache.follower.stop()
        await cache.close()
