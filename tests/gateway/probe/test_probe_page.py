"""docs/probe.md has the metrics, the outcomes and the options that there are."""

import re
from pathlib import Path

from gateway.probe import checks
from gateway.probe.metrics import ProbeMetrics
from gateway.probe.status_page import _SHOWN_OUTCOMES
from gateway.probe.verdict import OK, OUTCOMES

PAGE = (Path(__file__).parents[3] / "docs" / "probe.md").read_text()


def test_the_page_has_each_metric() -> None:
    families = ProbeMetrics([]).registry.collect()
    rows = [
        f"| `{family.name}{'_total' if family.type == 'counter' else ''}` | {family.type} | "
        for family in sorted(families, key=lambda family: family.name)
    ]
    assert rows == sorted(re.findall(r"^\| `fuseway_\w+` \| \w+ \| ", PAGE, flags=re.MULTILINE))
    assert all(f"| {family.documentation} |" in PAGE for family in families)


def test_the_page_has_each_outcome_in_their_order() -> None:
    assert re.findall(r"^\| `([a-z]+)` \| ", PAGE, flags=re.MULTILINE) == [each for each in OUTCOMES if each != OK]
    assert _SHOWN_OUTCOMES.keys() == set(OUTCOMES) - {OK}


def test_the_page_has_each_option_of_a_check() -> None:
    (manifest,) = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
    assert set(re.findall(r"^(\w+) = ", manifest, flags=re.MULTILINE)) == checks._OPTIONS


def test_the_manifest_on_the_page_is_one(tmp_path: Path) -> None:
    (manifest,) = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
    (tmp_path / "probe.toml").write_text(manifest)
    (tmp_path / "orders.graphql").write_text("{ orders { id } }")
    (tmp_path / "orders.expected.json").write_text("{}")
    (check,) = checks.read_checks(tmp_path, checks.Schedule())
    assert (check.name, check.every_s, check.timeout_s) == ("latest-orders", 30, 5)
