"""Catalogs of ClickHouse, from the real engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest

from loaders.catalog.catalog import Column, TableCatalog
from loaders.catalog.clickhouse import read_clickhouse
from loaders.model.databases import Kind
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.protocols import Columns
from tests.conftest import NewDatabase

SCHEMA = (
    """create table events (
        workspace_id UUID comment 'Whose.',
        `odd, name` LowCardinality(Nullable(String)),
        kind Enum8('a' = 1, 'it\\'s' = 2),
        sent_at DateTime64(6, 'UTC'),
        day Date materialized toDate(sent_at),
        input UInt8 ephemeral
    ) engine = ReplacingMergeTree(sent_at)
    partition by toYYYYMM(sent_at) order by (workspace_id, cityHash64(`odd, name`), toStartOfHour(sent_at, 'UTC'))
    settings allow_nullable_key = 1 comment 'What was done.'""",
    "create table `Odd.one` (n Nullable(Int32)) engine = Memory",
    "create view seen as select kind from events",
    "create materialized view counted engine = SummingMergeTree order by kind as select kind, 1 as n from events",
    "insert into events (workspace_id, kind, sent_at) values (generateUUIDv4(), 'a', now()), (generateUUIDv4(), 'a', now())",
)


class CountedStore:
    """A store that counts its statements."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse
        self.statements = 0

    async def columns(self, sql: str, parameters: Mapping[str, object]) -> Columns:
        """Run one statement."""
        self.statements += 1
        return await self._clickhouse.columns(sql, parameters)


@pytest.fixture(scope="module")
async def database(new_database: NewDatabase) -> AsyncIterator[tuple[str, CountedStore]]:
    """The name of a database and a store that only reads, as the gateway's own do."""
    async with new_database() as new:
        for statement in SCHEMA:
            await new.stores.clickhouse.command(statement)
        reader = await ClickHouse.connect(
            new.clickhouse_url, max_connections=2, acquire_timeout_s=60, statement_timeout_s=60, only_reads=True
        )
        yield new.clickhouse_url.rsplit("/", 1)[1], CountedStore(reader)
        await reader.close()


@pytest.fixture
def store(database: tuple[str, CountedStore]) -> CountedStore:
    return database[1]


@pytest.fixture
async def events(store: CountedStore) -> TableCatalog:
    return (await read_clickhouse(store, "web", ["events"])).tables["events"]


async def test_tables_of_users_are_read_those_of_the_own_database_first_and_bare(store: CountedStore) -> None:
    catalog = await read_clickhouse(store, "web")
    assert (catalog.kind, catalog.name) == (Kind.CLICKHOUSE, "web")
    assert catalog.version[:2].isdigit()
    assert list(catalog.tables)[:4] == ["Odd.one", "counted", "events", "seen"]
    assert not [name for name in catalog.tables if name.startswith(("system.", "INFORMATION_SCHEMA."))]
    assert {name for name, table in list(catalog.tables.items())[:4] if table.is_view} == {"counted", "seen"}


async def test_tables_that_are_named_are_read_by_the_names_that_they_are_asked_by(
    database: tuple[str, CountedStore],
) -> None:
    name, store = database
    asked = ["seen", f"{name}.seen", "Odd.one", "missing", "system.one"]
    assert list((await read_clickhouse(store, "", asked)).tables) == ["Odd.one", "seen", f"{name}.seen", "system.one"]
    assert not (await read_clickhouse(store, "", [])).tables


def test_columns_have_types_in_the_databases_words_labels_and_comments(events: TableCatalog) -> None:
    assert events.columns == {
        "workspace_id": Column("workspace_id", "UUID", comment="Whose."),
        "odd, name": Column("odd, name", "LowCardinality(Nullable(String))", is_nullable=True),
        "kind": Column("kind", "Enum8('a' = 1, 'it\\'s' = 2)", labels=("a", "it's")),
        "sent_at": Column("sent_at", "DateTime64(6, 'UTC')"),
        "day": Column("day", "Date"),
    }


def test_a_table_has_its_keys_engine_comment_and_rows(events: TableCatalog) -> None:
    assert events.sorting_key == ("workspace_id", "cityHash64(`odd, name`)", "toStartOfHour(sent_at, 'UTC')")
    assert events.partition_key == "toYYYYMM(sent_at)"
    assert (events.engine, events.version) == ("ReplacingMergeTree", "sent_at")
    assert (events.comment, events.rows) == ("What was done.", 2)
    assert (events.primary_key, events.unique) == ((), ())


async def test_hundreds_of_tables_take_no_more_statements(store: CountedStore) -> None:
    store.statements = 0
    await read_clickhouse(store, "", ["events"])
    for_few = store.statements
    await read_clickhouse(store, "")
    assert store.statements - for_few == for_few == 3
