"""Parse an HTTP request into the GraphQL requests in it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from gateway.http.errors import HTTPError, bad_request
from gateway.http.media import check_content_type
from gateway.http.request_deadline import request_deadline

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from gateway.limits import Limits
    from gateway.rate_limit import CallerBudget
    from gateway.reading_thread import ReadingThread

METHODS = ("GET", "HEAD", "POST", "OPTIONS")
PERSISTED_QUERY = "persistedQuery"
"""The extension that names a document by its SHA-256."""

_DRAINED = 32 << 20
"""Bytes of a body over the limit that are read and thrown away, so that the connection can go on."""
_BYTES_A_POINT = 5_000
_VALUES_A_POINT = 150
_OBJECTS_A_POINT = 50
_KEYS_A_POINT = 30
_LONG_DIGITS_A_POINT = 500
_LONG_NUMBER = b"9" * 40
_NINES = bytes.maketrans(b"012345678", b"9" * 9)
"""Replaces all digits by the same one, so that a fast search finds long numbers."""
_MAX_PARAMETERS = 100
"""Parameters of a URL that are decoded; GraphQL's own are seven, and proxies add a few."""
_IDS = ("documentId", "id", "doc_id")
"""Parameters that name a persisted document: those of GraphQL over HTTP, Apollo and Relay."""
_PARAMETERS = frozenset({"query", "operationName", "variables", "extensions", *_IDS})
"""Parameters of a URL that have a meaning here; others, which proxies and trackers add, are ignored."""


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """One operation of a request. If `query` is None, `document_id` names its text."""

    query: str | None
    operation_name: str | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    extensions: dict[str, Any] = field(default_factory=dict)
    document_id: str | None = None


@dataclass(frozen=True, slots=True)
class RequestBatch:
    """The operations of a request. With `is_batch`, the request was an array, and so is the response."""

    operations: list[GraphQLRequest]
    is_batch: bool = False


class BodyTimeoutMiddleware:
    """ASGI middleware that bounds the time in which the body of a POST must arrive."""

    def __init__(self, app: ASGIApp, timeout_s: float) -> None:
        self._app = app
        self._timeout_s = timeout_s

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        has_body = scope["type"] == "http" and scope["method"] == "POST"
        return self._app(scope, _TimedReceive(receive, self._timeout_s) if has_body else receive, send)


class _TimedReceive:
    """ASGI `receive` that raises HTTPError 408 if the whole body has not arrived in time, and at each later call.

    Middleware that reads ahead leaves the error to the application: a last part that comes meanwhile must not make it a
    request, which would have passed what the middleware does.
    """

    def __init__(self, receive: Receive, timeout_s: float) -> None:
        self._receive = receive
        self._timeout_s = timeout_s
        self._deadline = asyncio.get_running_loop().time() + timeout_s
        self._is_whole = False
        self._is_late = False

    async def __call__(self) -> Message:
        if self._is_whole:
            return await self._receive()  # reports when the client leaves
        if self._is_late:
            raise self._error()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            self._is_late = True
            raise self._error() from None
        self._is_whole = not message.get("more_body", False)
        return message

    def _error(self) -> HTTPError:
        text = f"The whole body of a request has to come within {self._timeout_s:g} s."
        return HTTPError(408, text, "REQUEST_TIMEOUT", {"Connection": "close"})


async def read_body(request: Request, limits: Limits) -> bytes:
    """Return the body of a POST, b"" of a GET. Its deadline counts from when this is there.

    Raises HTTPError for another method or media type, and for a body that is too large.
    """
    if request.method in ("GET", "HEAD"):
        return b""
    if request.method != "POST":
        allow = ", ".join(METHODS)
        raise HTTPError(
            405, f"A GraphQL request must use one of these methods: {allow}.", "METHOD_NOT_ALLOWED", {"Allow": allow}
        )
    check_content_type(request.headers.get("content-type", ""))
    if request.headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
        message = "A request body must not be compressed: send it without Content-Encoding."
        raise HTTPError(415, message, "UNSUPPORTED_MEDIA_TYPE", {"Accept-Encoding": "identity"})
    deadline = request_deadline(request.scope)
    is_stopped = deadline.stop_for_body(request.scope)
    body = await _body(request, limits.body_bytes)
    if is_stopped:
        deadline.restart(request.scope)
    return body


async def parse_request(
    request: Request, body: bytes, limits: Limits, budget: CallerBudget, thread: ReadingThread
) -> RequestBatch:
    """Return the operations of a request. Reading them is charged first.

    Raises HTTPError for a request that is malformed, or if the budget is used up for now, and RequestError if reading
    costs more points than a minute has.
    """
    if request.method != "POST":
        await budget.charge(_check_query_string(request.scope["query_string"]))
        return RequestBatch([_from_url(request)])
    points = json_points(body)
    await budget.charge(points)
    content = await thread.run(points, partial(_json, body))
    if not isinstance(content, list):
        return RequestBatch([_from_json(content)])
    if not content:
        raise bad_request("A batch has at least one operation.")
    if len(content) > (max_operations := limits.operations):
        message = f"A batch has at most {max_operations:,} operations, and this one has {len(content):,}."
        raise HTTPError(400, message, "LIMIT_EXCEEDED", limit="operations", max=max_operations, value=len(content))
    return RequestBatch([_from_json(item) for item in content], is_batch=True)


def json_points(body: bytes) -> int:
    """Return the points of parsing a text as JSON. Long numbers take quadratic time."""
    values = body.count(b",") + body.count(b"[")
    digits = len(_LONG_NUMBER) * body.translate(_NINES).count(_LONG_NUMBER)
    return (
        len(body) // _BYTES_A_POINT
        + values // _VALUES_A_POINT
        + body.count(b"{") // _OBJECTS_A_POINT
        + body.count(b":") // _KEYS_A_POINT
        + digits // _LONG_DIGITS_A_POINT
    )


def _check_query_string(query: bytes) -> int:
    """Return the points of decoding a URL's parameters. Raises HTTPError if there are too many."""
    parameters = query.count(b"&") + 1
    if parameters > _MAX_PARAMETERS:
        raise bad_request(f"A URL has at most {_MAX_PARAMETERS} parameters, and this one has {parameters:,}.")
    return json_points(query) + query.count(b"%") // _KEYS_A_POINT


async def _body(request: Request, max_bytes: int) -> bytes:
    """Return the body. Raises HTTPError 413 if it is too long, but reads on for a while: clients that send do not
    listen."""
    parts: list[bytes] = []
    length = 0
    async for part in request.stream():
        length += len(part)
        if length <= max_bytes:
            parts.append(part)
        elif length > _DRAINED:
            break
        else:
            parts.clear()
    if length > max_bytes:
        headers = {"Connection": "close"} if length > _DRAINED else None
        message = f"A request's body has at most {max_bytes:,} bytes."
        raise HTTPError(413, message, "LIMIT_EXCEEDED", headers, limit="body_bytes", max=max_bytes, value=length)
    return b"".join(parts)


def _json(body: bytes, what: str = "The body") -> Any:
    try:
        return json.loads(body.decode(), object_pairs_hook=_unambiguous, parse_constant=_no_number)
    except HTTPError:
        raise
    except (ValueError, RecursionError) as error:  # undecodable bytes and numbers of thousands of digits too
        raise bad_request(f"{what} is not JSON in UTF-8.") from error


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise bad_request("A JSON object must not have the same key twice.")
    return content


def _no_number(name: str) -> Any:
    raise bad_request(f"{name} is not JSON.")


def _from_json(content: Any) -> GraphQLRequest:
    if not isinstance(content, dict):
        raise bad_request("A GraphQL request is a JSON object, or an array of them.")
    return _graphql_request(content)


def _from_url(request: Request) -> GraphQLRequest:
    members: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name not in _PARAMETERS:
            continue
        if name in members:
            raise bad_request(f"The parameter {name} must not be repeated.")
        members[name] = value
    for name in ("variables", "extensions"):
        if members.get(name):
            members[name] = _json(members[name].encode(errors="surrogatepass"), f"The parameter {name}")
    return _graphql_request(members)


def _graphql_request(members: Mapping[str, Any]) -> GraphQLRequest:
    """Build one operation from its members. An empty string counts as absent, and so does null."""
    request = GraphQLRequest(
        query=_member(members, "query", str, "a string"),
        operation_name=_member(members, "operationName", str, "a string") or None,
        variables=_member(members, "variables", dict, "an object") or {},
        extensions=_member(members, "extensions", dict, "an object") or {},
        document_id=next((value for name in _IDS if (value := _member(members, name, str, "a string"))), None),
    )
    if request.query is None and request.document_id is None and not request.extensions.get(PERSISTED_QUERY):
        raise bad_request("The request has no query: send one in `query`, or the id of a persisted document.")
    return request


def _member(members: Mapping[str, Any], name: str, kind: type, noun: str) -> Any:
    """Return the member, or None if it is absent or null. Raises HTTPError for another type."""
    value = members.get(name)
    if value is not None and value != "" and not isinstance(value, kind):
        raise bad_request(f"{name} must be {noun}, or be left out.")
    return value
