"""Loading the sample into both stores: whole or not at all, whatever interrupts it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

from deploy.fleet.sample import flights, register, weather
from loaders.errors import GatewayError
from loaders.stores import clickhouse as clickhouse_store
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.errors import StatementFailed
from loaders.stores.postgres import Postgres
from loaders.stores.postgres_session import PostgresSession
from loaders.stores.protocols import AnalyticalStore, RelationalStore

Progress = Callable[[str, float], None]
T = TypeVar("T")

# Rows in the files.
FLIGHTS = 336_776
WEATHER = 26_115

# Any number will do, as long as nothing else in the database locks it.
_LOCK = 7_314_503_062

# Large enough that a batch's fixed cost is small, small enough that its rows stay within some tens of megabytes.
_BATCH = 50_000


class ForeignDataError(GatewayError):
    """A store holds rows that are not the sample's, which loading would replace or mix up."""


async def sample_is_loaded(postgres: Postgres, clickhouse: ClickHouse) -> bool:
    """Return whether both stores hold the whole sample. A load that was interrupted does not count."""
    return await _register_is_loaded(postgres) and await _flights_are_loaded(clickhouse)


async def load_sample(postgres: Postgres, clickhouse: ClickHouse, progress: Progress) -> None:
    """Load what is missing of the sample into migrated stores; nothing where it is loaded.

    `progress` is called with the step's name and how much of it is done, 0 to 1. Processes that load at once take
    turns. A load that was interrupted anywhere starts again and leaves no row twice. Raises ForeignDataError where a
    table already holds other rows.
    """
    async with postgres.session() as session, session.transaction():
        await session.execute("select pg_advisory_xact_lock($1)", _LOCK)
        flights_missing = not await _flights_are_loaded(clickhouse)
        register_missing = not await _register_is_loaded(session)
        if flights_missing and (present := await _count(clickhouse, "flights")) not in (0, FLIGHTS):
            raise ForeignDataError(f"The table flights holds {present} rows that are not the sample's.")
        if register_missing and await session.rows("select 1 from aircraft limit 1"):
            raise ForeignDataError("The table aircraft holds rows that are not the sample's.")
        if flights_missing:
            await _load_flights(clickhouse, progress)
        if register_missing:
            await _load_register(session, clickhouse, progress)


# Each store is marked with a table, created after everything else was loaded: in PostgreSQL in the same transaction.


async def _register_is_loaded(postgres: RelationalStore) -> bool:
    (row,) = await postgres.rows("select to_regclass('sample_load') is not null as loaded")
    return bool(row["loaded"])


async def _flights_are_loaded(clickhouse: AnalyticalStore) -> bool:
    sql = "select name from system.tables where database = currentDatabase() and name = 'sample_load'"
    return (await clickhouse.columns(sql, {})).names != ()


async def _load_flights(clickhouse: ClickHouse, progress: Progress) -> None:
    await _prepare(clickhouse, "flights")
    loaded = 0
    async for batch in _in_thread(flights.batches(_BATCH)):
        await clickhouse.insert("flights_loading", list(batch), list(batch.values()))
        loaded += len(batch["tail_number"])
        progress("flights", loaded / FLIGHTS)
    await _prepare(clickhouse, "weather")
    hours = await asyncio.to_thread(weather.columns)
    await clickhouse.insert("weather_loading", list(hours), list(hours.values()))
    await _replace(clickhouse, "flights", FLIGHTS)
    await _replace(clickhouse, "weather", WEATHER)
    await clickhouse.command(
        "create table sample_load (loaded_at DateTime('UTC')) engine = MergeTree order by loaded_at"
    )
    progress("weather", 1.0)


async def _prepare(clickhouse: ClickHouse, table: str) -> None:
    """An empty table to load into, like the one that is read."""
    await clickhouse.command(f"drop table if exists {table}_loading sync")
    await clickhouse.command(f"create table {table}_loading as {table}")


async def _replace(clickhouse: ClickHouse, table: str, expected: int) -> None:
    """Put all rows at once in place of what is there: none, or the same ones of a load that ended before its mark."""
    loaded = await _count(clickhouse, f"{table}_loading")
    if loaded != expected:  # an insert was sent again after its connection broke
        message = f"{loaded} rows were loaded into {table} instead of {expected}: load the sample again."
        raise StatementFailed(clickhouse_store.STORE, message)
    await clickhouse.command(f"optimize table {table}_loading final")  # one part is read faster than several
    await clickhouse.command(f"alter table {table} replace partition tuple() from {table}_loading")
    await clickhouse.command(f"drop table {table}_loading sync")


async def _load_register(session: PostgresSession, clickhouse: ClickHouse, progress: Progress) -> None:
    tracked = await clickhouse.columns("select distinct tail_number from flights where tail_number != ''", {})
    await session.copy_records("aircraft", ["tail_number"], zip(*tracked.columns, strict=True))
    progress("register", 0.2)
    await session.copy_records("register", register.REGISTER_COLUMNS, register.revisions())
    progress("register", 0.6)
    await session.copy_records("airline", register.AIRLINE_COLUMNS, register.airlines())
    await session.copy_records("airport", register.AIRPORT_COLUMNS, register.airports())
    await session.execute_script("analyze aircraft, register, airline, airport")
    await session.execute("create table sample_load as select now() as loaded_at")
    progress("register", 1.0)


async def _count(clickhouse: AnalyticalStore, table: str) -> int:
    answer = await clickhouse.columns("select count() from {table:Identifier}", {"table": table})
    return int(answer.columns[0][0])


async def _in_thread(iterator: Iterator[T]) -> AsyncIterator[T]:
    """Yield the items of an iterator, each made in a thread, so that the event loop stays free."""
    done = object()
    while (item := await asyncio.to_thread(next, iterator, done)) is not done:
        yield item  # type: ignore[misc]
