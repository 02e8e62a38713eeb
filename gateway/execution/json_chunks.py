"""Encode results as JSON in chunks, so that a large one is never one text in memory."""

import json
import secrets
from collections.abc import Callable
from typing import Any

import orjson


class JSONChunks:
    """A list that is already encoded. Each chunk holds items, with commas between them and none at its ends."""

    __slots__ = ("chunks",)  # not a dataclass: orjson would write its fields

    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = chunks


def encode(data: object) -> list[bytes]:
    """Return the data as JSON, in chunks to be sent one after the other. Dates and times are written in ISO 8601."""
    lists: list[list[bytes]] = []
    marker = secrets.token_hex(16)  # random, so that no text of the data equals it

    def mark(value: object) -> str:
        if not isinstance(value, JSONChunks):
            raise TypeError(f"{type(value).__name__} is not JSON.")
        lists.append(value.chunks)
        return marker

    try:
        text = orjson.dumps(data, default=mark)
    except TypeError:  # a lone surrogate, which the standard library escapes
        lists.clear()
        text = json.dumps(data, default=lambda value: _plain(value, mark)).encode()
    first, *rest = text.split(f'"{marker}"'.encode())
    chunks = [first]
    for encoded, after in zip(lists, rest, strict=True):
        chunks.append(b"[")
        for index, chunk in enumerate(encoded):
            chunks += (b",", chunk) if index else (chunk,)
        chunks += (b"]", after)
    return chunks


def _plain(value: object, default: Callable[[object], str]) -> Any:
    """Return a value as orjson writes it, in types that the standard library can write."""
    return json.loads(orjson.dumps(value, default=default))
