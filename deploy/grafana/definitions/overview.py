"""The overview: rate, errors and duration of requests, and how full the gateways are."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models import units

from deploy.grafana.expressions import (
    RECENT,
    Query,
    or_zero,
    quantile,
    quantiles,
    rate,
    ratio_by_label,
    series,
    share,
    top,
    total,
)
from deploy.grafana.panels import Panel, board, figure, graph, ranking

_REQUESTS = "fuseway_http_requests_total"
_DURATION = "fuseway_http_request_duration_seconds"


def overview() -> Dashboard:
    """Return the dashboard that one looks at first."""
    return board(
        "overview",
        "overview",
        "Rate, errors and duration of requests, and how full the gateways are.",
        {
            "Now": _now(),
            "Requests": _requests(),
            "Operations": _operations(),
            "Admission": _admission(),
            "Places": _places(),
            "Workers": _workers(),
            "Traces": _traces(),
        },
    )


def _now() -> list[Panel]:
    failed = or_zero(share(rate(_REQUESTS, where='outcome=~"overloaded|timeout|server_error"'), rate(_REQUESTS)))
    burnt = 'max(job:fuseway_requests_failed:ratio1h{namespace=~"$namespace", job=~"$job"}) / 0.001'
    build = series("fuseway_build_info")
    return [
        figure("Requests", units.RequestsPerSecond, or_zero(rate(_REQUESTS)), "A second."),
        figure("Failed", units.PercentUnit, failed, "Share that was refused, late or failed.", warn=0.001),
        figure("p95", units.Seconds, quantile(0.95, _DURATION), "19 of 20 requests are answered sooner.", warn=1),
        figure(
            "Budget burnt",
            units.Short,
            burnt,
            "Failed requests of the last hour, in multiples of what the objective of 30 days allows.",
            warn=14.4,
        ),
        figure("In flight", units.Short, or_zero(total("fuseway_http_requests_in_flight")), "Requests under way."),
        figure("Gateways", units.Short, or_zero(f"count({build})"), "Those that Prometheus sees now."),
    ]


def _requests() -> list[Panel]:
    broken = ratio_by_label(rate(_REQUESTS, "outcome", 'outcome!~"ok|cached"'), rate(_REQUESTS))
    return [
        graph("By outcome", units.RequestsPerSecond, Query(rate(_REQUESTS, "outcome"), "{{outcome}}"), stacked=True),
        graph(
            "Not answered whole",
            units.PercentUnit,
            Query(broken, "{{outcome}}"),
            about="Share of requests: `partial` lacks sections, `hang_up` was left by its client.",
        ),
        graph("Duration", units.Seconds, *quantiles(_DURATION)),
    ]


def _operations() -> list[Panel]:
    often = top(rate(_REQUESTS, "operation", over=RECENT))
    late = top(f"{quantile(0.95, _DURATION, 'operation', over=RECENT)} >= 0")  # of those that nobody asked, it is NaN
    time = top(rate(f"{_DURATION}_sum", "operation", over=RECENT))
    return [
        ranking("Most frequent", units.RequestsPerSecond, Query(often, "{{operation}}"), "Requests a second."),
        ranking("Slowest", units.Seconds, Query(late, "{{operation}}"), "p95 of the last five minutes."),
        ranking("Most time", units.Short, Query(time, "{{operation}}"), "Seconds of waiting a second."),
    ]


def _admission() -> list[Panel]:
    refused = rate("fuseway_admission_refused_total", "reason")
    return [
        graph("Wait to be executed", units.Seconds, *quantiles("fuseway_admission_wait_seconds")),
        graph(
            "Under way",
            units.Short,
            Query(total("fuseway_admission_queue_requests"), "waiting"),
            Query(total("fuseway_http_requests_in_flight"), "in flight"),
            Query(total("fuseway_http_connections"), "connections"),
        ),
        graph("Refused", units.RequestsPerSecond, Query(refused, "{{reason}}")),
    ]


def _places() -> list[Panel]:
    return [
        graph(
            "Requests that are executed",
            units.Short,
            Query(total("fuseway_admission_places", "state"), "{{state}}"),
            about="And how many the adaptive limit allows.",
        ),
        graph(
            "Points of heavy requests",
            units.Short,
            Query(total("fuseway_admission_in_flight_points"), "in flight"),
            Query(total("fuseway_admission_limit_points"), "limit"),
            about="What those that cost much cost together, and what they may.",
        ),
    ]


def _workers() -> list[Panel]:
    worker = "{{instance}} worker {{worker}}"
    versions = f"count by (version, model) ({series('fuseway_build_info')})"
    return [
        graph(
            "CPU",
            units.Short,
            Query(rate("fuseway_worker_cpu_seconds_total", "instance, worker"), worker),
            about="Cores that each worker uses: one is all that it can.",
        ),
        graph(
            "Memory",
            units.BytesIEC,
            Query(total("fuseway_worker_memory_bytes", "instance, worker"), worker),
            Query(total("fuseway_memory_limit_bytes", "instance"), "{{instance}} all workers at most"),
        ),
        graph(
            "Event loop, p99",
            units.Seconds,
            Query(quantile(0.99, "fuseway_event_loop_lag_seconds", "instance"), "{{instance}}"),
            about="How late its turns come.",
        ),
        ranking(
            "Versions",
            units.Short,
            Query(versions, "{{version}} {{model}}"),
            "Gateways by version and model: more than one of them while a new one is rolled out.",
        ),
    ]


def _traces() -> list[Panel]:
    return [
        graph(
            "Spans",
            units.CountsPerSecond,
            Query(rate("fuseway_trace_spans_total"), "of sampled requests"),
            Query(rate("fuseway_trace_spans_exported_total", "outcome"), "exported: {{outcome}}"),
            about="What is sampled, and what the collector takes of it.",
        )
    ]
