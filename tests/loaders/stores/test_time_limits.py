"""Deadlines of statements in both stores: what the server is told, and how statements end that are late or given up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from typing import Any

import pytest

from deploy.embedded.engines import StoreUrls
from loaders.deadline import Deadline, working_until
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.errors import StoreTimeout
from loaders.stores.poolers import Mode, Pooler
from loaders.stores.postgres import Postgres
from tests.lag import takes_less_than
from tests.loaders.stores.relay import postgres_messages, relay
from tests.loaders.stores.waiting import until
from tests.pgbouncer import pgbouncer

ENDED_WITHIN_S = 5.0
"""How long a statement may run on in the store after it was given up. It takes some hundredths of a second where it is
ended by a message, 20 s where only its connection is dropped, and a minute otherwise."""
Ask = Callable[[str], Awaitable[Any]]


@pytest.fixture(autouse=True)
def _late_drop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server confirm late that a statement was cancelled: what is ended by dropping its connection shows."""
    monkeypatch.setattr("loaders.stores.postgres_pool.CANCEL_TIMEOUT_S", 20.0)


@pytest.fixture
async def postgres_client(store_urls: StoreUrls) -> AsyncIterator[Postgres]:
    client = await Postgres.connect(
        store_urls.database_url, min_size=1, max_size=1, acquire_timeout_s=20, statement_timeout_s=60
    )
    yield client
    await client.close()


@pytest.fixture
async def clickhouse_client(store_urls: StoreUrls) -> AsyncIterator[ClickHouse]:
    client = await ClickHouse.connect(
        store_urls.clickhouse_url, max_connections=1, acquire_timeout_s=20, statement_timeout_s=60, only_reads=True
    )
    yield client
    await client.close()


class Database:
    """A client of one connection, a statement that runs for long, and what shows whether it runs."""

    def __init__(self, ask: Ask, slow: str, running: Callable[[], Awaitable[int]]) -> None:
        self.ask = ask
        self.slow = slow
        self.running = running

    async def until_running(self, statements: int) -> None:
        """Return when the store runs as many of the slow statement."""

        async def are_running() -> bool:
            return await self.running() == statements

        await until(are_running)


@pytest.fixture(params=["postgresql", "clickhouse"])
def database(
    request: pytest.FixtureRequest,
    postgres: Postgres,
    clickhouse: ClickHouse,
    postgres_client: Postgres,
    clickhouse_client: ClickHouse,
) -> Database:
    mark = f"mark_{request.node.name.encode().hex()[-40:]}"

    async def in_postgres() -> int:
        sql = "select from pg_stat_activity where state = 'active' and query like $1 and pid != pg_backend_pid()"
        return len(await postgres.rows(sql, f"%{mark}%"))

    async def in_clickhouse() -> int:
        sql = (
            "select count() as n from system.processes where query like {mark:String} and query not like '%processes%'"
        )
        return int((await clickhouse.columns(sql, {"mark": f"%{mark}%"})).columns[0][0])

    if request.param == "postgresql":
        return Database(postgres_client.rows, f"select pg_sleep(60) /* {mark} */", in_postgres)
    slow = f"select count() as {mark} from numbers(1000000000000) where not ignore(sipHash64(number))"
    return Database(lambda sql: clickhouse_client.columns(sql, {}), slow, in_clickhouse)


async def test_a_statement_that_is_given_up_ends_in_the_store_and_its_connection_is_free(database: Database) -> None:
    running = asyncio.create_task(_ended(database.ask(database.slow)))
    await database.until_running(1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    async with takes_less_than(ENDED_WITHIN_S):
        await database.until_running(0)
        await database.ask("select 1 as n")


async def test_a_statement_ends_in_the_store_at_the_deadline(database: Database) -> None:
    started = monotonic()
    async with takes_less_than(0.5 + ENDED_WITHIN_S):
        with working_until(Deadline.after(0.5)), pytest.raises(StoreTimeout):
            await database.ask(database.slow)
    assert monotonic() - started >= 0.5
    async with takes_less_than(ENDED_WITHIN_S):
        await database.until_running(0)
    await database.ask("select 1 as n")


async def test_a_statement_runs_on_for_as_long_as_its_deadline_is_moved_back(database: Database) -> None:
    deadline = Deadline.after(0.3, ceiling_s=30)
    with working_until(deadline):
        running = asyncio.create_task(_ended(database.ask(database.slow)))
    await database.until_running(1)
    deadline.extend(deadline.ends_at + 30)
    await asyncio.sleep(1)
    assert await database.running() == 1
    running.cancel()
    await database.until_running(0)


async def test_waiting_for_a_connection_ends_at_the_deadline(database: Database) -> None:
    running = asyncio.create_task(_ended(database.ask(database.slow)))
    await database.until_running(1)
    async with takes_less_than(5):  # 20 s are the client's own limit
        with working_until(Deadline.after(0.2)), pytest.raises(StoreTimeout, match=r"became free within 0\.[12]"):
            await database.ask("select 1 as n")
    running.cancel()
    await database.until_running(0)


async def _ended(statement: Awaitable[Any]) -> None:
    await statement


async def test_after_the_deadline_nothing_is_sent(store_urls: StoreUrls) -> None:
    async with relay(f"{store_urls.database_url}?sslmode=disable") as line, relay(store_urls.clickhouse_url) as other:
        postgres = await Postgres.connect(line.url, min_size=1, max_size=1, acquire_timeout_s=5, statement_timeout_s=5)
        clickhouse = await ClickHouse.connect(other.url, max_connections=1, acquire_timeout_s=5, statement_timeout_s=5)
        line.sent.clear()
        other.sent.clear()
        with working_until(Deadline.after(-1)):
            with pytest.raises(StoreTimeout, match="deadline passed"):
                await postgres.rows("select 1")
            with pytest.raises(StoreTimeout, match="deadline passed"):
                await clickhouse.columns("select 1 as n", {})
        await asyncio.gather(postgres.close(), clickhouse.close())
        assert b"select 1" not in bytes(line.sent) + bytes(other.sent)


async def test_clickhouse_is_told_what_the_ceiling_leaves(clickhouse_client: ClickHouse) -> None:
    told = "select getSetting('max_execution_time') as told"

    async def limit() -> float:
        return float((await clickhouse_client.columns(told, {})).columns[0][0])

    assert await limit() == 60
    with working_until(Deadline.after(4.5)):
        assert await limit() == 60, "a deadline that may be moved to any time"
    with working_until(Deadline.after(1, ceiling_s=4.5)):
        assert await limit() == 5
    with working_until(Deadline.after(0.5, ceiling_s=0.75)):
        assert 0.5 < await limit() <= 0.8


async def test_a_pooler_is_told_of_the_deadline_with_what_it_is_sent_anyway(store_urls: StoreUrls) -> None:
    shown = "select extract(epoch from current_setting('statement_timeout')::interval)"
    with pgbouncer(store_urls.database_url, "transaction", pool_size=1) as url:
        client = await Postgres.connect(
            url,
            min_size=1,
            max_size=1,
            acquire_timeout_s=20,
            statement_timeout_s=60,
            pooler=Pooler.of(Mode.TRANSACTION),
        )
        assert tuple((await client.rows(shown))[0]) == (60,)
        with working_until(Deadline.after(1, ceiling_s=5)):
            ((told,),) = await client.rows(shown)
        assert 4 < told <= 5
        await client.close()


async def test_a_deadline_costs_no_round_trip(store_urls: StoreUrls) -> None:
    async with relay(f"{store_urls.database_url}?sslmode=disable") as between:
        client = await Postgres.connect(between.url, min_size=1, max_size=1, acquire_timeout_s=5, statement_timeout_s=5)
        await client.rows("select $1::int", 1)  # prepares the statement
        between.sent.clear()
        with working_until(Deadline.after(1, ceiling_s=1)):
            await client.rows("select $1::int", 2)
        messages = postgres_messages(bytes(between.sent))
        await client.close()
    assert messages == "BES"


async def test_a_statement_ends_in_postgresql_when_the_gateway_is_gone(
    store_urls: StoreUrls, postgres: Postgres
) -> None:
    """As after kill -9: no cancellation is sent, the connection only breaks."""
    running = (
        "select from pg_stat_activity where state = 'active' and query like '%of_the_gone%' and pid != pg_backend_pid()"
    )
    async with relay(f"{store_urls.database_url}?sslmode=disable") as between:
        client = await Postgres.connect(
            between.url, min_size=1, max_size=1, acquire_timeout_s=5, statement_timeout_s=60
        )
        await client._guard.close()
        task = asyncio.create_task(client.rows("select pg_sleep(60) /* of_the_gone */"))

        async def is_running() -> bool:
            return len(await postgres.rows(running)) == 1

        async def has_ended() -> bool:
            return not await is_running()

        await until(is_running)
        await between.cut()
        await asyncio.wait([task])
        await until(has_ended)
        task.exception()
        await client.close()
