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
from tests.fleet.served import SCHEMA
from tests.gateway.http.conftest import Gateway, NewGateway
from tests.gateway.http.test_hang_up import HangingStores
from tests.queries import DASHBOARD, everything

IDS = ["N14228", "N24211"]
PAGE = "{ fleet(first: 2) { nodes { id } } }"
"""A field that cannot be null: its error goes up through the frames of whoever asked for it."""
PARTS = "query ($ids: [ID!]!) { aircraftByIds(ids: $ids) { id ... @defer { analysis { punctuality { flights } } } } }"
MULTIPART = (b"accept", b"multipart/mixed")
REQUESTS = 20
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
    status, _ = await _answered(item, "POST", "/graphql", json.dumps(body).encode(), *headers, connection=connection)
    return status


def _connection() -> Any:
    return SimpleNamespace(
        received_at=asyncio.get_running_loop().time(),
        on_hang_up=None,
        stops_at=None,
        transport=SimpleNamespace(is_closing=lambda: False),
    )


def _scope(
    method: str, path: str, query: bytes, connection: Any, headers: Iterable[tuple[bytes, bytes]]
) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "server": ("gateway", 80),
        "client": ("192.0.2.1", 1),
        "state": {},
        CONNECTION: connection,
        "headers": [(b"host", b"gateway"), (b"content-type", b"application/json"), *headers],
    }


async def _answered(
    item: Gateway,
    method: str,
    path: str,
    body: bytes = b"",
    *headers: tuple[bytes, bytes],
    query: bytes = b"",
    connection: Any = None,
    leaves: bool = False,
) -> tuple[int, bytes]:
    """Return the status, 0 without one, and what has come of the body when the client leaves, if it does."""
    statuses, parts = list[int](), list[bytes]()
    requests = iter([{"type": "http.request", "body": body, "more_body": False}])
    has_left = asyncio.Event()
    scope = _scope(method, path, query, connection, headers)

    async def receive() -> Any:
        request = next(requests, None)
        if request is None:
            await has_left.wait()
        return request or {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if "status" in message else [])
        parts.append(message.get("body", b""))
        if leaves and parts[-1]:
            has_left.set()
            connection.on_hang_up()
            await asyncio.sleep(0)

    await item.app(scope, receive, send)
    return statuses[0] if statuses else 0, b"".join(parts)


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
        connection = _connection()
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


def _exporting(*expected: bytes, stores: Any = None, ids: str = "", leaves: bool = False) -> Any:
    def start(item: Gateway) -> Ask:
        if stores is not None:
            _replace_stores(item, stores)
        query = f"ids={ids}".encode() if ids else b""

        async def export() -> None:
            status, body = await _answered(
                item, "GET", "/export/aircraft", query=query, connection=_connection(), leaves=leaves
            )
            assert status == 200
            assert all(part in body for part in expected), body[:500]

        return export

    return start


KINDS: dict[str, Callable[[Gateway], Ask]] = {
    "answered": _asking(DASHBOARD, ids=IDS),
    "store failed": _asking(DASHBOARD, stores=FailingStores(), ids=IDS),
    "root failed": _asking(PAGE, stores=FailingStores()),
    "everything failed": _asking(everything(SCHEMA._schema), stores=FailingStores(), ids=IDS),
    "parts": _asking(PARTS, MULTIPART, ids=IDS),
    "parts failed": _asking(PARTS, MULTIPART, stores=FailingStores(), ids=IDS),
    "late": _asking(DASHBOARD, (b"prefer", b"wait=0.03"), stores=HangingStores(), ids=IDS),
    "hung up": _hanging_up,
    "over a limit": _asking(DASHBOARD, ids=[f"N{number}" for number in range(501)]),
    "invalid": _asking("{ nothing }"),
    "unreadable": _asking("{ nothing "),
    "bad variable": _asking(DASHBOARD, ids=5),
    "no request": _asking(5),
    "exported": _exporting(b'"N14228"', ids=",".join(IDS)),
    "export left": _exporting(leaves=True, ids=",".join(IDS)),
    "export failed": _exporting(b'"error"', stores=FailingStores(), ids=",".join(IDS)),
    "page of an export failed": _exporting(b'"error"', stores=FailingStores()),
}


def _left(garbage: Iterable[object]) -> Counter[str]:
    """Count what is ours, and what runs or has failed."""
    types = [each for each in map(type, garbage) if issubclass(each, RUNNING) or each.__module__.startswith(OURS)]
    return Counter(f"{each.__module__}.{each.__qualname__}" for each in types)


CACHED_ONLY = ("exported", "export left")
"""Kinds that load all there is of an object each time, unless it is cached."""
CASES = [(kind, cache) for kind in KINDS for cache in (False, True) if cache or kind not in CACHED_ONLY]


@pytest.mark.parametrize(
    ("kind", "cache"), CASES, ids=[f"{kind}-{'cached' if cache else 'without a cache'}" for kind, cache in CASES]
)
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
