"""The life of a connection: its deadlines, the limit of connections, and rejections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.http_refusal import head_timeout, refuse, response_bytes, stopping, too_many
from gateway.observability.http_metrics import CONNECTIONS, record_refusal
from gateway.observability.outcomes import outcome_of_error
from gateway.observability.request_observation import OVERLOADED, REFUSAL

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, TimerHandle, Transport
    from collections.abc import Callable

    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from gateway.http.errors import HTTPError

_LINGER_S = 2.0
_LINGER_BYTES = 1 << 20
"""Time, and bytes, that a rejected client may still send. Closing at once would reset the connection, and a client that
still sends would not see the error."""
_MAX_LINGERING = 256
"""Maximum connections above the limit that get an error; further ones are reset."""
_SEND_TIMEOUT_S = 30.0
"""Time in which a client has to take something of what is sent to it, as at the edge. One that reads nothing would keep
its answer, and what that holds, for good; one that reads slowly goes on."""
LAST_HEAD_S = 2.0
"""Time for a stopping gateway to wait for the rest of a request's head, or for the first one of a new connection."""
CONNECTION = "gateway.connection"
"""The key of its Connection in the scope of a request."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits for what clients send before they are authenticated."""

    head_bytes: int
    headers: int
    head_timeout_s: float
    body_timeout_s: float
    connections: int
    send_timeout_s: float = _SEND_TIMEOUT_S


class IdleConnections:
    """The connections of a process that wait for a request, those that have waited longest first.

    One timer closes them all: two timers per request, as uvicorn has them, take a twentieth of the time of a cached
    one.
    """

    def __init__(self) -> None:
        self.since: dict[Connection, float] = {}
        self._timer: TimerHandle | None = None

    def add(self, connection: Connection) -> None:
        """Add a connection that waits for a request."""
        self.since[connection] = connection.loop.time()
        if self._timer is None:
            self._timer = connection.loop.call_later(connection.timeout_keep_alive, self._expire_soon, connection.loop)

    def _expire_soon(self, loop: AbstractEventLoop) -> None:
        """First read what has come while the event loop was busy."""
        self._timer = loop.call_later(0, self._expire, loop)

    def _expire(self, loop: AbstractEventLoop) -> None:
        self._timer = None
        while self.since:
            connection, since = next(iter(self.since.items()))
            left_s = since + connection.timeout_keep_alive - loop.time()
            if left_s > 0:
                self._timer = loop.call_later(left_s, self._expire_soon, loop)
                return
            self.close_oldest()

    def close_oldest(self) -> bool:
        """Close the connection that has waited longest. Return whether there was one."""
        connection = next(iter(self.since), None)
        if connection is None:
            return False
        del self.since[connection]
        connection.close()
        return True


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with deadlines, a bounded number of connections, refusals in order, and a gentle end."""

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
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._idle = idle
        self._head_size = 0
        """Bytes of a head that has begun and not ended."""
        self._in_body = False
        self._timer: TimerHandle | None = None
        self._unsent = 0
        """Bytes that were not sent when the timer of sending was started."""
        self._send_timer: TimerHandle | None = None
        self._is_refused = False
        self._refusal: HTTPError | None = None
        """The error to send once earlier requests are answered."""
        self._lingered = 0
        self._is_stopping = False
        self.received_at: float | None = None
        """When the request under way had come, its body too, by the loop's clock; None while its body is coming."""
        self.on_hang_up: Callable[[], None] | None = None
        """Called when the client hangs up before it has the answer to the request under way."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start the timer of the first head, and make room if there are too many connections."""
        super().connection_made(transport)
        CONNECTIONS.value += 1
        self._start_timer(self._limits.head_timeout_s)
        excess = len(self.connections) - self._limits.connections
        if excess > _MAX_LINGERING:
            record_refusal(OVERLOADED)
            transport.abort()
        elif excess > 0:
            self._make_room()

    def _make_room(self) -> None:
        """Close the connection that has waited longest for a request; refuse this one where none waits."""
        if not self._idle.close_oldest():
            self._refuse(too_many(self._limits.connections))

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it, and end what is done for it."""
        super().connection_lost(exc)
        CONNECTIONS.value -= 1
        self._idle.since.pop(self, None)
        self._stop_timer()
        self._stop_send_timer()
        if self._is_answering():
            self._hang_up()
        # They refer to this connection, which would stay, with its last request, until the garbage collector comes.
        self.cycle = self.scope = self.parser = None  # type: ignore[assignment]

    def _hang_up(self) -> None:
        on_hang_up, self.on_hang_up = self.on_hang_up, None
        if on_hang_up is not None:
            on_hang_up()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def stops_at(self) -> float | None:
        """When the last answers have to be there, by the loop's clock; None until the process is told to stop."""
        stops_at: float | None = getattr(self.server_state, "stops_at", None)
        return stops_at

    def shutdown(self) -> None:
        """Close the connection after the request that is under way, whose head is, or that comes within a moment.

        A client that knows nothing of the stop, such as a load balancer, sends what a closed connection would lose.
        """
        self._is_stopping = True
        if self._is_answering():
            self.cycle.keep_alive = False
        elif self._is_refused or self._in_body:
            self.close()
        elif self.cycle is None or self._head_size:
            self._start_timer(LAST_HEAD_S)
        else:
            self.loop.call_later(getattr(self.server_state, "last_request_s", 0.0), self._close_if_idle_soon)

    def give_up(self) -> None:
        """Refuse the request that is under way if its body is still coming."""
        if self._in_body:
            self._refuse(stopping())

    def _close_if_idle_soon(self) -> None:
        """First read what has come while the event loop was busy."""
        self.loop.call_later(0, self.loop.call_later, 0, self._close_if_idle)

    def _close_if_idle(self) -> None:
        """Close the connection, unless a request has come meanwhile."""
        if not (self._head_size or self._in_body or self._is_answering()):
            self.close()

    # Time

    def _start_timer(self, delay_s: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(delay_s, self._expire_soon)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire_soon(self) -> None:
        """First read what has come while the event loop was busy."""
        self._timer = self.loop.call_later(0, self._expire)

    def _expire(self) -> None:
        self._timer = None
        if self._head_size and not self._is_refused:
            self._refuse(stopping() if self._is_stopping else head_timeout(self._limits.head_timeout_s))
        else:
            self.close()

    # Clients that do not read

    def pause_writing(self) -> None:
        """Start the timer of sending: more is written than the client takes."""
        super().pause_writing()
        self._await_sending()

    def resume_writing(self) -> None:
        """Stop the timer of sending, unless this is the end."""
        super().resume_writing()
        self._stop_send_timer()
        if self.transport.is_closing():
            self._await_sending()

    def close(self) -> None:
        """Close the connection once what is written is sent, or the client does not take it."""
        self.transport.close()
        self._await_sending()

    def _await_sending(self) -> None:
        """Give the client time to take some of what is not sent, if anything is."""
        self._stop_send_timer()
        self._unsent = self.transport.get_write_buffer_size()
        if self._unsent:
            self._send_timer = self.loop.call_later(self._limits.send_timeout_s, self._expire_sending_soon)

    def _stop_send_timer(self) -> None:
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None

    def _expire_sending_soon(self) -> None:
        """First send what could have been sent while the event loop was busy."""
        self._send_timer = self.loop.call_later(0, self._expire_sending)

    def _expire_sending(self) -> None:
        if self.transport.get_write_buffer_size() < self._unsent:
            self._await_sending()
        else:
            self._send_timer = None
            self.transport.abort()

    # Refusals

    def _refuse(self, error: HTTPError) -> None:
        """Stop reading requests, and send this response after those to earlier requests."""
        self._is_refused = True
        self._refusal = error
        self._stop_timer()
        if self._in_body:
            self._take_back()
        elif not self._is_answering():
            self._send_refusal()

    def _take_back(self) -> None:
        """Refuse a request whose body is not as it must be, though it may have begun to be executed."""
        cycle, error = self.cycle, self._refusal
        if cycle.response_started or error is None:
            self.close()
        elif self.pipeline and self.pipeline[0][0] is cycle:
            application: Any = refuse(error)
            self.pipeline[0] = (cycle, application)
            record_refusal(outcome_of_error(error.status, error.error))
        else:
            cycle.disconnected = cycle.response_complete = True
            cycle.message_event.set()
            scope: Any = cycle.scope
            scope[REFUSAL] = outcome_of_error(error.status, error.error)
            self._hang_up()
            self._send_refusal(is_observed=True)

    def _send_refusal(self, *, is_observed: bool = False) -> None:
        if self._refusal is None or self.transport.is_closing():
            return
        if not is_observed:
            record_refusal(outcome_of_error(self._refusal.status, self._refusal.error))
        self.transport.write(response_bytes(self._refusal, self.server_state.default_headers))
        self._refusal = None
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._start_timer(_LINGER_S)

    def _drop(self, size: int) -> None:
        if self._refusal is not None:  # it waits for earlier answers
            self.flow.pause_reading()
            return
        self._lingered += size
        if self._lingered > _LINGER_BYTES:
            self.close()
