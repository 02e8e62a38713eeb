"""Autoscalers ask for metrics that the gateway has."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

import gateway.observability.catalog  # noqa: F401 - declares the metrics
from benchmarks import scaling
from benchmarks.autoscaling import Behavior
from deploy.chart_tools.chart import default_values
from loaders.instruments import FAMILIES
from tests.deploy.chart.conftest import Resource, of_kind
from tests.deploy.promql import uses

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


def test_queries_are_promql(resources: Mapping[str, list[Resource]]) -> None:
    (scaler,) = of_kind(resources["production"], "ScaledObject")
    queries = [item["metadata"]["query"] for item in scaler["spec"]["triggers"] if item["type"] == "prometheus"]
    assert len(queries) == 2
    for query in queries:
        assert {item.metric for item in uses(query)} >= {f"{name}_count" for name in _names(query)}


def test_the_benchmark_of_autoscaling_reckons_with_the_charts_queries_and_values(
    resources: Mapping[str, list[Resource]],
) -> None:
    (scaler,) = of_kind(resources["production"], "ScaledObject")
    triggers = {item["name"]: item["metadata"] for item in scaler["spec"]["triggers"]}
    selector = 'namespace="shop-api",service="shop-fuseway-metrics"'
    for name, histogram in (
        ("queue-wait", "fuseway_admission_wait_seconds"),
        ("latency", "fuseway_http_request_duration_seconds"),
    ):
        assert triggers[name]["query"] == scaling.percentile_query(histogram, selector)
    values = default_values()["autoscaling"]
    keda, hpa = values["keda"], values["hpa"]
    assert (keda["queueWaitSeconds"], keda["latencySeconds"]) == (scaling.QUEUE_WAIT_S, scaling.LATENCY_S)
    assert (keda["window"], keda["cpuPercent"] / 100) == (scaling.WINDOW, scaling.KEDA_CPU)
    assert (hpa["cpuPercent"] / 100, hpa["inFlightRequests"]) == (scaling.HPA_CPU, scaling.IN_FLIGHT)
    bounds = Behavior()
    assert (values["minReplicas"], values["maxReplicas"], values["scaleDownSeconds"]) == (
        bounds.minimum,
        bounds.maximum,
        bounds.down_window_s,
    )
