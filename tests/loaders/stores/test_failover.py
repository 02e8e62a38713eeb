"""Several hosts in one URL: which one is used, and when another one is taken."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from deploy.embedded import postgres as embedded
from deploy.embedded.directory import DataDirectory
from deploy.embedded.engines import StoreUrls
from deploy.embedded.process import Spawner, free_port
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.errors import StoreUnavailable
from loaders.stores.hosts import first_to_answer
from loaders.stores.postgres import Postgres
from tests.lag import takes_less_than
from tests.loaders.stores.relay import Relay, relay
from tests.loaders.stores.waiting import when_back

LIMITS: dict[str, Any] = {"acquire_timeout_s": 20, "statement_timeout_s": 60}
FOUND_WITHIN_S = 3.0
SILENCE_FOUND_WITHIN_S = 7.0
"""How long the next host may take where the first is silent: a second of silence, two late probes, of which lag of this
process adds three at most, and half a second until all hosts are tried."""


class Pair:
    """A client of two hosts, each of which is a relay before the same store."""

    def __init__(self, store: Postgres | ClickHouse, hosts: tuple[Relay, Relay]) -> None:
        self.store = store
        self.hosts = hosts

    async def ask(self) -> object:
        if isinstance(self.store, Postgres):
            return await self.store.rows("select 1 as n")
        return await self.store.columns("select 1 as n", {})

    async def slow(self) -> object:
        if isinstance(self.store, Postgres):
            return await self.store.rows("select pg_sleep(2)")
        return await self.store.columns("select sleep(2) as n", {})

    async def answering(self) -> Relay:
        """Return the host that a statement is sent to."""
        for host in self.hosts:
            host.sent.clear()
        await self.ask()
        first, second = self.hosts
        assert bool(first.sent) != bool(second.sent), "one host alone"
        return first if first.sent else second


def _of_two(url: str, ports: tuple[int, int]) -> str:
    login = urlsplit(url).netloc.rpartition("@")[0]
    return urlsplit(url)._replace(netloc=f"{login}@127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}").geturl()


async def _connect(name: str, url: str) -> Postgres | ClickHouse:
    if name == "postgresql":
        return await Postgres.connect(url, min_size=1, max_size=2, **LIMITS)
    return await ClickHouse.connect(url, max_connections=2, only_reads=True, **LIMITS)


@pytest.fixture(params=["postgresql", "clickhouse"])
async def pair(request: pytest.FixtureRequest, store_urls: StoreUrls) -> AsyncIterator[Pair]:
    url = f"{store_urls.database_url}?sslmode=disable" if request.param == "postgresql" else store_urls.clickhouse_url
    async with relay(url) as first, relay(url) as second:
        store = await _connect(request.param, _of_two(url, (first.port, second.port)))
        yield Pair(store, (first, second))
        first.resume()
        await store.close()


async def test_the_first_host_is_used_alone(pair: Pair) -> None:
    for _ in range(3):
        assert await pair.answering() is pair.hosts[0]


async def test_the_next_host_is_used_when_the_first_refuses_and_goes_on_being_used(pair: Pair) -> None:
    first, second = pair.hosts
    await pair.ask()
    await first.cut()
    async with takes_less_than(FOUND_WITHIN_S):
        await when_back(pair.ask, FOUND_WITHIN_S)
    assert await pair.answering() is second
    await first.listen()
    assert await pair.answering() is second
    pair.store._guard.suspect()
    await asyncio.sleep(1)
    assert await pair.answering() is second, "a suspicion that is none changes nothing"
    await second.cut()
    await when_back(pair.ask, FOUND_WITHIN_S)
    assert await pair.answering() is first


async def test_the_next_host_is_used_when_the_first_falls_silent(pair: Pair) -> None:
    first, second = pair.hosts
    await pair.ask()
    first.silence()
    running = [asyncio.create_task(pair.ask()) for _ in range(4)]
    async with takes_less_than(SILENCE_FOUND_WITHIN_S):
        answers = await asyncio.gather(*running, return_exceptions=True)
        await when_back(pair.ask, SILENCE_FOUND_WITHIN_S)
    assert {type(answer) for answer in answers} == {StoreUnavailable}
    assert await pair.answering() is second


async def test_a_host_that_is_slower_than_the_next_one_keeps_its_statements(pair: Pair) -> None:
    first, second = pair.hosts
    await pair.ask()
    first.delay_s = lambda: 0.06  # a new connection takes some round trips, and longer than the next host's head start
    running = asyncio.create_task(pair.slow())
    await asyncio.sleep(0.2)
    second.sent.clear()
    pair.store._guard.suspect()
    check = pair.store._guard._check
    assert check is not None
    await check
    await running
    assert (pair.store.outage, bytes(second.sent)) == (None, b"")
    assert await pair.answering() is first


@pytest.mark.parametrize("name", ["postgresql", "clickhouse"])
async def test_a_first_host_that_is_silent_at_the_start_costs_a_moment(name: str, store_urls: StoreUrls) -> None:
    url = f"{store_urls.database_url}?sslmode=disable" if name == "postgresql" else store_urls.clickhouse_url
    async with relay(url) as first, relay(url) as second:
        first.silence()
        async with takes_less_than(FOUND_WITHIN_S):
            store = await _connect(name, _of_two(url, (first.port, second.port)))
        pair = Pair(store, (first, second))
        assert await pair.answering() is second
        first.resume()
        await store.close()


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[str, str]]:
    """The URLs of a primary and of a real standby, of the same database."""
    spawner = Spawner()
    with tempfile.TemporaryDirectory(prefix="fuseway-tests-") as folder:
        data = DataDirectory(Path(folder))
        data.lock()
        engine, _ = embedded.start(data, spawner)
        engine.stop()
        standby = data.path / "standby"
        shutil.copytree(data.path / "postgres", standby)
        (standby / "standby.signal").touch()
        embedded._own(standby)
        primary, url = embedded.start(data, spawner)
        port = free_port()
        other = embedded._start(standby, data.log_file("standby"), port, spawner, embedded._as_nobody())
        try:
            yield url, _at(url, port)
        finally:
            other.stop()
            primary.stop()
            spawner.close()
            data.unlock()


def _at(url: str, port: int) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()


_ROLE = "select pg_is_in_recovery()"


@pytest.mark.parametrize(
    ("wanted", "is_standby"),
    [
        ("", False),
        ("primary", False),
        ("read-write", False),
        ("standby", True),
        ("prefer-standby", True),
        ("any", True),
    ],
)
async def test_the_host_has_the_role_that_the_url_asks_for(
    servers: tuple[str, str], wanted: str, is_standby: bool
) -> None:
    """The standby is named first: only who asks for no role takes the first that answers."""
    primary, standby = (urlsplit(url).port or 0 for url in servers)
    url = _of_two(servers[0], (standby, primary)) + (f"?target_session_attrs={wanted}" if wanted else "")
    client = await Postgres.connect(url, min_size=1, max_size=1, **LIMITS)
    assert [tuple(row) for row in await client.rows(_ROLE)] == [(is_standby,)]
    async with client.session() as session:
        assert [tuple(row) for row in await session.rows(_ROLE)] == [(is_standby,)]
    await client.close()


async def test_a_standby_is_not_read_in_place_of_a_primary_that_is_away(servers: tuple[str, str]) -> None:
    async with relay(servers[0]) as primary:
        ports = (primary.port, urlsplit(servers[1]).port or 0)
        client = await Postgres.connect(
            _of_two(f"{servers[0]}?sslmode=disable", ports), min_size=1, max_size=1, **LIMITS
        )
        await primary.cut()
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await client.rows(_ROLE)
        await primary.listen()
        rows = await when_back(lambda: client.rows(_ROLE))
        assert [tuple(row) for row in rows] == [(False,)]
        await client.close()


async def test_a_standby_that_is_silent_is_not_waited_for_where_it_is_only_preferred(servers: tuple[str, str]) -> None:
    async with relay(servers[1]) as standby:
        ports = (standby.port, urlsplit(servers[0]).port or 0)
        url = _of_two(f"{servers[0]}?sslmode=disable&target_session_attrs=prefer-standby", ports)
        client = await Postgres.connect(url, min_size=1, max_size=1, **LIMITS)
        assert [tuple(row) for row in await client.rows(_ROLE)] == [(True,)]
        standby.silence()
        rows = await when_back(lambda: client.rows(_ROLE), SILENCE_FOUND_WITHIN_S)
        assert [tuple(row) for row in rows] == [(False,)]
        standby.resume()
        await client.close()


async def test_an_attempt_that_loses_the_race_is_ended() -> None:
    discarded: list[str] = []
    late = asyncio.Event()

    async def slow() -> str:
        try:
            await late.wait()
        except asyncio.CancelledError:
            return "slow"  # it was just about to succeed
        return "never"

    async def quick() -> str:
        return "quick"

    assert await first_to_answer([slow, quick], discarded.append) == (1, "quick")
    await asyncio.sleep(0.01)
    assert discarded == ["slow"]


async def test_the_last_error_is_raised_where_no_host_answers() -> None:
    async def fails(text: str) -> str:
        raise OSError(text)

    with pytest.raises(OSError, match="second"):
        await first_to_answer([lambda: fails("first"), lambda: fails("second")], lambda _: None)
