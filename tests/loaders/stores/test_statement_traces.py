"""What databases are told of the trace of a statement, and what it must not cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from deploy.embedded.engines import StoreUrls
from loaders.statement_record import StatementRecord, recorded
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.errors import StatementFailed
from loaders.stores.poolers import Mode, Pooler
from loaders.stores.postgres import Postgres
from loaders.tracing import entered
from tests.loaders.recorded_span import RecordedSpan
from tests.loaders.stores.waiting import until
from tests.pgbouncer import pgbouncer

COMMENT = f"traceparent='00-{'a' * 32}-{'b' * 16}-01'"
PREPARED = "select count(*) as prepared from pg_prepared_statements"


@pytest.fixture
async def client(store_urls: StoreUrls) -> AsyncIterator[Postgres]:
    """A client of one connection, which keeps ten statements prepared."""
    client = await Postgres.connect(
        store_urls.database_url,
        min_size=1,
        max_size=1,
        acquire_timeout_s=20,
        statement_timeout_s=60,
        pooler=Pooler.of(Mode.NONE, 10),
    )
    yield client
    await client.close()


async def _traced(client: Postgres, sql: str, *arguments: object) -> list[tuple[object, ...]]:
    record = StatementRecord(("Aircraft.record",), "postgresql", 1)
    with entered(RecordedSpan("request")), recorded(record, ["aircraft"]):
        return [tuple(row) for row in await client.rows(sql, *arguments)]


async def test_postgresql_has_the_trace_of_a_statement_in_a_comment(client: Postgres, postgres: Postgres) -> None:
    assert await _traced(client, "select $1::int + 1", 1) == [(2,)]
    (pid,) = await client.rows("select pg_backend_pid() as pid")
    await _traced(client, "select 'traced' -- the end")
    (row,) = await postgres.rows("select query from pg_stat_activity where pid = $1", pid["pid"])
    assert row["query"] == f"select 'traced' -- the end\n/*{COMMENT}*/"
    await client.rows("select 1")
    (row,) = await postgres.rows("select query from pg_stat_activity where pid = $1", pid["pid"])
    assert row["query"] == "select 1"


async def test_traced_statements_do_not_take_the_place_of_prepared_ones(client: Postgres) -> None:
    kept = [f"select {number} as number" for number in range(5)]
    for sql in kept:
        await client.rows(sql)
    before = await client.rows(PREPARED)
    for number in range(40):
        await _traced(client, f"select {number} + 100 as number")
    assert await client.rows(PREPARED) == before
    assert before[0]["prepared"] >= len(kept)


async def test_a_traced_statement_whose_value_does_not_fit_is_ended(client: Postgres, postgres: Postgres) -> None:
    """It was prepared and not run: until the next message the server would hold it, with its locks."""
    (pid,) = await client.rows("select pg_backend_pid() as pid")
    with pytest.raises(StatementFailed):
        await _traced(client, "select $1::int from pg_class limit 1", "no number")

    async def is_idle() -> bool:
        (row,) = await postgres.rows("select state, query from pg_stat_activity where pid = $1", pid["pid"])
        return row["state"] == "idle" and "traceparent" not in row["query"]

    await until(is_idle)
    assert await _traced(client, "select 1") == [(1,)]


async def test_a_pooler_by_transactions_takes_traced_statements(store_urls: StoreUrls) -> None:
    with pgbouncer(store_urls.database_url, "transaction") as url:
        client = await Postgres.connect(
            url,
            min_size=1,
            max_size=2,
            acquire_timeout_s=20,
            statement_timeout_s=60,
            pooler=Pooler.of(Mode.TRANSACTION),
        )
        try:
            answers = await asyncio.gather(*(_traced(client, "select $1::int", number) for number in range(20)))
        finally:
            await client.close()
    assert answers == [[(number,)] for number in range(20)]


async def test_clickhouse_has_the_trace_of_a_statement_as_its_comment(
    store_urls: StoreUrls, clickhouse: ClickHouse
) -> None:
    client = await ClickHouse.connect(
        store_urls.clickhouse_url, max_connections=1, acquire_timeout_s=20, statement_timeout_s=60, only_reads=True
    )
    running = "select Settings['log_comment'] as comment from system.processes where query like {mark:String}"

    async def ask(request: RecordedSpan) -> None:
        with entered(request), recorded(StatementRecord(("Aircraft.log",), "clickhouse", 1), ["flights"]):
            await client.columns("select sleep(0.5), 'mark 7c1f' as mark", {})

    async def comments() -> list[str]:
        columns = await clickhouse.columns(running, {"mark": "%mark 7c1f%"})
        return [comment for comment in (columns.columns[0] if columns.columns else ()) if comment]

    async def is_told() -> bool:
        return await comments() == [COMMENT]

    request = RecordedSpan("request")
    task = asyncio.create_task(ask(request))
    try:
        await until(is_told)
        await task
        (statement,) = request.children
        assert statement.attributes["db.system.name"] == "clickhouse"
        assert statement.attributes["db.response.returned_rows"] == 1
        await client.columns("select 1 as number", {})
    finally:
        await asyncio.gather(task, return_exceptions=True)
        await client.close()
