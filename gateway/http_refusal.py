"""Refusals that a connection sends itself, since there is no request yet that the application could answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gateway.http.errors import HTTPError
from gateway.http.security_headers import SAFE

if TYPE_CHECKING:
    from collections.abc import Sequence

_ABOUT = {
    "head_bytes": "The URL and the headers of a request have at most {:,} bytes",
    "headers": "A request has at most {:,} headers, and as many trailers",
    "framing_bytes": "The chunk sizes, chunk extensions and trailers of a request have at most {:,} bytes",
}


def too_large(limit: str, maximum: int, *, is_url: bool = False) -> HTTPError:
    """Return an HTTPError 431, or 414 if the URL alone exceeds the limit."""
    advice = ". Send a long query by POST." if is_url else "."
    return HTTPError(
        414 if is_url else 431, _ABOUT[limit].format(maximum) + advice, "LIMIT_EXCEEDED", limit=limit, max=maximum
    )


def bad_head(reason: str) -> HTTPError:
    """Return 400 for what is not HTTP; `reason` is without a full stop."""
    return HTTPError(400, f"The request is not valid HTTP: {reason}.", "BAD_REQUEST")


def head_timeout(within_s: float) -> HTTPError:
    """Return 408 for a head that does not end."""
    text = f"The URL and the headers of a request have to come within {within_s:g} s."
    return HTTPError(408, text, "REQUEST_TIMEOUT")


def too_many(connections: int) -> HTTPError:
    """Return 503 for one connection too many."""
    text = f"All {connections:,} connections (GATEWAY_MAX_CONNECTIONS) are in use. Try again in a second."
    return HTTPError(503, text, "UNAVAILABLE", {"Retry-After": "1"})


def stopping() -> HTTPError:
    """Return 503 for a request that comes too late."""
    return HTTPError(503, "This gateway is stopping. Try again in a second.", "UNAVAILABLE", {"Retry-After": "1"})


def no_websocket() -> HTTPError:
    """Return 400 for a WebSocket's handshake."""
    text = "There is no WebSocket here. Send the operation by POST or GET over HTTP."
    return HTTPError(400, text, "WEBSOCKET_NOT_SUPPORTED")


def no_proxy() -> HTTPError:
    """Return 405 for CONNECT."""
    text = "There is no CONNECT here: the gateway is no proxy."
    return HTTPError(405, text, "METHOD_NOT_ALLOWED", {"Allow": "GET, HEAD, POST, OPTIONS"})


def response_bytes(error: HTTPError, headers: Sequence[tuple[bytes, bytes]] = ()) -> bytes:
    """Return a whole response that closes the connection; `headers` come first."""
    response = refuse(error)
    lines = [b"%s: %s\r\n" % header for header in (*headers, *response.raw_headers)]
    return b"".join([STATUS_LINE[error.status], *lines, b"\r\n", response.body])


def refuse(error: HTTPError) -> Response:
    """Return the response, which closes the connection, as an application."""
    body = orjson.dumps({"errors": [error.error.formatted]})
    headers = {"Cache-Control": "no-store", "Connection": "close", **SAFE, **error.headers}
    return Response(body, error.status, headers, "application/json; charset=utf-8")
