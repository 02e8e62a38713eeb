"""Let requests in, or refuse them, before their documents are parsed."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

import orjson
from starlette.requests import ClientDisconnect

from gateway.admission.overloaded import OverloadedError, overloaded_error
from gateway.auth.errors import AuthenticationError
from gateway.http.errors import HTTPError
from gateway.http.media import JSON, MULTIPART, negotiated
from gateway.http.request_deadline import request_deadline
from gateway.http.request_parser import PERSISTED_QUERY
from gateway.http.response_cache import VIEWER
from gateway.http.security_headers import SAFE
from gateway.observability.gateway_metrics import REFUSED
from gateway.observability.request_observation import OVERLOADED, observation_of, queueing
from gateway.rate_limit import address

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from gateway.admission.admission import Admission, Ticket
    from gateway.auth.viewer import Viewer
    from loaders.deadline import Deadline

TICKET = "gateway.ticket"
"""The key of a request's Ticket in its scope."""
_MAX_HELD_BODIES = 64
"""Bodies of the largest size that may be held at once, in bytes, by requests that are read or wait."""
_SMALL_BODY_BYTES = 16 << 10
"""A body is taken up to this size, whatever the others hold: most requests have less, and none of them is refused since
a few clients send large bodies slowly."""
_MAX_SHAPE_BYTES = 4 << 10
"""Larger bodies are not looked at: they list many objects, and are hardly ever small requests."""
_NAMES = ("query", "documentId", "id", "doc_id", "operationName")
"""Members of a request that say, as strings, what it asks for."""
_REFUSED_BODIES = REFUSED.labels("bodies")
_MULTIPART = MULTIPART.encode()
_KEPT_MEDIA = 256
"""Accept headers whose media types are remembered."""


class AdmissionMiddleware:
    """ASGI middleware that gives each request at one path a ticket, when its body has come, or answers 503.

    Cached responses do not come here, and neither do requests that are refused for their credential get a ticket: they
    are answered without waiting for anything. A ticket's place is given back when the response begins.
    """

    def __init__(self, app: ASGIApp, path: str, admission: Admission, max_body_bytes: int) -> None:
        self._app = app
        self._path = path
        self._admission = admission
        self._max_body_bytes = max_body_bytes
        self._held_bytes = 0
        self.refused_bodies = 0
        """Requests that were refused because of the bodies that were held."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] == "OPTIONS":
            await self._app(scope, receive, send)
            return
        viewer: Viewer | AuthenticationError = scope[VIEWER]
        if isinstance(viewer, AuthenticationError):
            await self._app(scope, receive, send)
            return
        body = _BufferedBody(receive)
        try:
            ticket = await self._enter(scope, viewer, body)
        except ClientDisconnect:
            return
        except OverloadedError as error:
            await _refuse(scope, send, error)
            return
        if ticket is None:
            await self._app(scope, body, send)
            return
        scope[TICKET] = ticket
        try:
            await self._app(scope, body, _TicketSend(ticket, send, request_deadline(scope).answer))
        finally:
            ticket.sent()

    async def _enter(self, scope: Scope, viewer: Viewer, body: _BufferedBody) -> Ticket | None:
        """Return the ticket of a request; None for one that is refused since its body is too long or does not come.

        Raises OverloadedError and ClientDisconnect.
        """
        held = 0
        try:
            while scope["method"] == "POST" and not body.is_whole:
                try:
                    size = await body.part()
                except HTTPError:  # the application gets the same error when it reads on, and answers with it
                    return None
                held += size
                self._held_bytes += size
                if held > self._max_body_bytes:
                    return None
                if held > _SMALL_BODY_BYTES and self._held_bytes > _MAX_HELD_BODIES * self._max_body_bytes:
                    self.refused_bodies += 1
                    _REFUSED_BODIES.value += 1
                    raise OverloadedError
            request_deadline(scope).restart(scope)  # a body that came slowly leaves no less time
            shape = _shape(scope["query_string"], body.joined())
            with queueing(scope):
                return await self._admission.enter(viewer.budget_name or address(scope), shape)
        finally:
            self._held_bytes -= held


class _BufferedBody:
    """ASGI `receive` that reads a body before the request is let in, and repeats it for the application."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []
        self.is_whole = False
        """Whether all of the body has been read."""

    async def __call__(self) -> Message:
        return self._messages.pop(0) if self._messages else await self._receive()

    async def part(self) -> int:
        """Read the next part, and return its size. Raises ClientDisconnect, and HTTPError 408 if it comes too late."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        self._messages.append(message)
        self.is_whole = not message.get("more_body", False)
        return len(message.get("body", b""))

    def joined(self) -> bytes:
        """Return what has been read."""
        parts = [message.get("body", b"") for message in self._messages]
        return parts[0] if len(parts) == 1 else b"".join(parts)


class _TicketSend:
    """ASGI `send` that gives the place of a request back when its answer is made.

    That is when it begins to be sent, so that clients which read slowly hold no place. An answer in parts is made while
    it is sent, and by the deadline: a client that does not read holds its place no longer.
    """

    def __init__(self, ticket: Ticket, send: Send, deadline: Deadline) -> None:
        self._ticket = ticket
        self._send = send
        self._deadline = deadline

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if _is_multipart(message):
                self._ticket.executed_by(self._deadline.ends_at)
            else:
                self._ticket.executed()
        await self._send(message)


def _is_multipart(start: Message) -> bool:
    return any(name == b"content-type" and value.startswith(_MULTIPART) for name, value in start["headers"])


def _shape(query_string: bytes, body: bytes) -> int:
    """Return what requests for the same document have in common, if they also have about as many variables."""
    if not body:
        document, _, variables = query_string.partition(b"variables=")
        return hash((document, len(variables).bit_length()))
    if len(body) > _MAX_SHAPE_BYTES:
        return hash(body)
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return hash(body)
    if not isinstance(content, dict):
        return hash(body)
    named = [content.get(name) for name in _NAMES]
    extensions = content.get("extensions")
    persisted = extensions.get(PERSISTED_QUERY) if isinstance(extensions, dict) else None
    named.append(persisted.get("sha256Hash") if isinstance(persisted, dict) else None)
    return hash((*(item if isinstance(item, str) else None for item in named), len(body).bit_length()))


async def _refuse(scope: Scope, send: Send, error: OverloadedError) -> None:
    observation = observation_of(scope)
    if observation is not None:
        observation.worsen(OVERLOADED)
    accept = b", ".join(value for name, value in scope["headers"] if name == b"accept")
    start, rest = _refusal(error.retry_after_s, _media(accept))
    await send({**start, "headers": list(start["headers"])})  # who passes it on may add to them
    await send(rest)


@lru_cache(maxsize=_KEPT_MEDIA)
def _media(accept: bytes) -> str:
    try:
        return negotiated(accept.decode("latin-1"))
    except HTTPError:  # what the client likes would be said if it were let in
        return JSON


@cache
def _refusal(retry_after_s: int, media: str) -> tuple[Message, Message]:
    """Return the messages of a refusal. Each is made once, since there are many when it matters."""
    body = orjson.dumps({"errors": [overloaded_error(retry_after_s).formatted]})
    headers = {
        "Content-Type": f"{media}; charset=utf-8",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        **SAFE,
        "Retry-After": str(retry_after_s),
    }
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    start = {"type": "http.response.start", "status": 503, "headers": raw}
    return start, {"type": "http.response.body", "body": body}
