"""The page of metrics names each of them, with its type, labels and help, and says how each label is bounded."""

import re
from pathlib import Path

from gateway.observability.catalog import DECLARING, metrics_table
from loaders.instruments import FAMILIES

PAGE = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text()
CODE = [path for floor in ("loaders", "resolvers", "gateway") for path in Path(floor).rglob("*.py")]


def test_the_page_has_all_metrics() -> None:
    assert metrics_table() in PAGE


def test_the_page_says_how_each_label_is_bounded() -> None:
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \| [^|]+ \| [^|]+ \|$", PAGE.partition("## Labels")[2], flags=re.MULTILINE)
    documented = {label for row in rows for label in re.findall(r"[a-z_]+", row)}

    assert documented == {label for family in FAMILIES.values() for label in family.label_names}


def test_each_module_that_declares_metrics_is_in_the_catalog() -> None:
    declaring = {
        str(path.with_suffix("")).replace("/", ".")
        for path in CODE
        if re.search(r"^\w+ = (counter|gauge|histogram)\(", path.read_text(), flags=re.MULTILINE)
    }

    assert declaring == {module.__name__ for module in DECLARING}


def test_names_follow_prometheus_conventions() -> None:
    for family in FAMILIES.values():
        assert re.fullmatch(r"fuseway_[a-z]+(_[a-z]+)+", family.name)
        assert family.name.endswith("_total") == (family.kind == "counter")
        assert not re.search(r"_(ms|milliseconds|kib|mib|percent|count|sum|bucket)(_|$)", family.name)
        assert family.about.endswith(".")
        assert all(re.fullmatch(r"[a-z_]+", label) for label in family.label_names)
        assert "le" not in family.label_names
