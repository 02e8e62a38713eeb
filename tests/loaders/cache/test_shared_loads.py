"""Loads that several requests wait for: each to its own deadline, and the load as long as anybody does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

import pytest

from loaders.cache.cache import Cache, FetchResult
from loaders.cache.fields import CacheField, Entry
from loaders.cache.in_flight_load import KeysByField, LoadedValues
from loaders.cache.local import LocalCache
from loaders.cache.shared import CacheLookup
from loaders.deadline import Deadline, current_deadline, time_limit, working_until
from loaders.stores.errors import StoreTimeout, StoreUnavailable
from tests.loaders.cache.conftest import OpenCache
from tests.loaders.cache.stores import GONE, LONG, SHORT, Truth, field

A, B = field("a"), field("b", source="other")
SHORT_S, LONG_S, PATIENCE_S = 0.05, 30.0, 30.0
"""A deadline that a test waits for, one that it does not, and how long it waits for what must come."""


class Held:
    """A store that answers when it is let, and notes who cancelled it and which deadline it has."""

    def __init__(self) -> None:
        self.asked = 0
        self.cancelled = 0
        self.began = asyncio.Event()
        self.gate = asyncio.Event()
        self.deadline: Deadline | None = None

    async def __call__(self, keys_by_field: KeysByField) -> LoadedValues:
        self.asked += 1
        self.deadline = current_deadline()
        self.began.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return {item: {key: [item.name, key] for key in keys} for item, keys in keys_by_field.items()}


def _fetch(
    cache: Cache, load: Any, within_s: float | None = LONG_S, keys: Sequence[str] = ("x",), fields: Any = (A,)
) -> asyncio.Task[FetchResult]:
    """Start to fetch in a task with a deadline, None for none."""
    with working_until(None if within_s is None else Deadline.after(within_s)):
        return asyncio.create_task(cache.fetch(keys, fields, load))


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 (of what has no event)
            await asyncio.sleep(0.001)


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def _is_idle(cache: Cache) -> bool:
    loader = cache._loader
    return not (cache._joinable or cache._tasks._tasks or loader._in_flight or loader._writing or loader._giving_back)


async def test_one_of_two_may_leave_and_the_other_has_the_values(process: OpenCache) -> None:
    store = Held()
    async with process() as cache:
        first, second = _fetch(cache, store), _fetch(cache, store)
        await store.began.wait()
        await _cancelled(first)
        store.gate.set()
        assert (await second).values == {A: [["a", "x"]]}
        assert (store.asked, store.cancelled) == (1, 0)
        await _until(lambda: _is_idle(cache))


async def test_when_both_have_left_the_load_is_cancelled_and_others_need_not_wait_for_its_lease(
    process: OpenCache,
) -> None:
    store, truth = Held(), Truth()
    async with process(lease_s=PATIENCE_S * 2) as cache, process(lease_s=PATIENCE_S * 2) as other:
        first, second = _fetch(cache, store), _fetch(cache, store)
        await store.began.wait()
        await _cancelled(first)
        assert store.cancelled == 0
        await _cancelled(second)
        await _until(lambda: store.cancelled)
        async with asyncio.timeout(PATIENCE_S):
            assert (await other.fetch(["x"], (A,), truth)).values == {A: [["a", "x", 0]]}
        await _until(lambda: _is_idle(cache))


async def test_nobody_joins_a_load_that_is_being_cancelled(process: OpenCache) -> None:
    store, truth = Held(), Truth()
    async with process() as cache:
        only = _fetch(cache, store)
        await store.began.wait()
        only.cancel()
        with pytest.raises(asyncio.CancelledError):
            await only
        assert (await _fetch(cache, truth)).values == {A: [["a", "x", 0]]}


async def test_whoever_joins_with_a_later_deadline_moves_that_of_the_load(process: OpenCache) -> None:
    store = Held()
    async with process() as cache:
        first, second = _fetch(cache, store, SHORT_S), _fetch(cache, store)
        late = (await first).errors[A]
        assert isinstance(late, StoreTimeout)
        assert store.deadline is not None
        assert store.deadline.left_s() > LONG_S / 2
        store.gate.set()
        assert (await second).values == {A: [["a", "x"]]}
        assert (store.asked, store.cancelled) == (1, 0)


async def test_an_earlier_deadline_changes_nothing_for_the_others(process: OpenCache) -> None:
    store = Held()
    async with process() as cache:
        first, second = _fetch(cache, store, None), _fetch(cache, store, SHORT_S)
        assert isinstance((await second).errors[A], StoreTimeout)
        store.gate.set()
        assert (await first).values == {A: [["a", "x"]]}


async def test_the_last_that_is_late_ends_the_load_and_says_whose_store_it_was(process: OpenCache) -> None:
    store, item = Held(), CacheField("c", ("source",), LONG, lambda value: value, "c", store="clickhouse")
    async with process() as cache:
        late = (await _fetch(cache, store, SHORT_S, fields=(item,))).errors[item]
        assert (type(late), cast("Any", late).store) == (StoreTimeout, "clickhouse")
        await _until(lambda: store.cancelled)
        await _until(lambda: _is_idle(cache))


async def _one_store_late(keys_by_field: KeysByField) -> LoadedValues:
    """Load A at once, and B never."""
    try:
        async with time_limit(None):
            await asyncio.Event().wait()
    except TimeoutError:
        await asyncio.sleep(0.01)  # the statement is ended
    late = StoreTimeout("clickhouse", "late")
    return {A: {key: ["a", key] for key in keys_by_field[A]}, B: late}


def _has_what_came(result: FetchResult) -> bool:
    return result.values[A] == [["a", "x"]] and [str(error) for error in result.errors.values()] == ["late"]


async def test_at_the_deadline_what_has_come_is_there_beside_what_is_late(process: OpenCache) -> None:
    async with process() as cache:
        assert _has_what_came(await _fetch(cache, _one_store_late, SHORT_S, fields=(A, B)))
        await _until(lambda: _is_idle(cache))


async def test_the_same_where_one_that_would_wait_longer_has_left(process: OpenCache) -> None:
    async with process() as cache:
        first = _fetch(cache, _one_store_late, 4 * SHORT_S, fields=(A, B))
        second = _fetch(cache, _one_store_late, LONG_S, fields=(A, B))
        await asyncio.sleep(0)
        await _cancelled(second)
        assert _has_what_came(await first)
        await _until(lambda: _is_idle(cache))


async def test_a_deadline_that_is_moved_forward_ends_the_wait(process: OpenCache) -> None:
    deadline = Deadline.after(LONG_S)
    async with process() as cache:
        with working_until(deadline):
            task = asyncio.create_task(cache.fetch(("x",), (A, B), _one_store_late))
        await _until(lambda: cache._joinable)
        deadline.shorten(asyncio.get_running_loop().time() + SHORT_S)
        assert _has_what_came(await task)


async def test_of_what_is_late_stale_values_are_served_and_what_is_known(process: OpenCache) -> None:
    store, truth, stale = Held(), Truth(), field("stale", GONE)
    async with process() as cache:
        await cache.fetch(["x", "y"], (stale, A), truth)
        await cache.settle()
        await asyncio.sleep(0.005)
        cache._local.clear()
        fetched = await _fetch(cache, store, SHORT_S, ["x", "y"], (stale, A))
        assert not fetched.errors
        assert fetched.values == {item: [[item.name, key, 0] for key in "xy"] for item in (stale, A)}
        assert store.asked == 1
        fetched = await _fetch(cache, store, SHORT_S, ["x", "z"], (stale, A))
        assert {type(error) for error in fetched.errors.values()} == {StoreTimeout}
        assert set(fetched.errors) == {stale, A}


async def test_who_waits_for_another_process_stops_at_the_deadline(process: OpenCache) -> None:
    store, other_store = Held(), Held()
    async with process(lease_s=PATIENCE_S) as cache, process(lease_s=PATIENCE_S) as other:
        loading = _fetch(cache, store)
        await store.began.wait()
        fetched = await _fetch(other, other_store, SHORT_S)
        assert isinstance(fetched.errors[A], StoreTimeout)
        await _until(lambda: _is_idle(other))
        assert other_store.asked == 0
        store.gate.set()
        assert (await loading).values == {A: [["a", "x"]]}


async def test_a_refresh_is_not_cancelled_when_who_found_the_stale_value_leaves(process: OpenCache) -> None:
    store, truth, stale = Held(), Truth(), field("refreshed", SHORT)
    async with process() as cache:
        await cache.fetch(["x"], (stale,), truth)
        await cache.settle()
        await asyncio.sleep(0.005)
        fetching = _fetch(cache, store, SHORT_S, fields=(stale,))
        assert (await fetching).values == {stale: [["refreshed", "x", 0]]}
        await store.began.wait()
        assert store.deadline is None
        await asyncio.sleep(2 * SHORT_S)
        assert store.cancelled == 0
        store.gate.set()
        await cache.settle()


class FakeShared:
    """Redis without a network: each call gives the event loop away some times, and then takes and returns leases."""

    is_away = False
    lease_s = LONG_S

    def __init__(self, steps: int) -> None:
        self.leases: dict[tuple[str, str], str] = {}
        self._steps = steps
        self._tokens = 0

    async def _wait(self) -> None:
        for _ in range(self._steps):
            await asyncio.sleep(0)

    async def look_up(self, keys: Sequence[str], fields: Sequence[CacheField], *, mode: str = "load") -> CacheLookup:
        assert mode == "load"
        await self._wait()
        self._tokens += 1
        token = str(self._tokens)
        rows: list[list[Entry | None]] = [[None] * len(fields) for _ in keys]
        lookup = CacheLookup(token, 1_000_000, [[b"0" * 16] * len(fields)] * len(keys), rows)
        for row, key in enumerate(keys):
            for column, item in enumerate(fields):
                if self.leases.setdefault((key, item.name), token) == token:
                    lookup.leased[column].append(row)
        await self._wait()
        return lookup

    async def put(self, keys: Sequence[str], fields: Sequence[CacheField], token: str, texts: Any) -> int:
        await self._wait()
        for key in keys:
            for item in fields:
                if self.leases.get((key, item.name)) == token:
                    del self.leases[key, item.name]
        return len(texts)

    async def close(self) -> None:
        """Close nothing."""


class _Following:
    has_lease = True


@contextmanager
def _no_task_left() -> Iterator[None]:
    before = asyncio.all_tasks()
    yield
    left = {task for task in asyncio.all_tasks() - before if not task.done()}
    assert not left


def _over(shared: FakeShared) -> Cache:
    cache = Cache(cast("Any", shared), LocalCache(100, 1 << 20))
    cache.follower = cast("Any", _Following())
    return cache


@asynccontextmanager
async def _store(fails: bool) -> AsyncIterator[Callable[[KeysByField], Awaitable[LoadedValues]]]:
    async def load(keys_by_field: KeysByField) -> LoadedValues:
        for _ in range(3):
            await asyncio.sleep(0)
        if fails:
            raise RuntimeError("no StoreError")
        return {item: {key: [item.name, key] for key in keys} for item, keys in keys_by_field.items()}

    yield load


@pytest.mark.parametrize("fails", [False, True], ids=["loads", "fails"])
@pytest.mark.parametrize("joins", [False, True], ids=["alone", "joined"])
async def test_wherever_it_is_cancelled_nothing_is_left(joins: bool, fails: bool) -> None:
    """A sweep over each turn of the event loop, from before the load has begun until after it is written."""
    ends: set[str] = set()
    for turns in range(40):
        shared = FakeShared(steps=2)
        cache = _over(shared)
        async with _store(fails) as load:
            with _no_task_left():
                waiting = [_fetch(cache, load, keys=("x", "y"), fields=(A, B)) for _ in range(1 + joins)]
                for _ in range(turns):
                    await asyncio.sleep(0)
                for task in waiting:
                    task.cancel()
                results = await asyncio.gather(*waiting, return_exceptions=True)
                ends.update(type(result).__name__ for result in results)
                await cache.settle()
                await asyncio.sleep(0)
        assert not shared.leases, turns
        assert _is_idle(cache), turns
    assert ends == {"CancelledError", "RuntimeError" if fails else "FetchResult"}


async def test_wherever_one_is_cancelled_the_other_has_the_values() -> None:
    for turns in range(40):
        shared = FakeShared(steps=2)
        cache = _over(shared)
        async with _store(fails=False) as load:
            leaving, staying = _fetch(cache, load), _fetch(cache, load)
            for _ in range(turns):
                await asyncio.sleep(0)
            leaving.cancel()
            assert (await staying).values == {A: [["a", "x"]]}, turns
            await asyncio.gather(leaving, return_exceptions=True)
            await cache.settle()
        assert not shared.leases, turns
        assert _is_idle(cache), turns


async def test_wherever_the_only_one_is_cancelled_another_that_comes_at_once_has_the_values() -> None:
    for turns in range(40):
        shared = FakeShared(steps=2)
        cache = _over(shared)
        async with _store(fails=False) as load:
            leaving = _fetch(cache, load)
            for _ in range(turns):
                await asyncio.sleep(0)
            leaving.cancel()
            coming = await _fetch(cache, load)
            assert (coming.values, coming.errors) == ({A: [["a", "x"]]}, {}), turns
            await asyncio.gather(leaving, return_exceptions=True)
            await cache.settle()
        assert _is_idle(cache), turns


async def test_a_load_that_nobody_waits_for_asks_no_store_after_its_look_up() -> None:
    shared, store = FakeShared(steps=5), Held()
    cache = _over(shared)
    leaving = _fetch(cache, store)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not shared.leases
    await _cancelled(leaving)
    async with asyncio.timeout(PATIENCE_S):
        await cache.settle()
    assert store.asked == 0
    assert not shared.leases
    assert _is_idle(cache)


async def test_what_is_more_than_redis_takes_is_not_written_and_its_leases_are_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("loaders.cache.cache_loader._MAX_WRITING", 3)
    shared = FakeShared(steps=2)
    cache = _over(shared)
    async with _store(fails=False) as load:
        await asyncio.gather(*(_fetch(cache, load, keys=(key,)) for key in "abcdef"))
        await cache.settle()
    assert cache.counts["fields not written"] == 3
    assert not shared.leases
    assert _is_idle(cache)


async def test_refreshes_do_not_pile_up(process: OpenCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loaders.cache.refresh_coalescer._MAX_REFRESHING", 2)
    store, truth = Held(), Truth()
    stale = [field(f"refreshed {number}", SHORT) for number in range(4)]
    async with process() as cache:
        for item in stale:
            await cache.fetch(["x"], (item,), truth)
        await cache.settle()
        await asyncio.sleep(0.005)
        for number, item in enumerate(stale):
            await cache.fetch(["x"], (item,), store)
            await _until(lambda number=number: store.asked == min(number + 1, 2))  # type: ignore[misc]
        assert cache._refreshes._refreshing == 2
        store.gate.set()
        await cache.settle()
        assert (store.asked, cache._refreshes._refreshing) == (2, 0)


async def test_the_error_of_a_store_is_that_of_the_field(process: OpenCache) -> None:
    truth = Truth()
    truth.fails = True
    async with process() as cache:
        first, second = _fetch(cache, truth), _fetch(cache, truth)
        for fetched in (await first, await second):
            assert isinstance(fetched.errors[A], StoreUnavailable)
        assert len(truth.asked) == 1
