"""What Redis answers is another call's, or of another shape: it is away then, and no value comes from it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from deploy.embedded.engines import StoreUrls
from loaders.cache.cache import Cache
from loaders.cache.factory import open_cache
from loaders.cache.invalidation import Change, Invalidator
from loaders.cache.listener_lease import ListenerLease
from loaders.rate_limits import SharedRates
from loaders.stores.errors import StoreUnavailable
from loaders.stores.redis import Redis
from tests.loaders.cache.stores import Truth, field
from tests.loaders.conftest import open_redis

A, B = field("a"), field("b")
KEYS = [f"aircraft:{index}" for index in range(3)]
Mangle = Callable[[Any], Any]


class Mangled:
    """Redis' client, with answers of scripts that are changed on their way while `mangle` is set.

    `only` is an argument of the scripts that this is for.
    """

    def __init__(self, client: Any, only: str = "") -> None:
        self._client = client
        self._only = only
        self.mangle: Mangle | None = None
        self.count = 0

    async def execute_command(self, *command: Any) -> Any:
        reply = await self._client.execute_command(*command)
        if self.mangle is None or command[0] not in ("EVALSHA", "EVAL") or (self._only and self._only not in command):
            return reply
        self.count += 1
        return self.mangle(reply)

    async def aclose(self) -> None:
        await self._client.aclose()


@asynccontextmanager
async def mangled(url: str, only: str = "") -> AsyncIterator[tuple[Redis, Mangled]]:
    async with open_redis(url) as redis:
        redis._client = client = Mangled(redis._client, only)
        yield redis, client


@asynccontextmanager
async def mangled_cache(url: str, version: str) -> AsyncIterator[tuple[Cache, Mangled]]:
    """A cache whose entries are in Redis and not in its memory, and whose look-ups can be mangled."""
    async with mangled(url, "load") as (redis, client):
        opened = open_cache(redis, version, max_entries=0, max_bytes=0, timeout_s=2, lease_s=60)
        async with opened as cache:
            await cache.fetch(KEYS, (A, B), Truth())
            await cache.settle()
            yield cache, client


def _cell(value: object) -> Callable[[list[Any]], object]:
    return lambda answer: answer[2].__setitem__(0, value)


def _set(index: int, value: object) -> Callable[[list[Any]], object]:
    return lambda answer: answer.__setitem__(index, value)


CHANGES = {
    "a row too few": lambda answer: answer.pop(),
    "a row too many": lambda answer: answer.append(answer[2]),
    "no row": lambda answer: answer.__delitem__(slice(2, None)),
    "a cell too few": lambda answer: answer[2].pop(),
    "a cell too many": lambda answer: answer[2].append(answer[2][0]),
    "a cell in the next row": lambda answer: answer[3].append(answer[2].pop()),
    "no row but a text": _set(2, b"ab"),
    "no row but a number": _set(2, 1),
    "no row but null": _set(2, None),
    "an epoch too few": lambda answer: answer[1].pop(),
    "an epoch too many": lambda answer: answer[1].append(answer[1][0]),
    "epochs that are numbers": _set(1, [1, 2]),
    "no epochs": _set(1, None),
    "no time": _set(0, b"soon"),
    "a time that is null": _set(0, None),
    "a cell that is null": _cell(None),
    "a cell that is a map": _cell({}),
    "a cell of an unknown state": _cell(7),
    "a cell without a text": _cell([1]),
    "a cell with two texts": _cell([1, b"", b""]),
    "a cell with a number for a text": _cell([1, 1]),
    "a cell with a string for a text": _cell([1, "0" * 55 + "null"]),
}
REPLIES: dict[str, object] = {
    "OK": b"OK",
    "five letters": b"abcde",
    "null": None,
    "a number": 1,
    "an empty list": [],
    "an empty map": {},
    "a list without a call": [b"1"],
    "a list of another call": [b"1", []],
    "a map": {b"server": b"redis", b"version": b"8"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_look_up_of_another_shape_is_none(
    store_urls: StoreUrls, request: pytest.FixtureRequest, change: Callable[[list[Any]], object]
) -> None:
    def mangle(reply: list[Any]) -> list[Any]:
        change(reply[1])
        return reply

    await _expect_truth_without_redis(store_urls, request.node.name, mangle)


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
async def test_a_reply_that_is_no_scripts_is_none(
    store_urls: StoreUrls, request: pytest.FixtureRequest, reply: object
) -> None:
    await _expect_truth_without_redis(store_urls, request.node.name, lambda _: reply)


async def _expect_truth_without_redis(store_urls: StoreUrls, version: str, mangle: Mangle) -> None:
    async with mangled_cache(store_urls.redis_url, version) as (cache, client):
        client.mangle = mangle
        for _ in range(2):
            truth = Truth()
            fetched = await cache.fetch(KEYS, (A, B), truth)
            assert not fetched.errors
            assert fetched.values == {item: [truth.value(item, key) for key in KEYS] for item in (A, B)}
            assert len(truth.asked) == 1
        assert client.count == 1, "then Redis is left alone"
        assert cache.counts["fields from redis"] == 0
        client.mangle = None
        await _until_redis_serves(cache)


async def _until_redis_serves(cache: Cache) -> None:
    async with asyncio.timeout(10):
        while not cache.counts["fields from redis"]:
            await asyncio.sleep(0.05)
            await cache.fetch(KEYS, (A, B), Truth())


async def test_an_answer_of_another_look_up_is_no_answer(store_urls: StoreUrls) -> None:
    """It has the right shape, and is of other objects: a connection that is out of step answers so."""
    async with mangled_cache(store_urls.redis_url, "step") as (cache, client):
        others = [f"{key}:other" for key in KEYS]
        await cache.fetch(others, (A, B), Truth())
        await cache.settle()
        replies: list[Any] = []

        def keep(reply: Any) -> Any:
            replies.append(reply)
            return reply

        client.mangle = keep
        await cache.fetch(others, (A, B), Truth())
        client.mangle = lambda _: replies[0]
        cache.counts.clear()
        truth = Truth()
        fetched = await cache.fetch(KEYS, (A, B), truth)
        assert fetched.values[A] == [truth.value(A, key) for key in KEYS]
        assert cache.counts["fields from redis"] == 0


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
async def test_nothing_else_that_redis_is_asked_takes_such_a_reply(store_urls: StoreUrls, reply: object) -> None:
    """An invalidation is not taken for acknowledged, nobody listens, and a budget is neither used nor refused."""
    async with mangled(store_urls.redis_url) as (redis, client):
        rates = SharedRates(redis, timeout_s=2)
        client.mangle = lambda _: reply
        with pytest.raises(StoreUnavailable, match="out of step"):
            await Invalidator(redis).invalidate(Change(("aircraft:1",)))
        with pytest.raises(StoreUnavailable, match="out of step"):
            await ListenerLease(redis, "test").look()
        assert await rates.take("caller", 1, 10) is None
        await rates.close()
