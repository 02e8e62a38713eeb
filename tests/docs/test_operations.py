"""The runbook has an entry for each alert, and names metrics that there are."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
RUNBOOK = PAGE.partition("\n## Runbook\n")[2].partition("\n## ")[0]
RULES = sorted((ROOT / "deploy" / "prometheus" / "rules").glob("*.yaml"))
METRICS = (ROOT / "docs" / "metrics.md").read_text()


def _alerts() -> dict[str, str]:
    """Return where each alert's runbook is, by its name."""
    groups = [group for file in RULES for group in yaml.safe_load(file.read_text())["groups"]]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    assert len({rule["alert"] for rule in rules}) == len(rules), "two alerts have the same name"
    return {rule["alert"]: rule["annotations"]["runbook_url"] for rule in rules}


def test_each_alert_has_an_entry_and_each_entry_an_alert() -> None:
    assert len(RULES) > 2
    entries = re.findall(r"^### (\w+)$", RUNBOOK, flags=re.MULTILINE)
    assert sorted(entries) == sorted(_alerts())


def test_the_url_of_a_runbook_leads_to_the_entry_of_its_alert() -> None:
    anchors = {re.sub(r"\W", "", entry.lower()) for entry in re.findall(r"^### (.*)$", RUNBOOK, flags=re.MULTILINE)}
    for alert, url in _alerts().items():
        page, _, anchor = url.partition("#")
        assert (page, anchor) == ("docs/operations.md", alert.lower())
        assert anchor in anchors


def test_each_entry_says_what_to_do() -> None:
    for entry in re.split(r"^### ", RUNBOOK, flags=re.MULTILINE)[1:]:
        assert len(entry.split()) > 40, entry.partition("\n")[0]


def test_each_metric_that_is_named_is_one() -> None:
    named = set(re.findall(r"\bfuseway_\w+", PAGE))
    bases = {re.sub(r"_(bucket|count|sum)$", "", name) for name in named}
    assert len(bases) > 15
    assert sorted(name for name in bases if f"| `{name}` |" not in METRICS) == []
