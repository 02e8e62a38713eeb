"""Budgets: GCRA's arithmetic, in one process and in Redis for all."""

import asyncio
import re
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.embedded.engines import StoreUrls
from loaders.rate_limits import Counted, LocalRates, SharedRates
from loaders.stores.redis import Redis, Scripts
from tests.loaders.cache.valkey import own_valkey
from tests.loaders.conftest import open_redis
from tests.loaders.stores.relay import Relay, relay
from tests.patience import PATIENCE_S


class Clock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def caller() -> str:
    return uuid4().hex


def test_a_minutes_points_may_be_used_at_once_and_come_back_one_by_one() -> None:
    clock = Clock()
    rates = LocalRates(clock)
    assert rates.take("a", 40, 60) == Counted(True, 20, 0, 40)
    assert rates.take("a", 20, 60) == Counted(True, 0, 0, 60)
    assert rates.take("a", 1, 60) == Counted(False, 0, 1, 60)
    clock.now_s += 0.75
    assert rates.take("a", 1, 60) == Counted(False, 0, 0.25, 59.25)
    clock.now_s += 0.25
    assert rates.take("a", 1, 60) == Counted(True, 0, 0, 60)
    clock.now_s += 30
    assert rates.take("a", 10, 60) == Counted(True, 20, 0, 40)


def test_what_is_refused_is_not_paid_for() -> None:
    rates = LocalRates(Clock())
    rates.take("a", 50, 60)
    for _ in range(5):
        assert rates.take("a", 30, 60) == Counted(False, 10, 20, 50)
    assert rates.take("a", 10, 60).allowed


def test_who_has_waited_long_has_no_more_than_a_minutes() -> None:
    clock = Clock()
    rates = LocalRates(clock)
    rates.take("a", 60, 60)
    clock.now_s += 10_000
    assert rates.take("a", 60, 60) == Counted(True, 0, 0, 60)


@pytest.mark.parametrize("per_minute", [1, 7, 60, 1_000_000, 999_999_999_937])
def test_a_whole_budget_is_neither_more_nor_less(per_minute: int) -> None:
    rates = LocalRates(Clock())
    assert rates.take("a", per_minute, per_minute).allowed
    assert not rates.take("a", max(1, per_minute // 1_000_000), per_minute).allowed


@pytest.mark.parametrize("per_minute", [1, 7, 11, 13, 49, 60, 997])
def test_points_that_are_taken_one_by_one_are_as_many(per_minute: int) -> None:
    rates = LocalRates(Clock())
    left = [rates.take("a", 1, per_minute).remaining for _ in range(per_minute)]
    assert left == list(range(per_minute - 1, -1, -1))
    assert not rates.take("a", 1, per_minute).allowed


def test_callers_have_budgets_of_their_own_and_the_oldest_is_forgotten() -> None:
    rates = LocalRates(Clock())
    rates.take("first", 60, 60)
    rates.take("second", 60, 60)
    for index in range(9_998):
        assert rates.take(f"caller {index}", 1, 60).remaining == 59
    assert not rates.take("first", 1, 60).allowed, "it has just been used, and stays"
    rates.take("one more", 1, 60)
    assert rates.take("second", 1, 60).allowed
    assert not rates.take("first", 1, 60).allowed


async def test_redis_counts_as_a_process_does(redis: Redis, caller: str) -> None:
    rates = SharedRates(redis, timeout_s=PATIENCE_S)
    assert await rates.take(caller, 4, 10) == Counted(True, 6, 0, 24)
    used_up = await rates.take(caller, 6, 10)
    assert used_up is not None
    assert (used_up.allowed, used_up.remaining, used_up.retry_after_s) == (True, 0, 0)
    refused = await rates.take(caller, 2, 10)
    assert refused is not None
    assert (refused.allowed, refused.remaining) == (False, 0)
    assert 6 < refused.retry_after_s <= 12
    assert 54 < refused.reset_s <= 60
    assert await rates.take(f"{caller} another", 10, 10) == Counted(True, 0, 0, 60)


@pytest.mark.parametrize("per_minute", [1, 7, 1_000_000, 999_999_999_937])
async def test_a_whole_budget_is_neither_more_nor_less_in_redis(redis: Redis, caller: str, per_minute: int) -> None:
    rates = SharedRates(redis, timeout_s=PATIENCE_S)
    assert await rates.take(caller, per_minute, per_minute) == Counted(True, 0, 0, 60)
    refused = await rates.take(caller, per_minute, per_minute)
    assert refused is not None
    assert not refused.allowed


async def test_a_point_of_a_budget_without_bounds_is_taken(redis: Redis, caller: str) -> None:
    rates = SharedRates(redis, timeout_s=PATIENCE_S)
    for _ in range(3):
        counted = await rates.take(caller, 1, 10**15)
        assert counted is not None
        assert counted.allowed


async def test_processes_share_one_budget(store_urls: StoreUrls, caller: str) -> None:
    async with open_redis(store_urls.redis_url) as item, open_redis(store_urls.redis_url) as other:
        rates = [SharedRates(item, timeout_s=PATIENCE_S), SharedRates(other, timeout_s=PATIENCE_S)]
        counted = await asyncio.gather(*(rates[index % 2].take(caller, 1, 6) for index in range(40)))
    assert sum(item is not None and item.allowed for item in counted) == 6, "the seventh is there after ten seconds"


async def test_a_caller_is_forgotten_when_all_is_paid_back(redis: Redis) -> None:
    rates = SharedRates(redis, timeout_s=PATIENCE_S)
    keys = set(await redis._client.keys("*rate:*"))
    await rates.take(uuid4().hex, 4, 10)
    (key,) = set(await redis._client.keys("*rate:*")) - keys
    assert 20_000 < await redis._client.pttl(key) <= 24_000
    paid_back = await redis._client.get(key)
    assert isinstance(paid_back, bytes)
    assert re.fullmatch(rb"\d{16}\.\d{3}", paid_back), "in microseconds, none of which is rounded away"


async def test_a_redis_that_is_silent_is_done_without_until_it_is_back(store_urls: StoreUrls, caller: str) -> None:
    async with relay(store_urls.redis_url) as line, open_redis(line.url) as redis:
        rates = SharedRates(redis, timeout_s=0.15)
        assert await rates.take(caller, 1, 10) is not None
        line.silence()
        assert await rates.take(caller, 1, 10) is None
        line.resume()
        for _ in range(100):
            await asyncio.sleep(0.05)
            counted = await rates.take(caller, 1, 10)
            if counted is not None:
                break
        assert counted is not None
        assert counted.remaining <= 8, "what was used before is still used"
        await rates.close()


async def test_what_answers_garbage_is_done_without(store_urls: StoreUrls, caller: str) -> None:
    async with relay(store_urls.redis_url) as line, open_redis(line.url) as redis:
        rates = SharedRates(redis, timeout_s=PATIENCE_S)
        assert await Scripts(redis).run("return 1", [], []) == 1
        line.garbles = True
        assert await rates.take(caller, 1, 10) is None
        await rates.close()


async def test_little_of_much_is_given_at_once_and_counted_behind(store_urls: StoreUrls, caller: str) -> None:
    async with open_redis(store_urls.redis_url) as redis:
        item, turn = SharedRates(redis, timeout_s=PATIENCE_S), asyncio.Event()
        assert await item.take(caller, 1, 1_000) is not None
        asyncio.get_running_loop().call_soon(turn.set)
        value = [await item.take(caller, 1, 1_000) for _ in range(50)]
        assert [counted.remaining for counted in value if counted] == [999 - index for index in range(1, 51)]
        assert not turn.is_set(), "nothing was waited for"
        assert await _seen_below(960, redis, caller) < 960, "another process knows what was given"
        await item.close()


@pytest.mark.engine
async def test_what_is_given_within_a_moment_is_one_command_and_counted_before_the_end(tmp_path: Path) -> None:
    with own_valkey(tmp_path) as valkey:
        async with open_redis(valkey.url) as redis:
            rates = SharedRates(redis, timeout_s=PATIENCE_S)
            assert await rates.take("caller", 1, 1_000) is not None
            before = valkey.ask("INFO", "commandstats")["cmdstat_evalsha"]["calls"]
            for _ in range(50):
                await rates.take("caller", 1, 1_000)
            await rates.close()
            assert valkey.ask("INFO", "commandstats")["cmdstat_evalsha"]["calls"] == before + 1
            assert await _seen_below(960, redis, "caller") < 960


async def _seen_below(points: int, redis: Redis, caller: str) -> int:
    """What a process is told that has not asked before, again and again until it is less."""
    for _ in range(100):
        counted = await SharedRates(redis, timeout_s=PATIENCE_S).take(caller, 1, 1_000)
        if counted is not None and counted.remaining < points:
            break
        await asyncio.sleep(0.02)
    return counted.remaining if counted is not None else 1_000


async def _left(redis: Redis, caller: str) -> int:
    """What a process is told that has not asked before."""
    rates = SharedRates(redis, timeout_s=PATIENCE_S)
    counted = await rates.take(caller, 1, 100_000)
    assert counted is not None
    return counted.remaining


async def _give_while_cut(rates: SharedRates, line: Relay, caller: str) -> None:
    """Have 16,000 points given of 100,000, which cannot be counted; returns when that was tried."""
    assert await rates.take(caller, 1, 100_000) is not None
    await line.cut()
    for _ in range(20):
        assert await rates.take(caller, 800, 100_000) is not None, "it is given ahead"
    for _ in range(500):
        if rates._breaker.is_open:
            break
        await asyncio.sleep(0.01)


async def test_what_was_given_while_redis_went_away_is_counted_when_it_is_back(
    store_urls: StoreUrls, redis: Redis, caller: str
) -> None:
    async with relay(store_urls.redis_url) as line, open_redis(line.url) as by_line:
        rates = SharedRates(by_line, timeout_s=PATIENCE_S, clock=Clock())
        await _give_while_cut(rates, line, caller)
        assert await _left(redis, caller) > 99_000
        await line.listen()
        for _ in range(100):
            if (left := await _left(redis, caller)) < 90_000:
                break
            await asyncio.sleep(0.05)
        assert 80_000 < left < 90_000
        await rates.close()


async def test_what_would_have_been_paid_back_meanwhile_is_not_counted(
    store_urls: StoreUrls, redis: Redis, caller: str
) -> None:
    clock = Clock()
    async with relay(store_urls.redis_url) as line, open_redis(line.url) as by_line:
        rates = SharedRates(by_line, timeout_s=PATIENCE_S, clock=clock)
        await _give_while_cut(rates, line, caller)
        clock.now_s += 61
        await line.listen()
        for _ in range(100):
            if not rates._breaker.is_open and rates._sending is None:
                break
            await asyncio.sleep(0.05)
        assert rates._sending is None
        assert await _left(redis, caller) > 99_000
        await rates.close()


@pytest.mark.engine
async def test_a_full_redis_is_left_alone_for_as_long_as_it_is_full(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with own_valkey(tmp_path, "--maxmemory", "1", "--maxmemory-policy", "noeviction") as valkey:
        async with open_redis(valkey.url) as redis:
            rates = SharedRates(redis, timeout_s=PATIENCE_S)
            for _ in range(8):
                assert await rates.take("caller", 1, 10) is None
                await asyncio.sleep(0.2)
            await rates.close()
    assert len(caplog.messages) == 1


def test_what_is_owed_is_counted_whatever_is_left() -> None:
    clock = Clock()
    rates = LocalRates(clock)
    rates.take("a", 50, 60)
    rates.owe("a", 40, 60)
    assert rates.take("a", 1, 60) == Counted(False, 0, 31, 90)
    clock.now_s += 31
    assert rates.take("a", 1, 60) == Counted(True, 0, 0, 60)


async def test_what_is_owed_is_counted_whatever_is_left_in_redis(redis: Redis, caller: str) -> None:
    rates = SharedRates(redis, timeout_s=PATIENCE_S)
    assert await rates.take(caller, 500, 1_000) is not None
    rates.owe(caller, 1_000, 1_000)
    refused = await rates.take(caller, 1, 1_000)
    assert refused is not None
    assert (refused.allowed, refused.remaining) == (False, 0)
    assert 25 < refused.retry_after_s <= 30.1
    await rates.close()


@pytest.mark.engine
async def test_what_was_refused_is_refused_again_without_redis_until_points_are_back(tmp_path: Path) -> None:
    clock = Clock()
    with own_valkey(tmp_path) as valkey:
        async with open_redis(valkey.url) as redis:
            rates = SharedRates(redis, timeout_s=PATIENCE_S, clock=clock)
            await rates.take("caller", 60, 60)
            assert await rates.take("caller", 5, 60) is not None
            before = valkey.ask("INFO", "commandstats")["cmdstat_evalsha"]["calls"]
            clock.now_s += 0.5
            for _ in range(50):
                again = await rates.take("caller", 5, 60)
                assert again is not None
                assert not again.allowed
                assert 4 < again.retry_after_s <= 4.5
            assert valkey.ask("INFO", "commandstats")["cmdstat_evalsha"]["calls"] == before
            assert await rates.take("caller", 1, 60) is not None, "fewer may be there"
            clock.now_s += 1
            await rates.take("caller", 5, 60)
            assert valkey.ask("INFO", "commandstats")["cmdstat_evalsha"]["calls"] == before + 2
            await rates.close()


async def test_near_its_end_a_budget_is_counted_exactly(store_urls: StoreUrls, caller: str) -> None:
    async with open_redis(store_urls.redis_url) as redis:
        both = [SharedRates(redis, timeout_s=PATIENCE_S) for _ in range(2)]
        taken = [await both[index % 2].take(caller, 100, 1_000) for index in range(12)]
        assert [counted.allowed for counted in taken if counted] == [True] * 10 + [False] * 2
        for rates in both:
            await rates.close()
