"""What is stale: served at once, and refreshed behind, once for all who ask."""

import asyncio

import pytest

from loaders.cache.cache import Cache
from loaders.cache.in_flight_load import KeysByField, LoadedValues
from loaders.model.databases import Freshness
from loaders.request_tracker import RequestTracker, begin_request, current_request
from tests.loaders.cache.conftest import OpenCache
from tests.loaders.cache.stores import SHORT, Truth, field

A, B = field("a"), field("b", source="other")
KEYS = ["x", "y", "unknown"]


async def test_stale_is_served_at_once_and_refreshed_behind_together(
    process: OpenCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "loaders.cache.refresh_coalescer._GATHER_S", 0.3
    )  # all have asked by then, on a busy machine too
    truth, brief = Truth(), Freshness(1, 3_600, 3_600)  # what is refreshed is not stale again before all have asked
    short = (field("a", brief), field("b", brief))
    async with process() as item, process() as other:
        await item.fetch(KEYS, short, truth)
        await item.settle()
        await asyncio.sleep(1.01)
        truth.versions.update(x=1, y=1)
        truth.asked.clear()
        answers = [await cache.fetch([key], short, truth) for key in KEYS for cache in (item, other)]
        assert all(answer.values[short[0]][0] in (["a", "x", 0], ["a", "y", 0], None) for answer in answers)
        await item.settle()
        await other.settle()
        refreshed = [key for asked in truth.asked for key in asked["a"]]
        assert sorted(refreshed) == sorted(KEYS), "each by one of the processes"
        assert len(truth.asked) <= 2
        async with asyncio.timeout(10):  # what another process refreshed is there at the next look, or the one after it
            while (await other.fetch(["x"], short, truth)).values[short[1]] != [["b", "x", 1]]:
                await other.settle()


async def test_a_refresh_that_fails_in_a_way_nobody_expects_is_logged(
    process: OpenCache, caplog: pytest.LogCaptureFixture
) -> None:
    truth, brief = Truth(), field("a", SHORT)

    async def broken(_wanted: KeysByField) -> LoadedValues:
        raise RuntimeError("a bug")

    async with process() as item:
        await item.fetch(["x"], (brief,), truth)
        await item.settle()
        await asyncio.sleep(0.005)
        assert (await item.fetch(["x"], (brief,), broken)).values[brief] == [["a", "x", 0]]
        await item.settle()
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["a bug"]


async def test_what_another_process_refreshed_is_taken_over(process: OpenCache) -> None:
    truth, brief = Truth(), field("brief", Freshness(1, 1_000, 1_000))
    async with process() as item, process() as other:
        for cache in (item, other):
            await cache.fetch(["x"], (brief,), truth)
            await cache.settle()
        truth.versions["x"] = 1
        await asyncio.sleep(1.05)
        for cache in (item, other):
            await cache.fetch(["x"], (brief,), truth)
            await cache.settle()
        assert (await other.fetch(["x"], (brief,), truth)).values[brief] == [["brief", "x", 1]]
        assert len(truth.asked) == 2


class Charged(Truth):
    """Notes for whom it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.trackers: list[RequestTracker | None] = []

    async def __call__(self, keys_by_field: KeysByField) -> LoadedValues:
        self.trackers.append(current_request())
        return await super().__call__(keys_by_field)


async def test_a_refresh_is_charged_to_no_request(process: OpenCache) -> None:
    truth, short = Charged(), (field("a", SHORT),)

    async def asked(cache: Cache) -> RequestTracker:
        tracker = begin_request()
        await cache.fetch(["x"], short, truth)
        await cache.settle()
        await asyncio.sleep(0.005)  # fresh for no time is fresh for this millisecond
        return tracker

    async with process() as item, process() as other:
        cold = await asyncio.create_task(asked(item))
        for cache in (item, other):  # stale in memory, and in Redis
            stale = await asyncio.create_task(asked(cache))
            assert stale.stats.fields == {"a": {"stale": 1}}
    assert truth.trackers == [cold, None, None]


async def test_only_what_is_stale_is_refreshed(process: OpenCache) -> None:
    truth, stale = Truth(), [field(f"s{index}", SHORT) for index in range(3)]
    async with process() as item:
        await item.fetch(["x", "y"], stale, truth)
        await item.settle()
        await asyncio.sleep(0.005)  # fresh for no time is fresh for this millisecond
        truth.asked.clear()
        await item.fetch(["x"], tuple(stale[:1]), truth)
        await item.fetch(["y"], tuple(stale[1:]), truth)
        await item.settle()
        assert truth.asked == [{"s0": ["x"]}, {"s1": ["y"], "s2": ["y"]}]
