"""Loads the sample and kills its own process on the way. Arguments: PostgreSQL's URL, ClickHouse's URL."""

import asyncio
import os
import signal
import sys

from deploy.fleet.sample import load_sample
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.postgres import Postgres


def kill(_step: str, fraction: float) -> None:
    if fraction > 0.2:
        os.kill(os.getpid(), signal.SIGKILL)


async def main(database_url: str, clickhouse_url: str) -> None:
    postgres = await Postgres.connect(database_url, min_size=1, max_size=1, acquire_timeout_s=5, statement_timeout_s=5)
    clickhouse = await ClickHouse.connect(clickhouse_url, max_connections=2, acquire_timeout_s=5, statement_timeout_s=5)
    await load_sample(postgres, clickhouse, kill)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
