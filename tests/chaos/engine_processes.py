"""Real faults of the embedded engines' processes: stopped, and killed and started again."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

import psutil

from deploy.embedded import clickhouse, postgres, valkey
from deploy.embedded.engines import EmbeddedEngines, StoreUrls
from deploy.embedded.process import Engine

_NAMES: Final = {"postgres": "PostgreSQL", "clickhouse": "ClickHouse", "redis": "Valkey"}
_GONE_S: Final = 20.0


class EngineProcesses:
    """The processes of started engines, by the store's name: postgres, clickhouse or redis."""

    def __init__(self, engines: EmbeddedEngines, urls: StoreUrls) -> None:
        self._engines = engines
        by_store = {"postgres": urls.database_url, "clickhouse": urls.clickhouse_url, "redis": urls.redis_url}
        self._ports = {store: urlsplit(url).port or 0 for store, url in by_store.items()}

    def _engine(self, store: str) -> Engine:
        return next(engine for engine in self._engines._engines if engine.name == _NAMES[store])

    def _processes(self, store: str) -> list[psutil.Process]:
        """The engine's own process and its children: each of PostgreSQL's connections has one."""
        parent = psutil.Process(self._engine(store).process.pid)
        return [parent, *parent.children(recursive=True)]

    def stop(self, store: str) -> None:
        """Stop them as SIGSTOP does: the kernel goes on to take connections, and nothing answers."""
        self._signal(store, signal.SIGSTOP)

    def go_on(self, store: str) -> None:
        """Let stopped processes run."""
        self._signal(store, signal.SIGCONT)

    async def kill(self, store: str) -> None:
        """Kill them without a word, and return when they are gone."""
        processes = self._processes(store)
        self._signal(store, signal.SIGKILL)
        await asyncio.to_thread(psutil.wait_procs, processes, _GONE_S)

    async def start_again(self, store: str) -> None:
        """Start the engine over the same data, at the same port."""
        old = self._engine(store)
        old.stop()  # it has ended, and is collected
        self._engines._engines.remove(old)
        self._engines._engines.append(await asyncio.to_thread(self._started, store))

    def _started(self, store: str) -> Engine:
        data, spawner = self._engines._data, self._engines._spawner
        assert spawner is not None
        port = self._ports[store]
        if store == "postgres":
            directory = data.path / "postgres"
            postgres._recover(directory)
            return postgres._start(directory, data.log_file("postgres"), port, spawner, postgres._as_nobody())
        if store == "redis":
            return valkey._start(data, data.path / "valkey" / "valkey.conf", port, spawner)
        return clickhouse.start(data, spawner, port)[0]

    def _signal(self, store: str, number: signal.Signals) -> None:
        for process in self._processes(store):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
