"""The cache over a cluster: what holds with one server holds with several, and with one of them gone."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
from redis.crc import key_slot

from loaders.cache.cache import Cache
from loaders.cache.invalidation import EVERYTHING, Change, Invalidator
from loaders.cache.shards import Shards
from loaders.persisted_documents import SharedDocuments, digest
from loaders.stores.errors import StoreError, StoreTimeout
from loaders.stores.redis import Redis
from tests.loaders.cache.conftest import OpenCache
from tests.loaders.cache.stores import Truth, field
from tests.loaders.cache.test_proof import Proof
from tests.loaders.cache.valkey import OwnCluster, free_port, of_cluster, own_cluster, own_valkey, until
from tests.loaders.conftest import open_redis
from tests.loaders.stores import waiting

A, B = field("a"), field("b", source="other")
KEYS = [f"aircraft:{index}" for index in range(200)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnCluster]:
    with own_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
async def redis(cluster: OwnCluster) -> AsyncIterator[Redis]:
    async with open_redis(cluster.url) as redis:
        yield redis


@pytest.fixture
def process(cluster: OwnCluster, process: OpenCache) -> OpenCache:
    return partial(process, url=cluster.url)


def _truth(truth: Truth, *fields: object) -> dict[object, list[object]]:
    return {item: [truth.value(item, key) for key in KEYS] for item in fields}  # type: ignore[arg-type]


async def test_a_connection_that_is_out_of_step_is_not_used_for_good(redis: Redis) -> None:
    scripts = Shards(redis)[0]
    assert await scripts.run("return 7", ["x"], []) == 7
    for node in redis._client.get_nodes():
        for connection in node._free:
            await connection.send_packed_command(connection.pack_command("PING"))  # whose answer nobody reads
    for _ in range(2):
        with pytest.raises(StoreError, match="out of step"):
            await scripts.run("return 7", ["x"], [])
    await redis.find_servers()
    assert await scripts.run("return 7", ["x"], []) == 7


async def test_shards_are_spread_evenly_over_the_slots(redis: Redis) -> None:
    slots = [key_slot(redis.prefix(shard).encode()) for shard in range(redis.shards)]
    assert [slot // 1_024 for slot in slots] == list(range(16))


async def test_another_process_has_from_redis_what_one_loaded_in_the_order_asked(
    process: OpenCache, cluster: OwnCluster
) -> None:
    truth = Truth()
    async with process() as item, process() as other:
        for cache in (item, other):
            fetched = await cache.fetch(KEYS, (A, B), truth)
            assert fetched.values == _truth(truth, A, B)
            await cache.settle()
    assert truth.asked == [{"a": KEYS, "b": KEYS}]
    assert other.counts["fields from redis"] == 400
    objects = [sum(":o:" in key for key in node.ask("KEYS", "*")) for node in cluster.nodes]
    assert min(objects) > 30, "each master has its share"


async def test_automatic_documents_are_known_to_all_and_bounded(redis: Redis, cluster: OwnCluster) -> None:
    names = []
    async with open_redis(cluster.url) as another:
        for index in range(257):
            text = f"{{ a{index} }}".ljust(64 << 10)
            names.append(digest(text))
            await SharedDocuments(redis, timeout_s=5).keep(names[-1], text)
        result = [await SharedDocuments(another, timeout_s=5).automatic(names[index]) for index in (0, 1, 256)]
    assert [text is not None for text in result] == [False, True, True]


async def test_a_hundred_at_once_over_two_processes_are_one_load(process: OpenCache) -> None:
    truth = Truth(delay_s=0.1)
    async with process() as item, process() as other:
        asked = [cache.fetch(["x"], (A, B), truth) for _ in range(50) for cache in (item, other)]
        answers = await asyncio.gather(*asked)
    assert truth.asked == [{"a": ["x"], "b": ["x"]}]
    assert all(answer.values == answers[0].values for answer in answers)


async def test_many_parts_of_many_shards_come_back_in_order(process: OpenCache) -> None:
    fields, truth = tuple(field(f"f{index}") for index in range(400)), Truth()
    async with process() as item, process() as other:
        for cache in (item, other):
            fetched = await cache.fetch(KEYS[:40], fields, truth)
            assert fetched.values[fields[0]] == [truth.value(fields[0], key) for key in KEYS[:40]]
            await cache.settle()
    assert other.counts["fields from redis"] == 40 * 400


async def test_an_invalidation_is_heard_by_two_processes(process: OpenCache, redis: Redis) -> None:
    truth, invalidator = Truth(), Invalidator(redis)
    async with process() as item, process() as other:

        async def asked_after(change: Change) -> list[dict[str, list[str]]]:
            for cache in (item, other):
                await cache.fetch(KEYS, (A, B), truth)
                await cache.settle()
            truth.asked.clear()
            await invalidator.invalidate(change)
            for cache in (item, other):
                await cache.fetch(KEYS, (A, B), truth)
                await cache.settle()
            return truth.asked

        assert await asked_after(Change(keys=tuple(KEYS[3:6]))) == [{"a": KEYS[3:6], "b": KEYS[3:6]}]
        assert await asked_after(Change(sources=("other",))) == [{"b": KEYS}]
        assert await asked_after(Change(sources=(EVERYTHING,))) == [{"a": KEYS, "b": KEYS}]


async def test_what_moved_away_and_back_is_not_older_than_what_was_acknowledged_meanwhile(
    process: OpenCache, redis: Redis, cluster: OwnCluster
) -> None:
    truth = Truth()
    (shard,) = Shards(redis).places(["x"])
    slot = key_slot(redis.prefix(shard).encode())
    here, there = (cluster.nodes[index] for index in (slot * 3 // 16_384, (slot * 3 // 16_384 + 1) % 3))
    async with process(timeout_s=5) as item, process(max_entries=0, timeout_s=5) as other:
        await item.fetch(["x"], (A,), truth)
        await item.settle()
        assert here.ask("EXISTS", f"{redis.prefix(shard)}o:x")
        await asyncio.to_thread(cluster.move, slot, here, there)
        truth.versions["x"] = 1
        await Invalidator(redis).invalidate(Change(keys=("x",)))
        await asyncio.to_thread(cluster.move, slot, there, here)
        for cache in (item, other):
            assert (await cache.fetch(["x"], (A,), truth)).values[A] == [truth.value(A, "x")]


async def test_calls_wait_for_a_connection_and_not_for_ever(cluster: OwnCluster) -> None:
    redis = await Redis.connect(cluster.url, max_connections=1, acquire_timeout_s=0.3, command_timeout_s=2)
    scripts = Shards(redis)[0]
    await asyncio.gather(*(redis.ping() for _ in range(20)))
    reading = asyncio.create_task(scripts.read_stream("none", b"0-0", 1))
    await asyncio.sleep(0.05)
    with pytest.raises(StoreTimeout):
        await redis.ping()
    assert await reading == []
    await redis.close()


async def _is_served(cache: Cache, truth: Truth) -> bool:
    before = cache.counts["fields from redis"]
    fetched = await cache.fetch(KEYS, (A,), truth)
    assert fetched.values == _truth(truth, A)
    await cache.settle()
    return cache.counts["fields from redis"] == before + len(KEYS)


async def test_a_killed_node_is_done_without_until_it_is_back(process: OpenCache, cluster: OwnCluster) -> None:
    truth = Truth()
    async with process(timeout_s=0.3, max_entries=0) as cache:
        await _is_served(cache, truth)
        assert await _is_served(cache, truth)
        cluster.nodes[1].kill()
        truth.versions.update(KEYS[:10])
        assert not await _is_served(cache, truth)
        await asyncio.to_thread(cluster.nodes[1].start)
        await asyncio.to_thread(until, cluster.is_well)
        async with open_redis(cluster.url) as redis:
            await Invalidator(redis).invalidate(Change(keys=tuple(KEYS[:10])))
        for _ in range(100):
            if await _is_served(cache, truth):
                return
            await asyncio.sleep(0.05)
        raise AssertionError("Redis is not asked again.")


async def _until_old_values_end(cache: Cache, truth: Truth) -> None:
    """What memory has is served under a lease, which ends."""
    for _ in range(500):
        if (await cache.fetch(KEYS, (A,), truth)).values == _truth(truth, A):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("Old values are served on.")


async def test_memory_is_not_served_while_any_node_refuses_changes(
    process: OpenCache, redis: Redis, cluster: OwnCluster
) -> None:
    truth, change = Truth(), Change(keys=tuple(KEYS), sources=("other",))
    async with process() as cache:
        await _is_served(cache, truth)
        cluster.nodes[2].ask("CONFIG", "SET", "min-replicas-to-write", 1)
        try:
            truth.versions.update(KEYS)
            with pytest.raises(StoreError):
                await Invalidator(redis).invalidate(change)
            await _until_old_values_end(cache, truth)
            for _ in range(5):
                truth.versions.update(KEYS)
                assert (await cache.fetch(KEYS, (A,), truth)).values == _truth(truth, A)
                await asyncio.sleep(0.05)
        finally:
            cluster.nodes[2].ask("CONFIG", "SET", "min-replicas-to-write", 0)
        await Invalidator(redis).invalidate(change)
        before = cache.counts["fields from memory"]
        for _ in range(500):
            await _is_served(cache, truth)
            if cache.counts["fields from memory"] > before:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("Memory is not served again.")


async def test_processes_drop_what_changed_where_another_node_refuses(
    process: OpenCache, redis: Redis, cluster: OwnCluster
) -> None:
    heard: asyncio.Queue[Change] = asyncio.Queue()
    async with process() as cache:
        cache.on_change.append(heard.put_nowait)
        cluster.nodes[2].ask("CONFIG", "SET", "min-replicas-to-write", 1)
        try:
            with pytest.raises(StoreError):
                await Invalidator(redis).invalidate(Change(sources=("other",)))
            async with asyncio.timeout(10):
                assert await heard.get() == Change(sources=("other",))
        finally:
            cluster.nodes[2].ask("CONFIG", "SET", "min-replicas-to-write", 0)


async def test_nothing_older_than_what_was_acknowledged_is_served(
    process: OpenCache, redis: Redis, cluster: OwnCluster
) -> None:
    async with process(timeout_s=0.3, lease_s=0.5) as item, process(timeout_s=0.3, lease_s=0.5) as other:
        proof = Proof(Invalidator(redis), seed=7)

        async def share(operations: int) -> None:
            for _ in range(operations):
                await (proof.write() if proof.rng.random() < 0.1 else proof.read(proof.rng.choice([item, other])))

        async def has_failed() -> bool:
            return proof.done["failed invalidations"] > 0

        await asyncio.gather(*(share(20) for _ in range(40)))
        cluster.nodes[2].kill()
        away = asyncio.gather(*(share(10) for _ in range(40)))
        await asyncio.gather(waiting.until(has_failed), asyncio.sleep(0.3))
        await asyncio.to_thread(cluster.nodes[2].start)
        await away
        await asyncio.gather(*(share(20) for _ in range(40)))
        counts = item.counts + other.counts
    assert proof.older == []
    assert proof.done["reads"] + proof.done["writes"] == 2_000
    assert min(counts["fields from memory"], counts["fields from redis"], counts["fields bypassed"]) > 30


async def test_a_node_that_falls_silent_is_replaced(process: OpenCache, tmp_path: Path) -> None:
    truth, folder = Truth(), tmp_path / "replica"
    folder.mkdir()
    with own_cluster(tmp_path) as cluster, own_valkey(folder, *of_cluster(free_port())) as replica:
        await asyncio.to_thread(cluster.join, replica, cluster.nodes[1])
        async with process(url=cluster.url, timeout_s=0.2, command_timeout_s=0.5, max_entries=0) as cache:
            await _is_served(cache, truth)
            assert await _is_served(cache, truth)
            cluster.nodes[1].stop()
            for _ in range(200):
                if await _is_served(cache, truth):
                    break
                await asyncio.sleep(0.05)
            else:
                raise AssertionError("Redis is not asked again.")
            assert cache.counts["fields bypassed"] > 0
