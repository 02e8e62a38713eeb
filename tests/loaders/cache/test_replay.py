"""A skewed workload with writes mixed in: few statements, and every answer right for its time."""

import asyncio
from itertools import accumulate
from random import Random

from loaders.cache.invalidation import Change, Invalidator
from loaders.model.databases import Freshness
from loaders.stores.redis import Redis
from tests.loaders.cache.conftest import OpenCache
from tests.loaders.cache.stores import Truth, field

OBJECTS = 4_000
REQUESTS = 3_000
SINGLE_OBJECTS = 1_000
SINGLE_REQUESTS = 15_000
FRESHNESS = Freshness(fresh_s=60, stale_while_revalidate_s=60, stale_if_error_s=60)
FIELDS = (field("a", FRESHNESS), field("b", FRESHNESS), field("c", FRESHNESS, source="other"))


async def test_a_skewed_workload_asks_under_a_tenth_of_the_statements(process: OpenCache, redis: Redis) -> None:
    """One object a request, by Zipf over 1,000, at two processes; one request in 200 comes with a write."""
    rng, truth, invalidator = Random(11), Truth(), Invalidator(redis)
    popularity = list(accumulate(1 / (rank + 1) for rank in range(SINGLE_OBJECTS)))
    objects = [f"aircraft:{index}" for index in range(SINGLE_OBJECTS)]
    async with process(max_entries=100_000) as item, process(max_entries=100_000) as other:
        for index, key in enumerate(rng.choices(objects, cum_weights=popularity, k=SINGLE_REQUESTS)):
            if index % 200 == 0:
                truth.versions[key] += 1
                await invalidator.invalidate(Change(keys=(key,)))
            fetched = await rng.choice([item, other]).fetch([key], FIELDS, truth)
            for place in FIELDS:
                assert fetched.values[place] == [truth.value(place, key)]
        await asyncio.gather(item.settle(), other.settle())
    assert len(truth.asked) < SINGLE_REQUESTS / 10


async def test_dashboards_that_repeat_ask_under_a_tenth_of_the_statements(process: OpenCache, redis: Redis) -> None:
    """Two hundred dashboards of twenty objects each, asked by Zipf; one request in 200 comes with a write."""
    rng, truth, invalidator = Random(5), Truth(), Invalidator(redis)
    objects = [f"aircraft:{index}" for index in range(OBJECTS)]
    dashboards = [[objects[min(int(rng.paretovariate(0.6)), OBJECTS) - 1] for _ in range(20)] for _ in range(200)]
    popularity = [1 / (rank + 1) for rank in range(len(dashboards))]
    async with process(max_entries=100_000) as item, process(max_entries=100_000) as other:
        for index in range(REQUESTS):
            keys = list(dict.fromkeys(rng.choices(dashboards, popularity)[0]))
            if index % 200 == 0:
                truth.versions[keys[0]] += 1
                await invalidator.invalidate(Change(keys=(keys[0],)))
            fetched = await rng.choice([item, other]).fetch(keys, FIELDS, truth)
            for place in FIELDS:
                assert fetched.values[place] == [[place.name, key, truth.versions[key]] for key in keys]
        await asyncio.gather(item.settle(), other.settle())
    assert len(truth.asked) < REQUESTS / 10
