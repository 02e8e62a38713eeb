"""Answers in chunks: together they are the text that one encoder would have written."""

import asyncio
import json
from datetime import UTC, date, datetime

import orjson
import pytest

from gateway.execution.json_chunks import JSONChunks, encode
from gateway.http.responses import taken


def test_chunks_together_are_one_text() -> None:
    data = {
        "data": {"a": JSONChunks([b'{"x":1},{"x":2}', b'{"x":3}']), "b": JSONChunks([]), "c": [JSONChunks([b"null"])]},
        "e": None,
    }
    expected = {"data": {"a": [{"x": 1}, {"x": 2}, {"x": 3}], "b": [], "c": [[None]]}, "e": None}
    assert b"".join(encode(data)) == orjson.dumps(expected)


def test_chunks_are_not_copied() -> None:
    chunk = b"1," * 1_000 + b"1"
    assert any(item is chunk for item in encode({"data": JSONChunks([chunk])}))


def test_dates_are_written_as_graphql_writes_them() -> None:
    values = [date(2013, 1, 2), datetime(2013, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(1, 1, 1, 0, 0, 0, 7, tzinfo=UTC)]
    assert json.loads(b"".join(encode(values))) == [value.isoformat() for value in values]


def test_a_lone_surrogate_is_escaped_beside_chunks_and_dates() -> None:
    data = {"m": "\ud800", "d": date(2013, 1, 2), "p": JSONChunks([b"1"])}
    assert json.loads(b"".join(encode(data))) == {"m": "\ud800", "d": "2013-01-02", "p": [1]}


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(TypeError):
        encode({"data": object()})


async def test_others_get_their_turn_while_a_large_answer_is_sent() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    running = asyncio.create_task(others())
    chunks = [b"x" * 100_000] * 44
    assert [len(chunk) async for chunk in taken(chunks)] == [100_000] * 44
    running.cancel()
    assert turns == 4
    assert not any(chunks), "a chunk that was sent is let go of"
