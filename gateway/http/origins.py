"""Allow cross-origin requests from the configured origins, and reject those that other pages make a browser send."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from gateway.http.cors_settings import ORIGINS
from gateway.http.security_headers import SAFE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

_PREFLIGHTED = ("graphql-require-preflight", "apollo-require-preflight", "x-apollo-operation-name")
"""Headers that no browser sends to another site without a preflight."""
_ALLOWED_HEADERS = (
    "authorization",
    "x-api-key",
    "graphql-cost",
    "if-none-match",
    "prefer",
    "apollographql-client-name",
    "apollographql-client-version",
    *_PREFLIGHTED,
    # What tracing in a page adds to its requests: W3C and OpenTelemetry, Sentry, Zipkin, Datadog, Jaeger, the clouds'.
    *("traceparent", "tracestate", "baggage", "sentry-trace"),
    *("b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags"),
    *("x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-origin", "x-datadog-sampling-priority"),
    *("x-datadog-tags", "uber-trace-id", "elastic-apm-traceparent", "newrelic", "request-context"),
    *("x-cloud-trace-context", "x-amzn-trace-id", "request-id", "x-request-id", "x-correlation-id"),
)
"""Headers that a page may send, in addition to those of the settings."""
_EXPOSED_HEADERS = (
    "ETag",
    "Age",
    "Preference-Applied",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "traceresponse",
)
_METHODS = ("GET", "POST")
_CROSS_SITE, _SAME_SITE = (b"sec-fetch-site", b"cross-site"), (b"sec-fetch-site", b"same-site")


def origin_middleware(
    paths: Collection[str], origins: Collection[str], headers: Collection[str] = ()
) -> list[Middleware]:
    """Return the middleware that opens the application to pages of these origins, and closes `paths` to all others.

    `*` stands for all origins. Cookies and other credentials of the browser are not allowed. `headers` are those that
    pages may send in addition to the built-in ones.
    """
    cross_origin = Middleware(CrossOriginMiddleware, paths=paths, origins=origins)
    if not origins:
        return [cross_origin]
    cors = Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=_METHODS,
        allow_headers=(*_ALLOWED_HEADERS, *headers),
        expose_headers=_EXPOSED_HEADERS,
    )
    return [cors, cross_origin]


class CrossOriginMiddleware:
    """ASGI middleware that rejects GET requests which a page of another origin made the browser send.

    A page of the same site counts as another origin: any host below a domain may belong to somebody else. Browsers send
    `Sec-Fetch-Site` to https and localhost only, so that nothing is rejected over plain http. POST requests need no
    check: only JSON is accepted, for which browsers send a preflight.
    """

    def __init__(self, app: ASGIApp, paths: Collection[str], origins: Collection[str]) -> None:
        self._app = app
        self._paths = paths
        self._origins = origins

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
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
        return not (is_json or any(name in headers for name in _PREFLIGHTED))


_MESSAGE = (
    f"Cross-origin requests need one of these headers: {', '.join(_PREFLIGHTED)}, or the origin listed in {ORIGINS}."
)
_REFUSAL = Response(
    orjson.dumps({"errors": [{"message": _MESSAGE, "extensions": {"code": "FORBIDDEN"}}]}),
    403,
    {"Cache-Control": "no-store", **SAFE},
    "application/json; charset=utf-8",
)
