"""The fleet's tables and sample data, created where they are missing or half there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.fleet.sample.load import load_sample, sample_is_loaded
from deploy.fleet.sample.progress_bar import ProgressBar
from loaders.migrations import migrate, read_migrations
from loaders.model.databases import Database, Kind
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.postgres import Postgres

MIGRATIONS = Path(__file__).parent / "migrations"


async def set_up(stores: Mapping[Database, Any]) -> None:
    """Create the tables and fill them; does nothing where all is there."""
    by_kind = {database.kind: store for database, store in stores.items()}
    postgres, clickhouse = by_kind[Kind.POSTGRES], by_kind[Kind.CLICKHOUSE]
    await create_tables(postgres, clickhouse)
    if not await sample_is_loaded(postgres, clickhouse):
        print("Loading the sample fleet (the first time only) …", flush=True)
        await load_sample(postgres, clickhouse, ProgressBar())


async def create_tables(postgres: Postgres, clickhouse: ClickHouse) -> list[str]:
    """Apply the migrations that are missing, and return their names."""
    of_postgres, of_clickhouse = (read_migrations(MIGRATIONS / store) for store in ("postgres", "clickhouse"))
    return await migrate(postgres, clickhouse, of_postgres, of_clickhouse)
