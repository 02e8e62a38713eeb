"""Each alert has a test by promtool in which it fires, and one in which it does not."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import pytest
import yaml

from tests.deploy.promql import ROOT, RULE_TESTS, alerts, rules


def _expected() -> dict[str, list[list[str]]]:
    """Return the series of each alert that each test expects."""
    result: dict[str, list[list[str]]] = defaultdict(list)
    for path in RULE_TESTS.glob("*.yaml"):
        for test in yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["tests"]:
            for check in test["promql_expr_test"]:
                name = re.search(r'alertname="(\w+)", alertstate="firing"', check["expr"])
                assert name is not None, check["expr"]
                result[name[1]].append([sample["labels"] for sample in check["exp_samples"]])
    return result


EXPECTED = _expected()


@pytest.mark.parametrize("name", [alert["alert"] for alert in alerts()])
def test_an_alert_is_tested_firing_and_quiet(name: str) -> None:
    assert any(EXPECTED[name]), "no test in which it fires"
    assert [] in EXPECTED[name], "no test in which it does not fire"


def test_tests_are_of_alerts_that_there_are() -> None:
    assert set(EXPECTED) == {alert["alert"] for alert in alerts()}


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: str(alert["alert"]))
def test_texts_name_labels_that_the_alert_has(alert: dict[str, Any]) -> None:
    named = set(re.findall(r"\$labels\.(\w+)", "".join(alert["annotations"].values())))
    series = [labels for expected in EXPECTED[alert["alert"]] for labels in expected]
    assert named <= set(re.findall(r'(\w+)="', series[0]))


def test_rules_have_names_of_their_own() -> None:
    names = [rule.get("alert") or rule["record"] for rule in rules()]
    assert len(names) == len(set(names))


def test_the_docs_list_all_alerts_with_their_severity() -> None:
    text = (ROOT / "docs" / "monitoring.md").read_text()
    rows = re.findall(r"^\| \[(Fuseway\w+)\]\S+ \| (\w+) \|", text, re.MULTILINE)
    assert sorted(rows) == sorted((alert["alert"], alert["labels"]["severity"]) for alert in alerts())


def test_each_alert_has_a_runbook() -> None:
    headings = set(re.findall(r"^### (Fuseway\w+)$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE))
    assert headings == {alert["alert"] for alert in alerts()}


def _named(matchers: list[str]) -> set[str]:
    """Return the alerts that matchers name."""
    names = [re.fullmatch(r'alertname=~?"([\w|]+)"', matcher) for matcher in matchers]
    return {name for match in names if match for name in match[1].split("|")}


def test_what_follows_from_an_alert_is_held_back_by_labels_that_both_have() -> None:
    """A name or a label that is not there would hold nothing back, silently."""
    configuration = yaml.safe_load((ROOT / "deploy" / "alertmanager" / "alertmanager.yml").read_text())
    inhibitions = [rule for rule in configuration["inhibit_rules"] if _named(rule["source_matchers"])]
    assert len(inhibitions) >= 2
    for rule in inhibitions:
        for name in _named(rule["source_matchers"]) | _named(rule["target_matchers"]):
            labels = {label for expected in EXPECTED[name] for series in expected for label in _labels(series)}
            assert set(rule["equal"]) <= labels | {"namespace"}, name


def _labels(series: str) -> set[str]:
    return set(re.findall(r'(\w+)="', series))
