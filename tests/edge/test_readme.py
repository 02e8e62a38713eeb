"""The edge's README."""

import re

from benchmarks.nginx import TEMPLATE
from gateway.settings import Settings


def test_the_readme_names_each_variable() -> None:
    variables = set(re.findall(r"\$\{(EDGE_\w+)\}", TEMPLATE.read_text()))
    assert set(re.findall(r"EDGE_[A-Z0-9_]+", (TEMPLATE.parent / "README.md").read_text())) == variables


def test_idle_connections_are_closed_by_the_edge_before_the_gateway_does() -> None:
    (kept_s,) = re.findall(r"keepalive_timeout (\d+)s", TEMPLATE.read_text())
    assert 0 < int(kept_s) <= Settings().keep_alive_s - 5
