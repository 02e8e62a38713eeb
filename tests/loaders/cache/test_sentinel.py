"""The cache over a master that sentinels name: a replica that takes over may lack what was acknowledged last."""

import asyncio
from pathlib import Path

from loaders.cache.cache import Cache
from loaders.cache.invalidation import Change, Invalidator
from tests.loaders.cache.conftest import OpenCache
from tests.loaders.cache.stores import Truth, field
from tests.loaders.cache.valkey import OwnValkey, own_sentinel, until
from tests.loaders.conftest import open_redis

A = field("a")
KEYS = [f"aircraft:{index}" for index in range(20)]


async def _read(cache: Cache, truth: Truth) -> bool:
    """Whether what was read, which is as it should be, came from Redis."""
    before = cache.counts["fields from redis"]
    fetched = await cache.fetch(KEYS, (A,), truth)
    assert fetched.values[A] == [truth.value(A, key) for key in KEYS]
    await cache.settle()
    return cache.counts["fields from redis"] > before


async def _until_served(cache: Cache, truth: Truth) -> None:
    for _ in range(200):
        if await _read(cache, truth):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("Redis does not serve.")


def _cut_off(replica: OwnValkey, *, acknowledged: str) -> None:
    """The replica has what was written so far, and will have no more of this master."""
    until(lambda: replica.ask("EXISTS", acknowledged))
    replica.ask("CONFIG", "SET", "masterauth", "refused")
    replica.ask("CLIENT", "KILL", "TYPE", "master")
    until(lambda: replica.ask("INFO", "replication")["master_link_status"] == "down")


async def test_nothing_older_is_served_by_a_replica_that_took_over(process: OpenCache, tmp_path: Path) -> None:
    truth = Truth()
    with own_sentinel(tmp_path) as (sentinel, master, replica):
        async with (
            process(url=sentinel.url) as cache,
            process(url=sentinel.url, max_entries=0) as without_memory,
            open_redis(sentinel.url) as redis,
        ):
            await _read(cache, truth)
            assert await _read(without_memory, truth)
            await asyncio.to_thread(_cut_off, replica, acknowledged=f"gateway:o:{KEYS[-1]}")
            truth.versions.update(KEYS)
            await Invalidator(redis).invalidate(Change(keys=tuple(KEYS)))
            master.kill()
            await asyncio.to_thread(until, lambda: replica.ask("INFO", "replication")["role"] == "master")
            assert replica.ask("EXISTS", f"gateway:o:{KEYS[0]}"), "it holds what was taken back"
            for _ in range(20):
                await _read(cache, truth)
                await _read(without_memory, truth)
                await asyncio.sleep(0.02)
            await _until_served(without_memory, truth)


async def test_a_master_without_its_replicas_serves_nothing_where_it_needs_them(
    process: OpenCache, tmp_path: Path
) -> None:
    truth = Truth()
    with own_sentinel(tmp_path) as (sentinel, master, replica):
        async with process(url=sentinel.url, max_entries=0) as cache:
            await _read(cache, truth)
            assert await _read(cache, truth)
            master.ask("CONFIG", "SET", "min-replicas-max-lag", "1")
            master.ask("CONFIG", "SET", "min-replicas-to-write", "1")
            await asyncio.to_thread(until, lambda: master.ask("INFO", "replication")["min_slaves_good_slaves"] == 1)
            assert await _read(cache, truth)
            replica.kill()
            await asyncio.to_thread(until, lambda: master.ask("INFO", "replication")["min_slaves_good_slaves"] == 0)
            assert not await _read(cache, truth), "another may be the master"
