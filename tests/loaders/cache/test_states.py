"""What a look at the cache tells, and that it leaves no trace."""

import asyncio

from loaders.cache.shared import MAX_FIELDS
from loaders.cache.states import FRESH, MISSING, STALE
from loaders.model.databases import Freshness
from tests.loaders.cache.conftest import OpenCache
from tests.loaders.cache.stores import GONE, SHORT, Truth, field

A, B = field("a"), field("b", source="other")
KEYS = ["x", "y", "unknown"]


async def test_what_was_loaded_is_fresh_in_this_process_and_in_another(process: OpenCache) -> None:
    async with process() as item, process() as other:
        assert await item.states(KEYS, (A, B)) == dict.fromkeys((A, B), [MISSING] * 3)
        await item.fetch(KEYS, (A,), Truth())
        await item.settle()
        for cache in (item, other):
            assert await cache.states([*KEYS, "z"], (A,)) == {A: [FRESH, FRESH, FRESH, MISSING]}
            assert await cache.states(["x"], (A, B)) == {A: [FRESH], B: [MISSING]}


async def test_what_is_not_fresh_is_stale_for_as_long_as_it_may_be_served(process: OpenCache) -> None:
    short, gone = field("short", SHORT), field("gone", GONE)
    async with process() as item, process() as other:
        await item.fetch(["x"], (short, gone), Truth())
        await item.settle()
        await asyncio.sleep(0.005)
        for cache in (item, other):
            assert await cache.states(["x"], (short,)) == {short: [STALE]}
            assert await cache.states(["x"], (short, gone)) == {short: [STALE], gone: [MISSING]}


async def test_a_look_leases_nothing_and_refreshes_nothing(process: OpenCache) -> None:
    truth, brief = Truth(), field("brief", Freshness(0, 3_600, 3_600))
    async with process(lease_s=60) as item, process(lease_s=60) as other:
        await item.states(KEYS, (A, brief))
        async with asyncio.timeout(30):
            await other.fetch(KEYS, (A, brief), truth)
        await other.settle()
        assert (len(truth.asked), other.counts["waits"]) == (1, 0)
        await asyncio.sleep(0.005)
        assert (await item.states(KEYS, (A, brief)))[brief] == [STALE] * 3
        await item.settle()
        assert len(truth.asked) == 1


async def test_what_is_too_much_to_be_cached_is_missing(process: OpenCache) -> None:
    short = field("short", SHORT)
    fields = (short, *(field(str(index)) for index in range(199)))
    keys = [f"k{index}" for index in range(MAX_FIELDS // 200 + 1)]
    async with process() as item:
        await item.fetch(["k0"], (short,), Truth())
        await item.settle()
        await asyncio.sleep(0.005)
        assert (await item.states(keys[:2], fields))[short] == [STALE, MISSING]
        result = await item.states(keys, fields)
        assert {state for of_field in result.values() for state in of_field} == {MISSING}
