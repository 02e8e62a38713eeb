"""A check of the lengths of PostgreSQL's messages, before the driver reads them.

The driver takes a message whose length is negative for a whole one and goes on with it for ever, in C and without
letting go of the interpreter: one damaged byte of an answer would stop the process for good, its time-outs too.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import asyncpg.protocol

from loaders.instruments import Counter

_HEAD_BYTES = 5
"""A message begins with a byte for its kind and four for its length, which counts itself and not the kind."""
_MIN_LENGTH_BYTES = 4

_received: ContextVar[Counter | None] = ContextVar("received", default=None)
_read_length = struct.Struct(">xi").unpack_from
_log = logging.getLogger("gateway")


class CheckedProtocol(asyncpg.protocol.Protocol):
    """The driver's protocol, which drops the connection at a message whose length none can have.

    A length that is too large is waited for, and ends by the time limit of its statement.
    """

    _skip = 0
    """Bytes of the current message that are still to come."""
    _head = b""
    """The first bytes of a message whose length has not come yet."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._received = _received.get() or Counter()

    def data_received(self, data: Any) -> None:
        """Count and pass on what has come, unless a message in it has a wrong length."""
        self._received.value += len(data)
        if self._is_sound(data):
            super().data_received(data)
        else:
            _log.warning("PostgreSQL sent something else than its protocol: the connection is dropped.")
            self.abort()

    def _is_sound(self, data: bytes) -> bool:
        place, unread = self._skip, data
        if self._head:
            unread = self._head + data  # the last message's head came in two parts
        size, read_length = len(unread), _read_length
        last = size - _HEAD_BYTES
        while place <= last:  # for each row of an answer
            (length,) = read_length(unread, place)
            if length < _MIN_LENGTH_BYTES:
                return False
            place += length + 1
        self._skip = max(0, place - size)
        self._head = bytes(unread[place:])
        return True


@contextmanager
def counting_bytes(received: Counter) -> Iterator[None]:
    """Have connections that are opened in the block count what they receive: the driver makes their protocols."""
    token = _received.set(received)
    try:
        yield
    finally:
        _received.reset(token)


def use_checked_protocol() -> None:
    """Have the driver's connections check what they receive. It takes no protocol as an argument."""
    vars(asyncpg.protocol)["Protocol"] = CheckedProtocol
