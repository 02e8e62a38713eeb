"""Spans of OpenTelemetry, as the loaders see them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from gateway.observability.trace_metrics import SPANS

if TYPE_CHECKING:
    from opentelemetry.trace import Span as CoreSpan
    from opentelemetry.trace import Tracer

    from loaders.tracing import Attribute, Span

_MAX_SPANS = 1_000
"""Spans of one request. An export may send as many statements as a tenant has objects."""


def _traceparent(span: CoreSpan) -> str:
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


class OpenSpan:
    """A span that may be added to until it ends. With `request` and `child`, it is a `loaders.tracing.Span`."""

    __slots__ = ("_span", "is_client", "traceparent")

    def __init__(self, span: CoreSpan, *, is_client: bool = False) -> None:
        self._span = span
        self.is_client = is_client
        self.traceparent = _traceparent(span)

    def set(self, name: str, value: Attribute) -> None:
        """Set an attribute, unless the span has ended."""
        if self._span.is_recording():
            self._span.set_attribute(name, value)

    def link(self, other: Span) -> None:
        """Link it to another one, unless it has ended."""
        if isinstance(other, OpenSpan) and self._span.is_recording():
            self._span.add_link(other._span.get_span_context())

    def fail(self, error_type: str) -> None:
        """Mark it as failed, by the class of the error."""
        if self._span.is_recording():
            self._span.set_attribute("error.type", error_type)
            self._span.set_status(Status(StatusCode.ERROR))

    def end(self, ended_ns: int) -> None:
        """End it, at nanoseconds since 1970."""
        if self._span.is_recording():
            self._span.end(ended_ns)
            SPANS.value += 1


class PartSpan(OpenSpan):
    """A span below that of a request."""

    __slots__ = ("_request",)

    def __init__(self, span: CoreSpan, request: RequestSpan, *, is_client: bool) -> None:
        super().__init__(span, is_client=is_client)
        self._request = request

    @property
    def request(self) -> Span:
        """The span of the request."""
        return self._request

    def child(self, name: str, *, is_client: bool = False) -> Span:
        """Begin a part of it; nothing, where the request has very many."""
        return self._request.begin(self._span, name, is_client=is_client)


class RequestSpan(OpenSpan):
    """The span of a request, which counts those below it. It does not refer to itself, so as not to stay."""

    __slots__ = ("_left_out", "_spans", "_tracer")

    def __init__(self, tracer: Tracer, span: CoreSpan) -> None:
        super().__init__(span)
        self._tracer = tracer
        self._spans = self._left_out = 0

    @property
    def request(self) -> Span:
        """The span itself."""
        return self

    def child(self, name: str, *, is_client: bool = False) -> Span:
        """Begin a part of the request; nothing, where it has very many."""
        return self.begin(self._span, name, is_client=is_client)

    @property
    def has_trace(self) -> bool:
        """Whether there is a trace at all: OTEL_SDK_DISABLED turns all of it off."""
        return self._span.get_span_context().is_valid

    @property
    def is_recorded(self) -> bool:
        """Whether the sampler took it: otherwise nothing below it is traced."""
        return self._span.is_recording()

    def begin(self, parent: CoreSpan, name: str, *, is_client: bool) -> Span:
        """Begin a span below one of the request's."""
        if self._spans >= _MAX_SPANS:
            return self.leave_out()
        self._spans += 1
        kind = SpanKind.CLIENT if is_client else SpanKind.INTERNAL
        span = self._tracer.start_span(name, set_span_in_context(parent), kind)
        return PartSpan(span, self, is_client=is_client)

    def leave_out(self) -> Span:
        """Count a span that there is no room for, and return what takes its place."""
        self._left_out += 1
        return _NoSpan(self)

    def rename(self, name: str) -> None:
        """Give it another name."""
        self._span.update_name(name)

    def finish(self) -> None:
        """End it now."""
        if self._left_out:
            self.set("fuseway.spans_left_out", self._left_out)
        self.end(time.time_ns())


class _NoSpan:
    """In the place of a span of a request that has very many."""

    __slots__ = ("_request",)

    is_client = False

    def __init__(self, request: RequestSpan) -> None:
        self._request = request

    @property
    def request(self) -> Span:
        return self._request

    @property
    def traceparent(self) -> str:
        return self._request.traceparent

    def child(self, name: str, *, is_client: bool = False) -> Span:  # noqa: ARG002 (a Span's signature)
        return self._request.leave_out()

    def set(self, name: str, value: Attribute) -> None:
        """Do nothing, as in the next three."""

    def link(self, other: Span) -> None: ...

    def fail(self, error_type: str) -> None: ...

    def end(self, ended_ns: int) -> None: ...
