"""Workers are replaced: one by one without a failed request, those that hang, and those that cannot start with pauses."""

import asyncio
import signal
import subprocess
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from benchmarks.servers import answers as is_live
from benchmarks.servers import wait_until
from deploy.embedded.engines import StoreUrls
from gateway import workers as module
from gateway.workers import Worker
from tests.conftest import Stores
from tests.gateway.test_shutdown import _workers, gateway
from tests.loaders.stores.relay import relay

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


async def test_a_worker_that_cannot_start_is_started_again_with_pauses(store_urls: StoreUrls, tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with relay(store_urls.database_url) as between:
        with ExitStack() as stack:
            urls = replace(store_urls, database_url=between.url)
            started = gateway(urls, 2, log=stack.enter_context(log.open("wb")), GATEWAY_ACQUIRE_TIMEOUT_S="1")
            process, url = await asyncio.to_thread(stack.enter_context, started)
            victim = (await asyncio.to_thread(_two, process))[0]
            await asyncio.to_thread(wait_until, lambda: is_live(f"{url}/livez"))
            await between.cut()
            victim.kill()
            began = time.monotonic()
            while time.monotonic() - began < 10:  # enough for a storm
                await asyncio.sleep(0.2)
                assert process.poll() is None
            assert await asyncio.to_thread(is_live, f"{url}/livez")
            assert log.read_text().count("is replaced") <= 6
            await between.listen()
            await asyncio.to_thread(_two, process)
            await asyncio.to_thread(stack.close)


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
