"""Answers in pieces: what was encoded list by list is sent as it is, without ever being one large text."""

import json
import secrets
from collections.abc import Callable
from typing import Any

import orjson


class Pieces:
    """A list that is already JSON: its items in pieces, each with commas between its items and none at its ends."""

    __slots__ = ("encoded",)  # not a dataclass: orjson would write its fields

    def __init__(self, encoded: list[bytes]) -> None:
        self.encoded = encoded


def encode(data: object) -> list[bytes]:
    """The data as JSON, in pieces that together are the text. Dates and times are written in ISO 8601."""
    found: list[list[bytes]] = []
    marker = secrets.token_hex(16)  # so that no text of the data can be taken for it

    def mark(value: object) -> str:
        if not isinstance(value, Pieces):
            raise TypeError(f"{type(value).__name__} is not JSON.")
        found.append(value.encoded)
        return marker

    try:
        text = orjson.dumps(data, default=mark)
    except TypeError:  # a lone surrogate that an error repeats; the standard library can write it, escaped
        found.clear()
        text = json.dumps(data, default=lambda value: _plain(value, mark)).encode()
    first, *rest = text.split(f'"{marker}"'.encode())
    pieces = [first]
    for encoded, after in zip(found, rest, strict=True):
        pieces.append(b"[")
        for at, piece in enumerate(encoded):
            pieces += (b",", piece) if at else (piece,)
        pieces += (b"]", after)
    return pieces


def _plain(value: object, default: Callable[[object], str]) -> Any:
    """What orjson writes of a value, as the standard library can write it."""
    return json.loads(orjson.dumps(value, default=default))
