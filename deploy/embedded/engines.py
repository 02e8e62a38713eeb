"""The three engines of one data directory, started and stopped as one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from deploy.embedded import clickhouse, postgres, valkey
from deploy.embedded.directory import DataDirectory
from deploy.embedded.errors import EngineError
from deploy.embedded.process import Engine, Spawner

__all__ = ["EmbeddedEngines", "EngineError", "StoreUrls"]

# In the order in which they are reported and stopped.
_STARTS: Final = (clickhouse.start, valkey.start, postgres.start)


@dataclass(frozen=True, slots=True)
class StoreUrls:
    """Where the engines answer, with user and password."""

    database_url: str
    clickhouse_url: str
    redis_url: str


class EmbeddedEngines:
    """PostgreSQL, ClickHouse and Valkey on 127.0.0.1, their data below one directory.

    A killed gateway loses nothing that a store had committed: its engines end with it (on Linux), and the next start
    ends those that did not, and recovers. One process at a time may have a directory.

    Keep the object for as long as the engines are to run: they end when it is forgotten.
    """

    def __init__(self, data_directory: Path) -> None:
        self._data = DataDirectory(data_directory)
        self._engines: list[Engine] = []
        self._spawner: Spawner | None = None
        self._stopping = threading.Lock()

    def start(self) -> StoreUrls:
        """Start all three at once and return when all of them answer.

        Raises EngineError when one cannot be started (the others are stopped again), or when the directory is taken.
        """
        if self._spawner is not None:
            raise EngineError("These engines are already started.")
        try:
            self._data.lock()
            self._spawner = Spawner()
            self._data.secret()
            urls = self._start_all(self._spawner)
        except BaseException as error:
            self.stop()
            if isinstance(error, OSError):
                raise EngineError(f"The data directory {self._data.path} cannot be used: {error}.") from error
            raise
        return StoreUrls(clickhouse_url=urls[0], redis_url=urls[1], database_url=urls[2])

    def _start_all(self, spawner: Spawner) -> list[str]:
        """Their URLs in the order of _STARTS; those that did start are kept for `stop` when another fails."""

        def started(index: int) -> str:
            engine, url = _STARTS[index](self._data, spawner)
            self._engines.append(engine)
            return url

        with ThreadPoolExecutor(len(_STARTS), thread_name_prefix="start") as threads:
            return list(threads.map(started, range(len(_STARTS))))

    def died(self) -> str | None:
        """Return None while all run, else a message that names the engine, how it ended, and its log."""
        return next((died for engine in self._engines if (died := engine.died())), None)

    def stop(self) -> None:
        """Stop all of them and wait until they have ended; does nothing when none runs."""
        with self._stopping:
            if self._spawner is None:
                return
            engines = sorted(self._engines, key=lambda engine: engine.name)
            with ThreadPoolExecutor(len(_STARTS), thread_name_prefix="stop") as threads:
                list(threads.map(Engine.stop, engines))
            self._engines.clear()
            self._spawner.close()
            self._spawner = None
            self._data.unlock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()
