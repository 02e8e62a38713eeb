"""A Redis that answers reads and does not take changes: nothing is served that may have changed."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from loaders.cache.cache import Cache
from loaders.cache.invalidation import RETRY_S, Change, Invalidator
from loaders.stores.errors import StoreError
from loaders.stores.redis import Redis
from tests.loaders.cache.conftest import OpenCache
from tests.loaders.cache.refusals import KEYS as OF_KEYS
from tests.loaders.cache.refusals import SERVER, Refusal
from tests.loaders.cache.stores import Truth, field
from tests.loaders.cache.valkey import OwnValkey, own_valkey
from tests.loaders.conftest import open_redis

A = field("a")
KEYS = [f"aircraft:{index}" for index in range(20)]
CHANGE = Change(keys=tuple(KEYS), sources=("other",))


async def _serves(cache: Cache, truth: Truth) -> bool:
    """Whether the cache, and not the store, has answered as the store would."""
    before = cache.counts["fields loaded"]
    fetched = await cache.fetch(KEYS, (A,), truth)
    assert fetched.values[A] == [truth.value(A, key) for key in KEYS]
    await cache.settle()
    return cache.counts["fields loaded"] == before


async def _until_old_values_end(cache: Cache, truth: Truth) -> None:
    """What memory has is served under a lease, which ends."""
    deadline = time.monotonic() + 10
    while (await cache.fetch(KEYS, (A,), truth)).values[A] != [truth.value(A, key) for key in KEYS]:
        assert time.monotonic() < deadline, "old values are served on"
        await asyncio.sleep(0.02)


async def _until_served(cache: Cache, truth: Truth) -> None:
    deadline = time.monotonic() + 20
    while not await _serves(cache, truth):
        assert time.monotonic() < deadline, "the cache does not serve again"
        await asyncio.sleep(0.02)


async def _until_the_store_is_asked(cache: Cache, truth: Truth) -> None:
    """An invalidation that failed at its end has emptied Redis: what is loaded anew may be served for a moment."""
    deadline = time.monotonic() + 10
    while await _serves(cache, truth):
        assert time.monotonic() < deadline, "the cache serves on"
        await asyncio.sleep(0.02)


async def _make_known(redis: Redis) -> None:
    """As the process that listens to changes does it."""
    while True:
        with suppress(StoreError):
            return await Invalidator(redis).invalidate(CHANGE)
        await asyncio.sleep(RETRY_S)


@asynccontextmanager
async def _process(process: OpenCache, server: OwnValkey, max_entries: int) -> AsyncIterator[tuple[Cache, Redis]]:
    url = server.url.replace("//", "//gateway:secret@") if "--user" in server.options else server.url
    async with (
        process(url=url, max_entries=max_entries, timeout_s=0.3, command_timeout_s=0.5) as cache,
        open_redis(url, command_timeout_s=0.5) as redis,
    ):
        yield cache, redis


@pytest.mark.parametrize("refusal", [*SERVER, *OF_KEYS], ids=str)
async def test_a_change_that_cannot_be_made_known_is_not_served_over(
    process: OpenCache, tmp_path: Path, refusal: Refusal
) -> None:
    async with asyncio.TaskGroup() as group:  # most of it is waiting for a lease to end
        for name, max_entries in (("redis", 0), ("memory", 1_000)):
            folder = tmp_path / name
            folder.mkdir()
            group.create_task(_change_while_refused(process, folder, refusal, max_entries), name=name)


async def _change_while_refused(process: OpenCache, folder: Path, refusal: Refusal, max_entries: int) -> None:
    truth = Truth()
    with own_valkey(folder, *refusal.options) as server:
        async with _process(process, server, max_entries) as (cache, redis):
            await _until_served(cache, truth)
            await asyncio.to_thread(refusal.enter, server, folder)
            truth.versions.update(KEYS)
            with pytest.raises(StoreError):
                await Invalidator(redis).invalidate(CHANGE)
            if max_entries or refusal in OF_KEYS:
                await _until_old_values_end(cache, truth)
            await _until_the_store_is_asked(cache, truth)
            for _ in range(5):
                truth.versions.update(KEYS)
                assert not await _serves(cache, truth)
                await asyncio.sleep(0.05)
            known = asyncio.create_task(_make_known(redis))
            await asyncio.to_thread(refusal.leave, server, folder)
            await _until_served(cache, truth)
            await known
