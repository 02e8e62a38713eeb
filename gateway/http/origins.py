"""Pages of other sites: which may ask, and what keeps the others from making a browser ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

_ASKED_FIRST = ("graphql-require-preflight", "apollo-require-preflight", "x-apollo-operation-name")
"""Headers that no browser sends to another site without having asked it (a preflight)."""
_SENT = (
    "authorization",
    "x-api-key",
    "graphql-cost",
    "if-none-match",
    "apollographql-client-name",
    "apollographql-client-version",
    *_ASKED_FIRST,
)
_SHOWN = (
    "ETag",
    "Age",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
)
_METHODS = ("GET", "POST")


def guarded(app: ASGIApp, path: str, origins: Collection[str]) -> ASGIApp:
    """The application with `path` open to pages of these origins (`*` is all) and closed to all others.

    Without cookies or other credentials of the browser's own.
    """
    behind = _OwnPages(app, path, origins)
    if not origins:
        return behind
    return CORSMiddleware(
        behind, allow_origins=origins, allow_methods=_METHODS, allow_headers=_SENT, expose_headers=_SHOWN
    )


class _OwnPages:
    """Refuses what a browser was made to GET by a page of another site, such as by an image's address.

    A POST needs no look: JSON, which is all that is taken, is a preflight's matter.
    """

    def __init__(self, app: ASGIApp, path: str, origins: Collection[str]) -> None:
        self._app = app
        self._path = path
        self._origins = origins

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """One request."""
        app = _REFUSAL if scope["type"] == "http" and self._is_foreign(scope) else self._app
        return app(scope, receive, send)

    def _is_foreign(self, scope: Scope) -> bool:
        if (b"sec-fetch-site", b"cross-site") not in scope["headers"] or scope["path"] != self._path:
            return False
        if scope["method"] not in ("GET", "HEAD"):
            return False
        headers = Headers(scope=scope)
        if "*" in self._origins or headers.get("origin") in self._origins:
            return False
        is_json = headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
        return not (is_json or any(name in headers for name in _ASKED_FIRST))


_MESSAGE = (
    f"A page of another site may ask with a header {' or '.join(_ASKED_FIRST)} alone, or where its origin is set."
)
_REFUSAL = Response(
    orjson.dumps({"errors": [{"message": _MESSAGE, "extensions": {"code": "FORBIDDEN"}}]}),
    403,
    {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    "application/json; charset=utf-8",
)
