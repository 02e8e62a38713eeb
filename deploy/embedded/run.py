"""`gateway run`: a whole gateway on this machine, with engines of its own."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from deploy.embedded.engines import EmbeddedEngines, StoreUrls
from deploy.embedded.model_databases import create_databases
from gateway.commands.setup import set_up
from gateway.databases import with_urls
from gateway.graphiql.build import ensure_built
from gateway.server import bind, serve
from gateway.settings import Settings
from gateway.stores import open_own
from loaders.migrations import migrate_own
from loaders.model.model import Model

_WATCH_INTERVAL_S = 0.5
"""How soon a dead engine is noticed; a request in between gets an error that says that the store is away."""


def run(settings: Settings, model: Model) -> int:
    """Start the engines, fill them the first time, serve until stopped, stop them. Returns the exit status.

    The engines hold the databases of the model.
    """
    _let_signals_stop()
    with bind(settings.host, settings.port) as bound:
        engines = EmbeddedEngines(settings.data_directory.absolute())
        try:
            print("Starting PostgreSQL, ClickHouse's engine and Valkey …", flush=True)
            urls = engines.start()
            settings = replace(settings, redis_url=urls.redis_url)
            settings, tenant = asyncio.run(_prepare_model(settings, urls, model))
            if settings.graphiql:
                ensure_built()
            with _watched(engines) as deaths:
                serve(settings, bound, model, tenant, ends_process=False)  # the engines are stopped after it
            return 1 if deaths else 0
        finally:
            print("Stopping the engines …", flush=True)
            engines.stop()


async def _prepare_model(settings: Settings, urls: StoreUrls, model: Model) -> tuple[Settings, str | None]:
    """Create the model's databases and the gateway's own tables.

    Return the settings with their URLs, and the key of a tenant if the model's set-up returns one.
    """
    settings = with_urls(settings, await create_databases(urls, model))
    settings = replace(settings, own_database_url=urls.database_url, own_database_direct_url="")
    async with open_own(settings) as own:
        if own is not None:
            await migrate_own(own)
    if model.setup is None:
        return settings, None
    print(f"Setting up the data of {model.name}, where they are missing …", flush=True)
    return settings, await set_up(settings, model)


def _let_signals_stop() -> None:
    """Make SIGTERM and SIGHUP end the program like Ctrl-C, so that the engines are stopped in order.

    While a server runs it handles both itself. A SIGHUP that is ignored stays so: `nohup` is to outlive the terminal.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _interrupt)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


@contextmanager
def _watched(engines: EmbeddedEngines) -> Iterator[list[str]]:
    """Stop serving when an engine ends by itself. Yield the messages about it, `[]` while all run."""
    deaths: list[str] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_WATCH_INTERVAL_S):
            if (death := engines.died()) is not None:
                deaths.append(death)
                print(f"{death} Stopping; start again to recover.", flush=True)
                os.kill(os.getpid(), signal.SIGINT)
                return

    watcher = threading.Thread(target=watch, name="watch-engines")
    watcher.start()
    try:
        yield deaths
    finally:
        done.set()
        watcher.join()
