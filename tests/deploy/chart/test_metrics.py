"""Autoscalers ask for metrics that the gateway has."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
import yaml

import gateway.observability.catalog  # noqa: F401 - declares the metrics
from loaders.instruments import FAMILIES
from tests.deploy.chart.conftest import Resource, of_kind
from tests.deploy.promql import ROOT, uses

pytestmark = pytest.mark.deploy

KINDS = {
    "fuseway_admission_wait_seconds": "histogram",
    "fuseway_http_request_duration_seconds": "histogram",
    "fuseway_http_requests_in_flight": "gauge",
}


def _names(query: str) -> set[str]:
    """Return the metrics of a query, of histograms without their endings."""
    return {re.sub("_(bucket|count|sum)$", "", name) for name in re.findall(r"fuseway_\w+", query)}


def test_keda_asks_for_the_wait_and_the_latency(resources: Mapping[str, list[Resource]]) -> None:
    (scaler,) = of_kind(resources["keda"], "ScaledObject")
    triggers = {item["name"]: item for item in scaler["spec"]["triggers"]}
    assert _names(triggers["queue-wait"]["metadata"]["query"]) == {"fuseway_admission_wait_seconds"}
    assert _names(triggers["latency"]["metadata"]["query"]) == {"fuseway_http_request_duration_seconds"}
    assert {item["metricType"] for item in triggers.values()} == {"Value"}
    assert (triggers["queue-wait"]["metadata"]["threshold"], triggers["latency"]["metadata"]["threshold"]) == (
        "0.1",
        "1",
    )


def test_every_metric_of_an_autoscaler_is_the_gateways(resources: Mapping[str, list[Resource]]) -> None:
    queries = [
        str(scaler["spec"])
        for objects in resources.values()
        for scaler in of_kind(objects, "ScaledObject", "HorizontalPodAutoscaler")
    ]
    names = set().union(*map(_names, queries))
    assert names == set(KINDS)
    assert {name: FAMILIES[name].kind for name in names} == KINDS


def test_keda_asks_for_the_series_of_this_release_alone(resources: Mapping[str, list[Resource]]) -> None:
    objects = resources["keda"]
    (metrics,) = [item for item in of_kind(objects, "Service") if item["metadata"]["name"].endswith("-metrics")]
    (scaler,) = of_kind(objects, "ScaledObject")
    for trigger in scaler["spec"]["triggers"]:
        selectors = re.findall(r"\{([^}]*)\}", trigger["metadata"]["query"])
        assert set(selectors) == {
            f'namespace="{metrics["metadata"]["namespace"]}",service="{metrics["metadata"]["name"]}"'
        }


def test_a_scrape_takes_as_many_series_as_prometheus_is_shipped_with(resources: Mapping[str, list[Resource]]) -> None:
    shipped = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    limits = {job["sample_limit"] for job in shipped["scrape_configs"]}
    monitors = of_kind(resources["tracing-metrics"], "ServiceMonitor")
    assert {monitor["spec"]["sampleLimit"] for monitor in monitors} == limits


def test_queries_are_promql(resources: Mapping[str, list[Resource]]) -> None:
    (scaler,) = of_kind(resources["production"], "ScaledObject")
    queries = [item["metadata"]["query"] for item in scaler["spec"]["triggers"] if item["type"] == "prometheus"]
    assert len(queries) == 2
    for query in queries:
        assert {item.metric for item in uses(query)} >= {f"{name}_count" for name in _names(query)}
