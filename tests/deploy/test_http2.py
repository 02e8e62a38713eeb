"""nginx, as shipped, serves HTTP/2 to h2load before a real gateway, and the gateway's metrics count what came through."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import httpx
import pytest

from benchmarks.nginx import running_edge
from benchmarks.servers import wait_until
from deploy.embedded.engines import StoreUrls
from deploy.embedded.process import free_port
from tests.conftest import Stores
from tests.deploy.programs import program
from tests.gateway.conftest import served

pytestmark = pytest.mark.deploy

_REQUESTS = 2_000
_BODY = '{"query": "query Airline { airline(code: \\"UA\\") { name } }"}'


def answered(port: int) -> float:
    """Return how many requests the metrics count as answered well."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    name = r'^fuseway_http_requests_total\{operation="\w+",outcome="(?:ok|cached)"\} (\S+)$'
    return sum(map(float, re.findall(name, text, re.MULTILINE)))


def test_h2load_gets_every_answer_through_the_edge(store_urls: StoreUrls, sample_stores: Stores) -> None:  # noqa: ARG001 - loaded before it serves
    nginx, h2load, metrics = program("nginx"), program("h2load", "nghttp2-client"), free_port()
    with (
        tempfile.TemporaryDirectory(prefix="edge-") as name,
        served(store_urls, GATEWAY_WORKERS="2", GATEWAY_METRICS_PORT=str(metrics)) as url,
        running_edge(nginx, Path(name), [url.removeprefix("http://")]) as edge,
    ):
        body = Path(name) / "body.json"
        body.write_text(_BODY)
        options = [f"-n{_REQUESTS}", "-c1", "-m50", f"-B{f'unix:{edge.h2c_socket}'}", f"-d{body}"]
        headers = ["-H", "content-type: application/json"]
        command = [h2load, *options, *headers, "http://edge/graphql"]
        output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
        wait_until(lambda: answered(metrics) == _REQUESTS)  # workers publish what they count four times a second
    assert re.search(rf"^requests: .* {_REQUESTS} done, {_REQUESTS} succeeded, 0 failed", output, re.MULTILINE), output
    assert re.search(rf"^status codes: {_REQUESTS} 2xx, 0 3xx, 0 4xx, 0 5xx$", output, re.MULTILINE), output
