"""Stop gracefully: refuse new connections at once, in all processes, and answer those that were accepted."""

from __future__ import annotations

import asyncio
import ctypes
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
from uvicorn.supervisors import multiprocess

from gateway.http_refusal import response_bytes, stopping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

_ANSWER_S = 1.0
"""Time for the client of a connection that came too late to read the error."""
_HANDSHAKE_S = 0.02
"""Time for handshakes that have begun to complete, before a socket stops listening."""
_JOIN_INTERVAL_S = 0.05
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


class Server(uvicorn.Server):
    """uvicorn's server of one process, which stops listening as soon as it receives a signal to stop."""

    _loop: asyncio.AbstractEventLoop | None = None
    _listening: list[socket.socket]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen, unless a signal to stop came meanwhile."""
        self._loop = loop = asyncio.get_running_loop()
        self._serving: set[asyncio.Future[None]] = set()
        self._listening = sockets or []
        self.servers: list[asyncio.base_events.Server] = []
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        if not self.should_exit:  # to listen would open the socket again, in all processes that have it
            for each in self._listening:
                self.servers.append(await loop.create_server(self._protocol, sock=each))
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
            _stop_by(self.handle_exit)
            try:
                yield
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop for a signal. This runs between any two steps of the event loop's."""
        super().handle_exit(signal.SIGINT if sig == signal.SIGINT else signal.SIGTERM, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop_listening)

    def _stop_listening(self) -> None:
        """Stop listening, and serve the connections that wait to be accepted. Does nothing the second time.

        Workers share a socket: the other workers, or the one that replaces this one, continue to listen on it.
        """
        if not self.started:
            return
        listening, self._listening = self._listening, []
        for waiting in accept_last(listening) if self.config.workers == 1 else accept_all(listening):
            self._serving.add(asyncio.ensure_future(self._serve_connection(waiting)))
        for server in self.servers:
            server.close()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, then close the sockets and stop as uvicorn does.

        uvicorn may notice a signal before `_stop_listening` runs, and to close the sockets resets what waits there.
        """
        self._stop_listening()
        await asyncio.gather(*self._serving)
        await super().shutdown(sockets)

    async def _serve_connection(self, accepted: socket.socket) -> None:
        with suppress(OSError):
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, accepted)


class Worker(multiprocess.Process):
    """A worker process, which runs this module's server."""

    @property
    def server(self) -> uvicorn.Server:
        """Make it, in the worker."""
        if self._server is None:
            self._server = Server(config=self.config)
        return self._server


multiprocess.Process = Worker  # type: ignore[misc]  # uvicorn's supervisor makes them by this name in four places


class Workers(multiprocess.Multiprocess):
    """uvicorn's workers, all of which stop listening as soon as this process receives a signal to stop.

    A closed terminal stops them too, instead of restarting them.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        hang_up = signal.getsignal(signal.SIGHUP)
        super().__init__(config, sockets)
        signal.signal(signal.SIGHUP, hang_up)
        self._is_stopping = False
        self._answering = threading.Thread()
        _stop_by(self._stop)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        """Stop listening and pass the signal on. This runs between any two steps of this process's."""
        self.signal_queue.append(signal.SIGINT if number == signal.SIGINT else signal.SIGTERM)
        if self._is_stopping:
            return
        self._is_stopping = True
        accepted = accept_last(self.sockets)
        for process in self.processes:
            if process.pid is not None and process.exitcode is None:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGTERM)
        self._answering = threading.Thread(target=refuse_all, args=(accepted,), name="answer-late-connections")
        self._answering.start()

    def keep_subprocess_alive(self) -> None:
        """Replace workers that have died, unless all are stopping."""
        if not self._is_stopping:
            super().keep_subprocess_alive()

    def terminate_all(self) -> None:
        """Stop the workers."""
        end_listening(self.sockets)
        super().terminate_all()

    def join_all(self) -> None:
        """Wait for the workers. One that was just starting may have opened the socket again."""
        are_alive = True
        while are_alive:  # and once more when they have ended
            are_alive = any(process.process.is_alive() for process in self.processes)
            late = accept_all(self.sockets)
            end_listening(self.sockets)
            refuse_all(late)
            if are_alive:
                time.sleep(_JOIN_INTERVAL_S)
        super().join_all()


def _stop_by(handler: Callable[[int, FrameType | None], None]) -> None:
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


def refuse_all(accepted: Iterable[socket.socket]) -> None:
    """Answer 503 on connections that will not be served, and close them."""
    answer = response_bytes(stopping())
    for connection in (accepted := list(accepted)):
        connection.settimeout(_ANSWER_S)
        with suppress(OSError):
            connection.send(answer)
            connection.shutdown(socket.SHUT_WR)
    for connection in accepted:
        with suppress(OSError), connection:
            connection.recv(1 << 16)  # what is not read when it is closed resets the connection, answer and all
