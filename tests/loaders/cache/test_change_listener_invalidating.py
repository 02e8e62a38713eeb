"""Changes in the register that cannot be made known at once."""

import asyncio

import pytest

from deploy.embedded.engines import StoreUrls
from loaders.cache.fields import CacheField
from loaders.cache.invalidation import Change, Invalidator
from loaders.metrics import INVALIDATION_LAGS
from loaders.stores.postgres import Postgres
from tests.conftest import NewStores
from tests.loaders.cache.change_listeners import (
    EVERYTHING,
    REVISE,
    REVISED,
    Invalidated,
    changed,
    listening,
    start_listener,
)
from tests.loaders.cache.conftest import OpenCache
from tests.loaders.cache.stores import LONG, Truth
from tests.loaders.conftest import open_redis
from tests.loaders.stores.relay import relay


async def test_what_cannot_be_made_known_is_kept_and_comes_as_one(
    register: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(register) as invalidated:
        invalidated.fails = True
        await register.execute(REVISE, "N1", 1)
        assert [await invalidated.next_failed() for _ in range(2)] == 2 * [changed("N1", tables=REVISED)]
        await register.execute(REVISE, "N2", 1)
        while await invalidated.next_failed() != changed("N1", "N2", tables=REVISED):
            pass
        invalidated.fails = False
        assert await invalidated.next() == changed("N1", "N2", tables=REVISED)
        await register.execute(REVISE, "N2", 2)
        assert await invalidated.next() == changed("N2", tables=REVISED), "nothing is kept any more"
    assert len([record for record in caplog.records if "cannot be made known" in record.message]) == 1


async def test_more_objects_than_are_kept_are_all_of_the_register(register: Postgres) -> None:
    async with listening(register) as invalidated:
        invalidated.fails = True
        for batch in range(11):
            await register.execute(
                "insert into airline (code, name) select $1 || '-' || n, 'New' from generate_series(1, 1000) as n",
                str(batch),
            )
        while not (kept := await invalidated.next_failed()).sources:
            assert len(kept.keys) <= 10_000
        assert set(kept.sources) == set(EVERYTHING.sources)
        assert len(kept.keys) <= 1_000, "those that came later"
        invalidated.fails = False
        assert set((await invalidated.next()).sources) == set(EVERYTHING.sources)


async def test_caches_serve_what_was_written_also_where_redis_was_away_meanwhile(
    database: NewStores, process: OpenCache, store_urls: StoreUrls
) -> None:
    register, truth = database.stores.postgres, Truth()
    entry = CacheField("entry", ("register",), LONG, lambda value: value, "entry")
    async with process() as cache, relay(store_urls.redis_url) as between, open_redis(between.url) as redis:
        invalidated = Invalidated()

        async def invalidate(change: Change) -> None:
            await Invalidator(redis).invalidate(change)
            await invalidated(change)

        async def served() -> int:
            fetched = await cache.fetch(["fleet:Aircraft::N1"], (entry,), truth)
            await cache.settle()
            version: int = fetched.values[entry][0][2]
            return version

        async def revise(revision: int) -> None:
            truth.versions["fleet:Aircraft::N1"] = revision
            await register.execute(REVISE, "N1", revision)

        async with start_listener(register, invalidate):
            await invalidated.next()
            assert await served() == 0
            await revise(1)
            await invalidated.next()
            assert await served() == 1
            lags, lag_s = sum(INVALIDATION_LAGS.counts), INVALIDATION_LAGS.sum
            assert lags > 0
            await between.cut()
            await revise(2)
            await asyncio.sleep(0.3)
            assert await served() == 1, "nobody could be told"
            await between.listen()
            await invalidated.next()
            assert await served() == 2
            assert sum(INVALIDATION_LAGS.counts) == lags + 1
            assert INVALIDATION_LAGS.sum - lag_s > 0.3, "it counts from when the change was heard first"
