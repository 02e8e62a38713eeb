"""Metrics of HTTP requests and connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.observability.operation_names import UNKNOWN
from gateway.observability.request_observation import OUTCOMES
from loaders.instruments import counter, gauge, histogram

if TYPE_CHECKING:
    from loaders.instruments import Counter, Histogram

REQUESTS = counter(
    "fuseway_http_requests_total",
    "Requests that were answered, or whose client hung up, by the operation and what became of it.",
    "operation",
    "outcome",
    max_series=5_000,
)
DURATIONS = histogram(
    "fuseway_http_request_duration_seconds",
    "Seconds from when a request's head had come to when its answer was handed to the connection.",
    "operation",
)
IN_FLIGHT = gauge("fuseway_http_requests_in_flight", "Requests that are being answered.").labels()
CONNECTIONS = gauge("fuseway_http_connections", "Connections of clients that are open.").labels()


for _outcome in OUTCOMES:
    REQUESTS.labels(UNKNOWN, _outcome)  # at 0 from the start, so that sums over any outcome have a value


class RequestMetrics:
    """Records requests; the instruments of each operation and outcome are looked up once."""

    def __init__(self) -> None:
        self._instruments: dict[tuple[str, str], tuple[Counter, Histogram]] = {}

    def record(self, operation: str, outcome: str, seconds: float) -> None:
        """Count a request. The operation is a label, not a name."""
        instruments = self._instruments.get((operation, outcome))
        if instruments is None:
            instruments = REQUESTS.labels(operation, outcome), DURATIONS.labels(operation)
            self._instruments[operation, outcome] = instruments
        requests, durations = instruments
        requests.value += 1
        durations.observe(seconds)


def record_refusal(outcome: str) -> None:
    """Count a request that its connection refused before it was one, so that it has no operation and no duration."""
    REQUESTS.labels(UNKNOWN, outcome).value += 1
