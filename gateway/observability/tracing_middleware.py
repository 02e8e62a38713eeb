"""Trace requests: each has a span, in the trace of its client, and says in its answer which trace that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.observability.operation_names import BATCH, EXPORT, UNKNOWN
from gateway.observability.request_observation import CACHED, observation_of
from loaders.tracing import entered, trace_id_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from gateway.observability.request_observation import RequestObservation
    from gateway.observability.spans import RequestSpan
    from gateway.observability.tracing import Tracing

_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
_OTHER = "_OTHER"
"""The name that OpenTelemetry's conventions have for methods of the client's invention."""
_NOT_GRAPHQL = (BATCH, EXPORT, UNKNOWN)
_MAX_NAME = 100
"""Characters of an operation's name, which is the client's."""


class TracingMiddleware:
    """ASGI middleware that traces requests for `paths`. Its place is within the ObservationMiddleware."""

    def __init__(self, app: ASGIApp, tracing: Tracing, paths: Collection[str]) -> None:
        self._app = app
        self._tracing = tracing
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        observation = observation_of(scope)
        if observation is None or scope["path"] not in self._paths:
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        span = self._tracing.begin(scope["headers"], f"{method} {scope['path']}")
        if not span.has_trace:
            await self._app(scope, receive, send)
            return
        observation.trace_id = trace_id_of(span)
        answer = _TracedSend(send, span.traceparent)
        if not span.is_recorded:
            await self._app(scope, receive, answer)
            return
        try:
            with entered(span):
                await self._app(scope, receive, answer)
        finally:
            _describe(span, observation, scope, method)
            span.finish()


class _TracedSend:
    """ASGI `send` that adds the trace to the answer's headers, as W3C's Trace Context Response proposes."""

    __slots__ = ("_send", "_traceparent")

    def __init__(self, send: Send, traceparent: str) -> None:
        self._send = send
        self._traceparent = traceparent.encode()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":  # a copy, since the headers may be those of a cached response
            headers = [*message["headers"], (b"traceresponse", self._traceparent)]
            message = {**message, "headers": headers}
        await self._send(message)


def _describe(span: RequestSpan, observation: RequestObservation, scope: Scope, method: str) -> None:
    """Set attributes by OpenTelemetry's conventions for HTTP and GraphQL. The URL's query has the client's values."""
    outcome = observation.outcome if observation.outcome == CACHED else observation.final_outcome(scope)
    span.set("http.request.method", method)
    span.set("http.route", scope["path"])
    span.set("url.path", scope["path"])
    span.set("url.scheme", scope["scheme"])
    span.set("fuseway.outcome", outcome)
    span.set("fuseway.cost", observation.points)
    if observation.status:
        span.set("http.response.status_code", observation.status)
    if observation.status >= 500:
        span.fail(str(observation.status))
    if observation.operation in _NOT_GRAPHQL:
        return
    name, kind = observation.operation[:_MAX_NAME], observation.operation_type
    span.set("graphql.operation.type", kind)
    if name:
        span.set("graphql.operation.name", name)
    span.rename(f"{kind} {name}".strip())
