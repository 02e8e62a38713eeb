"""What is under way when the gateway is told to stop ends within the set time, whatever hangs."""

import asyncio
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from typing import Any

import httpx
import pytest

from benchmarks.servers import until_asked
from deploy.embedded.engines import StoreUrls
from tests.conftest import Stores
from tests.gateway.raw import LIVE, TYPENAME, connected, one_answer, receive
from tests.gateway.test_shutdown import BEGUN, gateway, is_refused
from tests.loaders.stores.relay import relay

TIMEOUT_S = 8
SLACK_S = 6.0
"""What a machine that is busy with other things adds to the time to stop."""
SETTINGS: dict[str, Any] = {
    "GATEWAY_SHUTDOWN_TIMEOUT_S": str(TIMEOUT_S),
    "GATEWAY_REQUEST_TIMEOUT_S": "60",
    "GATEWAY_STATEMENT_TIMEOUT_S": "60",
    "GATEWAY_CACHE": "false",
}
QUERY = (
    "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { registration { model } analysis { punctuality { flights } } } }"
)
STOPPED = {"STORE_TIMEOUT", "STORE_UNAVAILABLE", "DEADLINE_EXCEEDED", "OVERLOADED", "UNAVAILABLE"}
"""Codes of what is not answered before the gateway stops."""
ONE_EACH = httpx.Limits(max_connections=None, max_keepalive_connections=0)
"""A connection for each request."""
READY = LIVE.replace(b"/livez", b"/readyz")


def _stops_in_time(process: "subprocess.Popen[bytes]") -> None:
    began = time.monotonic()
    process.wait(60)
    assert time.monotonic() - began < TIMEOUT_S + SLACK_S


@pytest.mark.parametrize("workers", [1, 2])
async def test_statements_that_outlast_it_are_answered_by_its_end(
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001 - loaded before it serves
    workers: int,
) -> None:
    async with relay(store_urls.database_url) as postgres, relay(store_urls.clickhouse_url) as clickhouse:
        urls = replace(store_urls, database_url=postgres.url, clickhouse_url=clickhouse.url)
        with ExitStack() as stack:
            started = gateway(urls, workers, **SETTINGS)
            process, url = await asyncio.to_thread(stack.enter_context, started)
            async with httpx.AsyncClient(timeout=60, limits=ONE_EACH) as client:
                body = {"query": QUERY, "variables": {"ids": ["N14228", "N725MQ"]}}
                assert "errors" not in (await client.post(f"{url}/graphql", json=body)).json()
                postgres.silence()
                clickhouse.silence()
                asked = [asyncio.create_task(client.post(f"{url}/graphql", json=body)) for _ in range(40)]
                await until_asked(url, asked)
                await asyncio.sleep(1)  # they are read, and their statements are sent
                process.terminate()
                began = time.monotonic()
                answers = await asyncio.gather(*asked)
                await asyncio.to_thread(process.wait, 60)
                took_s = time.monotonic() - began
            await asyncio.to_thread(stack.close)
    assert took_s < TIMEOUT_S + SLACK_S
    for answer in answers:
        codes = {error["extensions"]["code"] for error in answer.json()["errors"]}
        assert codes <= STOPPED
        assert answer.status_code in (200, 503, 504)
        assert answer.headers["connection"] == "close"


async def test_statements_that_wait_for_a_lock_and_an_export_are_answered_by_its_end(
    store_urls: StoreUrls, sample_stores: Stores
) -> None:
    """More requests than places, of a store that answers others."""
    body = {"query": QUERY, "variables": {"ids": ["N14228", "N725MQ"]}}
    settings = SETTINGS | {"GATEWAY_ACQUIRE_TIMEOUT_S": "60"}  # the export waits for a connection until the end
    with gateway(store_urls, 1, **settings) as (process, url):
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(httpx.AsyncClient(timeout=60, limits=ONE_EACH))
            export = await stack.enter_async_context(client.stream("GET", f"{url}/export/analysis"))
            lines = export.aiter_lines()
            assert "error" not in json.loads(await anext(lines))
            locking = await stack.enter_async_context(sample_stores.postgres.session())
            await locking.execute("begin")
            await locking.execute("lock table aircraft in access exclusive mode")
            asked = [asyncio.create_task(client.post(f"{url}/graphql", json=body)) for _ in range(100)]
            await until_asked(url, asked, others=1)
            process.terminate()
            began = time.monotonic()
            answers = await asyncio.gather(*asked)
            last = json.loads([line async for line in lines][-1])
            await asyncio.to_thread(process.wait, 60)
            took_s = time.monotonic() - began
    assert took_s < TIMEOUT_S + SLACK_S
    assert {answer.status_code for answer in answers} <= {200, 503, 504}
    for answer in answers:
        assert {error["extensions"]["code"] for error in answer.json()["errors"]} <= STOPPED
    assert last["extensions"]["code"] == "DEADLINE_EXCEEDED"
    assert last["error"] == "The export was not done before this gateway stopped: go on after the last line."
    assert last["after"]


@pytest.fixture
def stopping(store_urls: StoreUrls) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    with gateway(store_urls, 1, **SETTINGS) as started:
        yield started


def test_a_connection_that_waits_is_told_that_it_is_not_ready_and_closed(
    stopping: tuple["subprocess.Popen[bytes]", str],
) -> None:
    process, url = stopping
    with connected(url) as idle, connected(url) as asking, connected(url) as busy:
        for client in (idle, asking):
            client.sendall(LIVE)
            assert one_answer(client).status == 200
        busy.sendall(BEGUN)
        time.sleep(0.3)  # it is read
        process.terminate()
        status = 200
        while status == 200:  # until the signal has come
            asking.sendall(READY)
            answer = one_answer(asking)
            status = answer.status
        assert (answer.status, answer.headers["connection"]) == (503, "close")
        assert is_refused(url)
        assert b'"stopping":true' in answer.body
        assert receive(idle) == b""
        busy.sendall(TYPENAME[5:])
        assert one_answer(busy).status == 200
    _stops_in_time(process)


def test_a_body_that_does_not_come_is_refused(stopping: tuple["subprocess.Popen[bytes]", str]) -> None:
    process, url = stopping
    with connected(url) as client:
        client.sendall(BEGUN)
        time.sleep(0.3)  # it is read
        process.terminate()
        answer = one_answer(client)
        assert (answer.status, answer.error["code"], answer.headers["retry-after"]) == (503, "UNAVAILABLE", "1")
    _stops_in_time(process)


def test_a_client_that_reads_nothing_does_not_hold_it(
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001 - loaded before it serves
) -> None:
    with gateway(store_urls, 2, **SETTINGS) as (process, url), ExitStack() as stack:
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            parts = httpx.URL(url)
            client.connect((parts.host, parts.port))
            client.sendall(b"GET /export/analysis HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(100)
        process.terminate()
        _stops_in_time(process)
