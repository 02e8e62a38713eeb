"""The port that metrics are served on."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable

import httpx
import pytest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from gateway.observability.exposition import ProcessMetrics
from gateway.observability.http_metrics import REQUESTS, RequestMetrics
from gateway.observability.metrics_server import CannotServeMetricsError, metrics_served
from loaders.instruments import FAMILIES, counter
from tests.gateway.observability.scrapes import scraped, value


def test_what_is_counted_is_served_in_both_formats() -> None:
    with metrics_served("127.0.0.1", 0) as port:
        url = f"http://127.0.0.1:{port}"
        before = scraped(url)
        metrics = RequestMetrics()
        for seconds in (0.0005, 0.003, 100.0):
            metrics.record("Dashboard", "ok", seconds)
        after = scraped(url)
        openmetrics = httpx.get(f"{url}/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})

    def grown(name: str, **labels: str) -> float:
        return round(value(after, name, **labels) - value(before, name, **labels), 9)

    assert grown("fuseway_http_requests_total", operation="Dashboard", outcome="ok") == 3
    assert grown("fuseway_http_request_duration_seconds_count", operation="Dashboard") == 3
    assert grown("fuseway_http_request_duration_seconds_sum", operation="Dashboard") == 100.0035
    assert grown("fuseway_http_request_duration_seconds_bucket", operation="Dashboard", le="0.005") == 2
    assert grown("fuseway_http_request_duration_seconds_bucket", operation="Dashboard", le="+Inf") == 3
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.text.endswith("# EOF\n")
    assert 'fuseway_http_requests_total{operation="Dashboard",outcome="ok"}' in openmetrics.text


def test_other_paths_are_not_found_and_head_has_no_body() -> None:
    with metrics_served("127.0.0.1", 0) as port:
        url = f"http://127.0.0.1:{port}"
        assert httpx.get(url).status_code == 404
        assert httpx.head(f"{url}/metrics").text == ""


@pytest.mark.parametrize("version", ["1.0.0", "garbage", "9", "0.0.4"])
def test_whatever_a_client_accepts_is_answered(version: str) -> None:
    with metrics_served("127.0.0.1", 0) as port:
        accept = {"Accept": f"application/openmetrics-text; version={version}; escaping=x"}
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics", headers=accept)
    assert answer.status_code == 200
    assert "fuseway_http_connections" in answer.text


def test_a_client_that_sends_without_end_is_broken_off() -> None:
    with (
        metrics_served("127.0.0.1", 0, client_s=0.3) as port,
        socket.create_connection(("127.0.0.1", port), 30) as client,
    ):
        client.settimeout(0.05)
        until = time.monotonic() + 30
        is_closed = False
        while not is_closed and time.monotonic() < until:
            try:
                client.sendall(b"G")
                is_closed = client.recv(1) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                is_closed = True
        assert is_closed


@pytest.mark.slow
def test_no_resolver_is_asked_for_the_name_of_this_machine() -> None:
    code = """
import sys
asked = []
sys.addaudithook(lambda event, _: asked.append(event) if event.startswith("socket.gethost") else None)
from gateway.observability.metrics_server import metrics_served
with metrics_served("0.0.0.0", 0), metrics_served("127.0.0.1", 0):
    assert not asked, asked
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_a_connection_that_cannot_be_accepted_takes_no_cpu() -> None:
    code = """
import os, resource, socket, time
from gateway.observability.metrics_server import metrics_served
with metrics_served("127.0.0.1", 0) as port:
    client, (_, hard) = socket.socket(), resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        while True:
            os.dup(0)
    except OSError:
        client.connect(("127.0.0.1", port))
    before = time.process_time()
    time.sleep(1)
    assert time.process_time() - before < 0.3
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_port_in_use_is_said_in_a_sentence() -> None:
    with (
        metrics_served("127.0.0.1", 0) as port,
        pytest.raises(CannotServeMetricsError, match=rf"port {port}.*set GATEWAY_METRICS_PORT"),
        metrics_served("127.0.0.1", port),
    ):
        pass


class _Slow(Collector):
    """Collects nothing, as slowly as the test wants."""

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.begun = threading.Semaphore(0)

    def collect(self) -> Iterable[Metric]:
        self.begun.release()
        self.goes_on.wait(30)
        return []


def test_scrapes_beyond_the_bound_are_refused_and_none_waits_for_good() -> None:
    slow = _Slow()
    slow.goes_on.set()  # the registry collects once when it is made
    with metrics_served("127.0.0.1", 0, slow) as port:
        slow.goes_on.clear()
        while slow.begun.acquire(blocking=False):
            pass
        clients = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(8)]
        for client in clients:
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in clients:
            assert slow.begun.acquire(timeout=30)
        with socket.create_connection(("127.0.0.1", port), 30) as refused:
            assert refused.recv(100) == b""
        slow.goes_on.set()
        assert all(client.recv(12).endswith(b"200") for client in clients)
        for client in clients:
            client.close()


def test_metrics_that_are_declared_during_a_scrape_do_not_break_it() -> None:
    collecting = iter(ProcessMetrics().collect())
    next(collecting)
    counter("fuseway_declared_late_total", "A metric of a module that is imported meanwhile.")
    assert list(collecting)
    del FAMILIES["fuseway_declared_late_total"]


def test_the_number_of_series_is_bounded() -> None:
    for index in range(6_000):
        REQUESTS.labels(f"Made_{index}", "test").value += 1
    assert len(REQUESTS.series) <= 5_001
    for index in range(6_000):
        REQUESTS.series.pop((f"Made_{index}", "test"), None)
    REQUESTS.series.pop(("other", "other"))


async def test_a_scrape_is_answered_while_the_event_loop_stands_still() -> None:
    answers: list[int] = []
    with metrics_served("127.0.0.1", 0) as port:
        client = threading.Thread(
            target=lambda: answers.append(httpx.get(f"http://127.0.0.1:{port}/metrics").status_code)
        )
        client.start()
        client.join(30)  # of the event loop's thread

    assert answers == [200]
