"""The command line: help, clear sentences, and the life of a `gateway run`."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest

from benchmarks.servers import answers
from deploy.embedded.engines import StoreUrls
from gateway.server import CannotListenError, bind, serve, welcome
from gateway.settings import Settings
from tests.fleet.served import MODEL
from tests.gateway.command_line import CommandResult, run_command

pytestmark = [pytest.mark.slow, pytest.mark.engine]

PATIENCE_S = 60.0
QUERY = {"query": '{ aircraft(tailNumber: "N14228") { analysis { punctuality { flights } } } }'}
ANSWER = {"data": {"aircraft": {"analysis": {"punctuality": {"flights": 111}}}}}


def _gateway(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a process of its own."""
    command = [sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(
        command, env=_without_stores() | environment, capture_output=True, text=True, timeout=PATIENCE_S
    )


def _called(*arguments: str, **environment: str) -> CommandResult:
    """Run a command in this process: it ends before it serves or starts anything."""
    return run_command(*arguments, environment=_without_stores() | environment)


def _without_stores() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.endswith("_URL")}


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return int(probe.getsockname()[1])


def test_help_names_every_command_and_every_setting() -> None:
    answer = _called("--help")
    assert answer.returncode == 0
    for word in ("run", "serve", "migrate", "setup", "schema", "DATABASE_URL", "GATEWAY_STATEMENT_TIMEOUT_S"):
        assert word in answer.stdout


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        (
            {"DATABASE_URL": "mysql://secret@x"},
            "DATABASE_URL must look like postgresql://user:password@host:port/name.",
        ),
        ({"CLICKHOUSE_URL": "http://x:port"}, "CLICKHOUSE_URL has a port that is not a number from 1 to 65535."),
        ({"REDIS_URL": "x"}, "REDIS_URL must look like redis://user:password@host:port/0."),
        (
            {"GATEWAY_HOST": "no.such.invalid"},
            "GATEWAY_HOST must be an address of this machine, and is 'no.such.invalid'.",
        ),
    ],
)
def test_an_address_that_cannot_be_is_one_sentence_that_names_the_setting(
    setting: dict[str, str], sentence: str
) -> None:
    urls = {"DATABASE_URL": "postgresql://x", "CLICKHOUSE_URL": "http://x", "REDIS_URL": "redis://x"}
    answer = _called("serve", **(urls | setting))
    assert (answer.returncode, answer.stderr) == (1, f"gateway: {sentence}\n")


@pytest.mark.parametrize("command", ["serve", "setup", "warm", "export"])
def test_missing_databases_are_a_line_each(command: str) -> None:
    arguments = {"warm": ["deploy/fleet/examples"], "export": ["aircraft"]}.get(command, [])
    answer = _called(command, *arguments)
    assert answer.returncode == 1
    lines = answer.stderr.splitlines()
    assert [line.partition(" is missing")[0] for line in lines] == ["gateway: DATABASE_URL", "CLICKHOUSE_URL"]
    assert all("and has no default: the URL of" in line for line in lines)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("serve", "gateway: REDIS_URL is missing, and has no default:"),
        ("migrate", "gateway: GATEWAY_DATABASE_URL is missing: it holds the gateway's own tables."),
    ],
)
def test_a_missing_store_is_one_sentence(command: str, sentence: str) -> None:
    urls = {"DATABASE_URL": "postgresql://x", "CLICKHOUSE_URL": "http://x"} if command == "serve" else {}
    answer = _called(command, **urls)
    assert answer.returncode == 1
    assert answer.stderr.startswith(sentence)
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["run", "serve"])
def test_a_bad_setting_is_one_sentence(command: str) -> None:
    answer = _gateway(command, GATEWAY_PORT="eight")
    assert (answer.returncode, answer.stderr) == (1, "gateway: GATEWAY_PORT must be a whole number, and is 'eight'.\n")


@pytest.mark.parametrize("command", ["run", "serve"])
def test_a_port_in_use_is_one_sentence_and_nothing_is_started(command: str, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        urls = {"DATABASE_URL": "postgresql://x", "CLICKHOUSE_URL": "http://x", "REDIS_URL": "redis://x"}
        data = tmp_path / "data"
        answer = _gateway(command, GATEWAY_PORT=port, GATEWAY_DATA_DIRECTORY=str(data), **urls)
    assert answer.returncode == 1
    error = answer.stderr.splitlines()[-1]
    assert error.startswith(f"gateway: Cannot listen on 127.0.0.1 port {port}: Address already in use.")
    assert not data.exists()


def test_of_two_that_bound_a_port_the_second_cannot_listen() -> None:
    port = _free_port()
    with bind("127.0.0.1", port) as first, bind("127.0.0.1", port) as second:
        first.listen()
        with pytest.raises(CannotListenError, match=f"Cannot listen on 127.0.0.1 port {port}: Address already in use."):
            serve(Settings(host="127.0.0.1", port=port), second, MODEL)


def test_a_store_that_is_away_ends_the_start_with_a_sentence(store_urls: StoreUrls) -> None:
    answer = _gateway(
        "serve",
        DATABASE_URL=f"postgresql://gateway:secret@127.0.0.1:{_free_port()}/gateway",
        CLICKHOUSE_URL=store_urls.clickhouse_url,
        REDIS_URL=store_urls.redis_url,
        GATEWAY_PORT=str(_free_port()),
        GATEWAY_START_TIMEOUT_S="0",
    )
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1].startswith("gateway: PostgreSQL at 127.0.0.1:")
    assert "secret" not in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_reader_that_has_enough_ends_a_command_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "gateway", "schema", "--model", "deploy.fleet.model"]
    try:
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_the_committed_schema_is_the_codes(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    assert run_command("schema", "--check", environment=os.environ, cwd=root).returncode == 0
    printed = run_command("schema", environment=os.environ).stdout
    assert printed == (root / "schema.graphql").read_text()
    (tmp_path / "schema.graphql").write_text(printed.replace("Aircraft", "Airplane", 1))
    differs = run_command("schema", "--check", environment=os.environ, cwd=tmp_path)
    assert differs.returncode == 1
    assert "run `gateway schema --write`" in differs.stderr


class Running:
    """A `gateway run` over a data directory, with all that it says."""

    def __init__(self, data: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.log = data.parent / "log"
        environment = os.environ | {
            "GATEWAY_DATA_DIRECTORY": str(data),
            "GATEWAY_PORT": str(port),
            "GATEWAY_GRAPHIQL": "false",
        }
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "run"],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_it_serves(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            if answers(f"{self.url}/readyz"):
                return
            time.sleep(0.05)
        raise TimeoutError(self.log.read_text())

    def ask(self) -> object:
        return httpx.post(f"{self.url}/graphql", json=QUERY, timeout=30).json()

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def engine(self, name: str) -> psutil.Process:
        """The oldest of its processes: an engine's children come after it."""
        return next(child for child in self.children() if name in " ".join(child.cmdline()))

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        return self.process.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run") / "data"


@pytest.fixture
def running(data: Path) -> Iterator[Running]:
    run = Running(data, _free_port())
    try:
        run.wait_until_it_serves()
        yield run
    finally:
        run.stop()


def _gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    _, alive = psutil.wait_procs(processes, timeout=20)
    return alive


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_run_serves_the_sample_and_a_signal_stops_all_it_started(running: Running, number: signal.Signals) -> None:
    assert running.ask() == ANSWER
    children = running.children()
    assert len(children) >= 3
    assert running.stop(number) == 0
    assert _gone(children) == []
    assert "Traceback" not in running.log.read_text()


def test_an_engine_that_stops_slowly_is_waited_for(running: Running) -> None:
    children = running.children()
    running.engine("valkey-server").suspend()  # the engines have longer than the server to stop in
    assert running.stop(signal.SIGTERM) == 0
    assert _gone(children) == []
    assert "Stopping takes longer" not in running.log.read_text()


@pytest.mark.parametrize("engine", ["postgres", "valkey-server", "clickhouse_http"])
def test_a_killed_engine_stops_the_run_with_a_sentence_and_the_next_one_recovers(
    running: Running, data: Path, engine: str
) -> None:
    children, said = running.children(), len(running.log.read_text())
    running.engine(engine).kill()
    assert running.process.wait(PATIENCE_S) == 1
    assert "start again to recover" in running.log.read_text()[said:]
    assert _gone(children) == []
    again = Running(data, _free_port())
    try:
        again.wait_until_it_serves()
        assert again.ask() == ANSWER
    finally:
        assert again.stop() == 0


def test_a_killed_gateway_leaves_no_engine_and_the_next_one_recovers(running: Running, data: Path) -> None:
    children = running.children()
    running.process.kill()
    running.process.wait(PATIENCE_S)
    assert _gone(children) == []
    again = Running(data, _free_port())
    try:
        again.wait_until_it_serves()
        assert again.ask() == ANSWER
    finally:
        assert again.stop() == 0


def test_a_second_run_over_the_same_data_is_refused_with_a_sentence(running: Running, data: Path) -> None:
    answer = _gateway("run", GATEWAY_PORT=str(_free_port()), GATEWAY_DATA_DIRECTORY=str(data))
    assert answer.returncode == 1
    assert "in use by another running gateway" in answer.stderr
    assert running.ask() == ANSWER


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_several_workers_share_the_engines_and_end_with_their_parent(
    data: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setenv("GATEWAY_WORKERS", "2")
    run = Running(data, _free_port())
    try:
        run.wait_until_it_serves()
        assert [run.ask() for _ in range(8)] == [ANSWER] * 8
        children = run.children()
        assert sum("multiprocessing" in " ".join(child.cmdline()) for child in children) >= 2
        run.process.send_signal(number)
        assert run.process.wait(PATIENCE_S) == (-number if number == signal.SIGKILL else 0)
    finally:
        run.stop()
    assert _gone(children) == []


@pytest.mark.parametrize(
    ("host", "shown"),
    [("0.0.0.0", "localhost"), ("::", "localhost"), ("::1", "[::1]"), ("192.0.2.1", "192.0.2.1")],
)
def test_what_is_printed_to_be_opened_is_a_host_that_is_answered(host: str, shown: str) -> None:
    assert f" http://{shown}:8000/graphiql\n" in welcome(Settings(host=host, graphiql=True), MODEL)
