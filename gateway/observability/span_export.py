"""Export spans, count what becomes of them, and log when they are lost."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from gateway.observability.trace_metrics import DROPPED, EXPORTED, FAILED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

_DROPPED_LOG_S = 60.0
"""From one line of the log about spans that are dropped to the next."""

_log = logging.getLogger("gateway")


class SpanExport(SpanExporter):
    """Exports spans by another exporter. It is called by one thread, and never raises."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._is_failing = self._is_closed = False
        self._lost = 0
        self.taken = 0
        """How many spans it was given."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export ended spans. Those that are not taken are lost."""
        self.taken += len(spans)
        if self._is_closed:
            return SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        except Exception:  # of a driver, of any kind
            result = SpanExportResult.FAILURE
        if result is SpanExportResult.SUCCESS:
            EXPORTED.value += len(spans)
            self._note_success()
        else:
            FAILED.value += len(spans)
            self._lost += len(spans)
            self._note_failure()
        return result

    def _note_failure(self) -> None:
        if not self._is_failing:
            self._is_failing = True
            _log.warning(
                "Traces cannot be exported, and are lost until they can: the collector at OTEL_EXPORTER_OTLP_ENDPOINT"
                " does not take them. GATEWAY_LOG_LEVEL=debug shows what the exporter says."
            )

    def _note_success(self) -> None:
        if self._is_failing:
            self._is_failing = False
            _log.warning("Traces are exported again. %d spans were not taken meanwhile.", self._lost)
            self._lost = 0

    def shutdown(self) -> None:
        """Stop the exporter, once."""
        if not self._is_closed:
            self._is_closed = True
            self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Return whether all was exported."""
        return self._exporter.force_flush(timeout_millis)


class SpanQueue(BatchSpanProcessor):
    """Has ended spans wait for their export; those that it has no room for are dropped and counted.

    The SDK's own queue drops the oldest ones and counts none. The event loop's thread adds spans and the exporter's
    takes them, so that each of the two numbers is written by one thread.
    """

    def __init__(self, export: SpanExport, *, max_spans: int, max_batch: int, delay_ms: int) -> None:
        super().__init__(export, max_spans, delay_ms, min(max_batch, max_spans))
        self._export = export
        self._max_spans = max_spans
        self._added = 0
        self._logged_at = -math.inf

    def on_end(self, span: ReadableSpan) -> None:
        """Take a span that has ended."""
        if self._added - self._export.taken < self._max_spans:
            self._added += 1
            super().on_end(span)
            return
        DROPPED.value += 1
        now = time.monotonic()
        if now - self._logged_at >= _DROPPED_LOG_S:
            self._logged_at = now
            _log.warning(
                "Spans are dropped: %d wait for the collector, as many as may (OTEL_BSP_MAX_QUEUE_SIZE). Trace fewer"
                " requests, or see why the collector is slow. fuseway_trace_spans_exported_total counts the spans.",
                self._max_spans,
            )
