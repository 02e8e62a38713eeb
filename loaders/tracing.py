"""Spans of the request that the current task works for. Nothing is recorded of requests that are not traced.

What makes spans is beside the floors below: `gateway/observability/` begins the span of a request, and all others are
children of the current one. Without it there is no current span, and each place here costs a look at a variable.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

Attribute = str | int | float | bool | Sequence[str]

MAX_LINKS = 100
"""Requests that the spans of a shared load are linked to; a thousand may wait for the same."""


class Span(Protocol):
    """A part of what is done for a request, with a beginning and an end. Its methods never raise."""

    @property
    def request(self) -> Span:
        """The span of the request that it is part of."""

    @property
    def is_client(self) -> bool:
        """Whether it is what a store does, as the gateway sees it."""

    @property
    def traceparent(self) -> str:
        """Its trace, its own id and its flags, as W3C's trace context writes them: 55 characters of hex and dashes."""

    def child(self, name: str, *, is_client: bool = False) -> Span:
        """Begin a part of it. Names are few: what differs by request is an attribute."""

    def set(self, name: str, value: Attribute) -> None:
        """Set an attribute. Values of clients, ids and credentials are none."""

    def link(self, other: Span) -> None:
        """Note that another span, of this trace or another one, has to do with it."""

    def fail(self, error_type: str) -> None:
        """Note that it failed, by the class of the error: a message may hold values."""

    def end(self, ended_ns: int) -> None:
        """End it at a time in nanoseconds since 1970. Nothing can be noted afterwards."""


_current: ContextVar[Span | None] = ContextVar("span", default=None)
_shared: ContextVar[SharedSpans | None] = ContextVar("shared_spans", default=None)


def current_span() -> Span | None:
    """Return the span that the current task is in; None where it is not traced."""
    return _current.get()


def current_statement() -> Span | None:
    """Return the span of the statement that the current task sends; None where it sends none, or is not traced."""
    span = _current.get()
    return span if span is not None and span.is_client else None


def trace_id_of(span: Span) -> str:
    """Return the id of the trace that a span belongs to, in hex."""
    return span.traceparent.split("-")[1]


def describe_database(span: Span, system: str, namespace: str, host: tuple[str, int]) -> None:
    """Say, by OpenTelemetry's conventions, which database a statement is sent to. A path is a folder of sockets."""
    name, port = host
    span.set("db.system.name", system)
    span.set("db.namespace", namespace)
    span.set("server.address", name)
    if not name.startswith("/"):
        span.set("server.port", port)


@contextmanager
def entered(span: Span) -> Iterator[None]:
    """Make a span the current one of the block, and of the tasks that it starts."""
    token = _current.set(span)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def child_span(name: str, *, is_client: bool = False) -> Iterator[Span | None]:
    """Begin a part of the current span for the block, and end it with the block; None where nothing is traced."""
    parent, shared = _current.get(), _shared.get()
    if parent is None:
        yield None
        return
    span = parent.child(name, is_client=is_client)
    if shared is not None:
        shared.add(span)
    try:
        with entered(span):
            yield span
    except asyncio.CancelledError:
        span.fail("cancelled")
        raise
    except BaseException as error:
        span.fail(type(error).__name__)
        raise
    finally:
        if shared is None:
            span.end(time.time_ns())
        else:
            shared.end(span, time.time_ns())


class SharedSpans:
    """The spans of a load that several requests may wait for. Each is linked to the requests that joined.

    A span is exported as it was when it ended, and a request may join, for what a statement has answered already, until
    the load is over. So its spans end with the load, at the time that they were over.
    """

    __slots__ = ("_ends", "_is_over", "_joined", "_origin", "_spans")

    def __init__(self, origin: Span) -> None:
        self._origin = origin
        """The span that began the load."""
        self._spans: list[Span] = []
        self._ends: list[tuple[Span, int]] = []
        self._joined: list[Span] = []
        self._is_over = False

    @classmethod
    def begun(cls) -> SharedSpans | None:
        """Return those of a load that the current span begins; None where it is not traced."""
        span = _current.get()
        return None if span is None else cls(span)

    def join(self) -> None:
        """Link the request of the current task, and what it waits with, to the load."""
        span = _current.get()
        if span is None or self._is_over or len(self._joined) >= MAX_LINKS:
            return
        span.link(self._origin)
        self._joined.append(span.request)
        for other in self._spans:
            other.link(span.request)

    def add(self, span: Span) -> None:
        """Add a span of the load, as it begins."""
        self._spans.append(span)
        for other in self._joined:
            span.link(other)

    def end(self, span: Span, ended_ns: int) -> None:
        """Have a span of the load end with it, at this time; one that is late ends at once."""
        if self._is_over:
            span.end(ended_ns)
        else:
            self._ends.append((span, ended_ns))

    def close(self) -> None:
        """End all spans, since the load is over."""
        self._is_over = True
        for span, ended_ns in self._ends:
            span.end(ended_ns)
        self._spans.clear()
        self._ends.clear()


@contextmanager
def sharing(shared: SharedSpans | None) -> Iterator[None]:
    """Have the parts that begin in the block, and in tasks that it starts, be those of a shared load."""
    token = _shared.set(shared)
    try:
        yield
    finally:
        _shared.reset(token)
