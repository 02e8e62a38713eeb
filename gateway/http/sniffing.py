"""What no browser shall take for anything else than it is said to be: every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADER, _VALUE = "X-Content-Type-Options", "nosniff"
SAFE = {_HEADER: _VALUE}
"""For answers that are kept, and so are sent as they are."""


def unsniffed(app: ASGIApp, path: str) -> ASGIApp:
    """The application with the header on every answer; those at `path` have it already, but for OPTIONS."""

    def answered(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http" or (scope["path"] == path and scope["method"] != "OPTIONS"):
            return app(scope, receive, send)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault(_HEADER, _VALUE)
            await send(message)

        return app(scope, receive, sent)

    return answered
