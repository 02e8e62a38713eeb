"""Refusals that a connection sends itself, since there is no request yet that the application could answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gateway.http.faults import HTTPFault
from gateway.http.sniffing import SAFE

if TYPE_CHECKING:
    from collections.abc import Sequence

_ABOUT = {
    "head_bytes": "The URL and the headers of a request have at most {:,} bytes",
    "headers": "A request has at most {:,} headers, and as many trailers",
    "framing_bytes": "The chunk sizes, chunk extensions and trailers of a request have at most {:,} bytes",
}


def too_large(limit: str, most: int, *, is_url: bool = False) -> HTTPFault:
    """Return 431, or 414 where the URL alone is over it."""
    advice = ". Send a long query by POST." if is_url else "."
    return HTTPFault(
        414 if is_url else 431, _ABOUT[limit].format(most) + advice, "LIMIT_EXCEEDED", limit=limit, most=most
    )


def bad_head(reason: str) -> HTTPFault:
    """Return 400 for what is not HTTP; `reason` is without a full stop."""
    return HTTPFault(400, f"The request is not valid HTTP: {reason}.", "BAD_REQUEST")


def head_timeout(within_s: float) -> HTTPFault:
    """Return 408 for a head that does not end."""
    text = f"The URL and the headers of a request have to come within {within_s:g} s."
    return HTTPFault(408, text, "REQUEST_TIMEOUT")


def too_many(connections: int) -> HTTPFault:
    """Return 503 for one connection too many."""
    text = f"All {connections:,} connections (GATEWAY_MAX_CONNECTIONS) are in use. Try again in a second."
    return HTTPFault(503, text, "UNAVAILABLE", {"Retry-After": "1"})


def stopping() -> HTTPFault:
    """Return 503 for a request that comes too late."""
    return HTTPFault(503, "This gateway is stopping. Try again in a second.", "UNAVAILABLE", {"Retry-After": "1"})


def no_websocket() -> HTTPFault:
    """Return 400 for a WebSocket's handshake."""
    text = "There is no WebSocket here. Send the operation by POST or GET over HTTP."
    return HTTPFault(400, text, "WEBSOCKET_NOT_SUPPORTED")


def no_proxy() -> HTTPFault:
    """Return 405 for CONNECT."""
    text = "There is no CONNECT here: the gateway is no proxy."
    return HTTPFault(405, text, "METHOD_NOT_ALLOWED", {"Allow": "GET, HEAD, POST, OPTIONS"})


def response_bytes(fault: HTTPFault, headers: Sequence[tuple[bytes, bytes]] = ()) -> bytes:
    """Return a whole response that closes the connection; `headers` come first."""
    response = refuse(fault)
    lines = [b"%s: %s\r\n" % header for header in (*headers, *response.raw_headers)]
    return b"".join([STATUS_LINE[fault.status], *lines, b"\r\n", response.body])


def refuse(fault: HTTPFault) -> Response:
    """Return the response, which closes the connection, as an application."""
    body = orjson.dumps({"errors": [fault.error.formatted]})
    headers = {"Cache-Control": "no-store", "Connection": "close", **SAFE, **fault.headers}
    return Response(body, fault.status, headers, "application/json; charset=utf-8")
