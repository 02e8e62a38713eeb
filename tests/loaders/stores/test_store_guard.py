"""Databases that fail in each way: what their clients do, and how soon they are used again."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import psutil
import pytest

from deploy.embedded.engines import EmbeddedEngines, StoreUrls
from loaders.deadline import Deadline, working_until
from loaders.metrics import StoreMetrics
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.errors import FailureKind, StatementFailed, StoreError, StoreTimeout, StoreUnavailable
from loaders.stores.postgres import Postgres
from loaders.stores.store_guard import StoreGuard
from tests.lag import takes_less_than
from tests.loaders.stores.relay import Relay, relay
from tests.loaders.stores.waiting import BACK_WITHIN_S, until, when_back

FOUND_WITHIN_S = 7.0
"""How long the first statements may take when a store is away: a second of silence, two late probes, of which lag of this
process adds three at most, and a second. Otherwise they take 20, which a free connection is waited for."""
AT_ONCE_S = 0.1


class Client:
    """A client of either database by way of a relay, with one way to ask both."""

    def __init__(self, name: str, store: Postgres | ClickHouse, between: Relay) -> None:
        self.name = name
        self.store = store
        self.between = between

    async def ask(self, sql: str = "select 1 as n") -> object:
        if isinstance(self.store, Postgres):
            return await self.store.rows(sql)
        return await self.store.columns(sql, {})

    async def slow(self, seconds: float) -> object:
        sql = f"select pg_sleep({seconds})" if isinstance(self.store, Postgres) else _slow_clickhouse(seconds)
        return await self.ask(sql)


def _slow_clickhouse(seconds: float) -> str:
    """A statement of that many seconds, each of which may be slept for in a block of one row."""
    return f"select sleepEachRow(0.5) as n from numbers({round(seconds * 2)}) settings max_block_size = 1"


@asynccontextmanager
async def _client(name: str, urls: StoreUrls) -> AsyncIterator[Client]:
    limits: dict[str, Any] = {"acquire_timeout_s": 20, "statement_timeout_s": 60}
    store: Postgres | ClickHouse
    url = f"{urls.database_url}?sslmode=disable" if name == "postgresql" else urls.clickhouse_url
    async with relay(url) as between:
        if name == "postgresql":
            store = await Postgres.connect(between.url, min_size=1, max_size=3, **limits)
        else:
            store = await ClickHouse.connect(between.url, max_connections=3, only_reads=True, **limits)
        try:
            yield Client(name, store, between)
        finally:
            between.resume()
            await store.close()


@pytest.fixture(params=["postgresql", "clickhouse"])
async def client(request: pytest.FixtureRequest, store_urls: StoreUrls) -> AsyncIterator[Client]:
    async with _client(request.param, store_urls) as client:
        yield client


async def _fails(ask: Callable[[], Awaitable[object]]) -> StoreError:
    """Return the error that a statement ends with."""
    try:
        result = await ask()
    except StoreError as error:
        return error
    pytest.fail(f"A store that is away answers {result}.")


async def _check_that_it_is_left_alone(client: Client) -> None:
    """Check that a statement fails without waiting for the store."""
    async with takes_less_than(AT_ONCE_S):
        error = await _fails(client.ask)
    assert type(error) is StoreUnavailable


def _silence(between: Relay) -> None:
    between.silence()


def _drip(between: Relay) -> None:
    between.delay_s = lambda: 0.4
    between.piece_bytes = 1


def _garble(between: Relay) -> None:
    between.garbles = True


FAULTS: dict[str, Callable[[Relay], object]] = {"black hole": _silence, "slow drip": _drip, "garbage": _garble}


async def _mend(between: Relay) -> None:
    between.delay_s, between.piece_bytes, between.garbles = lambda: 0.0, 1 << 16, False
    between.resume()


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_store_that_does_not_answer_is_found_out_then_left_alone_and_used_again(
    client: Client, fault: str
) -> None:
    await asyncio.gather(*(client.slow(0.5) for _ in range(3)))  # opens all connections
    FAULTS[fault](client.between)
    await asyncio.gather(*(_asked_until_open(client) for _ in range(8)))
    for _ in range(20):
        await _check_that_it_is_left_alone(client)
    outage = client.store.outage
    assert outage is not None
    if fault == "black hole":
        assert outage.kind is FailureKind.SILENT
    await _mend(client.between)
    async with takes_less_than(BACK_WITHIN_S + 1):
        await when_back(client.ask)
        assert client.store.outage is None
        answers = await asyncio.gather(*(client.ask() for _ in range(20)), return_exceptions=True)
    assert [answer for answer in answers if isinstance(answer, BaseException)] == []


async def _asked_until_open(client: Client) -> None:
    """Ask until the store is taken to be away. What is damaged may answer once more before it is."""
    async with takes_less_than(FOUND_WITHIN_S), asyncio.timeout(60):
        while client.store.outage is None:
            with suppress(StoreError):
                await client.ask()


async def _until_open(client: Client) -> None:
    async def is_open() -> bool:
        return client.store.outage is not None

    async with takes_less_than(FOUND_WITHIN_S):
        await until(is_open)


async def test_a_store_that_refuses_is_found_out_at_once(client: Client) -> None:
    running = asyncio.create_task(_fails(lambda: client.slow(30)))
    await asyncio.sleep(0.2)
    await client.between.cut()
    assert type(await running) is StoreUnavailable
    await _until_open(client)
    await _check_that_it_is_left_alone(client)
    outage = client.store.outage
    assert outage is not None
    assert outage.kind is FailureKind.UNREACHABLE
    await client.between.listen()
    await when_back(client.ask)


async def test_slow_statements_alone_never_open_it(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    await asyncio.gather(*(client.slow(4) for _ in range(6)))  # more than there are connections
    assert client.store.outage is None
    assert caplog.records == []


async def test_errors_of_statements_never_open_it(client: Client) -> None:
    for _ in range(20):
        with pytest.raises(StatementFailed):
            await client.ask("select nothing from nowhere")
    await asyncio.sleep(0)
    assert client.store.outage is None


async def test_a_check_asks_a_store_that_was_not_asked_for_long(client: Client) -> None:
    await client.store.check()
    client.between.silence()
    await asyncio.sleep(1.1)
    for limit_s in (FOUND_WITHIN_S, AT_ONCE_S):
        async with takes_less_than(limit_s):
            with pytest.raises(StoreUnavailable):
                await client.store.check()


@pytest.mark.parametrize("name", ["postgresql", "clickhouse"])
async def test_a_store_that_is_away_at_the_start_is_used_when_it_comes(name: str, store_urls: StoreUrls) -> None:
    limits: dict[str, Any] = {"acquire_timeout_s": 20, "statement_timeout_s": 60, "must_answer": False}
    url = f"{store_urls.database_url}?sslmode=disable" if name == "postgresql" else store_urls.clickhouse_url
    async with relay(url) as between:
        await between.cut()
        store: Postgres | ClickHouse
        if name == "postgresql":
            store = await Postgres.connect(between.url, min_size=1, max_size=1, **limits)
        else:
            store = await ClickHouse.connect(between.url, max_connections=1, **limits)
        client = Client(name, store, between)
        await _check_that_it_is_left_alone(client)
        await between.listen()
        await when_back(client.ask)
        await store.close()


@pytest.fixture(scope="module")
def own_engines() -> Iterator[tuple[StoreUrls, EmbeddedEngines]]:
    """Engines that a test may stop."""
    with tempfile.TemporaryDirectory(prefix="fuseway-tests-") as folder:
        engines = EmbeddedEngines(Path(folder))
        urls = engines.start()
        try:
            yield urls, engines
        finally:
            engines.stop()


@pytest.mark.parametrize("name", ["postgresql", "clickhouse"])
async def test_a_store_whose_processes_are_stopped_is_found_out_and_used_again(
    name: str, own_engines: tuple[StoreUrls, EmbeddedEngines]
) -> None:
    urls, engines = own_engines
    async with _client(name, urls) as client:
        await asyncio.gather(*(client.slow(0.5) for _ in range(3)))
        with _stopped(engines, client.name):
            async with takes_less_than(FOUND_WITHIN_S):
                await asyncio.gather(*(_fails(client.ask) for _ in range(8)))
            await _until_open(client)
            await _check_that_it_is_left_alone(client)
        await when_back(client.ask)


@contextmanager
def _stopped(engines: EmbeddedEngines, name: str) -> Iterator[None]:
    """Stop the processes of an engine by SIGSTOP for the length of the block."""
    (engine,) = (each for each in engines._engines if each.name.lower() == name)
    main = psutil.Process(engine.process.pid)
    processes = [main, *main.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


class _Store:
    """A store that a test makes answer or not."""

    def __init__(self) -> None:
        self.answers: Callable[[], Awaitable[object]] = self._well
        self.probes: list[bool] = []
        self.drops = 0
        self.guard = StoreGuard(StoreMetrics("store", "test"), "The store", probe=self._probe, drop=self._drop)

    async def _well(self) -> None:
        pass

    async def _probe(self, was_away: bool) -> None:
        self.probes.append(was_away)
        await self.answers()

    def _drop(self) -> None:
        self.drops += 1


async def _busy() -> None:
    raise StoreUnavailable("store", "too many", FailureKind.BUSY)


async def test_a_busy_store_that_answers_others_is_not_away() -> None:
    store = _Store()
    store.answers = _busy
    async with store.guard.statement():
        pass
    with pytest.raises(StoreUnavailable):
        await _one(store.guard, StoreUnavailable("store", "too many", FailureKind.BUSY))
    await _until_probed(store)
    assert store.guard.outage is None
    await store.guard.close()


async def test_a_busy_store_that_answers_nobody_is_away() -> None:
    store = _Store()
    store.answers = _busy
    with pytest.raises(StoreUnavailable):
        await _one(store.guard, StoreUnavailable("store", "too many", FailureKind.BUSY))
    await _until_probed(store)
    assert store.guard.outage is not None
    assert (store.guard.outage.kind, store.drops) == (FailureKind.BUSY, 1)
    await store.guard.close()


@pytest.mark.slow
async def test_a_busy_store_that_executes_slow_statements_is_not_away() -> None:
    store = _Store()
    store.answers = _busy
    for _ in range(2):
        slow = asyncio.create_task(_one(store.guard, None, after_s=2.5))
        await asyncio.sleep(0.1)
        with pytest.raises(StoreUnavailable):
            await _one(store.guard, StoreUnavailable("store", "too many", FailureKind.BUSY))
        await slow
    assert store.guard.outage is None
    assert store.probes
    await store.guard.close()


async def test_a_busy_store_that_refuses_all_is_away_while_others_are_sent() -> None:
    store = _Store()
    store.answers = _busy

    async def refused() -> None:
        while store.guard.outage is None:
            with suppress(StoreUnavailable):
                await _one(store.guard, StoreUnavailable("store", "too many", FailureKind.BUSY), after_s=0.05)

    async with asyncio.timeout(10):
        await asyncio.gather(*(refused() for _ in range(4)))
    await store.guard.close()


async def test_a_probe_that_the_driver_gives_up_as_late_is_counted_like_any_other() -> None:
    store = _Store()

    async def late() -> None:
        raise StoreUnavailable("store", "not within 1 s", FailureKind.SILENT)

    store.answers = late
    with pytest.raises(StoreUnavailable) as raised:
        await store.guard.check()
    assert (raised.value.kind, store.probes) == (FailureKind.SILENT, [False, False])
    await store.guard.close()
    store = _Store()

    async def late_once() -> None:
        if len(store.probes) == 1:
            await late()

    store.answers = late_once
    await store.guard.check()
    assert (store.guard.outage, store.probes) == (None, [False, False])
    await store.guard.close()


async def test_a_cancellation_of_the_drivers_own_is_no_answer_and_not_the_callers() -> None:
    store = _Store()

    async def cancelled() -> None:
        raise asyncio.CancelledError

    store.answers = cancelled
    with pytest.raises(StoreUnavailable, match="cannot be understood: CancelledError"):
        await store.guard.check()
    assert store.guard.outage is not None
    await store.guard.close()


async def _never() -> None:
    await asyncio.sleep(60)


async def test_a_store_that_is_too_busy_for_a_probe_and_answers_others_is_not_away() -> None:
    store = _Store()
    store.answers = _never
    store.guard.suspect()
    slow = asyncio.create_task(_one(store.guard, None, after_s=0.5))
    await slow
    assert store.guard._check is not None
    await store.guard._check
    assert (store.guard.outage, store.probes) == (None, [False])
    await store.guard.close()


@pytest.mark.slow
async def test_a_store_is_away_after_two_late_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loaders.stores.store_guard._MAX_LAG_S", 30.0)  # a stall of this process would add a probe
    store = _Store()
    store.answers = _never
    with pytest.raises(StoreUnavailable):
        await _one(store.guard, None, after_s=30)
    assert store.guard.outage is not None
    assert (store.guard.outage.kind, store.probes) == (FailureKind.SILENT, [False, False])
    await store.guard.close()


async def test_statements_that_were_given_up_early_are_silence_too() -> None:
    store = _Store()
    for _ in range(5):
        with pytest.raises(StoreTimeout):
            await _one(store.guard, StoreTimeout("store", "late"), after_s=0.3)
    assert store.probes == [False]
    await store.guard.close()


async def test_statements_that_are_fast_are_never_probed() -> None:
    store = _Store()
    until = monotonic() + 1.5
    while monotonic() < until:
        async with store.guard.statement():
            await asyncio.sleep(0.01)
    assert store.probes == []
    await store.guard.close()


async def test_each_statement_is_counted_once_sent_or_not() -> None:
    store = _Store()
    metrics = StoreMetrics("store", "test")
    counters = [metrics.ok, metrics.refused, metrics.timeout, metrics.unavailable]
    before = [counter.value for counter in counters]
    await _one(store.guard, None)
    for error in (StatementFailed("store", "no"), StoreTimeout("store", "late"), TimeoutError()):
        with pytest.raises(type(error)):
            await _one(store.guard, error)
    with working_until(Deadline.after(-1)), pytest.raises(StoreTimeout, match="deadline passed"):
        await _one(store.guard, None)
    store.answers = _never
    store.guard.open(StoreUnavailable("store", "gone"))
    with pytest.raises(StoreUnavailable, match="The store is away"):
        await _one(store.guard, None)
    assert [counter.value - was for counter, was in zip(counters, before, strict=True)] == [1, 1, 3, 1]
    await store.guard.close()


async def _one(guard: StoreGuard, error: Exception | None, after_s: float = 0) -> None:
    async with guard.statement():
        await asyncio.sleep(after_s)
        if error is not None:
            raise error


async def _until_probed(store: _Store) -> None:
    async def is_probed() -> bool:
        return bool(store.probes)

    await until(is_probed)
    await asyncio.sleep(0)
