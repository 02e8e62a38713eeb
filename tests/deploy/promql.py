"""The PromQL of dashboards and rules, parsed: which metrics and labels it names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import promql_parser as promql
import yaml

ROOT: Final = Path(__file__).parents[2]
RULES: Final = ROOT / "deploy" / "prometheus" / "rules"
RULE_TESTS: Final = ROOT / "deploy" / "prometheus" / "tests"
DASHBOARDS: Final = ROOT / "deploy" / "grafana" / "dashboards"

TARGET_LABELS: Final = frozenset({"namespace", "job", "instance"})
"""Labels that Prometheus adds to each series of a target; a namespace in Kubernetes alone."""
OWN_METRICS: Final = {"up": TARGET_LABELS, "ALERTS": frozenset({"alertname", "alertstate", "severity", *TARGET_LABELS})}
"""What Prometheus itself knows."""
_METRIC_ROW: Final = re.compile(r"^\| `(fuseway_\w+)` \| (\w+) \| ([^|]*) \|", re.MULTILINE)
_VARIABLES: Final = {"$__rate_interval": "1m", "$namespace": ".*", "$job": ".+", "$instance": ".+"}
"""Grafana's variables, as they are when the viewer has chosen nothing."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression, and where it stands."""

    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Use:
    """A metric that an expression selects, with the labels that it is narrowed and grouped by."""

    metric: str
    labels: frozenset[str]


def uses(text: str) -> list[Use]:
    """Return each selected metric of an expression. Raises ValueError where it is no PromQL."""
    groups: list[list[str]] = []
    result: list[Use] = []

    def enter(node: promql.Expr) -> bool:
        if isinstance(node, promql.AggregateExpr):
            groups.append(node.modifier.labels if node.modifier else [])
        elif isinstance(node, promql.VectorSelector):
            matched = [matcher.name for matcher in node.matchers.matchers]
            result.append(Use(str(node.name), frozenset(matched).union(*groups)))
        return True

    def leave(node: promql.Expr) -> bool:
        if isinstance(node, promql.AggregateExpr):
            groups.pop()
        return True

    promql.walk(promql.parse(text), pre_visit=enter, post_visit=leave)
    return result


def rules() -> list[dict[str, Any]]:
    """Return all rules of all files, in their order."""
    files = [yaml.load(path.read_text(), Loader=yaml.CSafeLoader) for path in sorted(RULES.glob("*.yaml"))]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    """Return the rules that are alerts."""
    return [rule for rule in rules() if "alert" in rule]


def rule_expressions() -> list[Expression]:
    """Return the expression of each rule."""
    return [Expression(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()]


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each panel that shows something, with its dashboard and title."""
    for path in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            if panel["type"] != "row":
                yield f"{path.stem}: {panel['title']}", panel


def dashboard_expressions() -> list[Expression]:
    """Return each panel's expressions, with Grafana's variables filled in."""
    return [Expression(place, filled(target["expr"])) for place, panel in panels() for target in panel["targets"]]


def filled(text: str) -> str:
    """Return an expression with Grafana's variables filled in."""
    for name, value in _VARIABLES.items():
        text = text.replace(name, value)
    return text


def documented(page: str = "metrics") -> list[tuple[str, str, frozenset[str]]]:
    """Return name, type and labels of each metric on a page of the docs."""
    rows = _METRIC_ROW.findall((ROOT / "docs" / f"{page}.md").read_text())
    return [(name, kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows]


def series_of(name: str, kind: str) -> list[str]:
    """Return the names of a metric's series."""
    return [f"{name}_count", f"{name}_sum", f"{name}_bucket"] if kind == "histogram" else [name]


@cache
def known_metrics() -> dict[str, frozenset[str]]:
    """Return the labels of all series by name: those of the docs, of recording rules and Prometheus' own."""
    known = dict(OWN_METRICS)
    for metric, kind, labels in [*documented(), *documented("probe")]:
        for name in series_of(metric, kind):
            known[name] = labels | TARGET_LABELS | ({"le"} if name.endswith("_bucket") else set())
    for rule in rules():
        if "record" in rule:
            known[rule["record"]] = TARGET_LABELS - {"instance"} if rule["record"].startswith("job:") else frozenset()
    return known
