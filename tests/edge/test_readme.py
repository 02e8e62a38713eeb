"""The edge's README."""

import re

from benchmarks.nginx import TEMPLATE


def test_the_readme_names_each_variable() -> None:
    variables = set(re.findall(r"\$\{(EDGE_\w+)\}", TEMPLATE.read_text()))
    assert set(re.findall(r"EDGE_[A-Z0-9_]+", (TEMPLATE.parent / "README.md").read_text())) == variables
