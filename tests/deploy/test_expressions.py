"""Dashboards and rules name only metrics and labels that docs/metrics.md has."""

from __future__ import annotations

import re

import pytest

from tests.deploy.promql import (
    ROOT,
    Expression,
    Use,
    alerts,
    dashboard_expressions,
    documented,
    known_metrics,
    rule_expressions,
    series_of,
    uses,
)

EXPRESSIONS = [*rule_expressions(), *dashboard_expressions()]


def unknown(expression: Expression) -> list[str]:
    """Return what an expression names that is not there."""
    known = known_metrics()
    problems = []
    for use in uses(expression.text):
        if use.metric not in known:
            problems.append(f"{expression.place}: no metric {use.metric}")
        else:
            problems += [f"{expression.place}: {use.metric} has no {label}" for label in use.labels - known[use.metric]]
    return problems


def test_expressions_name_metrics_and_labels_that_there_are() -> None:
    assert len(EXPRESSIONS) > 100
    assert [problem for expression in EXPRESSIONS for problem in unknown(expression)] == []


def test_queries_on_the_pages_name_metrics_and_labels_that_there_are() -> None:
    pages = {path.name: path.read_text() for path in (ROOT / "docs").glob("*.md")}
    spans = [
        Expression(name, span)
        for name, text in pages.items()
        for span in re.findall(r"`([^`\n]*fuseway_[a-z]+_[^`\n]*)`", text)
    ]
    queries = [span for span in spans if re.search("[({]", span.text)]
    assert len(queries) > 15
    assert [problem for query in queries for problem in unknown(query)] == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rate(fuseway_http_request_total[5m])", "no metric fuseway_http_request_total"),
        ("sum by (path) (fuseway_http_requests_total)", "fuseway_http_requests_total has no path"),
        ('fuseway_http_requests_total{status="500"}', "fuseway_http_requests_total has no status"),
        ("sum by (job, le) (fuseway_http_requests_total)", "fuseway_http_requests_total has no le"),
    ],
)
def test_a_metric_or_label_that_is_not_there_is_seen(text: str, problem: str) -> None:
    assert unknown(Expression("a panel", text)) == [f"a panel: {problem}"]


def test_uses_have_the_labels_of_the_groups_around_them() -> None:
    text = 'sum by (job) (rate(a{x="1"}[5m])) / on (job) max by (job, y) (b) or vector(0)'
    assert uses(text) == [Use("a", frozenset({"job", "x"})), Use("b", frozenset({"job", "y"}))]


def test_each_metric_of_the_docs_is_shown_or_watched() -> None:
    """What is on no dashboard is found by nobody."""
    used = {use.metric for expression in EXPRESSIONS for use in uses(expression.text)}
    assert [name for name, kind, _ in documented() if used.isdisjoint(series_of(name, kind))] == []


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: str(alert["alert"]))
def test_an_alert_says_what_is_wrong_and_where_to_read_on(alert: dict[str, dict[str, str]]) -> None:
    name = str(alert["alert"])
    assert name.startswith("Fuseway")
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert alert["annotations"]["runbook_url"] == f"docs/operations.md#{name.lower()}"
    assert alert["labels"]["severity"] in {"critical", "warning"}
