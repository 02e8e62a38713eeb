"""Stop gracefully: refuse new connections at once, in all processes, and answer those that were accepted."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import math
import os
import signal
import socket
import struct
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.server import ServerState

from gateway.http.request_deadline import end_by
from gateway.http_connection import Connection
from gateway.http_refusal import response_bytes, stopping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

_log = logging.getLogger("gateway")

_ANSWER_S = 1.0
"""Time for the clients of connections that came too late to read the error, for all of them together."""
_LOG_S = 0.2
"""Time to write to the log, before the process is ended: who reads it may hang, or who writes to it."""
_HANDSHAKE_S = 0.02
"""Time for handshakes that have begun to complete, before a socket stops listening."""
_RESERVE_SHARE, _MAX_RESERVE_S = 0.25, 2.0
"""How much of the time to stop in is left when the last answers have to be there: a quarter, and no more than the
latter. In it, they are written, and the stores are closed."""
_LAST_REQUEST_SHARE, _MAX_LAST_REQUEST_S = 0.1, 1.0
"""How long a connection without a request waits for a last one, which is answered with `Connection: close`: a tenth of
the time to stop in, and no more than the latter. Load balancers use a connection again within it under load."""
_SO_ATTACH_FILTER = 26
_DROP_FIRST_PACKETS = (
    (0x30, 0, 0, 13),  # load the flags of the TCP header
    (0x54, 0, 0, 0x12),  # of them SYN and ACK
    (0x15, 0, 1, 0x02),  # with SYN alone, a packet is the first of a connection:
    (0x06, 0, 0, 0),  # drop it
    (0x06, 0, 0, 0xFFFFFFFF),  # take any other
)
"""A program of Linux's classic packet filter: operation, jump if true, jump if false, operand."""
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class State(ServerState):
    """The state that the connections of a process share."""

    stops_at: float | None = None
    """When the last answers have to be there, by the loop's clock; None until it is told to stop."""
    last_request_s = 0.0


class Server(uvicorn.Server):
    """uvicorn's server of one process, which stops listening as soon as it receives a signal to stop.

    From then on it takes `timeout_graceful_shutdown` seconds at most. A quarter earlier, at most two seconds, is the
    deadline of requests under way; half of that later, connections are cut, and the stores are closed.
    """

    _loop: asyncio.AbstractEventLoop | None = None
    _end: threading.Timer | None = None
    _listening: list[socket.socket]

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.server_state: State = State()
        self.ticked_at: float | None = None
        """When the event loop ran last, by the monotonic clock; None before it serves and while it stops."""

    async def on_tick(self, counter: int) -> bool:
        """Note that the event loop runs."""
        self.ticked_at = time.monotonic()
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen, unless a signal to stop came meanwhile."""
        self._loop = loop = asyncio.get_running_loop()
        self._serving: set[asyncio.Future[None]] = set()
        self._listening = sockets or []
        self.servers: list[asyncio.base_events.Server] = []
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        backlog = self.config.backlog
        if not self.should_exit:  # to listen would open the socket again, in all processes that have it
            for each in self._listening:
                self.servers.append(await loop.create_server(self._protocol, sock=each, backlog=backlog))
        self.started = True

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(self.config, self.server_state, self.lifespan.state, self._loop)
        return protocol

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop for a closed terminal too, and for SIGQUIT. uvicorn leaves both to end the process at once."""
        with super().capture_signals():
            before = {number: signal.getsignal(number) for number in _STOP_SIGNALS}
            stop_by(self.handle_exit)
            try:
                yield
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)
                logging.shutdown()  # uvicorn raises the signal again, which ends the process at once

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop for a signal. This runs between any two steps of the event loop's."""
        if not self.should_exit and self.config.timeout_graceful_shutdown is not None:
            self._end = stop_surely(self.config.timeout_graceful_shutdown)
        super().handle_exit(signal.SIGINT if sig == signal.SIGINT else signal.SIGTERM, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop_listening)

    def cancel_end(self) -> None:
        """Leave the process more time than to stop in, now that the server has stopped."""
        if self._end is not None:
            self._end.cancel()

    def _stop_listening(self) -> None:
        """Stop listening, and serve the connections that wait to be accepted. Does nothing the second time.

        Workers share a socket: the other workers, or the one that replaces this one, continue to listen on it.
        """
        if not self.started:
            return
        self._limit_requests()
        listening, self._listening = self._listening, []
        for waiting in accept_last(listening) if self.config.workers == 1 else accept_all(listening):
            self._serving.add(asyncio.ensure_future(self._serve_connection(waiting)))
        for server in self.servers:
            server.close()

    def _limit_requests(self) -> None:
        """Let requests end by the time that is left to stop in."""
        timeout_s, state, loop = self.config.timeout_graceful_shutdown, self.server_state, asyncio.get_running_loop()
        if state.stops_at is not None or timeout_s is None:
            return
        reserve_s = min(_RESERVE_SHARE * timeout_s, _MAX_RESERVE_S)
        state.stops_at = loop.time() + timeout_s - reserve_s
        state.last_request_s = min(_LAST_REQUEST_SHARE * timeout_s, _MAX_LAST_REQUEST_S)
        self._cut_at = state.stops_at + reserve_s / 2
        for connection in self._connections():
            cycle: Any = connection.cycle
            if cycle is not None:
                end_by(cycle.scope, state.stops_at)
            connection.shutdown()  # uvicorn does it up to a tenth of a second later, once more
        loop.call_at(state.stops_at, self._give_up)

    def _give_up(self) -> None:
        for connection in self._connections():
            connection.give_up()

    def _connections(self) -> list[Connection]:
        return [item for item in self.server_state.connections if isinstance(item, Connection)]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, then close the sockets and stop as uvicorn does.

        uvicorn may notice a signal before `_stop_listening` runs, and to close the sockets resets what waits there.
        """
        self._stop_listening()
        self.ticked_at = None
        await asyncio.gather(*self._serving)
        if self.server_state.stops_at is not None:
            left_s: Any = max(0.0, self._cut_at - asyncio.get_running_loop().time())
            self.config.timeout_graceful_shutdown = left_s
        await super().shutdown(sockets)

    async def _serve_connection(self, accepted: socket.socket) -> None:
        with suppress(OSError):
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, accepted)


def stop_surely(within_s: float) -> threading.Timer:
    """End the process that long from now, unless it has ended by itself, or the timer is cancelled.

    A driver's thread that waits for an answer, or a connection that does not close, would keep it for good, and a
    deployment with it.
    """

    def end() -> None:
        log = threading.Thread(target=_log_end, args=(within_s,), daemon=True)
        log.start()  # a thread that hangs in writing to the log keeps others from it
        log.join(_LOG_S)
        os._exit(1)

    timer = threading.Timer(within_s, end)
    timer.daemon = True
    timer.start()
    return timer


def _log_end(within_s: float) -> None:
    _log.error("Stopping takes longer than %g s: the process is ended.", within_s)
    logging.shutdown()


def stop_by(handler: Callable[[int, FrameType | None], None]) -> None:
    """Have signals that mean to stop handled, but for a SIGHUP that is ignored: `nohup` is to outlive the terminal."""
    for number in _STOP_SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def accept_last(listening: Iterable[socket.socket]) -> list[socket.socket]:
    """Stop listening, in all processes that have the sockets. Return the connections that were made until then.

    A socket that stops listening resets the connections that wait for it. So new ones are dropped first, while those
    that have begun are made and accepted. This is so on Linux; elsewhere, connections made after the last was accepted
    are reset.
    """
    listening = list(listening)
    drop_new(listening)
    accepted = accept_all(listening)
    time.sleep(_HANDSHAKE_S)
    accepted += accept_all(listening)
    end_listening(listening)
    return accepted


def drop_new(listening: Iterable[socket.socket]) -> None:
    """Ignore the first packets of new connections: clients send them again a second later. On Linux only."""
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in _DROP_FIRST_PACKETS))
    pointer = struct.pack("HL", len(_DROP_FIRST_PACKETS), ctypes.addressof(program))
    for each in listening:
        with suppress(OSError):  # not every sandbox has packet filters
            each.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, pointer)


def accept_all(listening: Iterable[socket.socket]) -> list[socket.socket]:
    """Accept the connections that wait for it, without waiting for any."""
    accepted: list[socket.socket] = []
    for each in listening:
        with suppress(OSError):  # there are no more, or none can be opened
            while True:
                accepted.append(each.accept()[0])
    return accepted


def end_listening(listening: Iterable[socket.socket]) -> None:
    """Refuse new connections from now on, in all processes that have the socket."""
    for each in listening:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def refuse_all(accepted: Iterable[socket.socket], ends_at: float = math.inf) -> None:
    """Answer 503 on connections that will not be served, and close them, in a second at most.

    `ends_at` is by the monotonic clock, and may be sooner.
    """
    answer, ends_at = response_bytes(stopping()), min(ends_at, time.monotonic() + _ANSWER_S)
    for connection in (accepted := list(accepted)):
        connection.setblocking(False)  # what was just accepted takes the answer at once
        with suppress(OSError):
            connection.send(answer)
            connection.shutdown(socket.SHUT_WR)
    for connection in accepted:
        connection.settimeout(max(0.0, ends_at - time.monotonic()))
        with suppress(OSError), connection:
            connection.recv(1 << 16)  # what is not read when it is closed resets the connection, answer and all
