"""Add `X-Content-Type-Options: nosniff` to every response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADER, _VALUE = "X-Content-Type-Options", "nosniff"
SAFE = {_HEADER: _VALUE}
"""The header, for responses that bypass the middleware."""


class NoSniffMiddleware:
    """ASGI middleware that adds the header to responses which lack it.

    Responses at `exempt_path` are passed on as they are, except those to OPTIONS: the endpoint sets the header itself,
    so that cached responses have it.
    """

    def __init__(self, app: ASGIApp, exempt_path: str) -> None:
        self._app = app
        self._exempt_path = exempt_path

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        if scope["type"] != "http" or (scope["path"] == self._exempt_path and scope["method"] != "OPTIONS"):
            return self._app(scope, receive, send)

        async def send_with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault(_HEADER, _VALUE)
            await send(message)

        return self._app(scope, receive, send_with_header)
