"""The gateway without metrics: `python -m benchmarks.endpoints.unobserved PORT`.

Requests are not observed, and neither are statements, sections and waits. What is left is some additions of numbers.
"""

from contextlib import nullcontext
from typing import Any

import gateway.app
import loaders.cache.in_flight_load
import loaders.objects.object_statements
from benchmarks.endpoints.gateway import counted_app
from benchmarks.endpoints.serving import serve
from loaders import metrics
from loaders.instruments import Histogram


def _nothing(*_: object, **__: object) -> None:
    """Record nothing."""


def remove_metrics() -> None:
    """Have nothing recorded in this process."""
    patches: tuple[tuple[Any, str, Any], ...] = (
        (Histogram, "observe", _nothing),
        (metrics.StatementMetrics, "record", _nothing),
        (loaders.objects.object_statements, "record_load", _nothing),
        (metrics.StoreMetrics, "timed", lambda _: nullcontext()),
        (loaders.cache.in_flight_load, "record_values", _nothing),
        (gateway.app, "sampled", lambda *_: nullcontext()),
    )
    for owner, name, replacement in patches:
        setattr(owner, name, replacement)


if __name__ == "__main__":
    remove_metrics()
    serve(counted_app())
