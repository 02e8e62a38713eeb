"""A TCP proxy before a store whose faults are switched while connections are open."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from tests.chaos.http_answers import HTTPAnswer, read_answer
from tests.chaos.network_faults import Fault
from tests.loaders.stores.proxy import Response

HEALTHY: Final = Fault("none")
_DRIP_S: Final = 0.1
_END_S: Final = 1.0
_EXCHANGE_S: Final = 0.3  # how long an answer waits for another one to change places with
_KEPT_RESPONSES: Final = 20
_RESETTING: Final = struct.pack("ii", 1, 0)  # SO_LINGER of no time: the end of the connection is a RST


@dataclass(eq=False)
class _Connection:
    """A client's connection and the one to the store that belongs to it, once it is made."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    store: asyncio.StreamWriter | None = None
    passed_bytes: int = 0
    """How much of the answers has passed since the fault was switched."""
    is_half_closed: bool = False
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def reset(self) -> None:
        """End it without a word on both sides."""
        for writer in (self.writer, self.store):
            if writer is not None and not writer.transport.is_closing():
                with suppress(OSError):
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESETTING)
                writer.transport.abort()

    def half_close(self) -> None:
        """Say that no answers follow."""
        if not self.is_half_closed and not self.writer.transport.is_closing():
            self.is_half_closed = True
            with suppress(OSError):
                self.writer.write_eof()


class Proxy:
    """Passes bytes between clients and a store, and does to them what the current fault says.

    Use `proxy()`. The responses of a store that speaks HTTP are read whole, so that damages can change them.
    """

    def __init__(self, store_url: str, seed: int = 0) -> None:
        self._url = urlsplit(store_url)
        self._target = (self._url.hostname or "127.0.0.1", self._url.port or 0)
        self._is_http = self._url.scheme.startswith("http")
        self._listener: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._switched = asyncio.Event()
        self._offered: tuple[Response, asyncio.Future[Response]] | None = None
        self._last_responses: deque[Response] = deque(maxlen=_KEPT_RESPONSES)
        # Holds the port while nothing listens: it is bound and never listens itself.
        self._holder = socket.socket()
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._holder.bind(("127.0.0.1", 0))
        self.port: int = self._holder.getsockname()[1]
        self.random = random.Random(seed)
        self.fault = HEALTHY
        self._answers_left: int | None = None
        self.accepted = 0
        """How many connections were made so far."""
        self.damaged = 0
        """How many HTTP responses were replaced so far."""

    @property
    def url(self) -> str:
        """The store's URL by way of the proxy."""
        login, mark, _ = self._url.netloc.rpartition("@")
        return self._url._replace(netloc=f"{login}{mark}127.0.0.1:{self.port}").geturl()

    @property
    def connections(self) -> int:
        """How many connections of clients are open."""
        return len(self._connections)

    @property
    def responses(self) -> list[Response]:
        """The last HTTP responses of the store itself."""
        return list(self._last_responses)

    async def listen(self) -> None:
        """Take connections."""
        if self._listener is None:
            self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port, reuse_port=True)

    async def switch(self, fault: Fault) -> None:
        """Let this fault take the place of the current one, for open connections too."""
        self.fault = fault
        self._answers_left = fault.answers
        self._switched.set()
        self._switched = asyncio.Event()
        for connection in list(self._connections):
            connection.passed_bytes = 0
            if fault.cuts or fault.refuses:
                connection.reset()
            elif fault.half_closes:
                connection.half_close()
        if fault.swallows:
            self._passing.clear()
        else:
            self._passing.set()
        if not fault.refuses:
            await self.listen()
        elif self._listener is not None:
            self._listener.close()
            self._listener = None

    async def heal(self) -> None:
        """Pass everything as it comes, what was held back too."""
        await self.switch(HEALTHY)

    async def close(self) -> None:
        """End the connections, and give the port back."""
        await self.switch(Fault("closed", refuses=True))
        tasks = [task for connection in self._connections for task in connection.tasks]
        if tasks:  # their connections are reset, so that they end by themselves
            _, pending = await asyncio.wait(tasks, timeout=_END_S)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        self._holder.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(reader, writer)
        task = asyncio.current_task()
        assert task is not None
        connection.tasks.add(task)
        self._connections.add(connection)
        self.accepted += 1
        try:
            if self.fault.cuts or self.fault.refuses:
                connection.reset()
                return
            if self.fault.half_closes:
                connection.half_close()
            await self._passing.wait()
            await self._connect(connection)
        except OSError:
            connection.reset()
        finally:
            self._connections.discard(connection)
            writer.close()

    async def _connect(self, connection: _Connection) -> None:
        store_reader, connection.store = await asyncio.open_connection(*self._target)
        passes = [
            asyncio.create_task(self._pass_requests(connection)),
            asyncio.create_task(self._pass_answers(connection, store_reader)),
        ]
        connection.tasks.update(passes)
        try:
            # Whichever side ends it, nothing follows on the other.
            await asyncio.wait(passes, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in passes:
                task.cancel()
            await asyncio.gather(*passes, return_exceptions=True)
            connection.store.close()

    async def _pass_requests(self, connection: _Connection) -> None:
        assert connection.store is not None
        with suppress(OSError):
            while data := await connection.reader.read(65536):
                await self._passing.wait()
                connection.store.write(data)
                await connection.store.drain()
        await self._passing.wait()

    async def _pass_answers(self, connection: _Connection, store: asyncio.StreamReader) -> None:
        with suppress(OSError):
            if self._is_http:
                while (answer := await read_answer(store)) is not None:
                    await self._passing.wait()
                    if not await self._pass_response(connection, answer):
                        break
            else:
                while data := await store.read(65536):
                    await self._pass(connection, data, self._fault_of_next_answer())
        await self._passing.wait()

    def _fault_of_next_answer(self) -> Fault:
        """Return the current fault, or none if it has concerned as many answers as it should."""
        if self._answers_left is None:
            return self.fault
        self._answers_left -= 1
        return self.fault if self._answers_left >= 0 else HEALTHY

    async def _pass_response(self, connection: _Connection, answer: HTTPAnswer) -> bool:
        """Pass an HTTP response, or what the fault makes of it; returns whether the connection goes on."""
        fault = self._fault_of_next_answer()
        if fault.damage is None and not fault.exchanges:
            if answer.is_whole and answer.response.status == 200:
                self._last_responses.append(answer.response)
            await self._pass(connection, answer.raw, fault)
            return answer.is_whole
        response = await self._exchanged(answer.response) if fault.exchanges else answer.response
        damaged = fault.damage(response, self) if fault.damage else response
        self.damaged += 1
        await self._pass(connection, damaged.encoded(), HEALTHY)
        return False

    async def _exchanged(self, response: Response) -> Response:
        """Give the response for the one of another connection; without one in time, return an empty one."""
        if self._offered is not None:
            (theirs, taken), self._offered = self._offered, None
            taken.set_result(response)
            return theirs
        taken = asyncio.get_running_loop().create_future()
        offer = self._offered = (response, taken)
        try:
            async with asyncio.timeout(_EXCHANGE_S):
                return await taken
        except TimeoutError:
            return replace(response, body=b"")
        finally:
            if self._offered is offer:
                self._offered = None

    async def _pass(self, connection: _Connection, data: bytes, fault: Fault) -> None:
        """Pass a piece of the answers, as the fault lets it."""
        await self._passing.wait()
        delay_s = fault.delay_s + self.random.random() * fault.jitter_s
        if delay_s > 0:
            await self._wait(delay_s)
            await self._passing.wait()
        if connection.is_half_closed:
            return
        if fault.garbles:
            data = self.random.randbytes(len(data))
        if fault.bytes_per_s is not None:
            data = await self._drip(connection, data, fault.bytes_per_s)
        limit = fault.cut_after_bytes
        if fault.truncates:
            limit = self.random.randrange(len(data))
            connection.passed_bytes = 0
        if limit is not None:
            data = data[: max(0, limit - connection.passed_bytes)]
            connection.passed_bytes += len(data)
        connection.writer.write(data)
        await connection.writer.drain()
        if limit is not None and connection.passed_bytes >= limit:
            connection.reset()

    async def _drip(self, connection: _Connection, data: bytes, bytes_per_s: int) -> bytes:
        """Pass some bytes at a time; returns what is left once the fault is switched."""
        piece = max(1, int(bytes_per_s * _DRIP_S))
        switched = self._switched
        while data and not switched.is_set():
            connection.writer.write(data[:piece])
            await connection.writer.drain()
            data = data[piece:]
            await self._wait(_DRIP_S)
        return data

    async def _wait(self, seconds: float) -> None:
        """Wait so long, or until the fault is switched."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._switched.wait(), seconds)


@asynccontextmanager
async def proxy(store_url: str, seed: int = 0) -> AsyncIterator[Proxy]:
    """A proxy that listens for the length of the block."""
    between = Proxy(store_url, seed)
    await between.listen()
    try:
        yield between
    finally:
        await between.close()
