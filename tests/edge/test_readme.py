"""The edge's README."""

import re

from benchmarks.nginx import SERVERS, TEMPLATE
from gateway.settings import Settings


def test_the_readme_names_each_variable() -> None:
    variables = set(re.findall(r"\$\{(EDGE_\w+)\}", TEMPLATE.read_text()))
    assert set(re.findall(r"EDGE_[A-Z0-9_]+", (TEMPLATE.parent / "README.md").read_text())) == variables


def test_the_readme_names_gateways_as_they_are_tested() -> None:
    """Twice: the second is asked where the first fails, and where all of them did lately."""
    readme = (TEMPLATE.parent / "README.md").read_text()
    for address in ("127.0.0.1:8000", "10.0.0.1:8000", "10.0.0.2:8000"):
        for server in SERVERS.format(address).split(";")[:2]:
            assert f"{server.strip()};" in readme


def test_the_readme_says_what_one_address_may_ask() -> None:
    text, readme = TEMPLATE.read_text(), (TEMPLATE.parent / "README.md").read_text()
    for pattern in (r"rate=(\d+)r/s", r"burst=(\d+) ", r"edge_connections (\d+);", r"keepalive_requests (\d+);"):
        assert f"{int(re.findall(pattern, text)[-1]):,}" in readme


def test_idle_connections_are_closed_by_the_edge_before_the_gateway_does() -> None:
    (kept_s,) = re.findall(r"keepalive_timeout (\d+)s", TEMPLATE.read_text())
    assert 0 < int(kept_s) <= Settings().keep_alive_s - 5


def test_the_edge_waits_longer_than_a_request_may_take_and_not_for_good() -> None:
    waits_s = int(re.findall(r"proxy_read_timeout (\d+)s", TEMPLATE.read_text())[0])
    deadline_s = Settings().request_timeout_s
    assert deadline_s + 5 <= waits_s <= 3 * deadline_s
