"""One PostgreSQL and one ClickHouse for all workers of a run, each with a database of its own in both.

The process that starts the workers starts the engines when a worker first asks for its databases, and stops them at the
end. The sample is loaded once, and copied for each worker.
"""

from __future__ import annotations

import asyncio
import fcntl
import secrets
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any, Final

import pytest

from deploy.embedded import valkey
from deploy.embedded.directory import DataDirectory
from deploy.embedded.engines import EmbeddedEngines, StoreUrls
from deploy.embedded.errors import EngineError
from deploy.embedded.process import Spawner
from tests.databases import SAMPLE, create_databases, load_sample_databases, with_database

_ENGINES: Final = "engines of the run"
_PREFIX: Final = "fuseway-tests-"
_BACKLOG: Final = 64
"""Workers that may wait while another one is answered."""
_ANSWER_S: Final = 600.0
"""How long a worker waits for its databases: the first one waits for a start and a load."""
_END_S: Final = 60.0
"""How long the end of a run waits for the engines to stop. They end with the process in any case."""
_SERVER: Final = pytest.StashKey["EngineServer"]()


class EngineServer:
    """Starts engines for the first worker that asks, answers each with its databases, and stops the engines."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(16)
        self._listener = Listener(("127.0.0.1", 0), backlog=_BACKLOG, authkey=self._key)
        self._has_ended = threading.Event()
        self._urls: StoreUrls | None = None
        self._has_sample = False
        self._thread = threading.Thread(target=self._serve, name="engines of the workers", daemon=True)
        self._thread.start()

    @property
    def address(self) -> tuple[int, bytes]:
        """The port, and the key of those who may ask."""
        return self._listener.address[1], self._key

    def close(self) -> None:
        """Stop the engines, and the thread that serves."""
        self._has_ended.set()
        with suppress(OSError):  # a connection without a word, for which the thread looks at the event
            socket.create_connection(self._listener.address, timeout=_END_S).close()
        self._thread.join(_END_S)
        self._listener.close()

    def _serve(self) -> None:
        with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder:
            engines = EmbeddedEngines(Path(folder))
            try:
                self._answer_all(engines)
            finally:
                engines.stop()

    def _answer_all(self, engines: EmbeddedEngines) -> None:
        """Answer one worker after the other, until the end of the run. Workers that have died are passed over."""
        while not self._has_ended.is_set():
            with suppress(EOFError, OSError, AuthenticationError), self._listener.accept() as connection:
                request = connection.recv()
                answer: StoreUrls | str
                try:
                    answer = self._databases(engines, *request)
                except Exception as error:
                    answer = f"{type(error).__name__}: {error}"
                connection.send(answer)

    def _databases(self, engines: EmbeddedEngines, worker: str, wants_sample: bool) -> StoreUrls:
        if self._urls is None:
            self._urls = engines.start()
        if wants_sample and not self._has_sample:
            asyncio.run(load_sample_databases(self._urls))
            self._has_sample = True
        asyncio.run(create_databases(self._urls, worker, SAMPLE if wants_sample else None))
        return with_database(self._urls, worker)


def ask(address: tuple[int, bytes], request: object, timeout_s: float = _ANSWER_S) -> Any:
    """Ask a server, and return its answer. Raises EngineError where it does not answer in time, or ends meanwhile."""
    port, key = address
    try:
        with Client(("127.0.0.1", port)) as connection:
            _wait(connection, timeout_s)  # for those who asked before
            answer_challenge(connection, key)
            deliver_challenge(connection, key)
            connection.send(request)
            _wait(connection, timeout_s)
            return connection.recv()
    except (EOFError, OSError) as error:
        raise EngineError(f"The engines of this run do not answer: {error or 'their server has ended'}.") from error


def _wait(connection: Connection, timeout_s: float) -> None:
    if not connection.poll(timeout_s):
        raise TimeoutError(f"nothing came within {timeout_s:g} s")


def remove_left_over(parent: Path) -> None:
    """Remove folders that killed runs left in a folder: those with a lock that was taken once and nobody holds."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError), (folder / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if lock.read():  # who takes it writes to it
                shutil.rmtree(folder, ignore_errors=True)


def pytest_configure(config: pytest.Config) -> None:
    """Serve where workers will ask, once what killed runs have left is gone."""
    if hasattr(config, "workerinput"):
        return
    remove_left_over(Path(tempfile.gettempdir()))
    if config.getoption("dist", "no") != "no":
        config.stash[_SERVER] = EngineServer()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker where to ask."""
    node.workerinput[_ENGINES] = node.config.stash[_SERVER].address


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the engines when all workers have ended."""
    if server := config.stash.get(_SERVER, None):
        server.close()


@pytest.fixture(scope="session")
def engine_urls(request: pytest.FixtureRequest) -> Iterator[StoreUrls]:
    """Databases in embedded engines: those that all workers share, or engines over a folder of their own."""
    wants_sample = any("sample_stores" in getattr(item, "fixturenames", ()) for item in request.session.items)
    with _worker_stores(request.config, wants_sample=wants_sample) as shared:
        if shared:
            yield shared
            return
        with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder:
            engines = EmbeddedEngines(Path(folder))
            try:
                yield engines.start()
            finally:
                engines.stop()


@contextmanager
def _worker_stores(config: pytest.Config, *, wants_sample: bool) -> Iterator[StoreUrls | None]:
    """Databases of this worker in the engines of the run, and a Valkey of its own; None where there are no workers.

    Valkey is not shared: it starts in a moment, and tests empty it.
    """
    workerinput: dict[str, Any] = getattr(config, "workerinput", {})
    if _ENGINES not in workerinput:
        yield None
        return
    answer = ask(workerinput[_ENGINES], (workerinput["workerid"], wants_sample))
    if isinstance(answer, str):
        raise EngineError(f"The engines of this run are not there. {answer}")
    with _valkey() as redis_url:
        yield replace(answer, redis_url=redis_url)


@contextmanager
def _valkey() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder:
        data = DataDirectory(Path(folder))
        data.lock()
        spawner = Spawner()
        engine, url = valkey.start(data, spawner)
        try:
            yield url
        finally:
            engine.stop()
            spawner.close()
            data.unlock()
