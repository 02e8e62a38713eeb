"""A client that hangs up ends what is done for it, down to the statements in both databases, but no mutation."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
import uvicorn

from deploy.embedded.engines import StoreUrls
from gateway.http.hang_up import HangUpMiddleware, ignore_hang_up
from gateway.http_connection import CONNECTION, ConnectionLimits
from gateway.http_protocol import ProtocolFactory
from loaders.cache.cache import Cache
from loaders.model.databases import Kind
from loaders.stores.postgres import Postgres
from tests.conftest import Stores
from tests.gateway.conftest import served
from tests.gateway.http.conftest import Gateway, NewGateway
from tests.gateway.raw import connected
from tests.queries import DASHBOARD

PATIENCE_S = 30.0
VARIABLES = {"ids": ["N14228", "N24211"]}
DEFERRED = (
    "query ($ids: [ID!]!)"
    " { aircraftByIds(ids: $ids) { tailNumber ... @defer { analysis { punctuality { flights } } } } }"
)
EXPORT = "/export/aircraft?ids=N14228"


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 (of what has no event)
            await asyncio.sleep(0.001)


class HangingStores:
    """Databases whose statements wait, and note that they began and that they were cancelled."""

    def __init__(self) -> None:
        self.begun = 0
        self.cancelled = 0

    async def rows(self, *_: Any) -> Any:
        self.begun += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    columns = typed_columns = rows


class Connection:
    """A connection that is of the test's own making."""

    def __init__(self) -> None:
        self.received_at: float | None = None
        self.on_hang_up: Callable[[], None] | None = None
        self.transport = SimpleNamespace(is_closing=lambda: False)


async def _through(app: Callable[..., Awaitable[None]], connection: Connection | None, receive: Any = None) -> None:
    scope = {"type": "http", CONNECTION: connection}
    await HangUpMiddleware(cast("Any", app))(scope, receive, cast("Any", None))


async def test_what_waits_is_cancelled_and_the_server_has_nothing_to_log() -> None:
    connection, ends = Connection(), list[str]()

    async def app(*_: Any) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    answering = asyncio.create_task(_through(app, connection))
    await _until(lambda: connection.on_hang_up)
    cast("Any", connection.on_hang_up)()
    await answering
    assert ends == ["cancelled"]
    assert (answering.cancelling(), connection.on_hang_up) == (0, None)


async def test_a_cancellation_by_anybody_else_goes_on() -> None:
    connection = Connection()

    async def app(*_: Any) -> None:
        await asyncio.Event().wait()

    answering = asyncio.create_task(_through(app, connection))
    await _until(lambda: connection.on_hang_up)
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering


async def test_what_has_begun_to_change_something_goes_on() -> None:
    connection, gate, ends = Connection(), asyncio.Event(), list[str]()

    async def app(scope: Any, *_: Any) -> None:
        ignore_hang_up(scope)
        await gate.wait()
        ends.append("done")

    answering = asyncio.create_task(_through(app, connection))
    await _until(lambda: connection.on_hang_up)
    cast("Any", connection.on_hang_up)()
    await asyncio.sleep(0)
    gate.set()
    await answering
    assert ends == ["done"]


async def test_nothing_is_begun_for_a_client_that_has_left_and_the_server_has_noticed() -> None:
    connection = Connection()
    connection.transport = SimpleNamespace(is_closing=lambda: True)
    messages = [{"type": "http.disconnect"}, {"type": "http.request", "body": b"", "more_body": False}]

    async def app(*_: Any) -> None:
        raise AssertionError

    async def receive() -> Any:
        return messages.pop()

    await _through(app, connection, receive)
    assert not messages


@contextlib.asynccontextmanager
async def _listening(item: Gateway) -> AsyncIterator[tuple[str, int]]:
    """Serve an application over the gateway's own protocol."""
    limits = ConnectionLimits(head_bytes=1 << 16, headers=100, head_timeout_s=60, body_timeout_s=60, connections=10)
    http = cast("Any", ProtocolFactory(limits))
    config = uvicorn.Config(item.app, log_config=None, http=http, ws="none", lifespan="off", port=0)
    server = uvicorn.Server(config)
    config.load()
    listening = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server._serve(sockets=[listening]))
    try:
        await _until(lambda: server.started)
        yield listening.getsockname()[:2]
    finally:
        server.should_exit = True
        await serving


def _request(path: str, query: str, **headers: str) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in {"Host": "x", **headers}.items()]
    if path.startswith("/export"):
        return "".join([f"GET {path} HTTP/1.1\r\n", *lines, "\r\n"]).encode()
    body = json.dumps({"query": query, "variables": VARIABLES})
    lines += ["Content-Type: application/json\r\n", f"Content-Length: {len(body)}\r\n"]
    return "".join([f"POST {path} HTTP/1.1\r\n", *lines, "\r\n", body]).encode()


REQUESTS = {
    "whole": _request("/graphql", DASHBOARD),
    "in parts": _request("/graphql", DEFERRED, Accept="multipart/mixed"),
    "export": _request(EXPORT, ""),
}


@pytest.mark.parametrize("cache", [False, True], ids=["without a cache", "cached"])
@pytest.mark.parametrize("kind", REQUESTS)
async def test_a_hang_up_reaches_every_statement(
    new_gateway: NewGateway, caplog: pytest.LogCaptureFixture, kind: str, cache: bool
) -> None:
    caplog.set_level(logging.WARNING)
    stores = HangingStores()
    async with new_gateway(cache=cache) as item:
        databases = cast("dict[Any, Any]", item.app.state.stores.databases)
        hanging = [each for each in databases if kind != "in parts" or each.kind is Kind.CLICKHOUSE]
        databases.update(dict.fromkeys(hanging, stores))
        async with _listening(item) as address:
            await asyncio.sleep(0.01)
            before = asyncio.all_tasks()
            reader, writer = await asyncio.open_connection(*address)
            writer.write(REQUESTS[kind])
            if kind == "in parts":
                await reader.readuntil(b"tailNumber")
            await _until(lambda: stores.begun)
            writer.close()
            await _until(lambda: stores.cancelled == stores.begun)
            await _until(lambda: all(task.done() for task in asyncio.all_tasks() - before - _background(item)))
        if cache:
            loaded: Cache = item.app.state.stores.cache
            assert not loaded._joinable
            assert not loaded._loader._in_flight
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


def _background(item: Gateway) -> set[asyncio.Task[Any]]:
    """Return the tasks that the cache has of its own."""
    cache: Cache | None = item.app.state.stores.cache
    return set() if cache is None else {task for task in asyncio.all_tasks() if "Follower" in repr(task.get_coro())}


WAITING = (
    "select count(*) from pg_stat_activity where datname = $1 and wait_event_type = 'Lock' and query like '%aircraft%'"
)


async def _waiting(postgres: Postgres, database: str) -> int:
    ((count,),) = await postgres.rows(WAITING, database)
    return int(count)


async def test_no_statement_runs_on_in_postgresql_after_a_hang_up(
    store_urls: StoreUrls, sample_stores: Stores, postgres: Postgres
) -> None:
    """Measured on an idle machine: some 10 ms from the hang-up to the last statement."""
    database = urlsplit(store_urls.database_url).path.removeprefix("/")
    postgres = sample_stores.postgres
    with served(store_urls, GATEWAY_CACHE="false", GATEWAY_STATEMENT_TIMEOUT_S="60") as url:
        async with postgres.session() as session:
            await session.execute("begin")
            await session.execute("lock table aircraft in access exclusive mode")
            with connected(url) as client:
                client.sendall(REQUESTS["whole"])
                async with asyncio.timeout(PATIENCE_S):
                    while not await _waiting(postgres, database):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
            left_at = time.monotonic()
            async with asyncio.timeout(PATIENCE_S):  # the deadline of the request would end it after 60
                while await _waiting(postgres, database):  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
            print(f"{(time.monotonic() - left_at) * 1000:.1f} ms")
            await session.execute("rollback")
