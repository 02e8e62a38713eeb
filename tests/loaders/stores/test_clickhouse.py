"""ClickHouse's client against the real engine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from clickhouse_connect.driver import binding

from deploy.embedded.engines import StoreUrls
from loaders.concurrency import cancel_and_wait
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.errors import StatementFailed, StoreTimeout, StoreUnavailable
from loaders.stores.protocols import Columns
from tests.lag import takes_less_than
from tests.loaders.stores.relay import relay
from tests.loaders.stores.waiting import until, when_back


async def small_client(
    url: str, *, max_connections: int = 2, acquire_timeout_s: float = 5, statement_timeout_s: float = 5
) -> ClickHouse:
    return await ClickHouse.connect(
        url,
        max_connections=max_connections,
        acquire_timeout_s=acquire_timeout_s,
        statement_timeout_s=statement_timeout_s,
    )


@pytest.fixture
async def table(clickhouse: ClickHouse) -> AsyncIterator[str]:
    """A table with a key, a nullable time and a day, dropped at the end."""
    name = f"test_{uuid4().hex[:12]}"
    await clickhouse.command(
        f"create table {name} (id String, at Nullable(DateTime('UTC')), day Date) engine = MergeTree order by id"
    )
    yield name
    await clickhouse.command(f"drop table {name} sync")


async def test_columns_have_python_values(clickhouse: ClickHouse) -> None:
    answer = await clickhouse.columns(
        """
        select
            number as whole,
            -toInt16(number) / 2 as real,
            toLowCardinality('N1') as text,
            toDate('2013-01-01') as day,
            toDateTime('2013-01-01 05:00:00', 'UTC') as at,
            cast(null as Nullable(Int16)) as nothing,
            [(1, 'a'), (2, 'b')] as pairs,
            tuple(1, 2.5) as pair,
            true as yes
        from numbers(2)
        order by number
        """,
        {},
    )
    assert answer.names == ("whole", "real", "text", "day", "at", "nothing", "pairs", "pair", "yes")
    assert [list(column) for column in answer.columns] == [
        [0, 1],
        [0.0, -0.5],
        ["N1", "N1"],
        [date(2013, 1, 1)] * 2,
        [datetime(2013, 1, 1, 5, tzinfo=UTC)] * 2,
        [None, None],
        [[(1, "a"), (2, "b")]] * 2,
        [(1, 2.5)] * 2,
        [True, True],
    ]


class CountedClickHouse(ClickHouse):
    """ClickHouse, with its statements counted."""

    sent = 0

    @asynccontextmanager
    async def _turn(self, timeout_s: float | None) -> AsyncIterator[None]:
        self.sent += 1
        async with super()._turn(timeout_s):
            yield


async def test_types_are_those_of_the_answer_and_without_a_row_those_of_its_description(store_urls: StoreUrls) -> None:
    columns = (
        "toNullable(number) as n, toLowCardinality(toString(number)) as text, generateUUIDv4() as id,"
        " [toDateTime64('2013-01-01', 3, 'UTC')] as times, toDecimal128(1, 4) as price, tuple(1, 'a') as pair"
    )
    client = await CountedClickHouse.connect(
        store_urls.clickhouse_url, max_connections=1, acquire_timeout_s=5, statement_timeout_s=5
    )
    assert isinstance(client, CountedClickHouse)
    some = await client.typed_columns(f"select {columns} from numbers(2)", {})
    assert client.sent == 1
    none = await client.typed_columns(f"select {columns} from numbers(0)", {})
    await client.close()
    assert (some.names, some.types) == (none.names, none.types)
    assert [len(column) for column in (*some.columns, *none.columns)] == [2] * 6 + [0] * 6


async def test_there_are_no_columns_where_there_is_no_row(clickhouse: ClickHouse) -> None:
    assert await clickhouse.columns("select 1 as a, 'b' as b where false", {}) == Columns((), ())


async def test_columns_of_many_blocks_are_whole(clickhouse: ClickHouse) -> None:
    answer = await clickhouse.columns("select number as n from numbers({n:UInt32}) order by n", {"n": 200_000})
    assert list(answer.columns[0]) == list(range(200_000))


async def test_parameters_are_bound(clickhouse: ClickHouse) -> None:
    parameters: dict[str, object] = {
        "text": "it's a \\ 'quote'\t\n{x:String} é",
        "ids": ["a'b", "c\\d", ""],
        "day": date(2013, 1, 1),
        "nothing": None,
        "number": -7,
    }
    answer = await clickhouse.columns(
        "select {text:String} as a, {ids:Array(String)} as b, {day:Date} as c, {nothing:Nullable(Date)} as d,"
        " {number:Int32} as e",
        parameters,
    )
    assert [column[0] for column in answer.columns] == list(parameters.values())


async def test_five_thousand_ids_are_one_parameter(clickhouse: ClickHouse) -> None:
    ids = [f"N{number}" for number in range(5000)]
    answer = await clickhouse.columns("select arrayJoin({ids:Array(String)}) as id", {"ids": ids})
    assert list(answer.columns[0]) == ids


async def test_a_statement_is_one_request(store_urls: StoreUrls) -> None:
    async with relay(store_urls.clickhouse_url) as between:
        clickhouse = await small_client(between.url)
        between.sent.clear()
        for number in range(3):
            await clickhouse.columns("select {n:Int32} as n", {"n": number})
        requests = bytes(between.sent).count(b" HTTP/1.1\r\n")
        await clickhouse.close()
    assert requests == 3


async def test_inserted_rows_come_back(clickhouse: ClickHouse, table: str) -> None:
    index, day = datetime(2013, 7, 1, 12, 30, tzinfo=UTC), date(2013, 7, 1)
    await clickhouse.insert(table, ["id", "at", "day"], [["a", "b"], [index, None], [day, day]])
    await clickhouse.insert(table, ["id", "at", "day"], [["c", "d"], [None, int(index.timestamp())], [15887, 15887]])
    answer = await clickhouse.columns(f"select id, at, day from {table} order by id", {})
    assert [list(column) for column in answer.columns] == [["a", "b", "c", "d"], [index, None, None, index], [day] * 4]


async def test_a_command_may_take_parameters(clickhouse: ClickHouse, table: str) -> None:
    await clickhouse.command(f"insert into {table} (id) select {{id:String}}", {"id": "a'b"})
    assert list((await clickhouse.columns(f"select id from {table}", {})).columns[0]) == ["a'b"]


async def test_statements_run_at_the_same_time(clickhouse: ClickHouse, store_urls: StoreUrls) -> None:
    mark = f"beside_{uuid4().hex}"
    slow = f"select sleepEachRow(0.1) as {mark} from numbers(600) settings max_block_size = 1"
    count = "select count() as n from system.processes where query like {mark:String} and query not like '%processes%'"

    async def are_running() -> bool:
        return int((await clickhouse.columns(count, {"mark": f"%{mark}%"})).columns[0][0]) == 3

    client = await ClickHouse.connect(
        store_urls.clickhouse_url, max_connections=3, acquire_timeout_s=60, statement_timeout_s=60, only_reads=True
    )
    running = [asyncio.create_task(client.columns(slow, {})) for _ in range(3)]
    try:
        await until(are_running)
    finally:
        await cancel_and_wait(running)
        await client.close()


async def test_many_tasks_share_few_connections(store_urls: StoreUrls) -> None:
    clickhouse = await small_client(store_urls.clickhouse_url, max_connections=2)
    answers = await asyncio.gather(*(clickhouse.columns("select {n:Int32} as n", {"n": n}) for n in range(50)))
    assert [answer.columns[0][0] for answer in answers] == list(range(50))
    await clickhouse.close()


async def test_a_wrong_statement_is_refused(clickhouse: ClickHouse) -> None:
    with pytest.raises(StatementFailed, match="nowhere") as failure:
        await clickhouse.columns("select id from nowhere where id = {id:String}", {"id": "N1"})
    assert failure.value.store == "clickhouse"


async def test_an_error_in_the_middle_of_the_answer_is_refused(clickhouse: ClickHouse) -> None:
    with pytest.raises(StatementFailed):
        await clickhouse.columns("select throwIf(number = 3000000, 'stop') as n from numbers(4000000)", {})


async def test_an_unknown_column_of_an_insert_is_refused(clickhouse: ClickHouse, table: str) -> None:
    with pytest.raises(StatementFailed, match="nothing"):
        await clickhouse.insert(table, ["nothing"], [["a"]])


async def test_a_long_statement_is_a_timeout(store_urls: StoreUrls) -> None:
    clickhouse = await small_client(store_urls.clickhouse_url, statement_timeout_s=0.3)
    slow = "select count() from numbers(1000000000000) where not ignore(sipHash64(number))"
    async with takes_less_than(3):
        with pytest.raises(StoreTimeout):
            await clickhouse.columns(slow, {})
    assert len((await clickhouse.columns("select 1", {})).columns[0]) == 1
    await clickhouse.close()


async def test_a_server_that_falls_silent_is_a_timeout(store_urls: StoreUrls) -> None:
    async with relay(store_urls.clickhouse_url) as between:
        clickhouse = await small_client(between.url, statement_timeout_s=0.2)
        between.silence()
        async with takes_less_than(3):
            with pytest.raises(StoreTimeout):
                await clickhouse.columns("select 1", {})
        between.resume()
        assert len((await when_back(lambda: clickhouse.columns("select 1", {}))).columns[0]) == 1
        await clickhouse.close()


async def test_waiting_for_a_connection_is_bounded(store_urls: StoreUrls) -> None:
    clickhouse = await small_client(store_urls.clickhouse_url, max_connections=1, acquire_timeout_s=0.1)
    busy = asyncio.create_task(clickhouse.columns("select sleep(0.5)", {}))
    await asyncio.sleep(0.05)
    with pytest.raises(StoreTimeout, match=r"No connection to clickhouse became free within 0\.1 s"):
        await clickhouse.columns("select 1", {})
    await busy
    await clickhouse.close()


async def test_a_stopped_server_is_unavailable_and_its_return_is_noticed(store_urls: StoreUrls) -> None:
    async with relay(store_urls.clickhouse_url) as between:
        clickhouse = await small_client(between.url)
        running = asyncio.create_task(clickhouse.columns("select sleep(3)", {}))
        await asyncio.sleep(0.2)
        await between.cut()
        with pytest.raises(StoreUnavailable):
            await running
        with pytest.raises(StoreUnavailable):
            await clickhouse.columns("select 1", {})
        await between.listen()
        assert len((await when_back(lambda: clickhouse.columns("select 1", {}))).columns[0]) == 1
        await clickhouse.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://user:secret@127.0.0.1:1/fleet", r"ClickHouse at 127\.0\.0\.1:1 cannot be reached"),
        ("http://user:secret@127.0.0.1:x/fleet", "CLICKHOUSE_URL has a port that is not a number"),
        ("", "CLICKHOUSE_URL must look like http://"),
    ],
)
async def test_connecting_fails_with_the_address_and_without_the_password(url: str, message: str) -> None:
    with pytest.raises(StoreUnavailable, match=message) as failure:
        await small_client(url)
    assert "secret" not in str(failure.value)


async def test_ping_answers(clickhouse: ClickHouse) -> None:
    await clickhouse.ping()


_HOSTILE = ["it's", "\\", "tab\t", "line\n", "\\'", "é", '"', "`", "{ids:Array(String)}", "%s", "', 'two", "x" * 5_000]


@pytest.mark.parametrize("text", _HOSTILE)
async def test_any_text_among_many_comes_back_as_it_is(clickhouse: ClickHouse, text: str) -> None:
    asked = ["N14228", text, "N725MQ"]
    result = await clickhouse.columns("select arrayJoin({ids:Array(String)}) as id", {"ids": asked})
    assert list(result.columns[0]) == asked


async def test_texts_without_anything_to_escape_are_not_looked_at_one_by_one(
    clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    formatted: list[object] = []

    def noted(value: object, *_: object) -> str:
        formatted.append(value)
        return str(value)

    monkeypatch.setattr(binding, "format_bind_value", noted)
    result = await clickhouse.columns(
        "select length({ids:Array(String)}) as n", {"ids": [f"N{index}" for index in range(500)]}
    )
    assert result.columns[0][0] == 500
    assert len(formatted) == 1


async def test_a_connection_that_breaks_in_the_middle_of_an_answer_is_an_error_and_no_traceback(
    store_urls: StoreUrls, caplog: pytest.LogCaptureFixture
) -> None:
    async with relay(store_urls.clickhouse_url) as between:
        clickhouse = await small_client(between.url, statement_timeout_s=60)
        between.delay_s = lambda: 0.05  # a piece at a time
        running = asyncio.create_task(clickhouse.columns("select number as n from numbers(2000000)", {}))
        await asyncio.sleep(1)
        await between.cut()
        with pytest.raises(StoreUnavailable):
            await running
        await clickhouse.close()
    assert [record.name for record in caplog.records if record.name != "gateway"] == []
