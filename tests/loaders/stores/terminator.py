"""TLS in front of a store that has none: the wheels' servers are built without it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.certificates import Certificate

_SSL_REQUEST = bytes([0, 0, 0, 8, 4, 210, 22, 47])


class Terminator:
    """Takes TLS, passes what is in it to the store, and keeps the servers' names that clients asked for."""

    def __init__(
        self, store_url: str, server: Certificate, client_authority: Certificate | None, *, asks: bool
    ) -> None:
        parts = urlsplit(store_url)
        self._target = (parts.hostname or "127.0.0.1", parts.port)
        self._asks = asks
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(server.certificate, server.key)
        if client_authority is not None:
            self._context.load_verify_locations(client_authority.certificate)
            self._context.verify_mode = ssl.CERT_REQUIRED
        self.port = 0
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            if self._asks and not await self._is_asked(reader, writer):
                return
            if self._asks:
                await writer.start_tls(self._context)
            self.connections += 1
            store_reader, store_writer = await asyncio.open_connection(*self._target)
            await asyncio.gather(_pass(reader, store_writer), _pass(store_reader, writer))
        except OSError:  # a handshake that the client ended
            pass
        finally:
            writer.close()

    async def _is_asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """PostgreSQL's protocol begins without TLS, and asks for it."""
        if await reader.readexactly(8) != _SSL_REQUEST:
            return False
        writer.write(b"S")
        await writer.drain()
        return True

    @property
    def context(self) -> ssl.SSLContext | None:
        """For a listener that takes TLS at once."""
        return None if self._asks else self._context


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def terminator(
    store_url: str, server: Certificate, *, client_authority: Certificate | None = None
) -> AsyncIterator[Terminator]:
    """TLS in front of a store for the length of the block."""
    between = Terminator(store_url, server, client_authority, asks=store_url.startswith("postgres"))
    listening = await asyncio.start_server(between.serve, "127.0.0.1", 0, ssl=between.context)
    between.port = listening.sockets[0].getsockname()[1]
    try:
        yield between
    finally:
        listening.close()


def through(store_url: str, between: Terminator, scheme: str, options: str = "", host: str = "127.0.0.1") -> str:
    """The store's URL by way of a terminator."""
    parts = urlsplit(store_url)
    login, index, _ = parts.netloc.rpartition("@")
    return parts._replace(scheme=scheme, netloc=f"{login}{index}{host}:{between.port}", query=options).geturl()
