"""The deadline of a request: what sets it, what it ends, and what the client is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from graphql import build_schema, experimental_execute_incrementally, parse
from starlette.routing import Route

from gateway.http.endpoint import GraphQLEndpoint
from gateway.http.incremental import IncrementalResult
from gateway.http.origins import origin_middleware
from gateway.http.request_deadline import RequestDeadline, RequestDeadlineMiddleware, preferred_wait
from gateway.http_connection import CONNECTION
from loaders.deadline import current_deadline
from tests.gateway.http.conftest import Gateway, NewGateway, kept
from tests.gateway.raw import HEAD, TYPENAME, connected, send
from tests.lag import takes_less_than
from tests.queries import DASHBOARD

SHORT_S = 0.3
"""A deadline that a test waits for."""
LATE_S = 5.0
"""How much later than its deadline an answer may be here. The gateway's own deadline ends it after ten seconds."""
VARIABLES = {"ids": ["N14228"]}


@pytest.mark.parametrize(
    ("lines", "wait"),
    [
        ([b"wait=2"], "2"),
        ([b"wait=0.5"], "0.5"),
        ([b'Wait = "2.5"'], "2.5"),
        ([b"respond-async, wait=3; strict"], "3"),
        ([b"respond-async", b"wait=4"], "4"),
        ([b"wait=1, wait=2"], "1"),
        ([b"wait=0"], ""),
        ([b"wait=0.0, wait=2"], "2"),
        ([b"wait=-1"], ""),
        ([b"wait=soon"], ""),
        ([b"wait=nan"], ""),
        ([b"wait=1e3"], ""),
        ([b"wait=9999999999"], ""),
        ([b"wait"], ""),
        ([b"await=2"], ""),
        ([b"respond-async," * 50 + b"wait=2"], ""),
        ([], ""),
    ],
)
def test_the_first_readable_wait_is_the_preference(lines: list[bytes], wait: str) -> None:
    assert preferred_wait([(b"accept", b"wait=1"), *((b"prefer", line) for line in lines)]) == wait


async def _left_s(headers: list[tuple[bytes, bytes]], connection: Any = None, path: str = "/graphql") -> list[float]:
    """Return the seconds that are left to stores within the middleware, none without a deadline."""
    left: list[float] = []

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        deadline = current_deadline()
        left.extend([] if deadline is None else [deadline.left_s()])

    middleware = RequestDeadlineMiddleware(app, path="/graphql", timeout_s=10.0)
    scope = {"type": "http", "path": path, "headers": headers, CONNECTION: connection}
    await middleware(scope, cast("Any", None), cast("Any", None))
    assert current_deadline() is None
    return left


def _check_left(left: list[float], expected_s: float) -> None:
    """Check the seconds that are left of a deadline: as expected, or less by what this process was held up."""
    (left_s,) = left
    assert expected_s - 0.4 < left_s <= expected_s + 0.001


async def test_stores_end_a_tenth_and_at_most_half_a_second_earlier() -> None:
    _check_left(await _left_s([]), 9.5)
    _check_left(await _left_s([(b"prefer", b"wait=1")]), 0.9)


async def test_a_client_may_lower_the_deadline_and_not_raise_it() -> None:
    _check_left(await _left_s([(b"prefer", b"wait=60")]), 9.5)


async def test_it_counts_from_when_the_request_was_received() -> None:
    connection = SimpleNamespace(received_at=asyncio.get_running_loop().time() - 3, stops_at=None)
    _check_left(await _left_s([], connection), 6.5)


async def test_other_paths_have_no_deadline() -> None:
    assert await _left_s([], path="/livez") == []


async def test_a_body_that_comes_late_has_its_own_limit_and_moves_the_deadline_back() -> None:
    connection = SimpleNamespace(received_at=None, stops_at=None)
    scope = {"headers": [(b"prefer", b"wait=1")], CONNECTION: connection}
    deadline = RequestDeadline.of(scope, 10.0)
    connection.received_at = asyncio.get_running_loop().time() + 7
    deadline.restart(scope)
    _check_left([deadline.answer.left_s()], 8)
    _check_left([deadline.stores.left_s()], 7.9)
    assert RequestDeadline.of(scope, 10.0) is deadline


def test_a_body_that_comes_later_than_the_deadline_is_answered(gateway_url: str) -> None:
    with connected(gateway_url) as client:
        send(client, HEAD + b"Prefer: wait=0.2\r\nCache-Control: no-cache\r\nConnection: close\r\n")
        send(client, b"Content-Length: %d\r\n\r\n" % len(TYPENAME))
        time.sleep(0.5)  # the client's own pace
        send(client, TYPENAME)
        answer = client.makefile("rb").read()
    assert b'{"data":{"__typename":"Query"}}' in answer
    assert b"preference-applied: wait=0.2" in answer.lower()


async def test_the_answer_says_that_the_preference_was_applied(gateway: Gateway) -> None:
    body = {"query": DASHBOARD, "variables": VARIABLES}
    assert "preference-applied" not in (await gateway.post(body)).headers
    assert (await gateway.post(body, prefer="wait=soon")).headers.get("preference-applied") is None
    assert (await gateway.post(body, prefer="wait=5")).headers["preference-applied"] == "wait=5"
    refused = await gateway.post({"query": "{"}, prefer="wait=5")
    assert refused.headers["preference-applied"] == "wait=5"


async def test_a_cached_response_does_not_repeat_the_preference_of_another(new_gateway: NewGateway) -> None:
    body = {"query": DASHBOARD, "variables": VARIABLES}
    async with new_gateway(cache=True, anonymous="none") as closed:
        assert (await closed.post(body, prefer="wait=5")).status_code == 401
    async with new_gateway(cache=True) as item:
        response = await kept(lambda: item.post(body, prefer="wait=5"))
        assert "preference-applied" not in response.headers
        response = await item.client.get("/graphql", params={"query": "{ __typename }"}, headers={"prefer": "wait=5"})
        assert response.headers.get("preference-applied") == "wait=5"


def test_pages_may_send_the_preference_and_read_that_it_was_applied() -> None:
    cors = origin_middleware(["/graphql"], ["https://dashboard.example"])[0]
    assert "prefer" in cast("Any", cors.kwargs["allow_headers"])
    assert "Preference-Applied" in cast("Any", cors.kwargs["expose_headers"])


def _endpoint(item: Gateway) -> GraphQLEndpoint:
    (route,) = (route for route in item.app.routes if isinstance(route, Route) and route.path == "/graphql")
    return cast("GraphQLEndpoint", route.endpoint)


async def _late(item: Gateway, body: object, **headers: str) -> httpx.Response:
    """Return the answer to a request that is not done by its deadline, after a look at when it came."""
    began = time.monotonic()
    async with takes_less_than(SHORT_S + LATE_S):
        response = await item.post(body, prefer=f"wait={SHORT_S}", **headers)
    assert time.monotonic() - began > SHORT_S * 0.9
    return response


async def test_what_is_not_executed_by_the_deadline_is_503_to_be_tried_again(new_gateway: NewGateway) -> None:
    async with new_gateway() as item:
        thread, begun, end = _endpoint(item)._thread, threading.Event(), threading.Event()

        def blocked() -> None:
            begun.set()
            end.wait()

        blocking = asyncio.create_task(thread.run(10_000, blocked))
        try:
            await asyncio.to_thread(begun.wait)
            response = await _late(item, {"query": "{" + " __typename" * 1_900 + "}"})
        finally:
            end.set()
            await blocking
        assert thread._waiting == 0
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert response.json()["errors"][0]["extensions"] == {"code": "DEADLINE_EXCEEDED"}
    assert item.recorder.sent == []


@dataclass
class _Hanging:
    """Stands for anything that an operation may wait for, and notes that it was cancelled."""

    cancelled: int = 0

    async def text(self, asked: Any) -> str:
        return asked.query or ""

    async def keep(self, asked: Any) -> None:
        if asked.operation_name == "B":
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise


@pytest.mark.parametrize("media", ["application/json", "application/graphql-response+json"])
async def test_an_operation_that_is_not_done_is_stopped_and_the_others_of_its_batch_are_answered(
    new_gateway: NewGateway, media: str
) -> None:
    async with new_gateway() as item:
        endpoint, hanging = _endpoint(item), _Hanging()
        endpoint._persisted = endpoint._preparer._persisted = hanging  # type: ignore[assignment]
        two = "query A { __typename } query B { __typename }"
        batch = [{"query": two, "operationName": name} for name in "AB"]
        first, second = (await _late(item, batch, accept=media)).json()
        alone = await _late(item, batch[1], accept=media)
    assert first == {"data": {"__typename": "Query"}}
    assert [error["extensions"] for error in second["errors"]] == [{"code": "DEADLINE_EXCEEDED"}]
    assert "0.3 s" in second["errors"][0]["message"]
    assert (alone.status_code, alone.json()) == (504, second)
    assert hanging.cancelled == 2


async def test_parts_that_are_not_there_by_the_deadline_fail() -> None:
    async def slow(*_: Any) -> str:
        return str(await asyncio.Event().wait())

    schema = build_schema("directive @defer on INLINE_FRAGMENT type Query { now: Int later: String }")
    document = parse("{ now ... @defer { later } }")
    result: Any = experimental_execute_incrementally(schema, document, {"now": 1, "later": slow})
    deadline = RequestDeadline.beginning(asyncio.get_running_loop().time(), SHORT_S)
    incremental = IncrementalResult(result, deadline=deadline)
    async with asyncio.timeout(30):  # the field never ends
        (part,) = [json.loads(b"".join(chunks)) async for chunks in incremental.encoded(0, None)]
    (completed,) = part["completed"]
    assert (part["hasNext"], completed["id"]) == (False, "0")
    assert [error["extensions"] for error in completed["errors"]] == [{"code": "DEADLINE_EXCEEDED"}]


@contextlib.asynccontextmanager
async def _slow_stores(item: Gateway) -> AsyncIterator[list[Any]]:
    """Have all statements wait; yields the deadline of each."""
    deadlines: list[Any] = []

    async def wait(*_: Any) -> Any:
        deadlines.append(current_deadline())
        await asyncio.Event().wait()

    stores: Mapping[Any, Any] = item.app.state.stores.databases
    hanging = SimpleNamespace(rows=wait, columns=wait, typed_columns=wait)
    original = dict(stores)
    cast("dict[Any, Any]", stores).update(dict.fromkeys(stores, hanging))
    yield deadlines
    cast("dict[Any, Any]", stores).update(original)


async def test_statements_have_the_deadline_of_stores(new_gateway: NewGateway) -> None:
    async with new_gateway() as item, _slow_stores(item) as deadlines:
        loop = asyncio.get_running_loop()
        sent_at = loop.time()
        await _late(item, {"query": DASHBOARD, "variables": VARIABLES})
        answered_at = loop.time()
    assert deadlines
    for deadline in deadlines:  # the request ends a tenth later
        assert sent_at + SHORT_S * 0.9 <= deadline.ends_at < answered_at - SHORT_S * 0.1 + 0.001
    assert all(deadline.ceiling == deadline.ends_at for deadline in deadlines), "servers may be told of them"


async def test_each_batch_of_an_export_has_a_deadline(new_gateway: NewGateway) -> None:
    async with new_gateway(request_timeout_s=SHORT_S) as item, _slow_stores(item) as deadlines:
        response = await item.client.get("/export/aircraft", params={"ids": "N14228"})
    (line,) = response.text.splitlines()
    last = json.loads(line)
    assert last["extensions"] == {"code": "DEADLINE_EXCEEDED"}
    assert deadlines
