"""kill -9 of one of two workers under load: its own requests under way fail, no others, and no GET through the edge."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import psutil
import pytest

from benchmarks.nginx import running_edge, unlimited
from benchmarks.servers import answers as is_live
from benchmarks.servers import wait_until
from deploy.embedded.engines import StoreUrls
from deploy.embedded.process import free_port
from tests.chaos.sample_models import FLEET
from tests.conftest import Stores
from tests.edge.conftest import program
from tests.gateway.conftest import OPEN, environment_of

CLIENTS = 8
MIN_ANSWERS = 30
"""How many requests are answered before a worker is killed, and begin afterwards."""
PATIENCE_S = 60.0


@dataclass(slots=True)
class Workers:
    """A gateway with two workers."""

    url: str
    process: subprocess.Popen[bytes]

    def running(self) -> list[psutil.Process]:
        """The workers' processes."""
        workers = []
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # one that has ended has no command
                if "spawn_main" in " ".join(child.cmdline()):
                    workers.append(child)
        return workers


@contextmanager
def _two_workers(urls: StoreUrls) -> Iterator[Workers]:
    port = free_port()
    settings = {"GATEWAY_PORT": str(port), "GATEWAY_WORKERS": "2", "GATEWAY_CACHE": "false"}
    command = [sys.executable, "-m", "gateway", "serve"]
    environment = os.environ | environment_of(urls) | OPEN | settings
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    workers = Workers(f"http://127.0.0.1:{port}", process)
    try:
        wait_until(lambda: len(workers.running()) == 2)
        wait_until(lambda: _answering(workers) == 2)
        yield workers
    finally:
        process.terminate()
        process.wait(60)


def _answering(workers: Workers) -> int:
    """How many workers have accepted a connection: each has one open to the stores by then, and asks of its own."""
    is_live(f"{workers.url}/livez")
    listening = urlsplit(workers.url).port
    return sum(
        any(
            item.status == psutil.CONN_ESTABLISHED and item.laddr.port != listening for item in worker.net_connections()
        )
        for worker in workers.running()
    )


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a request."""

    method: str
    begins: float
    ends: float
    problem: str


class _Load:
    """Clients that ask as soon as they are answered, each time of other aircraft."""

    def __init__(self, url: str, method: str) -> None:
        self._url, self._method = f"{url}/graphql", method
        self.outcomes: list[_Outcome] = []
        self.is_over = False

    async def run(self) -> None:
        """Ask until `is_over` is set."""
        connector = aiohttp.TCPConnector(limit=CLIENTS)
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(self._client(session, number) for number in range(CLIENTS)))

    async def _client(self, session: aiohttp.ClientSession, number: int) -> None:
        seed = 1000 * number
        while not self.is_over:
            seed += 1
            ids = FLEET.ids(seed, 4)
            begins = time.monotonic()
            problem = await self._ask(session, ids)
            self.outcomes.append(_Outcome(self._method, begins, time.monotonic(), problem))

    async def _ask(self, session: aiohttp.ClientSession, ids: list[str]) -> str:
        query = FLEET.queries["dashboard"]
        text = ", ".join(f'"{item}"' for item in ids)
        written = query.replace("$ids: [ID!]!, ", "").replace("$ids", f"[{text}]")
        options = {"params": {"query": written}} if self._method == "GET" else {"json": {"query": written}}
        try:
            async with session.request(self._method, self._url, **options) as answer:  # type: ignore[arg-type]
                content = await answer.json(content_type=None)
                return "" if answer.status == 200 and content.keys() == {"data"} else f"{answer.status} {content}"
        except (aiohttp.ClientError, ValueError) as error:
            return repr(error)


@pytest.fixture
async def workers(store_urls: StoreUrls, sample_stores: Stores) -> AsyncIterator[Workers]:  # noqa: ARG001 - loaded before
    """A gateway with two workers, started beside this event loop."""
    FLEET.ids(0, 4)  # reads the sample's files, which takes seconds
    started = _two_workers(store_urls)
    value = await asyncio.to_thread(started.__enter__)
    yield value
    await asyncio.to_thread(started.__exit__, None, None, None)


async def _kill_one(workers: Workers, load: _Load) -> tuple[float, float]:
    """Kill a worker under load, which ends a while later; returns when that began and when the worker was gone."""
    try:
        await _until(lambda: len(load.outcomes) >= MIN_ANSWERS)
        victim = workers.running()[0]
        begins = time.monotonic()
        victim.kill()
        await _until(lambda: not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE)
        gone = time.monotonic()
        await _until(lambda: sum(outcome.begins > gone for outcome in load.outcomes) >= MIN_ANSWERS)
    finally:
        load.is_over = True
    return begins, gone


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.001)


async def test_a_killed_worker_costs_its_own_requests_under_way_alone(workers: Workers) -> None:
    load = _Load(workers.url, "POST")
    (begins, gone), _ = await asyncio.gather(_kill_one(workers, load), load.run())
    failed = [outcome for outcome in load.outcomes if outcome.problem]
    under_way = [outcome for outcome in load.outcomes if outcome.begins <= gone and outcome.ends >= begins]
    assert [outcome for outcome in failed if outcome not in under_way] == []
    assert len(failed) <= CLIENTS
    await asyncio.to_thread(wait_until, lambda: len(workers.running()) == 2)


async def test_a_killed_worker_costs_no_get_through_the_edge(workers: Workers) -> None:
    nginx = program("nginx")
    with tempfile.TemporaryDirectory(prefix="edge-") as folder:
        started = running_edge(nginx, Path(folder), [urlsplit(workers.url).netloc], unlimited)
        edge = await asyncio.to_thread(started.__enter__)
        try:
            load = _Load(edge.url, "GET")
            await asyncio.gather(_kill_one(workers, load), load.run())
        finally:
            await asyncio.to_thread(started.__exit__, None, None, None)
    assert [outcome.problem for outcome in load.outcomes if outcome.problem] == []
