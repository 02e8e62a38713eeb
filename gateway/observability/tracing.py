"""Traces by OpenTelemetry. This module alone imports its SDK, and is imported only where traces are exported."""

from __future__ import annotations

import asyncio
import threading
import uuid
from contextlib import suppress
from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway.observability.span_export import SpanExport, SpanQueue
from gateway.observability.spans import RequestSpan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.settings import Settings

_SERVICE = "fuseway"
_UNKNOWN_SERVICE = "unknown_service"
"""How the SDK begins the name of a service that no setting names."""
_CLOSE_S = 1.0
"""How long the last spans may take to be exported when the gateway stops."""
_CONTEXT_HEADERS = {b"traceparent": "traceparent", b"tracestate": "tracestate"}


class Tracing:
    """Begins the spans of requests, and exports what has ended in the background.

    The queue of the exporter is bounded, and what does not fit into it is lost: a collector that is slow or away costs
    spans, and never a request.
    """

    def __init__(self, endpoint: str, settings: Settings) -> None:
        exporter, self._provider = exporter_and_provider(endpoint)
        self.export = SpanExport(exporter)
        queue = SpanQueue(
            self.export,
            max_spans=settings.max_waiting_spans,
            max_batch=settings.max_batch_spans,
            delay_ms=settings.span_delay_ms,
        )
        self._provider.add_span_processor(queue)
        self._tracer = self._provider.get_tracer(_SERVICE, version(_SERVICE))
        self._propagator = TraceContextTextMapPropagator()

    def begin(self, headers: Iterable[tuple[bytes, bytes]], name: str) -> RequestSpan:
        """Begin the span of a request, in the trace that its client says it belongs to."""
        carrier: dict[str, list[str]] = {}
        for header, value in headers:
            if header in _CONTEXT_HEADERS:
                carrier.setdefault(_CONTEXT_HEADERS[header], []).append(value.decode("latin-1"))
        if len(carrier.get("traceparent", ())) > 1:
            carrier.clear()  # the one that counts cannot be told
        parent = self._propagator.extract(carrier)
        return RequestSpan(self._tracer, self._tracer.start_span(name, parent, SpanKind.SERVER))

    async def close(self) -> None:
        """Export what has ended, and wait for it for a second at most."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(done.set)

        # No thread of the loop's own, which the process would wait for when it ends.
        threading.Thread(target=shut_down, name="close-traces", daemon=True).start()
        try:
            await asyncio.wait_for(done.wait(), _CLOSE_S)
        except TimeoutError:
            self.export.shutdown()  # which ends its attempts


def exporter_and_provider(endpoint: str) -> tuple[OTLPSpanExporter, TracerProvider]:
    """Return the SDK's two parts that read variables of the environment. Neither has begun anything."""
    return OTLPSpanExporter(endpoint=endpoint), TracerProvider(resource=_resource(), shutdown_on_exit=False)


def _resource() -> Resource:
    """Return what the environment says of the service, and what it leaves out."""
    resource = Resource.create()
    own = {SERVICE_VERSION: version(_SERVICE), SERVICE_INSTANCE_ID: str(uuid.uuid4())}
    if str(resource.attributes.get(SERVICE_NAME, "")).startswith(_UNKNOWN_SERVICE):
        own[SERVICE_NAME] = _SERVICE
    return resource.merge(Resource(own))
