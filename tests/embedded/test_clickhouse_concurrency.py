"""Queries side by side, and queries that are ended."""

from __future__ import annotations

import asyncio
import uuid

import httpx
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.embedded.conftest import Server

SLOW = "select sleepEachRow(0.1) from numbers(600) settings max_block_size = 1 /*{mark}*/"
"""Takes a minute, unless it is ended."""


async def running(client: AsyncClient, mark: str) -> int:
    sql = "select count() from system.processes where query like {like:String} and query not like '%processes%'"
    result = await client.query(sql, parameters={"like": f"%{mark}%"})
    return int(result.result_rows[0][0])


async def until_running(client: AsyncClient, mark: str, expected: int) -> None:
    """Return when as many queries with this mark run; a query that stays for half a minute fails the test."""
    async with asyncio.timeout(30):
        while await running(client, mark) != expected:  # each look is a query, so this does not spin
            pass


async def test_slow_queries_overlap_and_quick_query_passes_them(async_client: AsyncClient) -> None:
    mark = uuid.uuid4().hex
    slow = [asyncio.ensure_future(async_client.query(SLOW.format(mark=mark))) for _ in range(8)]
    await until_running(async_client, mark, 8)
    await async_client.query("select 1")
    assert not any(query.done() for query in slow)
    await async_client.command(f"kill query where query like '%{mark}%' and query not like 'kill%' sync")
    results = await asyncio.gather(*slow, return_exceptions=True)
    assert {type(result) for result in results} == {DatabaseError}


async def test_results_do_not_mix(async_client: AsyncClient) -> None:
    async def is_answered(number: int) -> bool:
        settings = {"max_block_size": 1000 + number % 3}
        sql = "select {n:UInt32}, getSetting('max_block_size')"
        result = await async_client.query(sql, parameters={"n": number}, settings=settings)
        return [tuple(row) for row in result.result_rows] == [(number, 1000 + number % 3)]

    assert all(await asyncio.gather(*(is_answered(number) for number in range(200))))


async def test_read_only_query_ends_when_its_client_leaves(server: Server, async_client: AsyncClient) -> None:
    mark = uuid.uuid4().hex
    params = {"query": SLOW.format(mark=mark), "cancel_http_readonly_queries_on_client_close": "1", "readonly": "2"}
    async with httpx.AsyncClient(base_url=server.base_url, auth=server.credentials) as leaving:
        request = asyncio.ensure_future(leaving.get("/", params=params, timeout=30))
        await until_running(async_client, mark, 1)
        request.cancel()
        await asyncio.wait((request,))
    await until_running(async_client, mark, 0)


async def test_query_is_killed_by_the_id_that_its_client_gave(server: Server, async_client: AsyncClient) -> None:
    mark, query_id = uuid.uuid4().hex, str(uuid.uuid4())
    async with httpx.AsyncClient(base_url=server.base_url, auth=server.credentials, timeout=30) as client:
        params = {"query_id": query_id}
        request = asyncio.ensure_future(client.post("/", params=params, content=SLOW.format(mark=mark)))
        await until_running(async_client, mark, 1)
        sql = "kill query where query_id = {id:String} sync"
        await client.post("/", params={"param_id": query_id}, content=sql)
        response = await request
    assert response.headers["X-ClickHouse-Exception-Code"] == "394"


async def test_session_is_locked_while_it_runs_a_query(server: Server, async_client: AsyncClient) -> None:
    mark, params = uuid.uuid4().hex, {"session_id": uuid.uuid4().hex}
    async with httpx.AsyncClient(
        base_url=server.base_url, auth=server.credentials, params=params, timeout=30
    ) as client:
        slow = asyncio.ensure_future(client.post("/", content=SLOW.format(mark=mark)))
        await until_running(async_client, mark, 1)
        second = await client.post("/", content="select 1")
        assert second.headers["X-ClickHouse-Exception-Code"] == "373"
        await async_client.command(f"kill query where query like '%{mark}%' and query not like 'kill%' sync")
        assert (await slow).headers["X-ClickHouse-Exception-Code"] == "394"
