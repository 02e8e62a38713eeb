"""Redis stopped, slow, full, or answering garbage: answers stay right, and wait no longer than one look-up may take."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from loaders.cache.cache import Cache
from loaders.cache.in_flight_load import KeysByField, LoadedValues
from loaders.cache.invalidation import Change, Invalidator
from loaders.stores.errors import StoreError
from tests.lag import takes_less_than
from tests.loaders.cache.conftest import OpenCache
from tests.loaders.cache.stores import Truth, field
from tests.loaders.cache.valkey import OwnValkey, own_valkey
from tests.loaders.conftest import open_redis
from tests.loaders.stores.relay import Relay, relay

A = field("a")
TIMEOUT_S = 0.15
KEYS = [f"aircraft:{index}" for index in range(20)]


async def _check_that_one_look_up_is_lost(cache: Cache, truth: Truth) -> None:
    """Read objects that nobody has read: each has the truth, one read waits for a look-up, and none after it."""
    async with takes_less_than(4 * TIMEOUT_S + 20 * 0.01):
        for index in range(20):
            keys = [f"{key}:{index}" for key in KEYS]
            truth.versions.update(keys)
            async with takes_less_than(2 * TIMEOUT_S):
                fetched = await cache.fetch(keys, (A,), truth)
            assert fetched.values[A] == [truth.value(A, key) for key in keys]
            await asyncio.sleep(0.01)


async def _is_back(cache: Cache, truth: Truth) -> bool:
    """Whether Redis serves again within a while."""
    for _ in range(100):
        await asyncio.sleep(0.05)
        before = cache.counts["fields from redis"] + cache.counts["fields from memory"]
        await cache.fetch(KEYS, (A,), truth)
        await cache.settle()
        if cache.counts["fields from redis"] + cache.counts["fields from memory"] > before:
            return True
    return False


async def _until_asked(cache: Cache) -> None:
    """Wait until Redis, which is away, is asked again."""
    assert cache.reason
    async with asyncio.timeout(10):
        while cache.reason:  # noqa: ASYNC110 - of the breaker, which has no event
            await asyncio.sleep(0.02)


def _silenced(between: Relay) -> None:
    between.silence()


def _slow(between: Relay) -> None:
    between.delay_s = lambda: 0.2


def _garbled(between: Relay) -> None:
    between.garbles = True


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[OwnValkey]:
    with own_valkey(tmp_path) as valkey:
        yield valkey


@pytest.fixture
async def between(valkey: OwnValkey) -> AsyncIterator[Relay]:
    async with relay(valkey.url) as between:
        yield between


@pytest.fixture
async def harmed(process: OpenCache, between: Relay) -> AsyncIterator[Cache]:
    """A process that has used Redis, by way of the relay."""
    async with process(url=between.url, timeout_s=TIMEOUT_S) as cache:
        await cache.fetch(KEYS, (A,), Truth())
        await cache.settle()
        yield cache


@pytest.fixture
async def other(process: OpenCache, valkey: OwnValkey) -> AsyncIterator[Cache]:
    """A process beside it, whose Redis is well."""
    async with process(url=valkey.url) as cache:
        yield cache


@pytest.mark.parametrize("harm", [_silenced, _slow, _garbled])
async def test_answers_stay_right_and_one_look_up_is_all_they_wait(
    process: OpenCache, between: Relay, harm: Callable[[Relay], None]
) -> None:
    truth = Truth()
    async with process(url=between.url, timeout_s=TIMEOUT_S) as cache:
        await cache.fetch(KEYS, (A,), truth)
        await cache.settle()
        harm(between)
        await _check_that_one_look_up_is_lost(cache, truth)
        between.garbles = False
        between.delay_s = lambda: 0.0
        between.resume()
        assert await _is_back(cache, truth)


async def test_nobody_waits_for_who_has_given_up_the_look_up(
    valkey: OwnValkey, between: Relay, harmed: Cache, other: Cache
) -> None:
    between.silence()
    await harmed.fetch(["late"], (A,), Truth())
    assert harmed.counts["fields bypassed"] == 1
    between.resume()
    for _ in range(500):
        if b":late" in between.sent:
            break
        await asyncio.sleep(0.01)
    assert b":late" in between.sent
    async with open_redis(valkey.url) as redis:
        for _ in range(2):  # the first may overtake what was passed on, the second cannot
            await redis.ping()
    await other.fetch(["late"], (A,), Truth())
    assert other.counts["waits"] == 0


async def test_nobody_waits_for_the_leases_of_an_answer_that_was_lost(
    between: Relay, harmed: Cache, other: Cache
) -> None:
    between.garbles = True
    await harmed.fetch(["lost"], (A,), Truth())
    assert harmed.counts["fields bypassed"] == 1
    between.garbles = False
    await _until_asked(harmed)
    await other.fetch(["lost"], (A,), Truth())
    assert other.counts["waits"] == 0


async def test_nobody_waits_for_the_leases_of_what_could_not_be_written(
    between: Relay, harmed: Cache, other: Cache
) -> None:
    truth = Truth()

    async def load(keys_by_field: KeysByField) -> LoadedValues:
        between.loses = b"unwritten"
        return await truth(keys_by_field)

    await harmed.fetch(["unwritten"], (A,), load)
    await harmed.settle()
    between.loses = b""
    await _until_asked(harmed)
    await other.fetch(["unwritten"], (A,), truth)
    assert other.counts["waits"] == 0


async def test_a_stopped_redis_is_done_without_until_it_is_back(process: OpenCache, valkey: OwnValkey) -> None:
    truth = Truth()
    async with process(url=valkey.url, timeout_s=TIMEOUT_S) as cache:
        await cache.fetch(KEYS, (A,), truth)
        await cache.settle()
        valkey.kill()
        await asyncio.sleep(0.1)
        await _check_that_one_look_up_is_lost(cache, truth)
        await asyncio.to_thread(valkey.start)
        assert await _is_back(cache, truth)


async def test_it_is_said_once_that_changes_cannot_be_followed_and_once_that_they_are_again(
    process: OpenCache, valkey: OwnValkey, caplog: pytest.LogCaptureFixture
) -> None:
    def said() -> list[str]:
        return [message.partition(",")[0] for message in caplog.messages if message.startswith("Changes")]

    async with process(url=valkey.url) as cache:
        tried: list[Change] = []
        cache.on_change.append(tried.append)
        valkey.kill()
        await _until(lambda: len(tried) >= 3)
        assert said() == ["Changes cannot be followed"]
        await asyncio.to_thread(valkey.start)
        await _until(lambda: len(said()) > 1)
        assert said() == ["Changes cannot be followed", "Changes are followed again."]


async def _until(holds: Callable[[], bool]) -> None:
    for _ in range(200):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("What is waited for does not come.")


async def test_a_full_redis_is_done_without(process: OpenCache, tmp_path: Path) -> None:
    truth = Truth()
    with own_valkey(tmp_path, "--maxmemory", "1", "--maxmemory-policy", "noeviction") as valkey:
        async with process(url=valkey.url, timeout_s=TIMEOUT_S) as cache:
            await _check_that_one_look_up_is_lost(cache, truth)
            assert cache.counts["fields bypassed"] > 0


@pytest.mark.engine
async def test_an_invalidation_that_redis_cannot_take_fails(valkey: OwnValkey) -> None:
    async with open_redis(valkey.url, command_timeout_s=0.5) as redis:
        valkey.kill()
        with pytest.raises(StoreError):
            await Invalidator(redis).invalidate(Change(keys=("aircraft:1",)))


async def test_an_invalidation_waits_for_a_process_that_is_silent_until_its_lease_has_ended(
    process: OpenCache, valkey: OwnValkey, between: Relay
) -> None:
    truth = Truth()
    async with process(url=between.url, timeout_s=TIMEOUT_S, command_timeout_s=20) as cache:
        await cache.fetch(KEYS, (A,), truth)
        await cache.settle()
        between.silence()
        async with open_redis(valkey.url) as redis:
            truth.versions.update(KEYS)
            began = time.perf_counter()
            async with takes_less_than(4):
                await Invalidator(redis).invalidate(Change(keys=tuple(KEYS)))
            assert time.perf_counter() - began > 1
        fetched = await cache.fetch(KEYS, (A,), truth)
        assert fetched.values[A] == [truth.value(A, key) for key in KEYS]
        assert set(cache._local._objects), "it has not heard of it, and serves nothing from memory all the same"
        between.resume()


async def test_what_redis_restores_of_before_an_invalidation_is_not_served(process: OpenCache, tmp_path: Path) -> None:
    truth = Truth()
    with own_valkey(tmp_path, "--dbfilename", "before.rdb") as valkey:
        async with process(url=valkey.url) as cache, open_redis(valkey.url) as redis:
            await cache.fetch(KEYS, (A,), truth)
            await cache.settle()
            await redis._client.save()
            truth.versions.update(KEYS)
            await Invalidator(redis).invalidate(Change(keys=tuple(KEYS)))
            valkey.kill()
            await asyncio.to_thread(valkey.start)
            async with open_redis(valkey.url) as looking:
                assert await looking._client.dbsize() > 0, "it has restored what was written before"
            assert await _is_back(cache, truth)
            fetched = await cache.fetch(KEYS, (A,), truth)
            assert fetched.values[A] == [truth.value(A, key) for key in KEYS]
        async with process(url=valkey.url) as another:
            fetched = await another.fetch(KEYS, (A,), truth)
            assert fetched.values[A] == [truth.value(A, key) for key in KEYS]
