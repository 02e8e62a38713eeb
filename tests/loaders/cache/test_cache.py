"""What is served from where, and what of it is asked of the stores."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.embedded.engines import StoreUrls
from loaders import concurrency
from loaders.cache.fields import variants
from loaders.cache.invalidation import EVERYTHING, Change, Invalidator
from loaders.metrics import INVALIDATIONS, LEASE_WAITS
from loaders.model.databases import Freshness
from loaders.stores.errors import StoreTimeout, StoreUnavailable
from loaders.stores.redis import Redis
from tests.lag import takes_less_than
from tests.loaders.cache.conftest import OpenCache
from tests.loaders.cache.stores import GONE, LONG, SHORT, Truth, field
from tests.loaders.cache.valkey import own_valkey
from tests.loaders.conftest import open_redis

A, B = field("a"), field("b", source="other")
KEYS = ["x", "y", "unknown"]


async def test_what_was_loaded_is_not_asked_again_in_this_process_or_another(process: OpenCache) -> None:
    truth = Truth()
    async with process() as item, process() as other:
        for cache in (item, item, other, other):
            fetched = await cache.fetch(KEYS, (A, B), truth)
            assert fetched.values == {of: [[of.name, "x", 0], [of.name, "y", 0], None] for of in (A, B)}
            assert not fetched.errors
            await cache.settle()
    assert truth.asked == [{"a": KEYS, "b": KEYS}], "absence is kept too"
    assert item.counts["fields from memory"] == other.counts["fields from memory"] == 6
    assert other.counts["fields from redis"] == 6


async def test_only_what_is_lacking_is_asked_together(process: OpenCache) -> None:
    truth = Truth()
    async with process() as item, process() as other:
        await item.fetch(["x", "y"], (A,), truth)
        await item.fetch(["y"], (B,), truth)
        await item.settle()
        truth.asked.clear()
        fetched = await other.fetch(["x", "y", "z"], (A, B), truth)
    assert [sorted(asked.items()) for asked in truth.asked] == [[("a", ["z"]), ("b", ["x", "z"])]]
    assert fetched.values[B] == [["b", key, 0] for key in ("x", "y", "z")]


async def test_a_hundred_at_once_over_two_processes_are_one_load(process: OpenCache) -> None:
    truth = Truth(delay_s=0.1)
    async with process() as item, process() as other:
        asked = [cache.fetch(KEYS, (A, B), truth) for _ in range(50) for cache in (item, other)]
        answers = await asyncio.gather(*asked)
    assert len(truth.asked) == 1
    assert all(answer.values == answers[0].values for answer in answers)
    assert item.counts["fields joined"] == other.counts["fields joined"] == 49 * 6


async def test_a_dead_loader_delays_nobody_beyond_its_lease(process: OpenCache) -> None:
    dead, truth = Truth(delay_s=60), Truth()
    waited_s, waits = LEASE_WAITS.sum, sum(LEASE_WAITS.counts)
    async with process(lease_s=1.5) as item, process(lease_s=1.5) as other:
        lost = asyncio.create_task(item.fetch(["x"], (A,), dead))
        await dead.began.wait()
        began = asyncio.get_running_loop().time()
        async with takes_less_than(1.5 + 2):
            fetched = await other.fetch(["x"], (A,), truth)
        took = asyncio.get_running_loop().time() - began
        assert fetched.values[A] == [["a", "x", 0]]
        assert sum(LEASE_WAITS.counts) - waits == 1
        assert 0.2 < LEASE_WAITS.sum - waited_s <= took
        lost.cancel()
        for task in item._tasks._tasks:
            task.cancel()


async def test_what_cannot_be_loaded_is_served_as_it_was_and_no_error_is_kept(process: OpenCache) -> None:
    truth, old, new = Truth(), field("old", GONE), field("new", GONE)
    async with process() as item:
        await item.fetch(["x"], (old,), truth)
        await item.settle()
        await asyncio.sleep(0.005)
        truth.fails = True
        fetched = await item.fetch(["x"], (old, new), truth)
        assert fetched.values[old] == [["old", "x", 0]]
        assert isinstance(fetched.errors[new], StoreUnavailable)
        assert old not in fetched.errors
        truth.fails = False
        await item.settle()
        truth.versions["x"] = 1
        fetched = await item.fetch(["x"], (old, new), truth)
        assert fetched.values == {old: [["old", "x", 1]], new: [["new", "x", 1]]}


async def test_an_invalidation_concerns_its_objects_and_sources_alone(process: OpenCache, redis: Redis) -> None:
    truth, invalidator = Truth(), Invalidator(redis)
    async with process() as item, process() as other:

        async def asked_after(change: Change) -> list[dict[str, list[str]]]:
            for cache in (item, other):
                await cache.fetch(["x", "y"], (A, B), truth)
                await cache.settle()
            truth.asked.clear()
            await invalidator.invalidate(change)
            for cache in (item, other):
                await cache.fetch(["x", "y"], (A, B), truth)
                await cache.settle()
            return truth.asked

        assert await asked_after(Change(keys=("x",))) == [{"a": ["x"], "b": ["x"]}]
        assert await asked_after(Change(sources=("other",))) == [{"b": ["x", "y"]}]
        assert await asked_after(Change(keys=("y",), sources=("other",))) == [{"b": ["x", "y"], "a": ["y"]}]
        assert await asked_after(Change(sources=(EVERYTHING,))) == [{"a": ["x", "y"], "b": ["x", "y"]}]
        assert await asked_after(Change(keys=("z",))) == []


async def test_each_source_of_a_field_invalidates_it(process: OpenCache, store_urls: StoreUrls) -> None:
    url = f"{store_urls.redis_url.rpartition('/')[0]}/1"  # gateways of other tests in this process follow changes in 0
    truth = Truth()
    one_source, two_sources = field("c", LONG, "first"), field("d", LONG, "first", "second")
    async with open_redis(url) as redis, process(url=url) as item, process(url=url) as other:
        invalidator = Invalidator(redis)

        async def asked_after(*sources: str) -> list[dict[str, list[str]]]:
            await item.settle()
            truth.asked.clear()
            await invalidator.invalidate(Change(sources=sources))
            for cache in (item, other):
                await cache.fetch(["x"], (one_source, two_sources), truth)
                await cache.settle()
            return truth.asked

        applied = INVALIDATIONS.labels("sources").value
        assert await asked_after("none") == [{"c": ["x"], "d": ["x"]}]
        assert INVALIDATIONS.labels("sources").value - applied == 2  # by both processes
        assert await asked_after("first") == [{"c": ["x"], "d": ["x"]}]
        assert await asked_after("second") == [{"d": ["x"]}]
        assert await asked_after("none") == []


async def test_a_read_that_began_before_a_write_does_not_put_its_value_back(process: OpenCache, redis: Redis) -> None:
    truth = Truth(delay_s=0.2)
    async with process() as item, process() as other:
        reading = asyncio.create_task(item.fetch(["x"], (A,), truth))
        await truth.began.wait()
        truth.versions["x"] = 1
        await Invalidator(redis).invalidate(Change(keys=("x",)))
        during = await item.fetch(["x"], (A,), truth)
        assert during.values[A] == [["a", "x", 1]], "nobody joins what began before"
        assert (await reading).values[A] == [["a", "x", 0]], "it may answer what it read"
        await item.settle()
        for cache in (item, other):
            assert (await cache.fetch(["x"], (A,), truth)).values[A] == [["a", "x", 1]]


async def test_memory_is_bounded_and_the_least_used_goes_first(process: OpenCache) -> None:
    truth = Truth()
    async with process(max_entries=4) as item:
        for key in ("x", "y", "x", "z"):
            await item.fetch([key], (A, B), truth)
            await item.settle()
        assert set(item._local._objects) == {"x", "z"}


async def test_nobody_joins_a_load_while_changes_may_be_missed(process: OpenCache) -> None:
    slow, truth = Truth(delay_s=0.5), Truth()
    async with process(lease_s=0.05) as item:
        reading = asyncio.create_task(item.fetch(["x"], (A,), slow))
        await slow.began.wait()
        assert item.follower is not None
        await item.follower.stop()  # as where its lease has ended
        await item.fetch(["x"], (A,), truth)
        assert truth.asked == [{"a": ["x"]}]
        await reading


async def test_a_lease_that_lapsed_is_not_renewed_over_old_memory(process: OpenCache) -> None:
    truth = Truth()
    async with process() as item:
        await item.fetch(["x"], (A,), truth)
        await item.settle()
        assert item.follower is not None
        item.follower._until = 0.0  # as after a stall, in which changes did not wait for this process
        await item.follower._renew(b"0-0")
        assert item.is_kept
        assert not item._local._objects


async def test_nobody_attends_on_where_the_data_are_of_another_replication_epoch(
    process: OpenCache, redis: Redis
) -> None:
    async with process() as item:
        assert item.follower is not None
        item.follower._replication_epoch = b"of the server before"
        with pytest.raises(StoreUnavailable):
            await item.follower._renew(b"9-9")
        place = await redis._client.hget("gateway:attending:places", item.follower._process)
        assert place != b"9-9", "no change may take it for one that has heard"


async def test_who_attended_before_redis_was_emptied_is_waited_for(process: OpenCache, tmp_path: Path) -> None:
    with own_valkey(tmp_path) as valkey:
        async with process(url=valkey.url), open_redis(valkey.url) as redis:
            await redis._client.flushall()
            began = asyncio.get_running_loop().time()
            async with takes_less_than(5):
                await Invalidator(redis).invalidate(Change(keys=("x",)))
            assert asyncio.get_running_loop().time() - began > 1


async def test_an_object_holds_a_thousand_fields_at_most(process: OpenCache, redis: Redis) -> None:
    key, truth, many = f"many-{uuid4().hex}", Truth(), [field(f"f{index}") for index in range(1_500)]
    async with process() as item, process() as other:
        for index in range(0, len(many), 50):
            await item.fetch([key], many[index : index + 50], truth)
            await item.settle()
        held = [await redis._client.hlen(name) for name in await redis._client.keys(f"*{key}*")]
        assert 0 < max(held) <= 1_001
        fetched = await other.fetch([key], many, truth)
        assert fetched.values == {of: [truth.value(of, key)] for of in many}
        assert 0 < other.counts["fields from redis"] <= 1_001


@pytest.mark.parametrize("freshness", [SHORT, LONG, Freshness(300, 3_600, 86_400)])
def test_nothing_is_fresh_or_served_for_longer_than_declared(freshness: Freshness) -> None:
    for times in variants(freshness, 1_000_000):
        fresh, stale, error = (int(times[index : index + 13]) for index in (0, 13, 26))
        assert 1_000_000 + 900 * freshness.fresh_s <= fresh <= 1_000_000 + 1_000 * freshness.fresh_s
        assert stale - fresh == 1_000 * freshness.stale_while_revalidate_s
        assert error - fresh == 1_000 * max(freshness.stale_if_error_s, freshness.stale_while_revalidate_s)


async def test_closing_does_not_wait_for_good_for_a_load(process: OpenCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "_TIMEOUT_S", 0.5)
    never = Truth(delay_s=3_600)
    async with asyncio.timeout(10):
        async with process() as cache:
            waiting = asyncio.create_task(cache.fetch(["x"], (A,), never))
            await never.began.wait()
    assert isinstance((await waiting).errors[A], StoreTimeout)
