"""PostgreSQL's client against the real engine."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime

import pytest

from deploy.embedded.engines import StoreUrls
from loaders import concurrency
from loaders.concurrency import cancel_and_wait
from loaders.deadline import Deadline, working_until
from loaders.stores.errors import StatementFailed, StoreTimeout, StoreUnavailable
from loaders.stores.poolers import NO_POOLER, Mode, Pooler
from loaders.stores.postgres import Postgres
from loaders.stores.postgres_session import PostgresSession
from tests.lag import takes_less_than
from tests.loaders.stores.relay import postgres_messages, relay
from tests.loaders.stores.waiting import until, when_back


async def small_pool(url: str, *, acquire_timeout_s: float = 5, statement_timeout_s: float = 5) -> Postgres:
    return await Postgres.connect(
        url, min_size=1, max_size=1, acquire_timeout_s=acquire_timeout_s, statement_timeout_s=statement_timeout_s
    )


async def test_rows_have_python_values(postgres: Postgres) -> None:
    (row,) = await postgres.rows(
        "select $1::int as whole, $2::float8 as real, $3::text as text, $4::date as day, $5::timestamptz as at,"
        " null::text as nothing, array['a', null]::text[] as texts, true as yes",
        7,
        0.5,
        "N1",
        date(2013, 1, 1),
        datetime(2013, 1, 1, 5, tzinfo=UTC),
    )
    index = datetime(2013, 1, 1, 5, tzinfo=UTC)
    assert tuple(row) == (7, 0.5, "N1", date(2013, 1, 1), index, None, ["a", None], True)
    assert row["at"].tzinfo is UTC


async def test_rows_are_empty_where_there_is_none(postgres: Postgres) -> None:
    assert await postgres.rows("select 1 where false") == []


async def test_five_thousand_ids_are_one_argument(postgres: Postgres) -> None:
    ids = [f"N{number}" for number in range(5000)]
    rows = await postgres.rows("select id from unnest($1::text[]) with ordinality as a (id, n) order by n", ids)
    assert [row["id"] for row in rows] == ids


async def test_rows_are_one_round_trip_and_nothing_else(store_urls: StoreUrls) -> None:
    async with relay(f"{store_urls.database_url}?sslmode=disable") as between:
        postgres = await small_pool(between.url)
        await postgres.rows("select $1::int", 1)  # prepares the statement
        between.sent.clear()
        for number in range(3):
            await postgres.rows("select $1::int", number)
        messages = postgres_messages(bytes(between.sent))
        await postgres.close()
    assert messages == "BES" * 3


async def _until_active(postgres: Postgres, mark: str, count: int) -> None:
    """Return when the server executes as many statements with this mark."""
    active = "select 1 from pg_stat_activity where datname = current_database() and state = 'active' and query like $1"

    async def is_active() -> bool:
        return len(await postgres.rows(f"{active} and pid != pg_backend_pid()", f"%{mark}%")) == count

    await until(is_active)


async def test_statements_run_at_the_same_time(postgres: Postgres, store_urls: StoreUrls) -> None:
    client = await Postgres.connect(
        store_urls.database_url, min_size=1, max_size=4, acquire_timeout_s=60, statement_timeout_s=60
    )
    running = [asyncio.create_task(client.rows("select pg_sleep(60) /* beside others */")) for _ in range(4)]
    try:
        await _until_active(postgres, "beside others", 4)
    finally:
        await cancel_and_wait(running)
        await client.close()


async def test_execute_returns_the_tag(postgres: Postgres) -> None:
    assert await postgres.execute("select $1::int", 1) == "SELECT 1"


async def test_a_probe_whose_statement_is_lost_is_late_as_soon_as_any_other(store_urls: StoreUrls) -> None:
    async with relay(f"{store_urls.database_url}?sslmode=disable") as between:
        postgres = await small_pool(between.url)
        between.loses = b"select\0"
        postgres._guard.suspect()
        check = postgres._guard._check
        assert check is not None
        async with takes_less_than(6):  # probes of a second each, of which lag adds three at most, and not five of two
            await check
        assert postgres.outage is not None
        await postgres.close()


async def test_a_connection_that_is_not_made_ready_is_waited_for_until_the_deadline_alone(
    store_urls: StoreUrls,
) -> None:
    async with relay(f"{store_urls.database_url}?sslmode=disable") as between:
        postgres = await Postgres.connect(
            between.url, min_size=0, max_size=1, acquire_timeout_s=60, statement_timeout_s=60
        )
        between.loses = b"client_connection_check_interval"
        async with takes_less_than(2.5):
            with working_until(Deadline.after(0.5)), pytest.raises(StoreTimeout):
                async with asyncio.timeout(10):
                    await postgres.rows("select 1")
        between.loses = b""
        assert len(await postgres.rows("select 1")) == 1
        await postgres.close()


async def test_a_wrong_statement_is_refused(postgres: Postgres) -> None:
    with pytest.raises(StatementFailed, match='relation "nowhere" does not exist') as failure:
        await postgres.rows("select 1 from nowhere")
    assert failure.value.store == "postgresql"


async def test_arguments_that_do_not_fit_are_refused(postgres: Postgres) -> None:
    with pytest.raises(StatementFailed, match="expects 1 argument"):
        await postgres.rows("select $1::int")
    with pytest.raises(StatementFailed, match="invalid input"):
        await postgres.rows("select $1::int", "one")


async def _with_a_wrong_value(postgres: Postgres) -> None:
    with pytest.raises(StatementFailed, match="invalid input"):
        await postgres.rows("select $1::int", "one")


async def _without_a_value(postgres: Postgres) -> None:
    with pytest.raises(StatementFailed, match="expects 1 argument"):
        await postgres.typed_columns("select $1::int")


async def _explained_with_a_wrong_value(postgres: Postgres) -> None:
    with pytest.raises(StatementFailed, match="invalid input"):
        await postgres.explain("select $1::int", "one")


async def _described(postgres: Postgres) -> None:
    await postgres.describe("select 1")


@pytest.mark.parametrize("pooler", [NO_POOLER, Pooler.of(Mode.TRANSACTION)], ids=["no pooler", "in transactions"])
@pytest.mark.parametrize(
    "prepare",
    [_with_a_wrong_value, _without_a_value, _explained_with_a_wrong_value, _described],
    ids=lambda each: each.__name__,
)
async def test_what_was_prepared_and_not_run_is_ended(
    store_urls: StoreUrls, prepare: Callable[[Postgres], Awaitable[None]], pooler: Pooler
) -> None:
    """Otherwise its time-out would be the next statement's, and its locks be held until then."""
    postgres = await Postgres.connect(
        store_urls.database_url, min_size=1, max_size=1, acquire_timeout_s=5, statement_timeout_s=0.2, pooler=pooler
    )
    await prepare(postgres)
    await asyncio.sleep(0.4)
    assert len(await postgres.rows("select 1")) == 1
    await postgres.close()


async def test_a_long_statement_is_cancelled_by_the_server(store_urls: StoreUrls) -> None:
    postgres = await small_pool(store_urls.database_url, statement_timeout_s=0.2)
    with pytest.raises(StoreTimeout, match="statement timeout"):
        await postgres.rows("select pg_sleep(5)")
    assert tuple((await postgres.rows("select 1"))[0]) == (1,)
    await postgres.close()


async def test_a_server_that_falls_silent_is_a_timeout(store_urls: StoreUrls) -> None:
    async with relay(store_urls.database_url) as between:
        postgres = await small_pool(between.url, statement_timeout_s=0.2, acquire_timeout_s=0.5)
        between.silence()
        async with takes_less_than(3):
            with pytest.raises(StoreTimeout):
                await postgres.rows("select 1")
        between.resume()
        assert len(await when_back(lambda: postgres.rows("select 1"))) == 1
        await postgres.close()


@pytest.mark.parametrize("pooler", [NO_POOLER, Pooler.of(Mode.TRANSACTION)])
async def test_a_silent_server_takes_the_statements_time_and_a_second_and_no_more(
    store_urls: StoreUrls, pooler: Pooler
) -> None:
    """Nothing else is waited for: not a free connection's time-out again, nor that a cancelled statement ends."""
    async with relay(f"{store_urls.database_url}?sslmode=disable") as between:
        postgres = await Postgres.connect(
            between.url, min_size=1, max_size=1, acquire_timeout_s=60, statement_timeout_s=0.2, pooler=pooler
        )
        await postgres.rows("select 1")
        between.silence()
        async with asyncio.timeout(30):
            with pytest.raises(StoreTimeout):
                await postgres.rows("select 1")
        between.resume()
        assert len(await when_back(lambda: postgres.rows("select 1"))) == 1
        await postgres.close()


async def test_a_cancelled_statement_waits_seconds_for_a_silent_server(store_urls: StoreUrls) -> None:
    async with relay(f"{store_urls.database_url}?sslmode=disable") as between:
        postgres = await small_pool(between.url, acquire_timeout_s=60, statement_timeout_s=60)
        await postgres.rows("select 1")
        between.silence()
        running = asyncio.create_task(postgres.rows("select 1"))
        await asyncio.sleep(0.1)
        running.cancel()
        async with asyncio.timeout(30):
            with pytest.raises(asyncio.CancelledError):
                await running
        between.resume()
        assert len(await when_back(lambda: postgres.rows("select 1"))) == 1
        await postgres.close()


async def test_a_statement_that_is_cancelled_twice_leaves_no_failure_behind(
    store_urls: StoreUrls, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a time-out, and then by who stops."""
    monkeypatch.setattr("loaders.stores.postgres_pool.CANCEL_TIMEOUT_S", 0.3)
    async with relay(f"{store_urls.database_url}?sslmode=disable") as between:
        postgres = await small_pool(between.url, acquire_timeout_s=60, statement_timeout_s=60)
        await postgres.rows("select 1")
        between.silence()
        running = asyncio.create_task(postgres.rows("select 1"))
        for _ in range(2):
            await asyncio.sleep(0.1)
            running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await asyncio.sleep(1)  # what gives the connection back has given up
        between.resume()
        assert len(await when_back(lambda: postgres.rows("select 1"))) == 1
        await postgres.close()
    gc.collect()
    assert [record.message for record in caplog.records] == []


async def test_a_session_that_falls_silent_is_not_waited_for_twice(store_urls: StoreUrls) -> None:
    async with relay(f"{store_urls.database_url}?sslmode=disable") as between:
        postgres = await small_pool(between.url)

        async def ask() -> None:
            async with postgres.session(lost_after_s=0.2) as session:
                between.silence()
                await session.rows("select 1")

        async with asyncio.timeout(15):
            with pytest.raises(StoreTimeout):
                await ask()
        between.resume()
        await postgres.close()


async def test_waiting_for_a_connection_is_bounded(store_urls: StoreUrls) -> None:
    postgres = await small_pool(store_urls.database_url, acquire_timeout_s=0.1)
    busy = asyncio.create_task(postgres.rows("select pg_sleep(0.5)"))
    await asyncio.sleep(0.05)
    with pytest.raises(StoreTimeout, match=r"No connection to postgresql became free within 0\.1 s"):
        await postgres.rows("select 1")
    await busy
    await postgres.close()


async def test_a_cancelled_statement_ends_on_the_server(postgres: Postgres, store_urls: StoreUrls) -> None:
    client = await small_pool(store_urls.database_url)
    running = asyncio.create_task(client.rows("select pg_sleep(60) /* abandoned */"))
    await _until_active(postgres, "abandoned", 1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(await client.rows("select 1")) == 1
    await _until_active(postgres, "abandoned", 0)
    await client.close()


async def test_a_stopped_server_is_unavailable_and_its_return_is_noticed(store_urls: StoreUrls) -> None:
    async with relay(store_urls.database_url) as between:
        postgres = await small_pool(between.url)
        running = asyncio.create_task(postgres.rows("select pg_sleep(30)"))
        await asyncio.sleep(0.1)
        await between.cut()
        with pytest.raises(StoreUnavailable):
            await running
        with pytest.raises(StoreUnavailable):
            await postgres.rows("select 1")
        await between.listen()
        assert len(await when_back(lambda: postgres.rows("select 1"))) == 1
        await postgres.close()


async def test_a_connection_that_the_server_ended_is_replaced(postgres: Postgres, store_urls: StoreUrls) -> None:
    client = await small_pool(store_urls.database_url)
    ((pid,),) = await client.rows("select pg_backend_pid()")
    await postgres.rows("select pg_terminate_backend($1)", pid)
    await asyncio.sleep(0.1)
    ((new_pid,),) = await client.rows("select pg_backend_pid()")
    assert new_pid != pid
    await client.close()


async def test_a_closed_client_is_unavailable(store_urls: StoreUrls) -> None:
    postgres = await small_pool(store_urls.database_url)
    await postgres.close()
    with pytest.raises(StoreUnavailable):
        await postgres.rows("select 1")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://user:secret@127.0.0.1:1/fleet", r"PostgreSQL at 127\.0\.0\.1:1 cannot be reached"),
        ("postgresql://user:secret@127.0.0.1:x/fleet", "DATABASE_URL has a port that is not a number"),
        ("mysql://user:secret@127.0.0.1:1/fleet", "DATABASE_URL must look like postgresql://"),
        ("", "DATABASE_URL must look like postgresql://"),
    ],
)
async def test_connecting_fails_with_the_address_and_without_the_password(url: str, message: str) -> None:
    with pytest.raises(StoreUnavailable, match=message) as failure:
        await small_pool(url)
    assert "secret" not in str(failure.value)


async def insert_and_fail(session: PostgresSession) -> None:
    async with session.transaction():
        await session.execute("insert into kept (n) values ($1)", 3)
        await session.execute("select 1 / 0")


async def test_a_session_holds_a_transaction(postgres: Postgres) -> None:
    async with postgres.session() as session:
        await session.execute_script("create temporary table kept (n int); create temporary table other (n int);")
        async with session.transaction():
            await session.copy_records("kept", ["n"], [(1,), (2,)])
        with pytest.raises(StatementFailed):
            await insert_and_fail(session)
        rows = await session.rows("select n from kept order by n")
    assert [row["n"] for row in rows] == [1, 2]


async def test_a_session_translates_what_goes_wrong(postgres: Postgres) -> None:
    async with postgres.session() as session:
        with pytest.raises(StatementFailed, match="does not exist"):
            await session.copy_records("nowhere", ["n"], [(1,)])
        with pytest.raises(StatementFailed, match="division by zero"):
            async with session.transaction():
                await session.execute("select 1 / 0")
        await session.execute_script("create temporary table parent (n int primary key)")
        await session.execute_script(
            "create temporary table child (n int references parent deferrable initially deferred)"
        )
        with pytest.raises(StatementFailed, match="foreign key"):
            async with session.transaction():
                await session.execute("insert into child (n) values (1)")


async def test_a_session_outlasts_the_statement_timeout(store_urls: StoreUrls) -> None:
    postgres = await small_pool(store_urls.database_url, statement_timeout_s=0.1)
    async with postgres.session() as session:
        assert len(await session.rows("select pg_sleep(1.3)")) == 1
    await postgres.close()


async def test_ping_answers(postgres: Postgres) -> None:
    await postgres.ping()


async def test_closing_does_not_wait_for_good_for_a_statement(
    store_urls: StoreUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(concurrency, "_TIMEOUT_S", 0.5)
    postgres = await small_pool(store_urls.database_url, statement_timeout_s=60)
    running = asyncio.create_task(postgres.rows("select pg_sleep(60)"))
    await asyncio.sleep(0.1)
    async with asyncio.timeout(10):
        await postgres.close()
    with pytest.raises(StoreUnavailable):
        await running
