"""Requests that fail are freed at once, as those that succeed: nothing of them waits for the garbage collector."""

from __future__ import annotations

import asyncio
import gc
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from types import CoroutineType, FrameType, SimpleNamespace, TracebackType
from typing import Any, cast

import pytest

from gateway.http_connection import CONNECTION
from loaders.stores.errors import StoreUnavailable
from tests.gateway.http.conftest import Gateway, NewGateway
from tests.gateway.http.test_hang_up import HangingStores
from tests.queries import DASHBOARD

IDS = ["N14228", "N24211"]
REQUESTS = 50
OURS = ("gateway", "resolvers", "loaders", "graphql", "strawberry", "starlette")
RUNNING = (CoroutineType, FrameType, TracebackType, BaseException, asyncio.Task)
"""Types of what runs, or has failed."""

Ask = Callable[[], Awaitable[object]]


class FailingStores:
    """Databases that fail, by an error that has a cause with frames of its own."""

    async def rows(self, *_: Any) -> Any:
        await asyncio.sleep(0)
        try:
            raise OSError("the connection is gone")
        except OSError as error:
            raise StoreUnavailable("postgresql", "away") from error

    columns = typed_columns = rows


async def _post(item: Gateway, body: object, *headers: tuple[bytes, bytes], connection: object = None) -> int:
    """Ask without a client, which would leave garbage of its own. Return the status, 0 without one."""
    data, statuses = json.dumps(body).encode(), list[int]()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "root_path": "",
        "server": ("gateway", 80),
        "client": ("192.0.2.1", 1),
        "state": {},
        CONNECTION: connection,
        "headers": [(b"host", b"gateway"), (b"content-type", b"application/json"), *headers],
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": data, "more_body": False}

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    await item.app(scope, receive, send)
    return statuses[0] if statuses else 0


def _replace_stores(item: Gateway, stores: Any) -> None:
    databases = cast("dict[Any, Any]", item.app.state.stores.databases)
    databases.update(dict.fromkeys(databases, stores))


def _asking(query: object, *headers: tuple[bytes, bytes], stores: Any = None, **variables: object) -> Any:
    def start(item: Gateway) -> Ask:
        if stores is not None:
            _replace_stores(item, stores)
        return lambda: _post(item, {"query": query, "variables": variables}, *headers)

    return start


def _hanging_up(item: Gateway) -> Ask:
    stores = HangingStores()
    _replace_stores(item, stores)

    async def hang_up() -> None:
        begun = stores.begun
        connection: Any = SimpleNamespace(
            received_at=asyncio.get_running_loop().time(),
            on_hang_up=None,
            stops_at=None,
            transport=SimpleNamespace(is_closing=lambda: False),
        )
        answering = asyncio.create_task(
            _post(item, {"query": DASHBOARD, "variables": {"ids": IDS}}, connection=connection)
        )
        async with asyncio.timeout(60):
            while stores.begun == begun:
                assert not answering.done()
                await asyncio.sleep(0.001)
        connection.on_hang_up()
        assert await answering == 0

    return hang_up


KINDS: dict[str, Callable[[Gateway], Ask]] = {
    "answered": _asking(DASHBOARD, ids=IDS),
    "store failed": _asking(DASHBOARD, stores=FailingStores(), ids=IDS),
    "late": _asking(DASHBOARD, (b"prefer", b"wait=0.03"), stores=HangingStores(), ids=IDS),
    "hung up": _hanging_up,
    "over a limit": _asking(DASHBOARD, ids=[f"N{number}" for number in range(501)]),
    "invalid": _asking("{ nothing }"),
    "unreadable": _asking("{ nothing "),
    "bad variable": _asking(DASHBOARD, ids=5),
    "no request": _asking(5),
}


def _left(garbage: Iterable[object]) -> Counter[str]:
    """Count what is ours, and what runs or has failed."""
    types = [type(each) for each in garbage if isinstance(each, RUNNING) or type(each).__module__.startswith(OURS)]
    return Counter(f"{each.__module__}.{each.__qualname__}" for each in types)


@pytest.mark.parametrize("cache", [False, True], ids=["without a cache", "cached"])
@pytest.mark.parametrize("kind", KINDS)
async def test_no_request_waits_for_the_garbage_collector(new_gateway: NewGateway, kind: str, cache: bool) -> None:
    async with new_gateway(cache=cache) as item:
        ask = KINDS[kind](item)
        for _ in range(3):  # what is remembered of the operation
            await ask()
        await asyncio.sleep(0.1)
        gc.collect()
        gc.disable()
        try:
            for _ in range(REQUESTS):
                await ask()
            await asyncio.sleep(0.1)
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            left = _left(gc.garbage)
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
    # A driver may leave something once, such as when it connects, but not each request.
    assert {name: count for name, count in left.items() if count >= REQUESTS} == {}
