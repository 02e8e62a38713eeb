"""Sections and stores: which section, statement and store costs what."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models import units

from deploy.grafana.expressions import RECENT, Query, quantile, rate, ratio, ratio_by_label, top, total
from deploy.grafana.panels import Panel, board, graph, ranking

_KEYS = "fuseway_section_batch_keys"
_EXECUTIONS = "fuseway_statement_executions_total"
_STORE = "{{store}} {{database}}"


def stores() -> Dashboard:
    """Return the dashboard of what requests load."""
    return board(
        "stores",
        "sections and stores",
        "Which section, statement and store costs what.",
        {
            "Where the time goes": _time(),
            "Sections": _sections(),
            "Fusing": _fusing(),
            "Stores": _stores(),
            "Connections": _connections(),
        },
    )


def _recent(metric: str, by: str, where: str = "") -> str:
    return rate(metric, by, where, over=RECENT)


def _time() -> list[Panel]:
    statement, of_statement = "{{statement}} ({{store}})", "store, statement"
    sections = top(_recent("fuseway_section_statement_seconds_total", "section, store"), 15)
    seconds = _recent("fuseway_statement_seconds_total", of_statement)
    mean = ratio(seconds, _recent(_EXECUTIONS, of_statement))
    return [
        ranking(
            "Sections, by time",
            units.Short,
            Query(sections, "{{section}} ({{store}})"),
            "Seconds of statements a second, shared out among the sections of each statement.",
        ),
        ranking(
            "Statements, by time",
            units.Short,
            Query(top(seconds, 15), statement),
            "Seconds of each statement a second.",
        ),
        ranking("Statements, by mean duration", units.Seconds, Query(top(mean, 15), statement)),
    ]


def _sections() -> list[Panel]:
    loads = _recent(f"{_KEYS}_count", "section")
    keys = ratio(_recent(f"{_KEYS}_sum", "section"), loads)
    statements = _recent("fuseway_section_statements_total", "section")
    missed = _recent("fuseway_section_values_total", "section", 'state="missed"')
    return [
        ranking("Loads", units.OpsPerSecond, Query(top(loads, 15), "{{section}}"), "Batches a second."),
        ranking("Keys of a load", units.Short, Query(top(keys, 15), "{{section}}"), "Mean of the last five minutes."),
        ranking(
            "Values from stores",
            units.OpsPerSecond,
            Query(top(missed, 15), "{{section}}"),
            "Values a second that no cache had.",
        ),
        ranking(
            "Statements",
            units.OpsPerSecond,
            Query(top(statements, 15), "{{section}}"),
            "Statements a second that a section was fused into.",
        ),
    ]


def _fusing() -> list[Panel]:
    fused = ratio(rate("fuseway_statement_sections_sum"), rate("fuseway_statement_sections_count"))
    statements = rate(_EXECUTIONS, "store")
    of_request = ratio_by_label(statements, rate("fuseway_http_requests_total"))
    return [
        graph("Sections in a statement", units.Short, Query(fused, "mean")),
        graph("Statements", units.OpsPerSecond, Query(statements, "{{store}}"), stacked=True),
        graph(
            "Statements of a request",
            units.Short,
            Query(of_request, "{{store}}"),
            about="Mean, cached responses among the requests.",
        ),
    ]


def _stores() -> list[Panel]:
    by = "store, database"
    outcomes = rate("fuseway_store_statements_total", f"{by}, outcome")
    late = quantile(0.95, "fuseway_store_statement_duration_seconds", by)
    return [
        graph("Statements", units.OpsPerSecond, Query(outcomes, f"{_STORE} {{{{outcome}}}}"), stacked=True),
        graph("Duration of statements, p95", units.Seconds, Query(late, _STORE)),
        graph("Rows", units.CountsPerSecond, Query(rate("fuseway_store_rows_total", by), _STORE)),
        graph("Bytes", units.BytesPerSecondSI, Query(rate("fuseway_store_bytes_total", by), _STORE)),
    ]


def _connections() -> list[Panel]:
    by = "store, database"
    states = total("fuseway_store_pool_connections", f"{by}, state")
    wait = quantile(0.95, "fuseway_store_pool_wait_seconds", by)
    return [
        graph(
            "Connections",
            units.Short,
            Query(states, f"{_STORE} {{{{state}}}}"),
            Query(total("fuseway_store_pool_max_connections", by), f"{_STORE} at most"),
        ),
        graph("Wait for a connection, p95", units.Seconds, Query(wait, _STORE)),
        graph(
            "Circuit breakers",
            units.Short,
            Query(total("fuseway_store_circuit_breaker_open", by), _STORE),
            about="Gateways for which a store is away.",
        ),
    ]
