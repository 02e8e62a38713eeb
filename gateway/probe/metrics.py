"""The metrics of a probe, in a registry of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from gateway.probe.verdict import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.probe.checks import Check
    from gateway.probe.history import Result
    from gateway.probe.verdict import Verdict

_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class ProbeMetrics:
    """Metrics of checks, for Prometheus. Before a check has run, its counters are 0 and its gauges are not there."""

    def __init__(self, checks: Sequence[Check]) -> None:
        disable_created_metrics()  # a series more for each, which nobody asks for
        self.registry = CollectorRegistry()
        self._runs = Counter(
            "fuseway_probe_checks", "Runs of a check by outcome.", ["check", "outcome"], registry=self.registry
        )
        self._duration = Histogram(
            "fuseway_probe_duration_seconds",
            "Time from the request of a check to its whole answer, or to its failure.",
            ["check"],
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self._up = Gauge(
            "fuseway_probe_up", "Whether the latest run passed: 1 or 0.", ["check"], registry=self.registry
        )
        self._latest = Gauge(
            "fuseway_probe_latest_run_timestamp_seconds",
            "When the latest run started. Its age tells of a probe that hangs, which reports nothing.",
            ["check"],
            registry=self.registry,
        )
        self._age = Gauge(
            "fuseway_probe_data_age_seconds",
            "Age of the oldest time at a declared path of the latest answer that had it.",
            ["check", "path"],
            registry=self.registry,
        )
        self.history_failures = Counter(
            "fuseway_probe_history_failures", "Results that were not written to the history.", registry=self.registry
        )
        for check in checks:
            self._duration.labels(check.name)
            for outcome in OUTCOMES:
                self._runs.labels(check.name, outcome)

    def record(self, result: Result, verdict: Verdict) -> None:
        """Record one run of a check."""
        self._runs.labels(result.name, verdict.outcome).inc()
        self._duration.labels(result.name).observe(result.duration_s)
        self._up.labels(result.name).set(verdict.is_ok)
        self._latest.labels(result.name).set(result.started_at)
        for path, age_s in verdict.ages.items():
            self._age.labels(result.name, path).set(age_s)
