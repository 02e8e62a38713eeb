"""Workers of a run share engines, have databases of their own in them, and leave nothing behind."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psutil
import pytest

from deploy.embedded.directory import DataDirectory
from deploy.embedded.engines import StoreUrls
from deploy.embedded.errors import EngineError
from tests.conftest import Stores
from tests.databases import create_databases, drop_postgres, open_stores, with_database
from tests.patience import PATIENCE_S
from tests.shared_engines import EngineServer, ask, remove_left_over

FOLDERS = ("fuseway-tests-killed", "fuseway-tests-used", "fuseway-tests-begun", "another")


@pytest.mark.engine
def test_two_workers_have_a_database_each_in_the_same_engines_which_end_with_the_run() -> None:
    before = psutil.Process().children()
    server = EngineServer()
    try:
        first, second, again = (ask(server.address, (name, False)) for name in ("gw0", "gw1", "gw1"))
        started = [child for child in psutil.Process().children() if child not in before]
    finally:
        server.close()
    for name in ("database_url", "clickhouse_url"):
        own, other = (urlsplit(getattr(urls, name)) for urls in (first, second))
        assert (own.netloc, own.path, other.path) == (other.netloc, "/gw0", "/gw1")
    assert "already exists" in again
    assert len(started) == 3
    assert [child for child in started if child.is_running()] == []


def test_engines_that_are_never_asked_for_are_not_started() -> None:
    before = psutil.Process().children()
    server = EngineServer()
    assert psutil.Process().children() == before
    server.close()


def test_workers_that_die_while_they_ask_end_neither_the_server_nor_the_run() -> None:
    server = EngineServer()
    address = port, key = server.address
    socket.create_connection(("127.0.0.1", port)).close()
    Client(("127.0.0.1", port), authkey=key).close()
    with pytest.raises(AuthenticationError):
        Client(("127.0.0.1", port), authkey=b"another")
    assert ask(address, "no request of a worker").startswith("TypeError: ")
    closing = threading.Thread(target=server.close, daemon=True)
    closing.start()
    closing.join(PATIENCE_S)
    assert not closing.is_alive()
    with pytest.raises(EngineError, match="do not answer"):
        ask(address, ("gw0", False))


def test_a_worker_waits_for_a_silent_server_for_a_time_alone() -> None:
    with Listener(("127.0.0.1", 0)) as listener, pytest.raises(EngineError, match=r"nothing came within 0\.01 s"):
        ask((listener.address[1], b"key"), ("gw0", False), timeout_s=0.01)


def test_folders_of_killed_runs_are_removed_and_those_in_use_are_not(tmp_path: Path) -> None:
    killed, used, begun, other = (tmp_path / f"{name}-1" for name in FOLDERS)
    script = f"from deploy.embedded.directory import *; from pathlib import Path; import os; DataDirectory(Path({str(killed)!r})).lock(); os._exit(9)"
    subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.exists()
    for folder, text in ((begun, ""), (other, "9")):
        folder.mkdir()
        (folder / "lock").write_text(text)
    holder = DataDirectory(used)
    holder.lock()
    remove_left_over(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([used, begun, other])
    holder.unlock()


@pytest.fixture
async def names(store_urls: StoreUrls) -> AsyncIterator[tuple[str, str]]:
    """Names of two databases, which are dropped at the end."""
    source, target = (f"test_{uuid4().hex[:12]}" for _ in range(2))
    yield source, target
    async with open_stores(store_urls) as (postgres, clickhouse):
        for name in (source, target):
            await drop_postgres(postgres, name)
            await clickhouse.command(f"drop database {name} sync")


async def test_a_copy_has_all_tables_and_rows_and_is_a_database_of_its_own(
    store_urls: StoreUrls, names: tuple[str, str]
) -> None:
    source, target = names
    await create_databases(store_urls, source)
    async with open_stores(with_database(store_urls, source)) as stores:
        await stores.postgres.execute("create table numbers as select 7 as number")
        for table in ("numbers", "nothing"):
            await stores.clickhouse.command(f"create table {table} (number UInt8) engine = MergeTree order by number")
        await stores.clickhouse.command("insert into numbers values (7)")
    await create_databases(store_urls, target, source)
    async with open_stores(with_database(store_urls, target)) as stores:
        await stores.clickhouse.command("insert into nothing values (8)")
        await stores.clickhouse.command("insert into numbers values (9)")
        assert await _numbers(stores) == ([7], [7, 9], [8])
    async with open_stores(with_database(store_urls, source)) as stores:
        assert await _numbers(stores) == ([7], [7], [])


async def _numbers(stores: Stores) -> tuple[list[int], list[int], list[int]]:
    """Return the rows of PostgreSQL's table, and of both of ClickHouse."""
    rows = await stores.postgres.rows("select number from numbers")
    return [row[0] for row in rows], await _column(stores, "numbers"), await _column(stores, "nothing")


async def _column(stores: Stores, table: str) -> list[int]:
    answer = await stores.clickhouse.columns(f"select number from {table} order by number", {})
    return [number for column in answer.columns for number in column]
