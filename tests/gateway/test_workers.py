"""Workers are replaced: one by one without a failed request, those that hang, and those that cannot start with pauses."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import uvicorn
from uvicorn.config import STARTUP_FAILURE

from benchmarks.servers import answers as is_live
from benchmarks.servers import wait_until
from deploy.embedded.engines import StoreUrls
from deploy.embedded.process import free_port
from gateway import workers as module
from gateway.workers import Worker, Workers
from tests.conftest import Stores
from tests.gateway.conftest import OPEN, environment_of
from tests.gateway.test_shutdown import _workers, gateway

pytestmark = pytest.mark.slow

CLIENTS = 8
ONE = {"query": '{ aircraft(tailNumber: "N14228") { id registration { seats } } }'}


class Load:
    """Clients that keep their connections and ask without a pause."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stops = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]
        self.problems: list[str] = []
        self.answered = 0

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stops.set()
        for thread in self._threads:
            thread.join(60)

    def _ask(self) -> None:
        with httpx.Client(timeout=60) as client:
            while not self._stops.is_set():
                try:
                    answer = client.post(f"{self._url}/graphql", json=ONE)
                    self.answered += 1
                    if answer.status_code != 200 or "errors" in answer.json():
                        self.problems.append(answer.text)
                except httpx.HTTPError as error:
                    self.problems.append(repr(error))


def _two(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    wait_until(lambda: len(_workers(process)) == 2)
    return _workers(process)


def test_a_rolling_restart_fails_no_request(store_urls: StoreUrls, sample_stores: Stores) -> None:  # noqa: ARG001 - loaded before
    with gateway(store_urls, 2, "setsid", "--wait") as (outer, url):
        (process,) = psutil.Process(outer.pid).children()
        before = {item.pid for item in process.children() if "spawn_main" in " ".join(item.cmdline())}
        with Load(url) as load:
            wait_until(lambda: load.answered > 50)
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: not before & {item.pid for item in process.children()})
            answered = load.answered
            wait_until(lambda: load.answered > answered + 50)
        assert load.problems == []
        process.terminate()


def test_a_worker_that_is_stopped_is_replaced(store_urls: StoreUrls) -> None:
    with gateway(store_urls, 2) as (process, url):
        first = _two(process)[0]
        first.send_signal(signal.SIGSTOP)
        wait_until(lambda: first.pid not in {item.pid for item in _workers(process)} and len(_workers(process)) == 2)
        wait_until(lambda: is_live(f"{url}/livez"))
        assert process.poll() is None


MODEL = "from deploy.fleet.model import model as model\n"
BROKEN = f"""import multiprocessing
{MODEL}
if multiprocessing.parent_process() is not None:  # in a worker
    raise """


def test_a_worker_that_cannot_start_is_started_again_with_pauses(store_urls: StoreUrls, tmp_path: Path) -> None:
    log, model = tmp_path / "log", tmp_path / "model.py"
    model.write_text(MODEL)
    with log.open("wb") as errors, gateway(store_urls, 2, log=errors, GATEWAY_MODEL=str(model)) as (process, url):
        victim = _two(process)[0]
        wait_until(lambda: is_live(f"{url}/livez"))
        model.write_text(f"{BROKEN}RuntimeError")
        victim.kill()
        wait_until(lambda: "is replaced in 2 s" in log.read_text())
        paused_at = time.monotonic()
        while time.monotonic() < paused_at + 1.5:
            assert len(_workers(process)) == 1
            time.sleep(0.05)
        pauses = re.findall(r"is replaced in (\S+) s", log.read_text())
        assert pauses == ["0", "0.5", "1", "2"]
        assert f"Worker {victim.pid} was ended by signal 9, and is replaced in 0 s." in log.read_text()
        assert is_live(f"{url}/livez")
        assert process.poll() is None
        model.write_text(MODEL)
        _two(process)


@pytest.mark.parametrize("raised", ["RuntimeError", "SystemExit(3)"])
def test_a_gateway_whose_workers_cannot_start_fails(store_urls: StoreUrls, tmp_path: Path, raised: str) -> None:
    log, model = tmp_path / "log", tmp_path / "model.py"
    model.write_text(f"{BROKEN}{raised}")
    with log.open("wb") as errors:
        settings = {"GATEWAY_PORT": str(free_port()), "GATEWAY_WORKERS": "2", "GATEWAY_MODEL": str(model)}
        done = subprocess.run(
            [sys.executable, "-m", "gateway", "serve"],
            env=os.environ | environment_of(store_urls) | OPEN | settings,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            timeout=120,
            check=False,
        )
    assert done.returncode == STARTUP_FAILURE
    assert "could not start" in log.read_text()


class _Ended:
    pid = 1
    exitcode = -9
    serves_since: float | None = None


def _pauses(workers: Workers, worker: Any) -> float:
    """Return the pause that is begun before the ended worker is replaced."""
    workers._starts_at.clear()
    began = time.monotonic()
    workers._replace(0, worker)
    return workers._starts_at[0] - began


@pytest.mark.parametrize(
    ("exitcode", "end"), [(-9, "was ended by signal 9"), (1, "ended with status 1"), (0, "ended with status 0")]
)
def test_the_log_says_how_a_worker_ended(caplog: pytest.LogCaptureFixture, exitcode: int, end: str) -> None:
    class Recorder(Workers):
        def __init__(self) -> None:
            self._has_served, self._failures, self._starts_at = True, {0: 1}, {}

    worker: Any = _Ended()
    worker.exitcode = exitcode
    Recorder()._replace(0, worker)
    assert caplog.messages == [f"Worker 1 {end}, and is replaced in 0.5 s."]


def test_failures_of_a_worker_are_forgotten_when_it_has_served_for_as_long_as_the_longest_pause() -> None:
    class Recorder(Workers):
        def __init__(self) -> None:
            self._has_served, self._failures, self._starts_at = True, {0: 1}, {}

    workers, worker = Recorder(), _Ended()
    former: Any = worker
    for _ in range(2):
        workers._note_served(0, former)
        assert _pauses(workers, _Ended()) >= 0.5
    workers._failures[0] = 5_000
    assert _pauses(workers, _Ended()) == pytest.approx(module._MAX_PAUSE_S, abs=5)
    worker.serves_since = time.monotonic() - module._MAX_PAUSE_S
    workers._note_served(0, former)
    assert workers._failures == {}


def test_a_worker_makes_its_server_before_it_answers_pings() -> None:
    servers = []

    class Recorder(Worker):
        def __init__(self) -> None:
            self.config = uvicorn.Config("no.module:app", log_level="critical")

        def always_pong(self) -> None:
            servers.append(self.__dict__.get("_server"))

    recorder = Recorder()
    with suppress(ModuleNotFoundError):
        recorder.target([])
    assert servers == [recorder._server]


class _Pipe:
    def __init__(self) -> None:
        self.sent: list[Any] = []

    def recv(self) -> bytes:
        return b"ping"

    def send(self, item: Any) -> None:
        self.sent.append(item)


class _Server:
    started = True
    ticked_at: float | None = None


@pytest.mark.parametrize(
    ("since_s", "sent"), [(None, [True]), (0.0, [True]), (module._BLOCKED_S - 5, [True]), (module._BLOCKED_S + 1, [])]
)
def test_a_worker_whose_event_loop_stands_still_does_not_answer(since_s: float | None, sent: list[bool]) -> None:
    worker: Any = object.__new__(Worker)
    worker.child_conn, worker._server = _Pipe(), _Server()
    worker._server.ticked_at = None if since_s is None else time.monotonic() - since_s
    worker.pong()
    assert worker.child_conn.sent == sent
