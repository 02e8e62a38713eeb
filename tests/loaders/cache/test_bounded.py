"""Calls to Redis that fail or are late: one of them is waited for, and then none until Redis is back."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from loaders.cache.bounded import BoundedCalls
from loaders.stores.errors import StoreUnavailable
from loaders.stores.redis import STORE, Redis


async def _fails() -> str:
    raise StoreUnavailable(STORE, "away")


async def _is_late() -> str:
    await asyncio.sleep(60)
    return "late"


@pytest.mark.parametrize("harm", [_fails, _is_late])
async def test_after_one_that_failed_none_is_begun_until_redis_is_back(
    redis: Redis, harm: Callable[[], Awaitable[str]]
) -> None:
    begun: list[str] = []

    async def call() -> str:
        begun.append("call")
        return await harm() if len(begun) == 1 else "well"

    calls = BoundedCalls(redis, timeout_s=0.2)
    for _ in range(5):
        assert await calls.of(call()) is None
    assert (begun, calls.is_away) == (["call"], True)
    for _ in range(200):
        if not calls.is_away:
            break
        await asyncio.sleep(0.05)
    assert await calls.of(call()) == "well"
    assert await calls.of(call()) == "well"
    await calls.close()


async def test_a_fault_of_our_own_is_not_taken_for_redis(redis: Redis) -> None:
    async def call() -> str:
        raise KeyError

    calls = BoundedCalls(redis, timeout_s=0.2)
    with pytest.raises(KeyError):
        await calls.of(call())
    assert not calls.is_away
