"""Messages of PostgreSQL with lengths that none can have, cut at every byte."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg.protocol
import pytest

from loaders.stores.errors import StoreUnavailable
from loaders.stores.postgres import Postgres
from loaders.stores.postgres_frames import CheckedProtocol

WELCOME, READY = b"R\0\0\0\x08\0\0\0\0", b"Z\0\0\0\x05I"
VERSION = b"S\0\0\0\x18server_version\x0016.0\0"


def _message(body: bytes, length: int | None = None) -> bytes:
    return b"D" + struct.pack(">i", len(body) + 4 if length is None else length) + body


class _Received(CheckedProtocol):
    """The check alone: what it lets pass, and whether it dropped the connection."""

    def __new__(cls) -> _Received:
        return super().__new__(cls)

    def __init__(self) -> None:
        """Leave the driver's part as it is."""

    def passes(self, parts: Sequence[bytes]) -> bool:
        return all(self._is_sound(part) for part in parts)


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[place : place + size] for place in range(0, len(data), size)]


@pytest.mark.parametrize("size", range(1, 12))
def test_sound_messages_pass_however_they_are_cut(size: int) -> None:
    data = _message(b"") + _message(b"row") + _message(b"a longer row, of some bytes") + _message(b"\xff\xff\xff\xff")
    assert _Received().passes(_cut(data, size))


@pytest.mark.parametrize("size", range(1, 12))
@pytest.mark.parametrize("length", [-16, -1, 0, 3])
def test_a_length_that_no_message_has_is_found_however_it_is_cut(size: int, length: int) -> None:
    data = _message(b"row") + _message(b"", length) + _message(b"row")
    assert not _Received().passes(_cut(data, size))


@asynccontextmanager
async def _server(greeting: bytes, answer: bytes) -> AsyncIterator[int]:
    """A server that greets, and then answers whatever it is asked with the same bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (size,) = struct.unpack(">i", await reader.readexactly(4))
        await reader.readexactly(size - 4)
        writer.write(greeting)
        while await reader.read(65_536):
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("greeting", [WELCOME + VERSION + READY, b"D\xff\xff\xff\xf0"], ids=["whole", "wrong"])
async def test_a_negative_length_ends_the_connection_and_not_the_process(greeting: bytes) -> None:
    await _cannot_connect(greeting)


async def _cannot_connect(greeting: bytes) -> None:
    async with _server(greeting, b"D\xff\xff\xff\xf0") as port:
        url = f"postgresql://somebody@127.0.0.1:{port}/fleet?sslmode=disable"
        with pytest.raises(StoreUnavailable):
            await Postgres.connect(url, min_size=1, max_size=1, acquire_timeout_s=5, statement_timeout_s=5)


async def test_every_connection_is_checked(postgres: Postgres) -> None:
    await postgres.ping()
    assert asyncpg.protocol.Protocol is CheckedProtocol
    async with postgres.session() as session:
        assert isinstance(vars(session)["_connection"]._protocol, CheckedProtocol)
