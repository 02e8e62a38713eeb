"""Metrics of traces."""

from __future__ import annotations

from loaders.instruments import counter

SPANS = counter("fuseway_trace_spans_total", "Spans of sampled requests that ended.").labels()
_EXPORTED = counter(
    "fuseway_trace_spans_exported_total",
    "Spans by what became of their export. Those that are not among them wait, or did not fit into the queue.",
    "outcome",
)
EXPORTED, FAILED = _EXPORTED.labels("ok"), _EXPORTED.labels("failed")
