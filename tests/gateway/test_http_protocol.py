"""The protocol's inside: how much it gives the parser, and what it relies on in uvicorn."""

import asyncio
import hashlib
import inspect
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httptools
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http import flow_control, httptools_impl
from uvicorn.server import ServerState
from uvicorn.supervisors import multiprocess

from gateway.http_connection import _MAX_LINGERING, CONNECTION, LAST_HEAD_S, ConnectionLimits
from gateway.http_protocol import GatewayProtocol, ProtocolFactory
from gateway.workers import Worker
from tests.gateway.admission.conftest import until

pytestmark = pytest.mark.slow

KIB = 1 << 10
LIVE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

SOURCES: dict[type | None, str] = {
    httptools_impl.HttpToolsProtocol: "18fdf324b11bf160",
    httptools_impl.RequestResponseCycle: "e67d470d435dcc1c",
    flow_control.FlowControl: "126debcdaa894c83",
    uvicorn.Server: "06e799f7c58f8be6",
    Worker.__base__: "c3105a4518e3195a",
    multiprocess.Multiprocess: "ea4650ac0ee7c09c",
}
"""uvicorn's classes that the gateway's derive from, or call, by the SHA-256 of their source."""


@pytest.mark.parametrize("used", SOURCES, ids=lambda used: used.__name__)
def test_uvicorns_class_is_the_one_that_was_read(used: type) -> None:
    digest = hashlib.sha256(inspect.getsource(used).encode()).hexdigest()[:16]
    assert digest == SOURCES[used], (
        f"uvicorn's {used.__name__} has changed: read what, see that gateway/http_connection.py, gateway/http_protocol.py"
        " and gateway/graceful_shutdown.py and gateway/workers.py still do what they say, and set the new digest."
    )


class CountingParser:
    """httptools' parser, with the sizes of what it is given."""

    def __init__(self, protocol: GatewayProtocol) -> None:
        self._parser = httptools.HttpRequestParser(protocol)
        self.sizes: list[int] = []

    def feed_data(self, data: bytes) -> None:
        self.sizes.append(len(data))
        self._parser.feed_data(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)


class Transport(asyncio.Transport):
    """Keeps what is written, and how often reading was paused."""

    def __init__(self, protocol: GatewayProtocol) -> None:
        super().__init__()
        self._protocol = protocol
        self.written = b""
        self.is_paused = False
        self.unsent = 0
        self._is_closing = False

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        pass

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            if not self.unsent:
                asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        self.unsent = 0
        self._is_closing = False
        self.close()


class Opened:
    """A connection without a socket, and the requests that reach its application."""

    def __init__(self, **limits: Any) -> None:
        self.scopes: list[Scope] = []
        self.on_hang_up: Callable[[], None] | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        value = {"head_bytes": 64 * KIB, "headers": 100, "head_timeout_s": 60, "body_timeout_s": 60, "connections": 10}
        config = uvicorn.Config(
            self._app, log_config=None, proxy_headers=False, ws="none", lifespan="off", interface="asgi3"
        )
        factory = ProtocolFactory(ConnectionLimits(**{**value, **limits}))
        self.protocol = factory(config, ServerState(), {})
        self.parser = parser = CountingParser(self.protocol)
        self.protocol.parser = parser  # type: ignore[assignment]
        self.transport = Transport(self.protocol)
        self.protocol.connection_made(self.transport)

    async def _app(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        if self.on_hang_up is not None:
            scope[CONNECTION].on_hang_up = self.on_hang_up
        await self.gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    @property
    def statuses(self) -> list[int]:
        return [int(part[:3]) for part in self.transport.written.split(b"HTTP/1.1 ")[1:]]


@contextmanager
def opened(**limits: Any) -> Iterator[Opened]:
    """A connection for the length of the block."""
    connection = Opened(**limits)
    try:
        yield connection
    finally:
        connection.protocol.connection_lost(None)


async def test_a_head_that_comes_byte_by_byte_is_given_to_the_parser_in_few_pieces() -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * (63 * KIB) + b"\r\n\r\n"
    with opened() as connection:
        for byte in head:
            connection.protocol.data_received(bytes([byte]))
        await asyncio.sleep(0)
        assert len(connection.scopes) == 1
        assert sum(connection.parser.sizes) == len(head)
        assert len(connection.parser.sizes) < 25


async def test_of_a_header_without_end_the_parser_gets_no_more_than_a_head_may_have() -> None:
    with opened() as connection:
        connection.protocol.data_received(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
        for _ in range(256):
            connection.protocol.data_received(b"x" * (256 * KIB))
        assert sum(connection.parser.sizes) == 64 * KIB
        assert len(connection.parser.sizes) < 10
        assert connection.statuses == [431]
        assert connection.transport.is_closing()


async def test_requests_that_are_sent_ahead_wait_unread() -> None:
    with opened() as connection:
        connection.gate.clear()
        for _ in range(4):
            connection.protocol.data_received(LIVE * 10_000)
        await asyncio.sleep(0)
        assert sum(connection.parser.sizes) == 16 * KIB
        assert connection.transport.is_paused
        assert len(connection.protocol.pipeline) < 16 * KIB / len(LIVE)
        connection.gate.set()
        async with asyncio.timeout(60):
            while len(connection.statuses) < 40_000:  # noqa: ASYNC110 - the answers say it
                await asyncio.sleep(0.1)
        assert connection.statuses == [200] * 40_000
        assert not connection.transport.is_paused


async def test_the_time_of_a_head_ends_only_after_what_has_come_is_read() -> None:
    with opened() as connection:
        connection.protocol.data_received(LIVE[:-2])
        connection.protocol._expire_soon()  # as uvloop does it first, when it has been busy
        connection.protocol.data_received(LIVE[-2:])
        await asyncio.sleep(0.01)
        assert connection.statuses == [200]


async def test_a_bad_request_does_not_interrupt_the_answer_to_the_one_before() -> None:
    with opened() as connection:
        connection.gate.clear()
        connection.protocol.data_received(LIVE * 3 + b"nonsense\r\n\r\n")
        connection.protocol.data_received(b"more nonsense")
        await asyncio.sleep(0)
        assert connection.transport.written == b""
        connection.gate.set()
        await asyncio.sleep(0.01)
        assert connection.statuses == [200, 200, 200, 400]


@pytest.mark.parametrize("pieces", [1, 2, 3, 4, 5, 7, 10_000])
async def test_trailers_reach_no_request_in_whatever_pieces_they_come(pieces: int) -> None:
    posted = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n2\r\nab\r\n0\r\n"
    data = (posted + b"X-Forwarded-For: 192.0.2.1\r\nAuthorization: z\r\nHost: evil\r\nEmpty:\r\n\r\n") * 3 + LIVE
    size = max(1, len(data) // pieces)
    with opened() as connection:
        for index in range(0, len(data), size):
            connection.protocol.data_received(data[index : index + size])
        await asyncio.sleep(0.01)
        names = [[name for name, _ in scope["headers"]] for scope in connection.scopes]
        assert names == [[b"host", b"transfer-encoding", b"x"]] * 3 + [[b"host"]]


async def test_an_idle_connection_that_stops_is_closed_unless_a_request_has_come_meanwhile() -> None:
    with opened() as connection:
        connection.protocol.data_received(LIVE)
        await asyncio.sleep(0.01)
        connection.protocol.shutdown()
        connection.protocol.data_received(LIVE)
        await asyncio.sleep(0.01)
        assert connection.statuses == [200, 200]
        assert connection.transport.written.count(b"connection: close") == 1
        assert connection.transport.is_closing()


async def test_one_whose_head_has_begun_is_answered_and_closed() -> None:
    with opened() as connection:
        connection.protocol.data_received(LIVE[:20])
        connection.protocol.shutdown()
        await asyncio.sleep(0.01)
        connection.protocol.data_received(LIVE[20:])
        await asyncio.sleep(0.01)
        assert connection.statuses == [200]
        assert b"connection: close" in connection.transport.written


async def test_a_head_that_has_begun_when_the_gateway_stops_gets_a_short_time() -> None:
    loop = asyncio.get_running_loop()
    for sent in (b"", LIVE[:20]):
        with opened() as connection:
            connection.protocol.data_received(sent)
            connection.protocol.shutdown()
            timer = connection.protocol._timer
            assert timer is not None
            assert timer.when() <= loop.time() + LAST_HEAD_S


async def test_what_comes_after_a_refusal_that_waits_for_an_answer_is_not_read() -> None:
    with opened() as connection:
        connection.gate.clear()
        connection.protocol.data_received(LIVE + b"nonsense\r\n\r\n")
        paused = [connection.transport.is_paused]
        connection.protocol.data_received(b"more nonsense")
        paused.append(connection.transport.is_paused)
        assert paused == [False, True]
        connection.gate.set()
        await asyncio.sleep(0.01)
        assert connection.statuses == [200, 400]


async def test_of_far_too_many_connections_some_are_told_and_the_rest_reset() -> None:
    with opened(connections=1 - _MAX_LINGERING) as connection:
        assert connection.statuses == [503]
    with opened(connections=-_MAX_LINGERING) as connection:
        assert (connection.statuses, connection.transport.is_closing()) == ([], True)


async def test_an_unexpected_error_of_the_parsers_callbacks_is_400_and_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with opened() as connection:
        connection.protocol.data_received(b"GET http:// HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.statuses == [400]


async def test_a_request_was_received_when_its_body_was() -> None:
    with opened() as connection:
        connection.gate.clear()
        before = asyncio.get_running_loop().time()
        connection.protocol.data_received(LIVE)
        assert (connection.protocol.received_at or 0) >= before
        connection.gate.set()
        await asyncio.sleep(0.01)
        connection.protocol.data_received(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{")
        assert connection.protocol.received_at is None
        connection.protocol.data_received(b"}")
        await asyncio.sleep(0.01)
        assert (connection.protocol.received_at or 0) >= before
        assert connection.scopes[-1][CONNECTION] is connection.protocol


@pytest.mark.parametrize("is_answered", [False, True])
async def test_a_client_that_hangs_up_before_it_is_answered_is_told_of(is_answered: bool) -> None:
    told: list[str] = []
    with opened() as connection:
        connection.on_hang_up = lambda: told.append("left")
        if not is_answered:
            connection.gate.clear()
        connection.protocol.data_received(LIVE)
        await asyncio.sleep(0.01)
        assert told == []
        connection.transport.close()
        await asyncio.sleep(0.01)
        assert told == ([] if is_answered else ["left"])
        connection.gate.set()
        await asyncio.sleep(0.01)


async def test_what_is_done_for_a_request_whose_body_is_refused_ends() -> None:
    told: list[str] = []
    with opened() as connection:
        connection.on_hang_up = lambda: told.append("refused")
        connection.gate.clear()
        connection.protocol.data_received(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        await asyncio.sleep(0.01)
        connection.protocol.data_received(b"not a size\r\n")
        assert told == ["refused"]
        connection.gate.set()
        await asyncio.sleep(0.01)


async def test_a_connection_that_was_closed_holds_no_request() -> None:
    with opened() as connection:
        connection.protocol.data_received(LIVE)
        await asyncio.sleep(0.01)
        connection.transport.close()
        await asyncio.sleep(0.01)
        protocol: Any = connection.protocol
        assert (protocol.cycle, protocol.scope, protocol.parser) == (None, None, None)


async def test_a_client_that_takes_nothing_for_so_long_is_cut_and_one_that_reads_slowly_is_not() -> None:
    with opened() as connection:
        connection.transport.unsent = 1_000
        connection.protocol.pause_writing()
        connection.transport.unsent = 999
        connection.protocol._expire_sending()
        assert not connection.transport.is_closing()
        connection.protocol._expire_sending()
        assert connection.transport.is_closing()


async def test_the_time_of_sending_ends_when_the_client_takes_more() -> None:
    with opened() as connection:
        connection.transport.unsent = 1_000
        connection.protocol.pause_writing()
        connection.protocol.resume_writing()
        assert connection.protocol._send_timer is None


@pytest.mark.parametrize("closes", [b"HTTP/1.1\r\nConnection: close", b"HTTP/1.1"])
async def test_a_connection_that_is_closed_before_all_is_taken_does_not_stay(closes: bytes) -> None:
    with opened(send_timeout_s=0.05) as connection:
        connection.transport.unsent = 10
        connection.protocol.data_received(LIVE.replace(b"HTTP/1.1", closes))
        await until(lambda: connection.protocol.cycle.response_complete)
        connection.protocol._idle.close_oldest()
        assert connection.protocol in connection.protocol.connections
        await until(lambda: connection.protocol not in connection.protocol.connections)


@pytest.mark.parametrize("pieces", [1, 64])
async def test_a_client_that_reads_nothing_is_cut(pieces: int) -> None:
    """Whether its answer is written in one go, and is over for the application, or not."""
    piece, end = b"x" * ((32 << 20) // pieces), asyncio.Event()

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        length = str(len(piece) * pieces).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        for index in range(pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": index < pieces - 1})
        end.set()

    config = uvicorn.Config(app, log_config=None, ws="none", lifespan="off", interface="asgi3")
    limits = ConnectionLimits(64 * KIB, 100, 60, 60, 10, send_timeout_s=0.2)
    protocol = ProtocolFactory(limits)(config, ServerState(), {})
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol, "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()) as client:
        client.sendall(LIVE)
        async with asyncio.timeout(30):
            await end.wait()
            await until(lambda: protocol.transport is not None and protocol not in protocol.connections)
    server.close()
