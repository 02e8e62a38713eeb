"""Thousands of requests over few HTTP/2 connections, as one page or one load balancer sends them."""

import re
import subprocess
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.nginx import Edge
from tests.edge.conftest import program
from tests.edge.upstream import Upstream, answering

REQUESTS = 5_000
CONNECTIONS = [pytest.param(1, id="one connection"), pytest.param(6, id="six connections")]


def h2load(edge: Edge, connections: int, *options: str) -> tuple[dict[str, int], dict[str, int]]:
    """How many of the requests ended how, and with which kind of status."""
    command = [program("h2load"), f"-n{REQUESTS}", f"-c{connections}", "-m100", f"-Bunix:{edge.h2c_socket}"]
    url = "http://edge/graphql?query=%7B__typename%7D"
    done = subprocess.run([*command, *options, url], check=True, capture_output=True, text=True, timeout=120)
    ends, statuses = (re.search(rf"^{name}: (.*)$", done.stdout, re.MULTILINE) for name in ("requests", "status codes"))
    assert ends is not None, done.stdout
    assert statuses is not None, done.stdout
    return _counts(ends[1]), _counts(statuses[1])


def _counts(text: str) -> dict[str, int]:
    return {name: int(count) for count, name in re.findall(r"(\d+) (\w+)", text)}


@pytest.mark.parametrize("connections", CONNECTIONS)
def test_all_are_answered_from_the_copy(edge: Edge, upstream: Upstream, connections: int) -> None:
    ends, statuses = h2load(edge, connections)
    assert (ends["done"], ends["succeeded"], ends["errored"], ends["timeout"]) == (REQUESTS, REQUESTS, 0, 0)
    assert statuses["2xx"] == REQUESTS
    assert len(upstream.asked) == 1


@pytest.mark.parametrize("connections", CONNECTIONS)
def test_all_are_answered_by_the_gateway_or_refused_by_it(
    edge: Edge, upstream: Upstream, folder: Path, connections: int
) -> None:
    count = 0
    whole = answering("x" * 10_000, cache="no-store")

    async def often_overloaded(request: Request) -> Response:
        nonlocal count
        count += 1
        return Response("overloaded", 503, {"Retry-After": "1"}) if count % 3 == 0 else await whole(request)

    upstream.answer = often_overloaded
    (folder / "request.json").write_text("{}")
    ends, statuses = h2load(edge, connections, f"-d{folder / 'request.json'}")
    assert (ends["done"], ends["errored"], ends["timeout"]) == (REQUESTS, 0, 0)
    assert (statuses["2xx"], statuses["5xx"]) == (REQUESTS - REQUESTS // 3, REQUESTS // 3)
    assert len(upstream.asked) == REQUESTS, "what is refused is not sent again"
