"""Metrics of several workers: the sums are what a client counted, whatever becomes of the workers."""

import signal
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from benchmarks.servers import answers, wait_until
from deploy.embedded.engines import StoreUrls
from deploy.embedded.process import free_port
from tests.conftest import Stores
from tests.gateway.observability.scrapes import scraped, value
from tests.gateway.test_shutdown import _workers, gateway

pytestmark = pytest.mark.slow

QUERY = {"query": 'query Seats { aircraft(tailNumber: "N14228") { registration { seats } } }'}
OTHERS = {"unknown"}
"""Operations of requests that tests of the start make."""


def _ask(url: str, count: int) -> int:
    """Send requests, each on a connection of its own, so that all workers get some. Returns how many were answered."""
    answered = 0
    for _ in range(count):
        with httpx.Client(timeout=60) as client:
            try:
                answered += client.post(f"{url}/graphql", json=QUERY).status_code == 200
            except httpx.TransportError:  # its worker was killed
                continue
    return answered


def _counted(metrics_url: str) -> float:
    taken = scraped(metrics_url)
    return sum(
        number
        for (name, pairs), number in taken.items()
        if name == "fuseway_http_requests_total" and dict(pairs)["operation"] not in OTHERS
    )


def _until_counted(metrics_url: str, count: int) -> None:
    wait_until(lambda: _counted(metrics_url) >= count)
    assert _counted(metrics_url) == count


def _live(metrics_url: str) -> int:
    return sum(name == "fuseway_worker_memory_bytes" for name, _ in scraped(metrics_url))


def _starts(metrics_url: str) -> set[float]:
    return {number for (name, _), number in scraped(metrics_url).items() if name == "fuseway_worker_start_time_seconds"}


def test_workers_are_summed_also_when_they_are_killed_and_replaced(
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001 - loaded before
    tmp_path: Path,
) -> None:
    port = free_port()
    metrics_url = f"http://127.0.0.1:{port}"
    settings: dict[str, Any] = {"GATEWAY_METRICS_PORT": str(port), "TMPDIR": str(tmp_path)}
    with gateway(store_urls, 2, "setsid", "--wait", **settings) as (outer, url):
        (process,) = psutil.Process(outer.pid).children()
        wait_until(lambda: _live(metrics_url) == 2)
        answered = _ask(url, 40)
        _until_counted(metrics_url, answered)

        victim = next(item for item in process.children() if "spawn_main" in " ".join(item.cmdline()))
        starts = _starts(metrics_url)
        victim.kill()
        answered += _ask(url, 40)
        wait_until(lambda: _live(metrics_url) == 2 and not victim.is_running())
        assert len(_starts(metrics_url) - starts) == 1
        _until_counted(metrics_url, answered)  # the killed one's are still there

        before = {item.pid for item in process.children() if "spawn_main" in " ".join(item.cmdline())}
        process.send_signal(signal.SIGHUP)  # each worker is replaced by one that serves before it stops
        answered += _ask(url, 40)
        wait_until(lambda: not before & {item.pid for item in process.children()})
        wait_until(lambda: _live(metrics_url) == 2)
        answered += _ask(url, 20)
        _until_counted(metrics_url, answered)
        (directory,) = tmp_path.glob("fuseway-metrics-*")
        assert len({path.stem.rpartition("_")[2] for path in directory.glob("counter_*.db")}) <= 4
        assert value(scraped(metrics_url), "fuseway_http_requests_in_flight") == 0
        process.terminate()
        wait_until(lambda: not answers(f"{metrics_url}/metrics"))
    wait_until(lambda: not list(tmp_path.glob("fuseway-metrics-*")))


def test_a_gateway_that_was_killed_starts_again_with_new_counters(
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001 - loaded before
    tmp_path: Path,
) -> None:
    port = free_port()
    metrics_url = f"http://127.0.0.1:{port}"
    settings: dict[str, Any] = {"GATEWAY_METRICS_PORT": str(port), "TMPDIR": str(tmp_path)}
    with gateway(store_urls, 2, **settings) as (process, url):
        wait_until(lambda: _live(metrics_url) == 2)
        _until_counted(metrics_url, _ask(url, 10))
        workers = _workers(process)
        process.kill()
        process.wait(60)
        wait_until(lambda: not any(item.is_running() for item in workers))
    (abandoned,) = tmp_path.glob("fuseway-metrics-*")
    with gateway(store_urls, 2, **settings) as (_, url):
        wait_until(lambda: _live(metrics_url) == 2)
        assert not abandoned.exists()
        _until_counted(metrics_url, _ask(url, 7))
