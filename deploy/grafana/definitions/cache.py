"""The cache: what it answers, what it holds, and how fast changes reach it."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models import units

from deploy.grafana.expressions import RECENT, Query, quantiles, rate, ratio, series, share, top, total
from deploy.grafana.panels import Panel, board, figure, graph, ranking

_VALUES = "fuseway_section_values_total"
_REQUESTS = "fuseway_http_requests_total"


def cache() -> Dashboard:
    """Return the dashboard of the cache."""
    return board(
        "cache",
        "cache",
        "What the cache answers, what it holds, and how fast changes reach it.",
        {"Now": _now(), "What it answers": _answers(), "What it holds": _contents(), "Changes": _changes()},
    )


def _now() -> list[Panel]:
    values = share(rate(_VALUES, where='state=~"fresh|stale"'), rate(_VALUES))
    responses = share(rate(_REQUESTS, where='outcome="cached"'), rate(_REQUESTS))
    away = f"sum(1 - {series('fuseway_cache_available')})"
    return [
        figure("Values", units.PercentUnit, values, "Share of values that the cache had."),
        figure("Responses", units.PercentUnit, responses, "Share of requests that got a cached response."),
        figure("Gateways without Redis", units.Short, away, warn=1),
    ]


def _answers() -> list[Panel]:
    missed = ratio(rate(_VALUES, "section", 'state="missed"', over=RECENT), rate(_VALUES, "section", over=RECENT))
    return [
        graph(
            "Values",
            units.OpsPerSecond,
            Query(rate(_VALUES, "state"), "{{state}}"),
            about="Values a second: stale ones are served, and refreshed behind.",
            stacked=True,
        ),
        ranking(
            "Missed most",
            units.PercentUnit,
            Query(top(missed, 15), "{{section}}"),
            "Share of a section's values that no cache had.",
        ),
        graph(
            "Waits for another's load",
            units.Seconds,
            *quantiles("fuseway_cache_lease_wait_seconds"),
            about="Time until the value came that another process was loading.",
        ),
    ]


def _contents() -> list[Panel]:
    evictions = rate("fuseway_cache_evictions_total", "cache")
    return [
        graph(
            "Memory", units.BytesIEC, Query(total("fuseway_cache_bytes", "cache"), "{{cache}}"), about="By estimate."
        ),
        graph("Entries", units.Short, Query(total("fuseway_cache_entries", "cache"), "{{cache}}")),
        graph(
            "Evictions",
            units.OpsPerSecond,
            Query(evictions, "{{cache}}"),
            about="Entries a second that had to go for others.",
        ),
    ]


def _changes() -> list[Panel]:
    return [
        graph(
            "Invalidations",
            units.OpsPerSecond,
            Query(rate("fuseway_cache_invalidations_total", "reason"), "{{reason}}"),
        ),
        graph(
            "Lag",
            units.Seconds,
            *quantiles("fuseway_cache_invalidation_lag_seconds"),
            about="Time from a change until no gateway serves anything older.",
        ),
        graph(
            "Redis",
            units.Short,
            Query(total("fuseway_cache_available", "instance"), "{{instance}}"),
            about="0 where a gateway serves without it.",
        ),
    ]
