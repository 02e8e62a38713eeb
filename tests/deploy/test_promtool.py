"""Prometheus' and Alertmanager's own tools accept what is shipped, and the rules do what their tests say."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.programs import program
from tests.deploy.promql import ROOT, RULE_TESTS, RULES, dashboard_expressions

pytestmark = pytest.mark.deploy


def promtool(*arguments: str | Path) -> str:
    """Run promtool; return what it says. Raises AssertionError where it finds something."""
    command = [program("promtool", "prometheus"), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_the_configuration_and_its_rules_are_accepted() -> None:
    said = promtool("check", "config", ROOT / "deploy" / "prometheus" / "prometheus.yml")
    assert "4 rule files found" in said


@pytest.mark.parametrize("path", sorted(RULE_TESTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_alerts_fire_when_they_should(path: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", path)


def test_a_threshold_that_is_moved_is_noticed(tmp_path: Path) -> None:
    """The tests of rules fail where a rule does."""
    path = tmp_path / "rules.yaml"
    path.write_text((RULES / "objectives.yaml").read_text().replace("14.4", "50"))
    tests = yaml.safe_load((RULE_TESTS / "objectives.yaml").read_text())
    (test,) = (test for test in tests["tests"] if test["name"].startswith("two in a hundred fail for an hour"))
    path = tmp_path / "tests.yaml"
    path.write_text(yaml.safe_dump({**tests, "rule_files": ["rules.yaml"], "tests": [test]}))
    with pytest.raises(AssertionError, match="FusewayAvailabilityBurnFast"):
        promtool("test", "rules", path)


def test_prometheus_parses_every_expression_of_the_dashboards(tmp_path: Path) -> None:
    names = enumerate(dashboard_expressions())
    rules = [{"record": f"panel:{index}", "expr": expression.text} for index, expression in names]
    path = tmp_path / "panels.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", path)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("overview: Gateways", 0),
        ("overview: Requests", 0),
        ("overview: In flight", 0),
        ("overview: Failed", 0),
        ("cache: Responses", None),
    ],
)
def test_a_figure_of_gateways_that_have_gone_is_not_the_last_one(place: str, value: int | None, tmp_path: Path) -> None:
    """A figure shows the last number of its course, which must not be that from before. Of no requests, no share is
    cached: that is no 0."""
    labels = 'job="fuseway", instance="a"'
    series = {
        f"fuseway_build_info{{{labels}}}": "1x9 stale",
        f"fuseway_http_requests_in_flight{{{labels}}}": "3x9 stale",
        f'fuseway_http_requests_total{{{labels}, outcome="cached"}}': "0+60x9 stale",
        f'fuseway_http_requests_total{{{labels}, outcome="server_error"}}': "0+60x9 stale",
    }
    shows(place, series, [] if value is None else [{"labels": "{}", "value": value}], tmp_path)


def test_an_operation_that_nobody_asks_is_not_among_the_slowest(tmp_path: Path) -> None:
    name, labels = "fuseway_http_request_duration_seconds_bucket", 'job="fuseway", instance="a"'
    series = {
        f'{name}{{{labels}, operation="{operation}", le="{bound}"}}': values
        for operation, values in (("Asked", "0+60x40"), ("Idle", "60x40"))
        for bound in ("1.0", "+Inf")
    }
    shows("overview: Slowest", series, [{"labels": '{operation="Asked"}', "value": 0.95}], tmp_path)


def shows(place: str, series: dict[str, str], expected: list[dict[str, object]], folder: Path) -> None:
    """Check what the panel of a dashboard shows after ten minutes of these series, with a sample each 15 s."""
    (expression,) = (item.text for item in dashboard_expressions() if item.place == place)
    test = {
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": expression, "eval_time": "10m", "exp_samples": expected}],
    }
    path = folder / "panel.yaml"
    path.write_text(yaml.safe_dump({"rule_files": [], "evaluation_interval": "15s", "tests": [test]}))
    assert "SUCCESS" in promtool("test", "rules", path)


def test_alertmanager_accepts_its_configuration() -> None:
    command = [program("amtool", "prometheus-alertmanager"), "check-config"]
    path = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
    result = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
