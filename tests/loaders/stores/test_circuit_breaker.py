"""Calls to Redis that fail or are late: one of them is waited for, and then none until Redis is back."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from loaders.stores.circuit_breaker import CircuitBreaker
from loaders.stores.errors import StatementFailed, StoreUnavailable
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

    breaker = CircuitBreaker(redis.ping, timeout_s=0.2)
    for _ in range(5):
        assert await breaker.call(call()) is None
    assert (begun, breaker.is_open) == (["call"], True)
    for _ in range(200):
        if not breaker.is_open:
            break
        await asyncio.sleep(0.05)
    assert await breaker.call(call()) == "well"
    assert await breaker.call(call()) == "well"
    await breaker.close()


async def test_a_fault_of_our_own_is_not_taken_for_redis(redis: Redis) -> None:
    async def call() -> str:
        raise KeyError

    breaker = CircuitBreaker(redis.ping, timeout_s=0.2)
    with pytest.raises(KeyError):
        await breaker.call(call())
    assert not breaker.is_open


async def test_it_is_said_once_when_redis_is_left_alone_and_once_when_it_answers_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    probed: list[str] = []

    async def probe() -> None:
        probed.append("probe")
        if len(probed) < 3:
            raise (KeyError if len(probed) == 1 else StoreUnavailable(STORE, "still away"))

    breaker = CircuitBreaker(probe, timeout_s=0.2)
    with caplog.at_level(logging.INFO, "gateway"):
        for _ in range(5):
            await asyncio.gather(breaker.call(_fails()), breaker.call(_fails()))
        for _ in range(200):
            if not breaker.is_open:
                break
            await asyncio.sleep(0.05)
    assert len(probed) == 3, "a fault in looking for Redis does not end it"
    left_alone, answers = [record.message for record in caplog.records]
    assert left_alone == "Redis failed and is not used until it answers again: away"
    assert answers.startswith("Redis answers again")


async def test_a_driver_that_raises_cancellations_of_its_own_does_not_end_the_probing() -> None:
    probes: list[str] = []

    async def probe() -> None:
        probes.append("probe")
        if len(probes) == 1:
            raise asyncio.CancelledError

    breaker = CircuitBreaker(probe, timeout_s=5)
    assert await breaker.call(_fails()) is None
    for _ in range(200):
        if not breaker.is_open:
            break
        await asyncio.sleep(0.05)
    assert (breaker.is_open, len(probes)) == (False, 2)


async def test_who_has_closed_it_does_not_look_for_redis_any_more() -> None:
    looking: list[str] = []

    async def probe() -> None:
        looking.append("began")
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)  # what lets go of a connection takes its time
            looking.append("ended")

    breaker = CircuitBreaker(probe, timeout_s=60)
    await breaker.call(_fails())
    for _ in range(200):
        if looking:
            break
        await asyncio.sleep(0.05)
    await breaker.close()
    assert looking == ["began", "ended"]


async def test_those_around_one_server_open_together_where_it_does_not_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    is_back = asyncio.Event()

    async def probe() -> None:
        await is_back.wait()

    beside: set[CircuitBreaker] = set()
    breakers = [CircuitBreaker(probe, 0.2, beside=beside) for _ in range(3)]
    with caplog.at_level(logging.INFO, "gateway"):
        assert await breakers[0].call(_is_late()) is None
        assert [breaker.is_open for breaker in breakers] == [True] * 3
        is_back.set()
        for _ in range(600):
            if not any(breaker.is_open for breaker in breakers):
                break
            await asyncio.sleep(0.05)
    assert [record.message.partition(" and")[0].partition(",")[0] for record in caplog.records] == [
        "Redis failed",
        "Redis answers again",
    ]
    for breaker in breakers:
        await breaker.close()
    assert not beside


async def test_a_command_that_is_refused_opens_none_beside(redis: Redis) -> None:
    async def refused() -> str:
        raise StatementFailed(STORE, "full")

    beside: set[CircuitBreaker] = set()
    first, other = (CircuitBreaker(redis.ping, 0.2, beside=beside) for _ in range(2))
    assert await first.call(refused()) is None
    assert (first.is_open, other.is_open) == (True, False)
    await first.close()
    await other.close()


async def test_a_driver_that_swallows_a_cancellation_takes_no_longer() -> None:
    async def swallows() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:  # as asyncio.wait_for does where what it waits for is done by then
            await asyncio.sleep(60)
        return "late"

    async def probe() -> None:
        raise StoreUnavailable(STORE, "away")

    breaker = CircuitBreaker(probe, timeout_s=0.2)
    async with asyncio.timeout(10):
        assert await breaker.call(swallows()) is None
    await breaker.close()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_cancellation_of_who_waits_is_no_timeout() -> None:
    async def probe() -> None:
        raise StoreUnavailable(STORE, "away")

    breaker = CircuitBreaker(probe, timeout_s=60)
    waiting = asyncio.create_task(breaker.call(_is_late()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not breaker.is_open
