"""Metrics of the gateway's own work: admission, execution, exports, and its processes."""

from __future__ import annotations

import re

from loaders.instruments import DURATIONS_S, Counter, counter, gauge, histogram

_LAGS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

QUEUED = gauge("fuseway_admission_queue_requests", "Requests that wait to be let in.").labels()
WAITS = histogram(
    "fuseway_admission_wait_seconds",
    "Seconds that requests waited to be let in, or until they were refused or left. A heavy one may wait twice.",
    bounds=(0.0, *DURATIONS_S[:12]),
).labels()
IN_FLIGHT_POINTS = gauge(
    "fuseway_admission_in_flight_points", "Points of the heavy requests under way, together."
).labels()
LIMIT_POINTS = gauge(
    "fuseway_admission_limit_points", "Points that heavy requests under way may have together."
).labels()
PLACES = gauge(
    "fuseway_admission_places",
    "Places of requests under way: `used`, and the adaptive `limit`. Small requests have none.",
    "state",
)
REFUSED = counter(
    "fuseway_admission_refused_total",
    "Requests that were refused untouched: the queue was `full`, they waited too long (`late`), too many `bodies` were"
    " held, or too many large `answers`.",
    "reason",
)

EXECUTOR_LISTS = counter(
    "fuseway_executor_lists_total",
    "Objects, lists, and chunks of large lists, completed by `columns` or left to graphql-core (`fallback`), and why.",
    "path",
    "reason",
)

EXPORTS = counter("fuseway_exports_total", "Exports that ended: `ok`, `failed`, or `hang_up`.", "outcome")
EXPORTED, EXPORT_FAILED, EXPORT_LEFT = map(EXPORTS.labels, ("ok", "failed", "hang_up"))
EXPORTS_IN_FLIGHT = gauge("fuseway_exports_in_flight", "Exports that are being sent.").labels()
EXPORT_OBJECTS = counter("fuseway_export_objects_total", "Objects that were exported.").labels()

LOOP_LAGS = histogram(
    "fuseway_event_loop_lag_seconds",
    "Seconds that a timer of each quarter of a second came late: the time that everything else waits too.",
    bounds=_LAGS_S,
).labels()
WORKER_MEMORY = gauge("fuseway_worker_memory_bytes", "Resident memory of a worker.", "worker")
MEMORY_LIMIT = gauge(
    "fuseway_memory_limit_bytes",
    "Memory that all workers may take together: the limit of the container or service, or else the machine's memory.",
    sharing="livemax",
).labels()
WORKER_START = gauge(
    "fuseway_worker_start_time_seconds",
    "When the worker was started, in seconds since 1970: it changes as it is replaced.",
    "worker",
)
WORKER_CPU = counter("fuseway_worker_cpu_seconds_total", "Seconds of CPU that a worker has used.", "worker")
BUILD_INFO = gauge(
    "fuseway_build_info",
    "1; its labels say what is served, and by what.",
    "version",
    "python",
    "model",
    sharing="livemax",
)

_MAX_REASONS = 1_000
BY_COLUMNS = EXECUTOR_LISTS.labels("columns", "")
_fallbacks: dict[str, Counter] = {}
_NAME = re.compile(r"(?: of|(?<=: type)|(?<=unknown field)) .+$")
"""The name of a type or a field in a reason."""


def record_fallback(kind: str, reason: object) -> None:
    """Count what was left to graphql-core. The names of fields in a reason are left out."""
    text = f"{kind}: {reason}"
    fallback = _fallbacks.get(text)
    if fallback is None:
        fallback = EXECUTOR_LISTS.labels("fallback", _NAME.sub("", text))
        if len(_fallbacks) < _MAX_REASONS:
            _fallbacks[text] = fallback
    fallback.value += 1
