"""Export spans, count what becomes of them, and log once that they are not taken."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from gateway.observability.trace_metrics import EXPORTED, FAILED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

_log = logging.getLogger("gateway")


class SpanExport(SpanExporter):
    """Exports spans by another exporter. It is called by one thread, and never raises."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._is_failing = self._is_closed = False
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export ended spans. Those that are not taken are lost."""
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
