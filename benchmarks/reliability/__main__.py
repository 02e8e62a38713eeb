"""`make reliability`: what faults cost, beside 0.1.0 and the goals; ten minutes. Overload is measured last.

The gateway is a process of its own, with a proxy before each store that makes the faults.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

import psutil

from benchmarks.reliability import process_rows, rows, store_rows
from benchmarks.reliability.rows import Row
from tests.chaos.cells import warm_up
from tests.chaos.databases import started_databases
from tests.chaos.sample_models import FLEET
from tests.chaos.world import Databases, World, opened_world

_Measure = Callable[[World], Awaitable[str]]
_REDIS_DATABASE: Final = 14
_ROW_TIMEOUT_S: Final = 240.0


def _measures(databases: Databases) -> dict[bool, list[tuple[Row, _Measure]]]:
    """The rows that are measured without a cache, and those with one."""
    url = databases.urls.database_url
    return {
        False: [
            (rows.SILENT_CLICKHOUSE, store_rows.silent_clickhouse),
            (rows.SILENT_POSTGRES, store_rows.silent_postgres),
            (rows.REFUSED_POSTGRES, store_rows.refused_postgres),
            (rows.CODES, store_rows.codes),
            (rows.READY, store_rows.ready),
            (rows.BURST, store_rows.burst),
            (rows.LEFT, partial(store_rows.left, database_url=url)),
            (rows.AWAY_CPU, _with_process(store_rows.away_cpu)),
            (rows.GARBLED_POSTGRES, store_rows.garbled_postgres),
            (rows.STOPPED, _with_process(partial(process_rows.stopped, database_url=url))),
        ],
        True: [
            (rows.DAMAGED, store_rows.damaged),
            (rows.RESET_REDIS, store_rows.reset_redis),
            (rows.OVER_HTTP2, process_rows.over_http2),
            (rows.MEMORY, process_rows.memory),
        ],
    }


def _with_process(measure: Callable[[World, psutil.Process], Awaitable[str]]) -> _Measure:
    async def measured(world: World) -> str:
        told = (await world.client.get("/tasks")).json()
        return await measure(world, psutil.Process(told["pid"]))

    return measured


async def _measure(only: str) -> None:
    async with started_databases() as by_model:
        print("| what | 0.1.0 | goal | today |\n| --- | --- | --- | --- |", flush=True)
        databases = by_model[FLEET.name]
        for is_cached, measures in _measures(databases).items():
            chosen = [(row, measure) for row, measure in measures if only.lower() in row.what.lower()]
            if chosen:
                await _measure_rows(databases, chosen, is_cached=is_cached)


async def _measure_rows(databases: Databases, measures: list[tuple[Row, _Measure]], *, is_cached: bool) -> None:
    settings = {"GATEWAY_REQUEST_TIMEOUT_S": "10", "GATEWAY_RESPONSE_CACHE_MIB": "1"}
    with tempfile.TemporaryDirectory(prefix="fuseway-reliability-") as folder:
        async with opened_world(
            FLEET,
            databases,
            Path(folder) / "gateway.log",
            is_cached=is_cached,
            redis_database=_REDIS_DATABASE,
            module="tests.chaos.counted_gateway",
            **settings,
        ) as world:
            await warm_up(world)
            for row, measure in measures:
                print(f"| {row.what} | {row.before} | {row.goal} | {await _today(world, measure)} |", flush=True)


async def _today(world: World, measure: _Measure) -> str:
    try:
        async with asyncio.timeout(_ROW_TIMEOUT_S):
            return await measure(world)
    except Exception as error:
        return f"failed: {error!r}"[:200]


def main() -> int:
    """Print the table, and what overload does; the latter's status is the run's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="Rows whose first column has this text; overload is left out.")
    asked = parser.parse_args()
    asyncio.run(_measure(asked.only))
    if asked.only:
        return 0
    print("\nOverload: of 0.1.0, 24 of 60 good answers/s at 2 x, 12.8/s at 4 x, and 4.5 GB.", flush=True)
    return subprocess.run([sys.executable, "-m", "benchmarks.overload"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
