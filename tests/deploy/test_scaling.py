"""What is reckoned of autoscaling is what the chart says."""

from __future__ import annotations

from typing import Any

import yaml

from benchmarks import scaling
from benchmarks.autoscaling import Behavior
from tests.deploy.promql import ROOT, Expression
from tests.deploy.test_expressions import unknown

VALUES: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "chart" / "values.yaml").read_text())["autoscaling"]
OBJECTS: list[dict[str, Any]] = [
    item
    for path in sorted((ROOT / "tests" / "deploy" / "chart" / "golden").glob("*.yaml"))
    for item in yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader)
    if item
]
SCALED_OBJECTS = [item for item in OBJECTS if item["kind"] == "ScaledObject"]
AUTOSCALERS = [item for item in OBJECTS if item["kind"] == "HorizontalPodAutoscaler"]


def test_targets_are_those_of_the_chart() -> None:
    keda, hpa = VALUES["keda"], VALUES["hpa"]
    assert (keda["queueWaitSeconds"], keda["latencySeconds"]) == (scaling.QUEUE_WAIT_S, scaling.LATENCY_S)
    assert (keda["cpuPercent"] / 100, hpa["cpuPercent"] / 100) == (scaling.KEDA_CPU, scaling.HPA_CPU)
    assert (hpa["inFlightRequests"], keda["window"]) == (scaling.IN_FLIGHT, scaling.WINDOW)
    bounds = Behavior()
    assert (VALUES["minReplicas"], VALUES["maxReplicas"]) == (bounds.minimum, bounds.maximum)
    assert VALUES["scaleDownSeconds"] == bounds.down_window_s


def test_queries_are_those_of_the_chart() -> None:
    assert SCALED_OBJECTS
    for item in SCALED_OBJECTS:
        queries = {trigger["name"]: trigger["metadata"].get("query", "") for trigger in item["spec"]["triggers"]}
        for name, histogram in (
            ("queue-wait", "fuseway_admission_wait_seconds"),
            ("latency", "fuseway_http_request_duration_seconds"),
        ):
            selector = queries[name].partition("_bucket{")[2].partition("}")[0]
            assert queries[name] == scaling.percentile_query(histogram, selector)


def test_replicas_come_and_go_as_the_chart_says() -> None:
    assert AUTOSCALERS
    behaviors = [item["spec"]["behavior"] for item in AUTOSCALERS]
    behaviors += [item["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"] for item in SCALED_OBJECTS]
    for behavior in behaviors:
        up = {(item["type"], item["value"], item["periodSeconds"]) for item in behavior["scaleUp"]["policies"]}
        down = [(item["type"], item["value"], item["periodSeconds"]) for item in behavior["scaleDown"]["policies"]]
        assert up == {("Percent", 100, 15), ("Pods", 4, 15)}
        assert (behavior["scaleUp"]["selectPolicy"], down) == ("Max", [("Percent", 25, 60)])


def test_queries_name_metrics_that_there_are() -> None:
    for histogram in ("fuseway_admission_wait_seconds", "fuseway_http_request_duration_seconds"):
        assert unknown(Expression("query", scaling.percentile_query(histogram))) == []
