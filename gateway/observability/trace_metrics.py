"""Metrics of traces."""

from __future__ import annotations

from loaders.instruments import counter

SPANS = counter("fuseway_trace_spans_total", "Spans of sampled requests that ended.").labels()
_EXPORTED = counter(
    "fuseway_trace_spans_exported_total",
    "Spans by what became of them: exported (`ok`), not taken by the collector (`failed`), or `dropped`, since as many"
    " waited as may. Those that are not among them wait.",
    "outcome",
)
EXPORTED, FAILED, DROPPED = map(_EXPORTED.labels, ("ok", "failed", "dropped"))
