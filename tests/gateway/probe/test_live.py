"""`gateway probe` before a real gateway: its page, its metrics, its history, and what it says when the gateway is gone."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from benchmarks.servers import answers, wait_until
from deploy.embedded.engines import StoreUrls
from deploy.embedded.process import free_port
from tests.conftest import Stores
from tests.gateway.conftest import served

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    """The dashboard's query, with what an aircraft is."""
    folder = tmp_path / "checks"
    folder.mkdir()
    for file in (ROOT / "deploy" / "fleet" / "examples").iterdir():
        (folder / file.name).write_text(file.read_text())
    (folder / "dashboard.expected.json").write_text('{"aircraftByIds": [{"id": "N725MQ"}, {"id": "N14228"}, {}]}')
    return folder


@dataclass(frozen=True)
class Running:
    """A probe, and where its page and its metrics are."""

    process: "subprocess.Popen[str]"
    page: str
    metrics: str

    def exposed(self, line: str) -> bool:
        """Return whether the metrics have a line."""
        return line in httpx.get(self.metrics, timeout=10, verify=False).text.splitlines()


@contextmanager
def _probe(checks: Path, url: str, history: Path, *options: str) -> Iterator[Running]:
    page, metrics = free_port(), free_port()
    command = [sys.executable, "-m", "gateway", "probe", str(checks), "--url", f"{url}/graphql", *options]
    command += ["--history", str(history), "--port", str(page), "--metrics-port", str(metrics)]
    process = subprocess.Popen(command, text=True, stderr=subprocess.PIPE)
    running = Running(process, f"http://127.0.0.1:{page}/", f"http://127.0.0.1:{metrics}/metrics")
    try:
        wait_until(lambda: answers(running.page))
        yield running
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_a_probe_tells_how_a_real_gateway_goes(
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001 - loaded before
    checks: Path,
    tmp_path: Path,
) -> None:
    history = tmp_path / "history.sqlite"
    with served(store_urls) as url, _probe(checks, url, history, "--every", "1", "--timeout", "1") as probe:
        wait_until(lambda: probe.exposed('fuseway_probe_up{check="dashboard"} 1.0'))
        wait_until(lambda: 'dashboard: <span class="up">passes</span>' in httpx.get(probe.page, verify=False).text)
        assert httpx.get(f"{probe.page}metrics").status_code == 404  # the page is public, and the metrics are not
        assert httpx.get(probe.metrics.removesuffix("metrics")).status_code == 404
        seen = httpx.get(probe.page).text + httpx.get(probe.metrics).text
        assert "N725MQ" not in seen
        assert url not in seen
        os.kill(probe.process.pid, signal.SIGTERM)
        assert probe.process.wait(30) == 0
    assert b"N725MQ" not in history.read_bytes()
    with _probe(checks, url, history, "--every", "1", "--timeout", "1") as probe:  # the gateway is gone
        wait_until(lambda: probe.exposed('fuseway_probe_checks_total{check="dashboard",outcome="unreachable"} 2.0'))
        wait_until(
            lambda: 'dashboard: <span class="down">does not answer</span>' in httpx.get(probe.page, verify=False).text
        )
        second = _second(checks, history)
        assert second.returncode == 1
        assert "another probe uses it" in second.stderr
    with sqlite3.connect(history) as database:
        ((up_s, down_s, passed, failed),) = database.execute("select up_s, down_s, passed, failed from days").fetchall()
    database.close()
    assert passed >= 1
    assert failed >= 2
    assert up_s < 60
    assert 0 < down_s < 60


def test_visitors_who_ask_nothing_hide_neither_the_metrics_nor_for_long_the_page(checks: Path, tmp_path: Path) -> None:
    with _probe(checks, f"http://127.0.0.1:{free_port()}", tmp_path / "history.sqlite") as probe:
        address = ("127.0.0.1", int(probe.page.split(":")[2].rstrip("/")))
        silent = [socket.create_connection(address, 30) for _ in range(200)]
        assert httpx.get(probe.metrics, timeout=30).status_code == 200
        wait_until(lambda: answers(probe.page))
        for connection in silent:
            connection.close()


def _second(checks: Path, history: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "gateway", "probe", str(checks), "--history", str(history)]
    ports = ["--port", str(free_port()), "--metrics-port", str(free_port())]
    return subprocess.run([*command, *ports], capture_output=True, text=True, timeout=60, check=False)


def test_each_check_once_for_a_deployment(gateway_url: str, checks: Path) -> None:
    (checks / "wrong.graphql").write_text("{ nothing }")
    command = [sys.executable, "-m", "gateway", "probe", str(checks), "--once", "--url", f"{gateway_url}/graphql"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    good, bad = done.stdout.splitlines()
    assert good.startswith("dashboard: ok, ")
    assert bad.startswith("wrong: ")
    assert done.returncode == 1
    (checks / "wrong.graphql").unlink()
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0


def test_a_credential_of_the_environment_is_sent_and_never_shown(
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001 - loaded before
    checks: Path,
) -> None:
    with served(store_urls, None, GATEWAY_ANONYMOUS="none") as url:
        command = [sys.executable, "-m", "gateway", "probe", str(checks), "--once", "--url", f"{url}/graphql"]
        secret = {"GATEWAY_PROBE_CREDENTIAL": "fgk_aaaaaaaaaaaa_s3cret"}
        done = subprocess.run(command, env=os.environ | secret, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("dashboard: status, ")
    assert "The status is 401." in done.stdout
    assert "s3cret" not in done.stdout + done.stderr
