"""PostgreSQL's client by way of a real PgBouncer, in each of its modes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from deploy.embedded.engines import StoreUrls
from loaders.stores.errors import StatementFailed, StoreTimeout, StoreUnavailable
from loaders.stores.poolers import NO_POOLER, Mode, Pooler
from loaders.stores.postgres import Postgres
from tests.loaders.stores.relay import postgres_messages, relay
from tests.loaders.stores.waiting import until
from tests.pgbouncer import knows_prepared_statements, pgbouncer

_MODES = [Mode.SESSION, Mode.TRANSACTION]


@asynccontextmanager
async def pool(url: str, pooler: Pooler, *, size: int = 2, statement_timeout_s: float = 20) -> AsyncIterator[Postgres]:
    client = await Postgres.connect(
        url,
        min_size=1,
        max_size=size,
        acquire_timeout_s=20,
        statement_timeout_s=statement_timeout_s,
        pooler=pooler,
    )
    try:
        yield client
    finally:
        await client.close()


@pytest.mark.parametrize("mode", _MODES)
async def test_statements_that_share_few_connections_get_their_own_answers(store_urls: StoreUrls, mode: Mode) -> None:
    """Two processes with 8 connections each, and statements of different columns, over 3 connections to the server."""
    pooler = Pooler.of(mode)
    size = 8 if mode is Mode.TRANSACTION else 1
    with pgbouncer(store_urls.database_url, mode.value, pool_size=3) as url:
        async with pool(url, pooler, size=size) as item, pool(url, pooler, size=size) as other:

            async def ask(number: int) -> tuple[int, ...]:
                columns = ", ".join(f"$1::int + {number % 7 + index} as c{index}" for index in range(number % 7 + 1))
                (row,) = await (item, other)[number % 2].rows(
                    f"select {columns} from (select pg_sleep(0.002)) as a", number
                )
                return tuple(row)

            answers = await asyncio.gather(*map(ask, range(500)))
    assert answers == [tuple(n + n % 7 + index for index in range(n % 7 + 1)) for n in range(500)]


async def test_a_statement_that_fails_leaves_no_transaction_and_no_complaint(
    store_urls: StoreUrls, caplog: pytest.LogCaptureFixture
) -> None:
    """The driver would end the transaction too, and report it to the event loop as a mistake."""
    with pgbouncer(store_urls.database_url, "transaction", pool_size=1) as url:
        async with pool(url, Pooler.of(Mode.TRANSACTION), size=1) as client:
            for _ in range(2):
                with pytest.raises(StatementFailed, match="division by zero"):
                    await client.rows("select 1 / 0")
            assert len(await client.rows("select 1")) == 1
    assert caplog.records == []


@pytest.mark.parametrize("mode", _MODES)
async def test_a_statement_may_take_as_long_as_it_is_set(store_urls: StoreUrls, mode: Mode) -> None:
    with pgbouncer(store_urls.database_url, mode.value, pool_size=1) as url:
        async with pool(url, Pooler.of(mode), statement_timeout_s=0.2, size=1) as client:
            with pytest.raises(StoreTimeout, match="statement timeout"):
                await client.rows("select pg_sleep(20)")
            assert tuple((await client.rows("select 1, current_setting('jit')"))[0]) == (1, "off")


async def test_nothing_is_left_on_a_connection_that_others_get(store_urls: StoreUrls) -> None:
    state = "select current_setting('statement_timeout'), count(*) from pg_prepared_statements"
    with pgbouncer(store_urls.database_url, "transaction", pool_size=1) as url:
        async with pool(url, Pooler.of(Mode.TRANSACTION)) as client:
            with pytest.raises(StatementFailed, match="division by zero"):
                await client.rows("select 1 / $1::int", 0)
            assert await client.execute("select $1::int", 1) == "SELECT 1"
        async with pool(url, Pooler.of(Mode.TRANSACTION)) as client, client.session() as another:
            assert tuple((await another.rows(state))[0]) == ("0", 0)


@pytest.mark.parametrize("mode", _MODES)
async def test_a_cancelled_statement_ends_on_the_server_and_its_connection_serves_on(
    store_urls: StoreUrls, postgres: Postgres, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only connection to the server serves the next statement, long before the first would have ended."""
    monkeypatch.setattr("loaders.stores.postgres_pool.CANCEL_TIMEOUT_S", 20)  # a busy machine is not a lost connection
    mark = f"abandoned by {mode.value}"
    running = "select from pg_stat_activity where state = 'active' and query like $1 and pid != pg_backend_pid()"

    async def is_running() -> bool:
        return len(await postgres.rows(running, f"%{mark}%")) == 1

    async def has_ended() -> bool:
        return not await is_running()

    with pgbouncer(store_urls.database_url, mode.value, pool_size=1) as url:
        async with pool(url, Pooler.of(mode), size=1) as client:
            ((pid,),) = await client.rows("select pg_backend_pid()")
            statement = asyncio.create_task(client.rows(f"select pg_sleep(60) /* {mark} */"))
            await until(is_running)
            statement.cancel()
            with pytest.raises(asyncio.CancelledError):
                await statement
            assert tuple((await client.rows("select pg_backend_pid()"))[0]) == (pid,)
            await until(has_ended)


async def test_a_transaction_is_three_round_trips_around_the_statement(store_urls: StoreUrls) -> None:
    with pgbouncer(store_urls.database_url, "transaction") as pooled:
        async with relay(pooled) as between, pool(between.url, Pooler.of(Mode.TRANSACTION)) as client:
            await client.rows("select $1::int", 1)
            between.sent.clear()
            await client.rows("select $1::int", 1)
            messages = postgres_messages(bytes(between.sent))
    assert messages == "Q" + "PDH" + "PBES" + "Q"


@pytest.mark.parametrize("ignored", ["", "statement_timeout, jit"])
@pytest.mark.parametrize("mode", _MODES)
async def test_a_pooler_that_nobody_has_told_of_ends_the_start_with_what_to_set(
    store_urls: StoreUrls, mode: Mode, ignored: str
) -> None:
    with (
        pgbouncer(store_urls.database_url, mode.value, ignore_startup_parameters=ignored) as url,
        pytest.raises(StoreUnavailable, match=r"pooler.* Set GATEWAY_POSTGRES_POOLER to"),
    ):
        async with pool(url, NO_POOLER):
            pass


async def test_prepared_statements_that_the_pooler_does_not_know_fail_with_what_to_set(store_urls: StoreUrls) -> None:
    """A newer PgBouncer knows them unless told not to; Debian's never does."""
    settings = {"max_prepared_statements": 0} if knows_prepared_statements() else {}
    with pgbouncer(store_urls.database_url, "transaction", pool_size=1, **settings) as url:
        async with pool(url, Pooler.of(Mode.TRANSACTION, 100), size=1) as client:
            await client.rows("select $1::int", 1)
            async with client.session() as another:
                await another.execute("deallocate all")
            with pytest.raises(
                StatementFailed, match=r"does not exist.* GATEWAY_POSTGRES_STATEMENT_CACHE must be 0"
            ) as it:
                await client.rows("select $1::int", 1)
    assert "asyncpg connection object" not in str(it.value)


async def test_prepared_statements_are_kept_by_a_pooler_that_knows_them(store_urls: StoreUrls) -> None:
    knows = knows_prepared_statements()
    settings = {"max_prepared_statements": 5} if knows else {}
    with pgbouncer(store_urls.database_url, "transaction", pool_size=3, **settings) as url:
        async with pool(url, Pooler.of(Mode.TRANSACTION, 100), size=8) as client:
            asked = (
                client.rows(f"select $1::int + {n % 7} as c from (select pg_sleep(0.002)) as a", n) for n in range(300)
            )
            answers = await asyncio.gather(*asked, return_exceptions=True)
    right = [not isinstance(rows, BaseException) and rows[0]["c"] == n + n % 7 for n, rows in enumerate(answers)]
    assert all(right) if knows else any(isinstance(answer, StatementFailed) for answer in answers)
    assert all(is_right or isinstance(answer, StatementFailed) for is_right, answer in zip(right, answers, strict=True))


async def test_two_processes_never_give_statements_the_same_name(store_urls: StoreUrls) -> None:
    """Else one that a pooler hands a connection of another's would be answered by the other's statement."""
    async with pool(store_urls.database_url, NO_POOLER, size=1) as client:
        names = [row[0] for row in await client.rows("select name from pg_prepared_statements")]
    assert len(names) == 1
    assert not names[0].endswith("__"), "more than the driver's count"
