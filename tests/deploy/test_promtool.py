"""Prometheus' and Alertmanager's own tools accept what is shipped, and the rules do what their tests say."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.programs import program
from tests.deploy.promql import ROOT, RULE_TESTS, dashboard_expressions

pytestmark = pytest.mark.deploy


def promtool(*arguments: str | Path) -> str:
    """Run promtool; return what it says. Raises AssertionError where it finds something."""
    command = [program("promtool", "prometheus"), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_the_configuration_and_its_rules_are_accepted() -> None:
    said = promtool("check", "config", ROOT / "deploy" / "prometheus" / "prometheus.yml")
    assert "3 rule files found" in said


@pytest.mark.parametrize("path", sorted(RULE_TESTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_alerts_fire_when_they_should(path: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", path)


def test_a_threshold_that_is_moved_is_noticed(tmp_path: Path) -> None:
    """The tests of rules fail where a rule does."""
    for name in ("rules", "tests"):
        (tmp_path / name).mkdir()
        for path in (ROOT / "deploy" / "prometheus" / name).iterdir():
            (tmp_path / name / path.name).write_text(path.read_text().replace("14.4", "50"))
    with pytest.raises(AssertionError, match="FusewayAvailabilityBurnFast"):
        promtool("test", "rules", tmp_path / "tests" / "objectives.yaml")


def test_prometheus_parses_every_expression_of_the_dashboards(tmp_path: Path) -> None:
    names = enumerate(dashboard_expressions())
    rules = [{"record": f"panel:{index}", "expr": expression.text} for index, expression in names]
    path = tmp_path / "panels.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", path)


def test_alertmanager_accepts_its_configuration() -> None:
    command = [program("amtool", "prometheus-alertmanager"), "check-config"]
    path = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
    result = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
