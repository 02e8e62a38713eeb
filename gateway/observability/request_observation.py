"""The record of one request, which metrics, logs and traces are made of when its answer is sent."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from gateway.observability.operation_names import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from starlette.types import Message, Scope, Send

    from loaders.request_tracker import RequestTracker

OBSERVATION: Final = "fuseway.observation"
"""The key of a request's RequestObservation in its scope; requests that are not observed have none."""

REFUSAL: Final = "fuseway.refusal"
"""The key of the outcome in the scope of a request that its connection refuses, since its body is malformed: what
answers it may not have begun yet, and is told that the client has left."""
HANG_UP_KEY: Final = "gateway.hang_up"
"""The key of a request's HangUp in its scope."""
OK, CACHED, PARTIAL, CLIENT_ERROR = "ok", "cached", "partial", "client_error"
OVERLOADED, TIMEOUT, SERVER_ERROR, HANG_UP = "overloaded", "timeout", "server_error", "hang_up"
OUTCOMES = (OK, CACHED, PARTIAL, CLIENT_ERROR, OVERLOADED, TIMEOUT, SERVER_ERROR, HANG_UP)
"""The outcomes of requests, from good to bad; of a batch it is the worst."""
_RANKS = {outcome: rank for rank, outcome in enumerate(OUTCOMES)}


class RequestObservation:
    """The record of one request. Inner layers fill it in, by `observation_of(scope)`.

    `forward` takes the place of ASGI's `send`, and notes the status: another object, or another coroutine for each
    message, would cost a cached response as much as all else here.
    """

    __slots__ = (
        "_send",
        "operation",
        "operation_type",
        "outcome",
        "points",
        "queued_s",
        "started_at",
        "status",
        "trace_id",
        "tracker",
        "viewer",
    )

    def __init__(self, send: Send) -> None:
        self.started_at = time.perf_counter()
        self.operation = UNKNOWN
        """The operation's name as the client wrote it, `""` for one without a name, or BATCH, EXPORT or UNKNOWN."""
        self.operation_type = ""
        """`query` or `mutation`; empty where there is no operation of its own."""
        self.outcome = ""
        """One of OUTCOMES; empty until it is known, where the status says it."""
        self.viewer = ""
        """The viewer's name; empty where the request has no valid credential, or does not need one."""
        self.points = 0
        """The price of the request's operations, together."""
        self.queued_s = 0.0
        """How long it waited to be let in."""
        self.tracker: RequestTracker | None = None
        """The record of its statements and its use of the cache; None for what was answered without them."""
        self.trace_id = ""
        self.status = 0
        """The status of the answer; 0 until it begins to be sent."""
        self._send = send

    def forward(self, message: Message) -> Awaitable[None]:
        """Send a message of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        return self._send(message)

    def worsen(self, outcome: str) -> None:
        """Set the outcome, unless it is a worse one already."""
        if not self.outcome or _RANKS[outcome] > _RANKS[self.outcome]:
            self.outcome = outcome

    def final_outcome(self, scope: Scope) -> str:
        """Return the outcome of a request that is over, of which this is the scope."""
        refusal: str | None = scope.get(REFUSAL)
        if refusal is not None:
            return refusal
        hang_up: Any = scope.get(HANG_UP_KEY)
        if not self.status or (hang_up is not None and hang_up.has_left):
            return HANG_UP
        if self.outcome:
            return self.outcome
        return OK if self.status < 400 else CLIENT_ERROR if self.status < 500 else SERVER_ERROR


def observation_of(scope: Scope) -> RequestObservation | None:
    """Return the record of a request; None where requests are not observed."""
    observation: RequestObservation | None = scope.get(OBSERVATION)
    return observation


@contextmanager
def queueing(scope: Scope) -> Iterator[None]:
    """Count the time of the block as that for which a request waits to be let in."""
    observation = observation_of(scope)
    began = time.perf_counter()
    try:
        yield
    finally:
        if observation is not None:
            observation.queued_s += time.perf_counter() - began
