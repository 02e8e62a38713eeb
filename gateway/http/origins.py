"""Pages of other sites: which may ask, and what keeps the others from making a browser ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from gateway.http.sniffing import SAFE

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
    # What tracing in a page adds to its requests: W3C and OpenTelemetry, Sentry, Zipkin, Datadog, Jaeger, the clouds'.
    *("traceparent", "tracestate", "baggage", "sentry-trace"),
    *("b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags"),
    *("x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-origin", "x-datadog-sampling-priority"),
    *("x-datadog-tags", "uber-trace-id", "elastic-apm-traceparent", "newrelic", "request-context"),
    *("x-cloud-trace-context", "x-amzn-trace-id", "request-id", "x-request-id", "x-correlation-id"),
)
"""Headers that a page may send. Settings add others; what none of these is ends at the preflight."""
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
_CROSS_SITE, _SAME_SITE = (b"sec-fetch-site", b"cross-site"), (b"sec-fetch-site", b"same-site")


def guarded(app: ASGIApp, paths: Collection[str], origins: Collection[str], headers: Collection[str] = ()) -> ASGIApp:
    """The application open to pages of these origins (`*` is all), and `paths` closed to all others.

    Without cookies or other credentials of the browser's own. `headers` are more that the pages may send.
    """
    behind = _OwnPages(app, paths, origins)
    if not origins:
        return behind
    return CORSMiddleware(
        behind,
        allow_origins=origins,
        allow_methods=_METHODS,
        allow_headers=(*_SENT, *headers),
        expose_headers=_SHOWN,
    )


class _OwnPages:
    """Refuses what a browser was made to GET by a page of another origin, such as by an image's address.

    A page of the same site is as foreign: any host below a domain may be somebody else's. Browsers say where a request
    comes from to trustworthy origins alone (https, localhost), so that over plain http nothing is refused. A POST needs
    no look: JSON, which is all that is taken, is a preflight's matter.
    """

    def __init__(self, app: ASGIApp, paths: Collection[str], origins: Collection[str]) -> None:
        self._app = app
        self._paths = paths
        self._origins = origins

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """One request."""
        app = _REFUSAL if scope["type"] == "http" and self._is_foreign(scope) else self._app
        return app(scope, receive, send)

    def _is_foreign(self, scope: Scope) -> bool:
        if scope["method"] not in ("GET", "HEAD") or scope["path"] not in self._paths:
            return False
        if _CROSS_SITE not in scope["headers"] and _SAME_SITE not in scope["headers"]:
            return False
        headers = Headers(scope=scope)
        if "*" in self._origins or headers.get("origin") in self._origins:
            return False
        is_json = headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
        return not (is_json or any(name in headers for name in _ASKED_FIRST))


_MESSAGE = (
    f"A page of another origin may ask with a header {' or '.join(_ASKED_FIRST)} alone, or where its origin is set."
)
_REFUSAL = Response(
    orjson.dumps({"errors": [{"message": _MESSAGE, "extensions": {"code": "FORBIDDEN"}}]}),
    403,
    {"Cache-Control": "no-store", **SAFE},
    "application/json; charset=utf-8",
)
