"""The later parts of an answer: they are bounded, and released whatever happens."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from graphql import build_schema, experimental_execute_incrementally, parse

from gateway.http.incremental import IncrementalResult, MultipartResponse
from tests.parts import merged, parts_of


class _Client:
    """An ASGI server's side of a response: takes what is sent, and leaves a while after it has taken so many messages."""

    def __init__(self, leaves_after: int, while_s: float) -> None:
        self._leaves_after = leaves_after
        self._while_s = while_s
        self.left = asyncio.Event()
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if len(self.sent) == self._leaves_after:
            asyncio.get_running_loop().call_later(self._while_s, self.left.set)


def _first(incremental: IncrementalResult) -> bytes:
    return json.dumps({"data": incremental.result.initial_result.data, **incremental.initial_members()}).encode()


@pytest.mark.parametrize(("leaves_after", "while_s"), [(1, 0.0), (2, 0.0), (2, 0.02), (100, 0.0)])
async def test_all_is_let_go_of_when_a_client_leaves_and_when_all_is_sent(leaves_after: int, while_s: float) -> None:
    finished: list[str] = []

    async def slow(*_: Any) -> str:
        try:
            await asyncio.sleep(3600 if leaves_after < 100 else 0)
        finally:
            finished.append("slow")
        return "there"

    schema = build_schema("directive @defer on INLINE_FRAGMENT type Query { now: Int later: String }")
    document = parse("{ now ... @defer { later } }")
    result: Any = experimental_execute_incrementally(schema, document, {"now": 1, "later": slow})
    incremental, client = IncrementalResult(result), _Client(leaves_after, while_s)
    incremental.held.callback(finished.append, "held")
    response = MultipartResponse([_first(incremental)], incremental, {}, "multipart/mixed")
    async with asyncio.timeout(10):
        await response({"type": "http"}, client.receive, client.send)
    assert finished[-1] == "held"
    assert b"".join(message.get("body", b"") for message in client.sent).endswith(b"--\r\n") is (leaves_after == 100)


@pytest.mark.parametrize("items", [1, 3, 7])
async def test_parts_that_come_to_be_too_large_end_and_nothing_more_is_loaded(items: int) -> None:
    finished: list[str] = []
    made: list[str] = []

    async def numbers(*_: Any) -> AsyncIterator[str]:
        try:
            while True:
                made.append("x" * 1_000)
                yield made[-1]
                for _turn in range(10):
                    await asyncio.sleep(0)
        finally:
            finished.append("numbers")

    async def slow(*_: Any) -> str:
        try:
            return str(await asyncio.Event().wait())
        finally:
            finished.append("slow")

    schema = build_schema(
        "directive @defer on INLINE_FRAGMENT directive @stream on FIELD type Query { many: [String] later: String }"
    )
    document = parse("{ many @stream ... @defer { later } }")
    result: Any = experimental_execute_incrementally(schema, document, {"many": numbers, "later": slow})
    incremental, client = IncrementalResult(await result), _Client(1_000, 0.0)
    incremental.held.callback(lambda: finished.append(f"held, before {len(client.sent)}"))
    most = 1_000 * (items + 1)
    response = MultipartResponse([_first(incremental)], incremental, {}, "multipart/mixed", most)
    async with asyncio.timeout(10):
        await response({"type": "http"}, client.receive, client.send)
    *sent, last = [part async for part in parts_of(_bodies(client.sent))]
    assert sum(len(json.dumps(part)) for part in sent) < most
    assert len(merged([*sent, last])["data"]["many"]) == items
    assert last == {"hasNext": False, "completed": [{"id": item, "errors": [_too_large(last)]} for item in "01"]}
    assert sorted(finished) == [f"held, before {len(sent) + 1}", "numbers", "slow"]
    before = len(made)
    await asyncio.sleep(0.01)
    assert len(made) == before


def _too_large(part: dict[str, Any]) -> dict[str, Any]:
    """The error of what is pending, after a look at it."""
    error: dict[str, Any] = part["completed"][0]["errors"][0]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert error["extensions"]["limit"] == "response_bytes"
    assert error["extensions"]["value"] > error["extensions"]["max"]
    return error


async def _bodies(messages: list[dict[str, Any]]) -> AsyncIterator[bytes]:
    for message in messages:
        yield message.get("body", b"")
