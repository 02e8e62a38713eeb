"""The executor and exports: how answers are made."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models import units

from deploy.grafana.expressions import Query, rate, share, total
from deploy.grafana.panels import Panel, board, figure, graph

_LISTS = "fuseway_executor_lists_total"


def executor() -> Dashboard:
    """Return the dashboard of the executor and of exports."""
    return board(
        "executor",
        "executor and exports",
        "How answers are made: lists by columns, or object by object where that cannot be.",
        {"Now": _now(), "Lists": _lists(), "Exports": _exports()},
    )


def _now() -> list[Panel]:
    columns = share(rate(_LISTS, where='path="columns"'), rate(_LISTS))
    return [
        figure("By columns", units.PercentUnit, columns, "Share of lists."),
        figure("Exports under way", units.Short, total("fuseway_exports_in_flight")),
    ]


def _lists() -> list[Panel]:
    reasons = rate(_LISTS, "reason", 'path="fallback"')
    return [
        graph(
            "Lists",
            units.OpsPerSecond,
            Query(rate(_LISTS, "path"), "{{path}}"),
            about="Lists of objects that are completed a second.",
            stacked=True,
        ),
        graph(
            "Object by object",
            units.OpsPerSecond,
            Query(reasons, "{{reason}}"),
            about="Why a list is not completed by columns.",
            stacked=True,
        ),
    ]


def _exports() -> list[Panel]:
    objects = rate("fuseway_export_objects_total")
    return [
        graph(
            "Exports", units.OpsPerSecond, Query(rate("fuseway_exports_total", "outcome"), "{{outcome}}"), stacked=True
        ),
        graph("Objects exported", units.CountsPerSecond, Query(objects, "objects")),
    ]
