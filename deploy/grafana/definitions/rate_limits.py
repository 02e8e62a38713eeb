"""Rate limits: who is let in, and what is refused for which reason."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models import units

from deploy.grafana.expressions import Query, or_zero, rate, share, top
from deploy.grafana.panels import Panel, board, figure, graph

_DECISIONS = "fuseway_rate_limit_decisions_total"


def rate_limits() -> Dashboard:
    """Return the dashboard of limits."""
    return board(
        "rate-limits",
        "rate limits",
        "Who is let in, and what is refused for which reason.",
        {"Now": _now(), "Decisions": _decisions()},
    )


def _share(decision: str) -> str:
    return share(rate(_DECISIONS, where=f'decision="{decision}"'), rate(_DECISIONS))


def _now() -> list[Panel]:
    refused = or_zero(rate("fuseway_admission_refused_total"))
    return [
        figure("Over their budget", units.PercentUnit, or_zero(_share("refused")), "Share of requests.", warn=0.05),
        figure(
            "Without a limit",
            units.PercentUnit,
            _share("unmetered"),
            "Share of requests whose viewer has no budget.",
        ),
        figure("Refused for overload", units.RequestsPerSecond, refused, "Requests a second.", warn=1),
    ]


def _decisions() -> list[Panel]:
    wrong = top(rate("fuseway_http_requests_total", "operation", 'outcome="client_error"'))
    decisions = Query(rate(_DECISIONS, "decision"), "{{decision}}")
    return [
        graph("Decisions", units.RequestsPerSecond, decisions, stacked=True),
        graph(
            "Errors of clients, by operation",
            units.RequestsPerSecond,
            Query(wrong, "{{operation}}"),
            about="Over their budget, too large, without a scope, or not valid.",
            stacked=True,
        ),
    ]
