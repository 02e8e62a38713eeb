"""The deadline of a request: the gateway's own, or a sooner one that the client asks for (RFC 7240)."""

from __future__ import annotations

import asyncio
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import GraphQLError

from gateway.http.errors import HTTPError
from gateway.http_connection import CONNECTION
from loaders.deadline import Deadline, working_until
from resolvers.time_limits import DEADLINE_EXCEEDED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

APPLIED = b"preference-applied"

_DEADLINE = "gateway.deadline"
"""The key of a request's deadline in its scope."""
_WRITING_SHARE, _MAX_WRITING_S = 0.1, 0.5
"""How much earlier than the request the stores end: a tenth of its time, and no more than the latter. It is what
completing and writing the largest answers takes."""
_MAX_HEADER_BYTES = 500
"""Bytes of a Prefer header that are looked at; clients send some thirty."""
_WAIT = re.compile(rb'\s*wait\s*=\s*"?([0-9]{1,9}(?:\.[0-9]{1,9})?)"?\s*(?:;.*)?', re.IGNORECASE)


@dataclass(slots=True)
class RequestDeadline:
    """When the answer of a request has to be there, and the earlier time when its stores and functions have to end.

    `preference` is what the client asked for and has, empty where it asked for nothing. It counts from when the request
    was received, its body too, which has a time limit of its own.
    """

    answer: Deadline
    stores: Deadline
    timeout_s: float
    preference: str
    timeout: asyncio.Timeout | None = None
    """Ends what comes before execution, while that goes on."""

    @classmethod
    def of(cls, scope: Scope, timeout_s: float) -> RequestDeadline:
        """Return the deadline of a request, which begins at the first call for it."""
        deadline: RequestDeadline | None = scope.get(_DEADLINE)
        if deadline is None:
            wait = preferred_wait(scope["headers"])
            timeout_s = min(timeout_s, float(wait)) if wait else timeout_s
            received_at = _received_at(scope)
            deadline = cls.beginning(
                received_at or _now(), timeout_s, f"wait={wait}" if wait else "", is_fixed=received_at is not None
            )
            deadline._keep(scope)
        return deadline

    @classmethod
    def until_stopped(cls, scope: Scope) -> RequestDeadline:
        """Return the deadline of a request that may take as long as its client: when the gateway stops."""
        deadline = cls(Deadline(math.inf), Deadline(math.inf), math.inf, "")
        deadline._keep(scope)
        return deadline

    def _keep(self, scope: Scope) -> None:
        """Have it shortened when the gateway stops, or now if it does already."""
        scope[_DEADLINE] = self
        connection = scope.get(CONNECTION)
        if connection is not None and connection.stops_at is not None:
            self.shorten(connection.stops_at)

    @classmethod
    def beginning(
        cls, begun: float, timeout_s: float, preference: str = "", *, is_fixed: bool = True
    ) -> RequestDeadline:
        """Return a deadline that many seconds after a time of the loop's clock; one that is not fixed may be moved."""
        answer_at, stores_at = begun + timeout_s, begun + timeout_s - _writing_s(timeout_s)
        ceilings = (answer_at, stores_at) if is_fixed else (math.inf, math.inf)
        answer, stores = Deadline(answer_at, ceiling=ceilings[0]), Deadline(stores_at, ceiling=ceilings[1])
        return cls(answer, stores, timeout_s, preference)

    @property
    def limit(self) -> str:
        """The time that it gives, in words."""
        return "before this gateway stopped" if self.answer.was_shortened else f"within {self.timeout_s:g} s"

    def error(self) -> GraphQLError:
        """Return the error of what has begun to be executed and is not done in time."""
        message = f"The operation was not done {self.limit}, and was stopped."
        return GraphQLError(message, extensions={"code": DEADLINE_EXCEEDED})

    def stop_for_body(self, scope: Scope) -> bool:
        """Stop the clock where the body has not come yet, which has a time limit of its own. Return whether it has."""
        if _received_at(scope) is not None:
            return False
        self._reschedule(None)
        return True

    def shorten(self, ends_at: float) -> None:
        """Let the answer be there by an earlier time: the gateway stops."""
        self.answer.shorten(ends_at)
        self.stores.shorten(ends_at - _writing_s(self.timeout_s))
        self._reschedule(self.answer.ends_at)

    def restart(self, scope: Scope) -> None:
        """Count from when the body has come, for which the clock was stopped."""
        answer_at = (_received_at(scope) or _now()) + self.timeout_s
        self.answer.extend(answer_at)
        self.stores.extend(answer_at - _writing_s(self.timeout_s))
        self._reschedule(self.answer.ends_at)

    def _reschedule(self, ends_at: float | None) -> None:
        if self.timeout is not None and not self.timeout.expired():  # one that is about to raise cannot be moved
            self.timeout.reschedule(ends_at)

    def before_execution(self) -> _BeforeExecution:
        """Raise HTTPError 503 in the block when the deadline passes: nothing has been executed, and may be retried."""
        return _BeforeExecution(self)

    def add_header(self, response: Response) -> None:
        """Say that the preference was applied, but not in an answer that caches may give to others."""
        if self.preference and not response.headers.get("cache-control", "").startswith("public"):
            response.headers["Preference-Applied"] = self.preference


class _BeforeExecution:
    """A block of a request that ends at its deadline. A class costs each request a fifth of what a generator does."""

    __slots__ = ("_deadline", "_timeout")

    def __init__(self, deadline: RequestDeadline) -> None:
        self._deadline = deadline
        self._timeout = deadline.timeout = asyncio.timeout_at(deadline.answer.ends_at)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._deadline.timeout = None
        try:
            await self._timeout.__aexit__(kind, error, traceback)
        except TimeoutError:
            message = f"The request was not executed {self._deadline.limit}: try again in a second."
            raise HTTPError(503, message, DEADLINE_EXCEEDED, {"Retry-After": "1"}) from None


def end_by(scope: Scope, ends_at: float) -> None:
    """Shorten the deadline of a request that is under way, if it has one."""
    deadline: RequestDeadline | None = scope.get(_DEADLINE)
    if deadline is not None:
        deadline.shorten(ends_at)


def request_deadline(scope: Scope) -> RequestDeadline:
    """Return the deadline of a request that has passed RequestDeadlineMiddleware."""
    deadline: RequestDeadline = scope[_DEADLINE]
    return deadline


def preferred_wait(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the seconds that the client prefers to wait at most, as it wrote them; "" where it says nothing.

    The first one counts. What is malformed, or no time at all, is ignored: preferences are no demands.
    """
    for name, value in headers:
        if name == b"prefer":
            for preference in value[:_MAX_HEADER_BYTES].split(b","):
                wait = _WAIT.fullmatch(preference)
                if wait is not None and float(wait[1]) > 0:
                    return wait[1].decode()
    return ""


class RequestDeadlineMiddleware:
    """ASGI middleware that gives requests for one path their deadline, and the deadline of stores to what they do."""

    def __init__(self, app: ASGIApp, path: str, timeout_s: float) -> None:
        self._app = app
        self._path = path
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        with working_until(RequestDeadline.of(scope, self._timeout_s).stores):
            await self._app(scope, receive, send)


def _received_at(scope: Scope) -> float | None:
    """Return when the request was received; None where its body has not come yet, or the server does not tell."""
    connection = scope.get(CONNECTION)
    return None if connection is None else connection.received_at


def _now() -> float:
    return asyncio.get_running_loop().time()


def _writing_s(timeout_s: float) -> float:
    return min(_WRITING_SHARE * timeout_s, _MAX_WRITING_S)
