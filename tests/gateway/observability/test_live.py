"""A real gateway with two workers, one section of which is slow: seen in `gateway top`, at /status and by a profile."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from benchmarks.servers import wait_until
from deploy.embedded.engines import StoreUrls
from deploy.embedded.process import free_port
from gateway.observability.profiling import serving_pid
from gateway.observability.scrape import Interval, Scrape
from gateway.observability.status_tables import status_tables
from tests.conftest import Stores
from tests.gateway.browser import leave_out
from tests.gateway.conftest import served

pytestmark = pytest.mark.slow

QUERY = "query Slow($ids: [ID!]!) { aircraftByIds(ids: $ids) { totals { flights } slowMonths { flights } } }"
IDS = ("N14228", "N725MQ", "N24211", "N0EGMQ", "N10156", "N102UW", "N103US", "N104UW")
SLOW = "Aircraft.slow_months"
STATEMENT_S = 0.1


class Gateway:
    """Where it is asked, and where its metrics are."""

    def __init__(self, url: str, metrics_port: int) -> None:
        self.url = url
        self.port = int(url.rpartition(":")[2])
        self.metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"

    def ask(self, ids: Sequence[str]) -> None:
        """Ask over a connection of its own, which any worker may take."""
        answer = httpx.post(f"{self.url}/graphql", json={"query": QUERY, "variables": {"ids": ids}}, timeout=60)
        assert "errors" not in answer.json(), answer.text

    def ask_all(self, times: int = 3) -> int:
        """Ask of each aircraft by itself, several at once, and return how many requests that were."""
        with ThreadPoolExecutor(8) as threads:
            return len(list(threads.map(lambda key: self.ask([key]), IDS * times)))

    def scrape(self) -> Scrape:
        """Return all metrics."""
        return Scrape.parse(httpx.get(self.metrics_url, timeout=30).text, time.monotonic())


@pytest.fixture(scope="module")
def gateway(store_urls: StoreUrls, sample_stores: Stores) -> Iterator[Gateway]:  # noqa: ARG001 - loaded before
    """Two workers that cache nothing, so that each request executes the slow statement."""
    port = free_port()
    settings = {
        "GATEWAY_MODEL": "tests.gateway.observability.slow_model",
        "GATEWAY_WORKERS": "2",
        "GATEWAY_CACHE": "false",
        "GATEWAY_METRICS_PORT": str(port),
    }
    with served(store_urls, None, **settings) as url:
        yield Gateway(url, port)


def _top(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "gateway", "top", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


def test_the_slow_section_and_its_statement_come_first(gateway: Gateway) -> None:
    gateway.ask_all()
    report: dict[str, Any] = json.loads(_top("--json", "--since-start", "--url", gateway.metrics_url).stdout)
    section, statement, store = report["sections"][0], report["statements"][0], report["stores"][0]
    assert (section["section"], statement["statement"], statement["store"]) == (SLOW, SLOW, "clickhouse")
    assert section["mean_statement_seconds"] > STATEMENT_S
    assert statement["mean_seconds"] > STATEMENT_S
    assert (store["store"], store["circuit_breaker"]) == ("clickhouse", "closed")
    unknown = {name for name, value in store.items() if value is None and not name.endswith("_per_second")}
    assert unknown == set()
    unknown = {name for name, value in report["gateway"][0].items() if value is None}
    assert unknown == {"requests_per_second", "refused_per_second", "cache"}  # no rates since the start, and no cache
    assert [worker["worker"] for worker in report["workers"]] == ["0", "1"]


def test_a_pipe_gets_the_same_as_lines(gateway: Gateway) -> None:
    gateway.ask_all()
    lines = _top("--once", "--since-start", "--url", gateway.metrics_url).stdout.splitlines()
    headings = lines.index("Sections by time of their statements")
    assert lines[headings + 2].startswith(f"{SLOW} ")


def test_requests_of_all_workers_are_counted(gateway: Gateway) -> None:
    before = gateway.scrape()
    asked = gateway.ask_all()

    def counted() -> float | None:
        return Interval(before, gateway.scrape()).increases("fuseway_http_requests_total", "outcome").get(("ok",))

    wait_until(lambda: counted() == asked)  # workers publish what they count several times a second
    interval = Interval(before, gateway.scrape())
    ((whole,),) = (table.records() for table in status_tables(interval) if table.name == "gateway")
    assert interval.seconds is not None
    assert whole["requests_per_second"] == pytest.approx(asked / interval.seconds)
    assert whole["failed_ratio"] == 0


def test_the_status_page_is_over_all_workers(gateway: Gateway) -> None:
    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(lambda: [gateway.ask_all() for _ in range(2)])
        pages = [httpx.get(f"{gateway.url}/status", timeout=30) for _ in range(4)]
        asking.result()
    for page in pages:  # by either worker
        assert page.status_code == 200
        (first,) = re.findall(r"Sections by time.*?<tbody>\n<tr><td>(.*?)</td>", page.text, flags=re.DOTALL)
        assert first == SLOW


def _workers(port: int) -> set[int]:
    """Return the workers of the gateway at a port."""
    children = psutil.Process(serving_pid(port)).children()
    return {child.pid for child in children if "spawn_main" in " ".join(child.cmdline())}


def _profile(*arguments: str, before: Sequence[str] = ()) -> "subprocess.CompletedProcess[str]":
    command = [*before, sys.executable, "-m", "gateway", "profile", "--seconds", "2", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def _may_trace() -> bool:
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    return os.geteuid() == 0 or not scope.exists() or scope.read_text().strip() == "0"


def test_a_profile_shows_each_worker(gateway: Gateway, tmp_path: Path) -> None:
    if not _may_trace():
        leave_out("This user may not trace other processes: set kernel.yama.ptrace_scope to 0")
    output = tmp_path / "profile.svg"
    with ThreadPoolExecutor(1) as threads:
        profiling = threads.submit(_profile, "--port", str(gateway.port), "--output", str(output))
        while not profiling.done():
            gateway.ask_all()
    done = profiling.result()
    assert done.returncode == 0, done.stderr
    picture = output.read_text()
    workers = _workers(gateway.port)
    assert len(workers) == 2
    assert all(f"process {pid}:" in picture for pid in workers)
    assert "gateway/http/endpoint.py" in picture
    assert "DATABASE_URL" not in picture


def test_what_may_not_be_traced_is_said_with_the_remedy(gateway: Gateway, tmp_path: Path) -> None:
    (pid, *_) = _workers(gateway.port)
    before: list[str] = []
    if os.geteuid() != 0:
        pid = 1  # which is root's
    elif shutil.which("setpriv") is None:
        leave_out("setpriv, which takes a privilege away, is not installed")
    else:
        before = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"]
    done = _profile("--pid", str(pid), "--output", str(tmp_path / "profile.svg"), before=before)
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"gateway: This user may not read the memory of process {pid} (ptrace is not permitted). Run it as the"
        " gateway's user, "
    )
    assert "add the capability SYS_PTRACE" in done.stderr
    assert not (tmp_path / "profile.svg").exists()


def test_what_is_no_python_and_a_folder_that_is_not_there_are_said(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        told = _profile("--pid", str(process.pid), "--output", str(tmp_path / "profile.svg")).stderr
        assert "No python processes" in told
        assert len(told.splitlines()) == 1
        output = tmp_path / "missing" / "profile.svg"
        told = _profile("--pid", str(process.pid), "--output", str(output)).stderr
        assert told == f"gateway: {output} cannot be written: name another file with --output.\n"
        process.kill()


def test_a_process_that_is_not_there_is_said(tmp_path: Path) -> None:
    port = free_port()
    done = _profile("--port", str(port), "--output", str(tmp_path / "profile.svg"))
    assert done.stderr == (
        f"gateway: No process that this user may see listens on port {port}: name another --port, or the process by"
        " --pid.\n"
    )
    assert _profile("--pid", "4194305").stderr == "gateway: There is no process 4194305.\n"
