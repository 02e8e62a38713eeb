"""The embedded ClickHouse as a process: its lock, its ways to end, what it keeps."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from deploy.embedded import clickhouse
from deploy.embedded.directory import DataDirectory
from deploy.embedded.process import Engine, Spawner
from tests.embedded.conftest import Server

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Started:
    """A process of ClickHouse and how to ask it."""

    engine: Engine
    server: Server

    def ask(self, sql: str) -> str:
        response = httpx.post(f"{self.server.base_url}/", auth=self.server.credentials, content=sql, timeout=30)
        return response.text


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    data = DataDirectory(tmp_path / "a path?x=1")
    data.path.mkdir()
    return data


@pytest.fixture
def own(data: DataDirectory, spawner: Spawner) -> Iterator[Started]:
    engine, url = clickhouse.start(data, spawner)
    started = Started(engine, Server(url))
    yield started
    started.engine.stop()


def restarted(own: Started, data: DataDirectory, spawner: Spawner) -> Started:
    """The same with a new process; what is left of the old one is collected."""
    old = own.engine
    own.engine, url = clickhouse.start(data, spawner)
    old.stop()
    own.server = Server(url)
    return own


@pytest.mark.usefixtures("own")
def test_second_process_on_the_data_ends_with_a_sentence(data: DataDirectory, spawner: Spawner) -> None:
    log = data.path / "second.log"
    python, module = sys.executable, "deploy.embedded.clickhouse_http"
    where = ["--data", str(data.path / "clickhouse"), "--port", "0", "--password-file", str(data.secret_file)]
    second = spawner.start([python, "-m", module, *where], log=log, end_signal="TERM", cwd=ROOT)
    assert second.wait(10) == 1
    assert log.read_text() == f"{data.path / 'clickhouse'} is open in another process; one at a time may use it.\n"


def test_sigterm_lets_a_running_query_finish(own: Started) -> None:
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(own.ask("select sleep(3)")))
    asking.start()
    time.sleep(1.5)  # the query has reached the server, and runs as long again
    own.engine.process.send_signal(signal.SIGTERM)
    assert own.engine.process.wait(20) == 0
    asking.join()
    assert answers == ["0\n"]


def test_end_of_standard_input_ends_the_process(own: Started) -> None:
    assert own.engine.process.stdin is not None
    own.engine.process.stdin.close()
    assert own.engine.process.wait(10) == 0


def test_kill_loses_nothing_that_was_answered(own: Started, data: DataDirectory, spawner: Spawner) -> None:
    own.ask("create table kept (a UInt32) engine = MergeTree order by a")
    for _ in range(5):
        own.ask("insert into kept select number from numbers(1000)")
    own.engine.process.kill()
    assert restarted(own, data, spawner).ask("select count(), sum(a) from kept") == "5000\t2497500\n"


def test_start_ends_the_process_that_a_killed_gateway_left(own: Started, data: DataDirectory, spawner: Spawner) -> None:
    left = own.engine.process
    own.ask("create table kept (a UInt32) engine = MergeTree order by a")
    assert restarted(own, data, spawner).ask("select count() from kept") == "0\n"
    assert left.returncode == 0


def test_stop_does_not_wait_for_a_query_without_end(own: Started) -> None:
    def ask() -> None:
        with suppress(httpx.HTTPError):
            own.ask("select sleepEachRow(3) from numbers(100) settings max_block_size = 1")

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.3)
    own.engine.stop()
    assert own.engine.process.returncode == 0
    asking.join()


def test_password_is_on_no_command_line(own: Started, data: DataDirectory) -> None:
    assert not any(data.secret() in word for word in psutil.Process(own.engine.process.pid).cmdline())
