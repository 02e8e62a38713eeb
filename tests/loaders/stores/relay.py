"""A relay before a store, which a test can cut or silence, and which counts what passes."""

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

_RESETTING = struct.pack("ii", 1, 0)


class Relay:
    """Passes bytes between the clients that connect to `url` and a store, and keeps what the clients sent."""

    def __init__(self, store_url: str) -> None:
        parts = urlsplit(store_url)
        self._target = (parts.hostname or "127.0.0.1", parts.port)
        self._store_url = store_url
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._open = asyncio.Event()
        self._open.set()
        self.sent = bytearray()
        self.delay_s: Callable[[], float] = lambda: 0.0
        """How long each piece takes on its way; the order stays."""
        self.piece_bytes = 1 << 16
        """How many bytes a piece has at most."""
        self.garbles = False
        """Whether what the store answers comes as something else."""
        self.loses = b""
        """Text in what clients send that never arrives; what is sent with it does not either."""
        self.port = 0

    @property
    def url(self) -> str:
        """The store's URL by way of the relay."""
        parts = urlsplit(self._store_url)
        login, index, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{login}{index}127.0.0.1:{self.port}").geturl()

    async def listen(self) -> None:
        """Take connections, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Like a store that stopped: every connection breaks, new ones are refused."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0.05)

    def reset_some(self, chance: random.Random) -> None:
        """Reset about a third of the connections; new ones are taken."""
        for writer in list(self._writers):
            if chance.random() < 1 / 3 and not writer.transport.is_closing():
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESETTING)
                writer.transport.abort()

    def silence(self) -> None:
        """Like a network that swallows packets: connections stay, nothing passes."""
        self._open.clear()

    def resume(self) -> None:
        """Pass bytes again, those too that were held back."""
        self._open.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            store_reader, store_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.close()
            return
        self._writers |= {writer, store_writer}
        await asyncio.gather(self._pass(reader, store_writer, self.sent), self._pass(store_reader, writer, bytearray()))
        self._writers -= {writer, store_writer}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray) -> None:
        try:
            while data := await reader.read(self.piece_bytes):
                await self._open.wait()
                if self.loses and kept is self.sent and self.loses in data:
                    continue
                if (delay_s := self.delay_s()) > 0:
                    await asyncio.sleep(delay_s)
                if self.garbles and kept is not self.sent:
                    data = b"+garbage\r\n" * 3
                kept += data
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def relay(store_url: str) -> AsyncIterator[Relay]:
    """A relay that listens for the length of the block."""
    between = Relay(store_url)
    await between.listen()
    try:
        yield between
    finally:
        between.resume()
        await between.cut()


def postgres_messages(sent: bytes) -> str:
    """The types of the messages that a client of PostgreSQL sent, without those that open a connection.

    `P` parse, `B` bind, `E` execute, `S` sync (the end of a round trip), `Q` a statement without arguments.
    """
    types = ""
    while sent:
        (length,) = struct.unpack_from("!i", sent, 1)
        types += chr(sent[0])
        sent = sent[1 + length :]
    return types
