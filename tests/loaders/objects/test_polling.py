"""Polls of real tables: what they find, what they cost, and what they leave alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from loaders.cache.invalidation import Change
from loaders.model.databases import Freshness, Kind, Table
from loaders.model.model import Model
from loaders.objects.cache_names import CacheNames, field_of
from loaders.objects.polled_table import MAX_ROWS, PolledStore, PolledTable
from loaders.objects.polling import PollingSession, TablePoll
from loaders.objects.table_changes import TableChanges
from loaders.statements.section_request import section_request
from loaders.stores.errors import StatementFailed
from loaders.stores.postgres import Postgres
from loaders.stores.protocols import TypedColumns
from tests.conftest import NewDatabase, NewStores
from tests.gateway.models.feeds import DEVICES, TABLES

PROJECTS = 'feeds:crm:app."Projects"'
FINE_CLOCK = "date_trunc('milliseconds', clock_timestamp()) + interval '1001 microseconds'"
"""A value by which two changes can be told apart."""


class CountedPostgres(Postgres):
    """PostgreSQL, with the SQL of each statement noted."""

    sent: list[str]

    async def rows(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        self.sent.append(sql)
        return await super().rows(sql, *arguments)

    async def typed_columns(self, sql: str, *arguments: object) -> TypedColumns:
        self.sent.append(sql)
        return await super().typed_columns(sql, *arguments)


@pytest.fixture
async def database(new_database: NewDatabase) -> AsyncIterator[NewStores]:
    """The model's tables, with two projects of each of two tenants."""
    async with new_database() as new:
        async with new.stores.postgres.session() as session:
            await session.execute_script(TABLES)
        await new.stores.clickhouse.command(DEVICES)
        yield new


@pytest.fixture
async def counted(database: NewStores) -> AsyncIterator[CountedPostgres]:
    """A client that notes its statements."""
    client = await CountedPostgres.connect(
        database.database_url, min_size=1, max_size=2, acquire_timeout_s=5, statement_timeout_s=5
    )
    assert isinstance(client, CountedPostgres)
    client.sent = []
    yield client
    await client.close()


def table_of(model: Model, name: str) -> Table:
    """Return a table by its name."""
    (table,) = (table for table in model.tables if table.name == name)
    return table


async def poll_of(model: Model, name: str, column: str, store: PolledStore) -> TablePoll:
    """Return polls of a table, from now on."""
    return await TablePoll.start(PolledTable(TableChanges.of(model, table_of(model, name)), column, store), 60)


async def test_rows_are_told_by_tenant_once_with_one_statement_a_poll(
    feeds: Model, database: NewStores, counted: CountedPostgres
) -> None:
    poll = await poll_of(feeds, 'app."Projects"', "updated_at", counted)
    assert len(counted.sent) == 2, "the column's type and its greatest value"
    counted.sent.clear()
    assert await poll.poll() == Change()
    await database.stores.postgres.execute(
        """update app."Projects" set updated_at = '2026-01-01 00:00:00.000001' where id = 4"""
    )
    await database.stores.postgres.execute(
        """update app."Projects" set updated_at = date_trunc('milliseconds', clock_timestamp())
        + interval '1 microsecond' where id in (1, 3)"""
    )
    changed = Change(("feeds:Project:a:1", "feeds:Project:b:3"), (f"{PROJECTS}*@a", f"{PROJECTS}*@b"))
    result = await poll.poll()
    assert (sorted(result.keys), sorted(result.sources)) == (list(changed.keys), list(changed.sources))
    assert await poll.poll() == Change(), "the margin reads them again"
    assert len(counted.sent) == 3
    assert len(set(counted.sent)) == 1
    session = PollingSession([poll], lambda _change: None, 5)
    await session.prove()
    assert len(counted.sent) == 3, "it is not due for a minute"


async def test_a_transaction_that_commits_late_is_told(feeds: Model, database: NewStores) -> None:
    """Its rows have lower values than what an earlier poll has read."""
    postgres = database.stores.postgres
    poll = await poll_of(feeds, 'app."Projects"', "updated_at", postgres)
    update = """update app."Projects" set updated_at = now() where id = """
    async with postgres.session() as session:
        await session.execute("begin")
        await session.execute(f"{update} 1")
        await postgres.execute(f"{update} 2")
        assert (await poll.poll()).keys == ("feeds:Project:a:2",)
        await session.execute("commit")
    assert "feeds:Project:a:1" in (await poll.poll()).keys


async def test_more_rows_than_a_poll_reads_are_a_change_of_the_table(feeds: Model, database: NewStores) -> None:
    poll = await poll_of(feeds, 'app."Projects"', "updated_at", database.stores.postgres)
    insert = """insert into app."Projects" select n, 'a', 'New' from generate_series($1::int, $2::int) as n"""
    await database.stores.postgres.execute(insert, 101, 100 + MAX_ROWS)
    assert len((await poll.poll()).keys) == MAX_ROWS
    await database.stores.postgres.execute(insert, 2_000, 2_000)
    assert await poll.poll() == Change(sources=(PROJECTS,))


@pytest.mark.parametrize(
    ("type_name", "old", "new"),
    [
        ("timestamp", "localtimestamp", "clock_timestamp()::timestamp"),
        ("timestamp", "now() at time zone 'UTC'", "clock_timestamp() at time zone 'UTC'"),
        ("timestamptz(0)", "now() - interval '1 hour'", "now()"),
        ("bigint", "1", "2"),
        ("numeric", "1", "2"),
    ],
)
async def test_instants_and_whole_numbers_of_postgresql_can_be_polled_by(
    feeds: Model, database: NewStores, type_name: str, old: str, new: str
) -> None:
    postgres = database.stores.postgres
    await postgres.execute('alter table app."Projects" alter column updated_at drop default')
    await postgres.execute(f'alter table app."Projects" alter column updated_at type {type_name} using {old}')
    poll = await poll_of(feeds, 'app."Projects"', "updated_at", postgres)
    assert await poll.poll() == Change()
    await postgres.execute(f'update app."Projects" set updated_at = {new} where id = 2')
    assert (await poll.poll()).keys == ("feeds:Project:a:2",)


@pytest.mark.parametrize(
    ("type_name", "value", "new", "is_told"),
    [
        ("timestamptz", "infinity", FINE_CLOCK, True),
        ("timestamptz", "294276-12-31 23:59Z", FINE_CLOCK, True),
        ("timestamp", "infinity", f"({FINE_CLOCK})::timestamp", True),
        ("numeric", "Infinity", "8", False),
        ("numeric", "NaN", "8", False),
    ],
)
async def test_a_row_that_is_infinite_hides_no_other(
    feeds: Model, database: NewStores, type_name: str, value: str, new: str, is_told: bool
) -> None:
    """Of instants it is told itself, once."""
    postgres, old = database.stores.postgres, "7" if type_name == "numeric" else "localtimestamp"
    await postgres.execute('alter table app."Projects" alter column updated_at drop default')
    await postgres.execute(f'alter table app."Projects" alter column updated_at type {type_name} using {old}')
    infinite = f"update app.\"Projects\" set updated_at = '{value}' where id = "
    await postgres.execute(f"{infinite} 1")
    poll = await poll_of(feeds, 'app."Projects"', "updated_at", postgres)
    await poll.poll()
    await postgres.execute(f"{infinite} 3")
    assert (await poll.poll()).keys == (("feeds:Project:b:3",) if is_told else ())
    await postgres.execute(f'update app."Projects" set updated_at = {new} where id = 2')
    assert (await poll.poll()).keys == ("feeds:Project:a:2",)
    assert await poll.poll() == Change()


@pytest.mark.parametrize(
    ("type_name", "value"),
    [("DateTime", "now()"), ("DateTime('Asia/Tokyo')", "now()"), ("DateTime64(3)", "now64(3)"), ("UInt64", "7")],
)
async def test_instants_and_whole_numbers_of_clickhouse_can_be_polled_by(
    feeds: Model, database: NewStores, type_name: str, value: str
) -> None:
    clickhouse = database.stores.clickhouse
    await clickhouse.command("drop table devices sync")
    await clickhouse.command(DEVICES.replace("DateTime64(6)", type_name))
    poll = await poll_of(feeds, "devices", "seen_at", clickhouse)
    assert await poll.poll() == Change()
    for key in (1, 2):
        await clickhouse.command(f"insert into devices select {key}, 'a', 'New', {value} + {key}")
        assert f"feeds:Device:a:{key}" in (await poll.poll()).keys


@pytest.mark.parametrize(("column", "type_name"), [("name", "text"), ("missing", "")])
async def test_other_columns_are_refused(feeds: Model, database: NewStores, column: str, type_name: str) -> None:
    message = f'app."Projects" cannot be polled by {column}, which is {type_name}' if type_name else "does not exist"
    with pytest.raises(StatementFailed, match=message):
        await poll_of(feeds, 'app."Projects"', column, database.stores.postgres)


async def test_rows_without_keys_are_a_change_of_the_table_for_each_row(feeds: Model, database: NewStores) -> None:
    """Two rows may have one value."""
    poll = await poll_of(feeds, "app.tasks", "version", database.stores.postgres)
    for _ in range(2):
        await database.stores.postgres.execute("insert into app.tasks values (1, false, 9)")
        assert await poll.poll() == Change(sources=("feeds:crm:app.tasks",))
    assert await poll.poll() == Change()


def test_what_changes_are_heard_of_can_be_told_from_what_is_kept_for_a_short_time(feeds: Model) -> None:
    """Also where nothing may be served stale; the end of its time stays."""
    section = feeds.bound_sections["Member.record"]
    brief = replace(section, freshness=Freshness(60, 0, 0))
    field: Any = field_of(section_request(brief).whole(), CacheNames("feeds", "a"), ())
    assert field.freshness == Freshness(59, 1, 0)
    assert section.tables[0].database.kind is Kind.POSTGRES
    assert not field.is_brief


async def test_a_table_whose_poll_failed_is_not_proven_until_it_is_polled_again(
    feeds: Model, database: NewStores
) -> None:
    """Although it is not due, and another table of the database is polled."""
    postgres, kept = database.stores.postgres, list[Change]()
    tables = [("app.tasks", "version"), ('app."Projects"', "updated_at")]
    polled = [PolledTable(TableChanges.of(feeds, table_of(feeds, name)), column, postgres) for name, column in tables]
    tasks, projects = [await TablePoll.start(table, every_s) for table, every_s in zip(polled, (0, 0.01), strict=True)]
    session = PollingSession([projects, tasks], kept.append, 5)
    await postgres.execute('alter table app."Projects" rename column updated_at to other')
    await asyncio.sleep(0.01)
    await postgres.execute("insert into app.tasks values (1, false, 9)")
    with pytest.raises(StatementFailed, match="updated_at"):
        await session.prove()
    assert kept == [Change(sources=("feeds:crm:app.tasks",))]
    with pytest.raises(StatementFailed, match="updated_at"):
        await session.prove()
    await postgres.execute('alter table app."Projects" rename column other to updated_at')
    await asyncio.sleep(0.01)
    await session.prove()
