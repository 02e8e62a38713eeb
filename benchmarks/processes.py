"""Engines, the sample and the endpoints, for the length of a run."""

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.servers import answers, running
from deploy import SAMPLE_MODEL
from deploy.embedded.engines import EmbeddedEngines
from deploy.embedded.process import free_port
from gateway.commands.setup import set_up
from gateway.settings import Settings
from gateway.stores import open_databases, open_own
from loaders.migrations import migrate_own
from loaders.model.databases import Kind
from loaders.model.loading import load_model

_STORES = ("DATABASE_URL", "CLICKHOUSE_URL", "REDIS_URL")

_COLD = {"GATEWAY_CACHE": "false"}
_PATIENCE = {
    "GATEWAY_ACQUIRE_TIMEOUT_S": "300",
    "GATEWAY_STATEMENT_TIMEOUT_S": "300",
    "GATEWAY_REQUEST_TIMEOUT_S": "300",
    "GATEWAY_QUEUE_TIMEOUT_S": "300",
}
"""Of all endpoints alike: some fifty statements that are not fused wait longer for a connection than the gateway lets
them by default, and it is their time that is measured."""
UNREFUSED = {
    "GATEWAY_ANONYMOUS": "all",
    "GATEWAY_RATE_COST_PER_MINUTE": "1000000000",
    "GATEWAY_MAX_IDS": "5000",
    "GATEWAY_MAX_COST": "100000000",
    "GATEWAY_MAX_RESPONSE_MIB": "1000",
}
"""Requests are priced and counted, as ever, and none is refused."""

_BUSIEST = """
select tail_number from flights where tail_number != '' group by tail_number order by count() desc, tail_number
"""


@contextmanager
def stores(*, own: bool = False) -> Iterator[dict[str, str]]:
    """The stores' URLs: those of the environment where it names all three, else (or `own`) engines of the run's own.

    Either way the sample is loaded, and the gateway's own tables are created, where they are missing.
    """
    if not own and all(os.environ.get(name) for name in _STORES):
        urls = {name: os.environ[name] for name in _STORES}
        asyncio.run(_prepare(Settings.from_environment(urls)))
        yield urls
        return
    with tempfile.TemporaryDirectory(prefix="fuseway-bench-") as folder:
        engines = EmbeddedEngines(Path(folder))
        try:
            started = engines.start()
            urls = dict(zip(_STORES, (started.database_url, started.clickhouse_url, started.redis_url), strict=True))
            asyncio.run(_prepare(Settings.from_environment(urls)))
            yield urls
        finally:
            engines.stop()


async def _prepare(settings: Settings) -> None:
    async with open_own(settings) as own:
        if own is not None:
            await migrate_own(own)
    await set_up(settings, load_model(SAMPLE_MODEL))


def busiest_aircraft(urls: Mapping[str, str]) -> list[str]:
    """All tail numbers that flew, the busiest first."""

    async def asked() -> list[str]:
        model = load_model(SAMPLE_MODEL)
        async with open_databases(Settings.from_environment(urls), model.databases, only_reads=False) as databases:
            stores: Any = {database.kind: store for database, store in databases.items()}
            return list((await stores[Kind.CLICKHOUSE].columns(_BUSIEST, {})).columns[0])

    return asyncio.run(asked())


@contextmanager
def endpoint(
    name: str,
    urls: Mapping[str, str],
    settings: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
    ready: str = "/usage",
) -> Iterator[str]:
    """The URL of an endpoint, in a process of its own; without a cache unless the settings say so."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", f"benchmarks.endpoints.{name}", str(port), *arguments]
    environment = {**urls, **_PATIENCE, **_COLD, **UNREFUSED, **(settings or {})}
    with running(command, lambda: answers(url + ready), environment):
        yield url
