"""What is cached while changes are not heard: for how long, who is told, and how it heals."""

import asyncio
import time
from uuid import uuid4

import pytest

from loaders.cache.cache import Cache
from loaders.cache.change_listener import ChangeListener
from loaders.cache.listener_health import UNHEALTHY_AGE_S
from loaders.cache.listener_lease import LeaseState, ListenerLease
from loaders.model.databases import Freshness
from loaders.request_tracker import begin_request
from loaders.stores.postgres import Postgres
from loaders.stores.redis import Redis
from tests.conftest import NewStores
from tests.fleet.served import MODEL
from tests.loaders.cache.change_listeners import EVERYTHING, REVISE, Invalidated, fleet_source, start_listener
from tests.loaders.cache.conftest import OpenCache
from tests.loaders.cache.stores import Truth, field
from tests.loaders.cache.watched_health import WatchedHealth, behind, errors
from tests.loaders.stores.relay import relay
from tests.pgbouncer import pgbouncer

_DECLARED = Freshness(3_600, 86_400, 604_800)
FED, OTHER = field("fed", _DECLARED, "aircraft"), field("other", _DECLARED, "flights")


async def test_a_listener_that_proves_nothing_is_believed_by_nobody(
    database: NewStores, caplog: pytest.LogCaptureFixture
) -> None:
    """One that holds the lease and is deaf, stopped, or left behind."""
    listener_health = WatchedHealth()

    class Taken:
        async def look(self) -> LeaseState:
            return LeaseState(is_free=False, proof_s=0)

        async def renew(self, lease_s: float, proof_s: float) -> bool:
            raise AssertionError(f"It is another's for {lease_s} s, and {proof_s} s.")

        async def end(self) -> None:
            pass

    listener_health.mark_healthy(time.monotonic() + 1)
    listener = ChangeListener(
        fleet_source(database.stores.postgres), Invalidated(), Taken(), listener_health, pause_s=0.1
    )
    listener.start()
    await listener_health.until(False)
    await listener.stop()
    assert listener_health.drops == 1
    assert len(errors(caplog)) == 1


async def test_changes_that_cannot_be_made_known_count_as_unheard(
    database: NewStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loaders.cache.change_listener._PROOF_S", 1.0)
    monkeypatch.setattr("loaders.cache.change_listener._INVALIDATION_TIMEOUT_S", 0.2)
    listener_health, invalidated = WatchedHealth(), Invalidated()
    async with start_listener(database.stores.postgres, invalidated, listener_health=listener_health):
        await listener_health.until(True)
        invalidated.fails = True
        await database.stores.postgres.execute(REVISE, "N1", 1)
        await listener_health.until(False)
        invalidated.fails = False
        await listener_health.until(True)


async def test_a_database_that_is_away_leaves_what_was_heard_as_it_was(
    database: NewStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can change there, and what is cached is served while it is refreshed, or cannot be."""
    monkeypatch.setattr("loaders.cache.change_listener._PROOF_S", 1.0)
    listener_health = WatchedHealth()
    async with relay(f"{database.database_url}?sslmode=disable") as between:
        client = await Postgres.connect(between.url, min_size=1, max_size=2, acquire_timeout_s=5, statement_timeout_s=5)
        async with start_listener(client, Invalidated(), listener_health=listener_health):
            await listener_health.until(True)
            await between.cut()
            for _ in range(30):
                await asyncio.sleep(0.1)
                assert listener_health.is_healthy
            await between.listen()
        await client.close()
    assert listener_health.drops == 0


async def test_a_database_that_falls_silent_leaves_what_was_heard_as_it_was(
    database: NewStores, redis: Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It hangs, or the network swallows all: that says nothing of poolers, and nothing that is cached is dropped."""
    monkeypatch.setattr("loaders.cache.change_listener._PROOF_S", 4.0)
    monkeypatch.setattr("loaders.cache.change_listener._PING_S", 0.2)
    monkeypatch.setattr("loaders.cache.notifications._PING_S", 0.2)
    group, invalidated, both = uuid4().hex, Invalidated(), (WatchedHealth(), WatchedHealth())
    async with relay(f"{database.database_url}?sslmode=disable") as between:
        client = await Postgres.connect(between.url, min_size=1, max_size=2, acquire_timeout_s=5, statement_timeout_s=5)
        listeners = [
            ChangeListener(
                fleet_source(client),
                invalidated,
                ListenerLease(redis, group),
                listener_health,
                pause_s=0.1,
                lost_after_s=0.5,
            )
            for listener_health in both
        ]
        for listener, listener_health in zip(listeners, both, strict=True):
            listener.start()
            await listener_health.until(True)
        assert await invalidated.next() == EVERYTHING
        between.silence()
        for _ in range(80):
            await asyncio.sleep(0.1)
            assert [listener_health.is_healthy for listener_health in both] == [True, True]
        between.resume()
        assert await invalidated.next() == EVERYTHING
        for listener in listeners:
            await listener.stop()
        await client.close()
    assert [listener_health.drops for listener_health in both] == [0, 0]
    assert errors(caplog) == []


async def test_a_process_that_is_deaf_says_so_once_when_the_one_that_hears_has_left(
    database: NewStores, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """What the other has proven is not taken for its own again and again."""
    group, invalidated, listener_health = uuid4().hex, Invalidated(), WatchedHealth()
    hears = ChangeListener(
        fleet_source(database.stores.postgres),
        invalidated,
        ListenerLease(redis, group),
        WatchedHealth(),
        pause_s=0.1,
    )
    with pgbouncer(database.database_url, "transaction") as pooled:
        async with behind(database, pooled) as client:
            deaf = ChangeListener(
                fleet_source(client), Invalidated(), ListenerLease(redis, group), listener_health, pause_s=0.1
            )
            hears.start()
            assert await invalidated.next() == EVERYTHING
            deaf.start()
            await listener_health.until(True)
            await hears.stop()
            await listener_health.until(False)
            for _ in range(30):
                await asyncio.sleep(0.1)
                assert not listener_health.is_healthy
            hears.start()
            await listener_health.until(True)
            await deaf.stop()
            await hears.stop()
    assert listener_health.drops == 1
    assert len(errors(caplog)) == 1


async def _expect(cache: Cache, truth: Truth, version: int) -> None:
    fetched = await cache.fetch(["x"], (FED, OTHER), truth)
    await cache.settle()
    assert not fetched.errors
    assert fetched.values == {FED: [["fed", "x", version]], OTHER: [["other", "x", 0]]}


async def test_nothing_that_was_kept_for_long_is_served_while_changes_are_not_heard(process: OpenCache) -> None:
    """Not from memory, and not from Redis; what nothing changes is, and what is loaded now is kept for a short time."""
    truth = Truth()
    async with process() as item, process() as other:
        healths = [WatchedHealth(), WatchedHealth()]
        for cache, health in zip((item, other), healths, strict=True):
            cache.listener_health = health
            health.mark_healthy(time.monotonic() + 60)
            await _expect(cache, truth, 0)
        truth.asked.clear()
        truth.versions["x"] = 1
        for cache, health in zip((item, other), healths, strict=True):
            await _expect(cache, truth, 0)  # it is heard, and so it has not changed
            health.mark_unhealthy("test")
            await _expect(cache, truth, 1)
            await _expect(cache, truth, 1)
        assert truth.asked == [{"fed": ["x"]}], "once, and for both"
        tracker = begin_request()
        await _expect(item, truth, 1)
        assert 0 < tracker.cache_policy.fresh_for_s() <= UNHEALTHY_AGE_S
        assert tracker.cache_policy.stale_while_revalidate_s == 0


async def test_what_was_kept_for_a_short_time_is_loaded_anew_after_it(
    process: OpenCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loaders.cache.listener_health.UNHEALTHY_AGE_S", 0.3)
    truth, brief = Truth(), field("passing", _DECLARED, "aircraft")
    async with process() as cache:
        cache.listener_health = WatchedHealth()
        for version in (0, 1):
            truth.versions["x"] = version
            fetched = await cache.fetch(["x"], (brief,), truth)
            assert fetched.values[brief] == [["passing", "x", version]]
            await cache.settle()
            await asyncio.sleep(0.35)


async def test_where_loading_fails_what_was_kept_for_long_is_served_all_the_same(process: OpenCache) -> None:
    truth = Truth()
    async with process() as cache:
        cache.listener_health = WatchedHealth()
        cache.listener_health.mark_healthy(time.monotonic() + 60)
        await _expect(cache, truth, 0)
        cache.listener_health.mark_unhealthy("test")
        truth.fails = True
        await _expect(cache, truth, 0)
        fetched = await cache.fetch(["y"], (FED,), truth)
        assert set(fetched.errors) == {FED}, "by the field that was asked"
        states = await cache.states(["x"], (FED, OTHER))
        assert states == {FED: ["missing"], OTHER: ["fresh"]}


def test_what_announced_changes_feed_can_be_told_from_what_is_kept_for_a_short_time() -> None:
    """It is, by having a time to be served stale while it is refreshed."""
    announced = [table for table in MODEL.tables if table.options.changes is not None]
    names = {"public.aircraft", "public.register", "public.airline", "public.airport"}
    assert {table.name for table in announced} == names
    freshness = [table.options.freshness for table in announced]
    assert all(each is not None and each.stale_while_revalidate_s > 0 for each in freshness)


async def test_one_process_has_the_lease_and_the_others_see_what_it_has_proven(redis: Redis) -> None:
    group = uuid4().hex
    item, other = ListenerLease(redis, group), ListenerLease(redis, group)
    assert await item.look() == await other.look() == LeaseState(is_free=True, proof_s=0)
    assert await item.renew(60, 0)
    assert not await other.renew(60, 60)
    assert (await item.look(), await other.look()) == (LeaseState(True, 0), LeaseState(False, 0))
    assert await item.renew(60, 0.5)
    state = await other.look()
    assert not state.is_free
    assert 0 < state.proof_s <= 0.5
    await other.end()
    assert not (await other.look()).is_free, "only who has it can leave it"
    await asyncio.sleep(0.6)
    assert await other.look() == LeaseState(is_free=False, proof_s=0)
    assert await item.renew(60, 60)
    await item.end()
    assert await other.look() == LeaseState(is_free=True, proof_s=0), "the proof ends with the lease"
    assert await other.renew(0.2, 0)
    await asyncio.sleep(0.3)
    assert (await item.look()).is_free
