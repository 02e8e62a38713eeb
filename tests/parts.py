"""Answers in parts: read from a multipart body, and put together by the rules of GraphQL's draft."""

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any


async def parts_of(body: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    """The parts as they come, with the boundary `-`. Raises where the body is none of them, or breaks off."""
    held = b"\r\n"
    async for piece in body:
        held += piece
        while b"\r\n---" in held and not held.startswith(b"--"):
            part, _, held = held.partition(b"\r\n---")
            if part:
                headers, _, text = part.partition(b"\r\n\r\n")
                assert headers == b"\r\nContent-Type: application/json; charset=utf-8"
                yield json.loads(text)
    assert held == b"--\r\n", held


def merged(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The whole answer. Raises where the parts are not well-formed, or something is left pending."""
    first, *rest = parts
    answer = {"data": first["data"], "errors": list(first.get("errors", []))}
    pending: dict[str, list[Any]] = {}
    for index, part in enumerate([first, *rest]):
        assert part["hasNext"] is (index < len(rest))
        for item in part.get("pending", []):
            assert item["id"] not in pending
            pending[item["id"]] = item["path"]
        for item in part.get("incremental", []):
            _merge(answer["data"], pending[item["id"]] + item.get("subPath", []), item)
            answer["errors"] += item.get("errors", [])
        for item in part.get("completed", []):
            del pending[item["id"]]
            answer["errors"] += item.get("errors", [])
    assert pending == {}
    return answer


def _merge(data: Any, path: list[Any], item: dict[str, Any]) -> None:
    for step in path:
        data = data[step]
    if "items" in item:
        data.extend(item["items"])
    else:
        _deeply(data, item["data"])


def _deeply(into: dict[str, Any], values: dict[str, Any]) -> None:
    for key, value in values.items():
        known = into.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            _deeply(known, value)
        else:
            assert known is None or known == value, key
            into[key] = value
