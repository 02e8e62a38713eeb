"""The HTTP/1.1 protocol of a connection: uvicorn's, with bounds on everything that comes before a request is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.http.errors import HTTPError
from gateway.http_connection import CONNECTION, LAST_HEAD_S, Connection, ConnectionLimits, IdleConnections
from gateway.http_refusal import bad_head, no_proxy, no_websocket, too_large

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from uvicorn.config import Config
    from uvicorn.server import ServerState

_PIECE = 16 << 10
"""Maximum bytes that the parser gets at once. Requests that are sent ahead of a response are read piece by piece, so
that a client cannot have thousands of them wait in memory."""
_MIN_PIECE = 4 << 10
"""Bytes of a header that are collected before the parser gets them. httptools joins the parts of a value, which takes
quadratic time where they come byte by byte."""
_FRAMING_PER_BYTE = 16
"""Maximum bytes of chunk sizes per byte of a body, in addition to the limit of a head. Chunks of one byte take five or
more."""
_CONNECTION = frozenset({b"connection", b"proxy-connection"})
"""Headers by which the parser ends a connection, as trailers too: what comes next would be left without an answer."""

uvicorn_on_headers_complete = HttpToolsProtocol.on_headers_complete


class ProtocolFactory:
    """Factory of the protocol for each connection of a process. uvicorn sends it to worker processes and calls it
    there."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._idle = IdleConnections()

    def __call__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> GatewayProtocol:
        """Make one."""
        return GatewayProtocol(config, server_state, app_state, _loop, limits=self._limits, idle=self._idle)


class GatewayProtocol(Connection):
    """The protocol of one connection.

    - The head of a request is bounded in bytes, headers and time, the time from its first byte (or from when the
      connection was made). CPU time is linear in what is sent.
    - Trailers are bounded likewise and dropped: uvicorn appends them to the headers of the request.
    - Requests that are sent ahead of an answer wait, unread, for that answer.

    It depends on what uvicorn's class does inside: `tests/gateway/test_http_protocol.py` notices when that changes.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
        *,
        limits: ConnectionLimits,
        idle: IdleConnections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop, limits=limits, idle=idle)
        self._piece = min(_PIECE, limits.head_bytes)
        # The head that is being read.
        self._head_has_line = False
        self._pending = bytearray()
        self._hosts = 0
        self._is_chunked = False
        self._ignores_upgrade = False
        # The body that is being read: what came over the wire, and how much of it was content.
        self._body_size = 0
        self._content_size = 0
        self._trailers = 0
        self._is_complete = False
        self._held = b""
        """Bytes that were sent ahead of a response."""

    # What comes in

    def data_received(self, data: bytes) -> None:
        """Read the data, piece by piece if it is long."""
        self._idle.since.pop(self, None)
        cycle = self.cycle
        is_next = cycle is None or cycle.response_complete or (self._in_body and not self.pipeline)
        if is_next and len(data) <= self._piece and not self._head_size and not self._is_refused:
            self._feed(data)
        else:
            self._read(data)

    def _must_wait(self) -> bool:
        """Return whether what comes next is a request ahead of an answer, or comes after one that waits."""
        is_ahead = not self._in_body and not self._head_size and self._is_answering()
        return is_ahead or bool(self._held or self.pipeline)

    def _read(self, data: bytes) -> None:
        position = 0
        while position < len(data):
            if self._is_refused:
                self._drop(len(data) - position)
                return
            if self._must_wait():
                self._held += data[position:]
                self._stop_timer()
                self.flow.pause_reading()
                return
            size = self._piece
            if self._head_size:
                size = min(size, self._limits.head_bytes - self._head_size - len(self._pending))
            piece = data[position : position + size]
            position += size
            if self._head_size:
                self._collect(piece)
            else:
                self._feed(piece)

    def _collect(self, piece: bytes) -> None:
        """Feed the parser more of a head, once it is worth it. A head ends with a line."""
        self._pending += piece
        size = len(self._pending)
        if b"\n" in piece or size >= _MIN_PIECE or self._head_size + size >= self._limits.head_bytes:
            collected = bytes(self._pending)
            self._pending.clear()
            self._feed(collected)

    def _feed(self, data: bytes) -> None:
        was_in_body = self._in_body
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._replay(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(self._fault(error))
        else:
            if self._is_complete:
                self._is_complete = False
                self._head_size = 0
                if self.scope is not self.cycle.scope:  # the next head has begun within this piece
                    self._head_has_line = b"\n" in data.rpartition(b"\r\n\r\n")[2]
                    self._grow_head(1)
            elif not self._in_body:
                self._head_has_line = self._head_has_line or b"\n" in data
                self._grow_head(len(data))
            elif was_in_body:
                self._grow_body(len(data))

    def _fault(self, error: httptools.HttpParserError) -> HTTPError:
        if not isinstance(error, httptools.HttpParserCallbackError):
            return bad_head(str(error))
        if isinstance(error.__context__, HTTPError):
            return error.__context__
        self.logger.debug("A request could not be read.", exc_info=error)
        return bad_head("The URL cannot be read")

    def _grow_head(self, size: int) -> None:
        self._head_size += size
        if self._head_size >= self._limits.head_bytes:
            self._refuse(too_large("head_bytes", self._limits.head_bytes, is_url=not self._head_has_line))
        elif self.headers is not None and len(self.headers) > self._limits.headers:
            self._refuse(too_large("headers", self._limits.headers))
        elif self._timer is None:
            self._start_timer(LAST_HEAD_S if self._is_stopping else self._limits.head_timeout_s)

    def _grow_body(self, size: int) -> None:
        self._body_size += size
        if self._body_size - self._content_size > self._limits.head_bytes + _FRAMING_PER_BYTE * self._content_size:
            self._refuse(too_large("framing_bytes", self._limits.head_bytes))

    # What the parser calls

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header; drop a trailer."""
        if self._in_body:
            self._trailers += 1
            if self._trailers > self._limits.headers:
                raise too_large("headers", self._limits.headers)
            if name.lower() in _CONNECTION:
                raise bad_head("Connection must not be a trailer")
            return
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"expect":
            self.expect_100_continue = value.lower() == b"100-continue"
        elif name == b"transfer-encoding":
            if value.lower() != b"chunked":
                raise bad_head("Transfer-Encoding must be chunked")
            self._is_chunked = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Start to answer a request, or reject its head."""
        if len(self.headers) > self._limits.headers:
            raise too_large("headers", self._limits.headers)
        version = self.parser.get_http_version()
        if version != "1.1":
            self._check_old(version)
        elif self._hosts != 1:
            raise bad_head(f"A request must have one Host header, and this one has {self._hosts}")
        if self.parser.should_upgrade():
            self._check_upgrade()
            return
        self.scope[CONNECTION] = self  # type: ignore[literal-required]
        self.received_at = None
        uvicorn_on_headers_complete(self)
        self._in_body = True
        self._head_has_line = self._is_chunked = False
        self._head_size = self._hosts = self._body_size = self._content_size = self._trailers = 0
        if self._timer is not None:
            self._stop_timer()
        if self._is_stopping:
            self.cycle.keep_alive = False

    def _check_old(self, version: str) -> None:
        if version != "1.0":
            raise bad_head("The version must be HTTP/1.1 or HTTP/1.0")
        if self._is_chunked:
            raise bad_head("HTTP/1.0 has no Transfer-Encoding")
        if self._hosts > 1:
            raise bad_head(f"A request must have one Host header, and this one has {self._hosts}")
        self.expect_100_continue = False

    def _check_upgrade(self) -> None:
        """Refuse CONNECT and WebSocket. Any other protocol is not changed to, and the request is answered as it is."""
        if self.parser.get_method() == b"CONNECT":
            raise no_proxy()
        for name, value in self.headers:
            if name == b"upgrade" and b"websocket" in value.lower():
                raise no_websocket()
        self._ignores_upgrade = True

    def _replay(self, rest: bytes) -> None:
        """Parse the head again without the request to change the protocol: httptools would leave out the body."""
        head = [b"%s %s HTTP/1.1\r\n" % (self.parser.get_method(), self.url)]
        head += [b"%s: %s\r\n" % header for header in self.headers if header[0] not in (b"upgrade", b"connection")]
        if any(name == b"connection" and b"close" in value.lower() for name, value in self.headers):
            head.append(b"connection: close\r\n")
        self._ignores_upgrade = self._is_chunked = False
        self._hosts = 0
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self._feed(b"".join([*head, b"\r\n", rest]))

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._content_size += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request; what comes next is another one's."""
        if self._ignores_upgrade:
            return
        self._in_body = False
        self._is_complete = True
        self.received_at = self.loop.time()
        cycle = self.cycle
        if cycle.response_complete:  # it was answered before
            self._stop_timer()
            self._idle.add(self)
        else:
            cycle.more_body = False
            cycle.message_event.set()

    # Between requests

    def on_response_complete(self) -> None:
        """Go on with what was sent ahead, or wait for a request."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._await_sending()
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._is_refused:
            self._send_refusal()
        elif self._in_body:
            self._drain()
        elif not self._held and not self._head_size:
            self._idle.add(self)
        if self._held:
            held, self._held = self._held, b""
            self._read(held)

    def _drain(self) -> None:
        """Wait for the rest of a body that was answered before it came, as long as a body may take."""
        if self.expect_100_continue:  # the client may leave the body out, and its next request would be taken for it
            self.close()
        else:
            self._start_timer(self._limits.body_timeout_s)
