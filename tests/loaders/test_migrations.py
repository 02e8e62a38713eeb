"""Migrations, and what the tables do by themselves."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.fleet.set_up import MIGRATIONS, create_tables
from loaders.api_keys import ApiKeys
from loaders.migrations import Migration, migrate, migrate_own, read_migrations, statements
from loaders.stores.errors import StatementFailed, StoreError
from loaders.stores.postgres import Postgres
from loaders.stores.protocols import Columns
from tests.conftest import NewDatabase, Stores

ALL = [
    "postgresql/0001_register.sql",
    "postgresql/0002_places.sql",
    "postgresql/0003_changes.sql",
    "postgresql/0005_order_by_revision.sql",
    "clickhouse/0001_flights.sql",
]


@pytest.fixture
async def stores(new_database: NewDatabase) -> AsyncIterator[Stores]:
    async with new_database() as new:
        yield new.stores


@pytest.fixture
async def register(stores: Stores) -> Postgres:
    """A migrated PostgreSQL with the aircraft N1 and N2, not registered."""
    await create_tables(*stores)
    await stores.postgres.execute("insert into aircraft (tail_number) values ('N1'), ('N2')")
    return stores.postgres


def test_statements_end_at_a_semicolon_at_the_end_of_a_line() -> None:
    assert statements("select ';',\n1;\n\n-- why\nselect 2;") == ["select ';',\n1", "-- why\nselect 2"]
    assert statements("\n") == []


async def test_migrating_applies_all_once(stores: Stores) -> None:
    assert await create_tables(*stores) == ALL
    assert await create_tables(*stores) == []


async def test_processes_that_migrate_at_once_take_turns(stores: Stores) -> None:
    applied = await asyncio.gather(*(create_tables(*stores) for _ in range(3)))
    assert sorted(applied) == [[], [], ALL]


async def test_a_changed_migration_is_an_error(stores: Stores) -> None:
    await create_tables(*stores)
    for place, store in enumerate(("postgres", "clickhouse")):
        first, *rest = read_migrations(MIGRATIONS / store)
        changed = [Migration(first.name, first.sql + "select 1;\n"), *rest]
        lists: list[list[Migration]] = [[], []]
        lists[place] = changed
        with pytest.raises(StoreError, match=rf"The migration {first.name} of {store}\w* was changed") as failure:
            await migrate(*stores, *lists)
        assert failure.value.store.startswith(store)


async def test_a_failed_migration_leaves_nothing_and_is_repeated(stores: Stores) -> None:
    broken = Migration("0001_broken.sql", "create table half (n int);\nselect 1 / 0;\n")
    mended = Migration("0001_broken.sql", "create table half (n int);\n")
    with pytest.raises(StatementFailed, match="division by zero"):
        await migrate(*stores, [broken], [])
    assert (await migrate(*stores, [mended], []))[0] == "postgresql/0001_broken.sql"


async def test_a_failed_migration_of_clickhouse_is_repeated(stores: Stores) -> None:
    half = "create table if not exists half (n Int8) engine = MergeTree order by n;\n"
    with pytest.raises(StatementFailed):
        await migrate(*stores, [], [Migration("0001_broken.sql", half + "selec 1;\n")])
    applied = await migrate(*stores, [], [Migration("0001_broken.sql", half)])
    assert applied == ["clickhouse/0001_broken.sql"]


async def test_every_column_of_clickhouse_has_a_comment(stores: Stores) -> None:
    await create_tables(*stores)
    answer = await stores.clickhouse.columns(
        "select table || '.' || name as name from system.columns"
        " where database = currentDatabase() and table in ('flights', 'weather') and comment = ''",
        {},
    )
    assert answer == Columns((), ())


@pytest.mark.parametrize(
    ("departed", "arrival_delay", "true"),
    [
        (False, None, {"cancelled"}),
        (True, None, {"diverted"}),
        (True, -3, {"completed", "on_time"}),
        (True, 14, {"completed", "on_time"}),
        (True, 15, {"completed", "late"}),
    ],
)
async def test_a_flight_is_what_its_columns_say(
    sample_stores: Stores, departed: bool, arrival_delay: int | None, true: set[str]
) -> None:
    names = ["cancelled", "completed", "diverted", "on_time", "late"]
    answer = await sample_stores.clickhouse.columns(
        """
        select distinct cancelled, completed, diverted, on_time, late
        from flights
        where departed = {departed:Bool} and arrival_delay is not distinct from {delay:Nullable(Int16)}
        """,
        {"departed": departed, "delay": arrival_delay},
    )
    assert [list(column) for column in answer.columns] == [[name in true] for name in names]


async def revise(postgres: Postgres, *revisions: tuple[str, int], manufacturer: str = "BOEING") -> None:
    """Insert revisions in one statement; the year of each tells it from the others."""
    await postgres.execute(
        """
        insert into register (tail_number, revision, recorded_at, recorded_by, reason, manufacturer, year)
        select added.tail_number, added.revision, $3, 'test', 'test', $4, 2000 + added.revision
        from unnest($1::text[], $2::int[]) as added (tail_number, revision)
        """,
        [tail_number for tail_number, _ in revisions],
        [revision for _, revision in revisions],
        datetime(2014, 1, 1, tzinfo=UTC),
        manufacturer,
    )


async def latest(postgres: Postgres) -> list[tuple[Any, ...]]:
    rows = await postgres.rows("select tail_number, revision, year, manufacturer from aircraft order by tail_number")
    return [tuple(row) for row in rows]


async def test_the_latest_revision_is_at_the_aircraft(register: Postgres) -> None:
    await revise(register, ("N1", 1))
    assert await latest(register) == [("N1", 1, 2001, "BOEING"), ("N2", None, None, None)]
    ((revised_at,),) = await register.rows("select revised_at from aircraft where tail_number = 'N1'")
    assert revised_at == datetime(2014, 1, 1, tzinfo=UTC)


async def test_the_latest_of_several_revisions_wins_in_any_order(register: Postgres) -> None:
    await revise(register, ("N1", 2), ("N2", 1), ("N1", 3), ("N1", 1))
    assert await latest(register) == [("N1", 3, 2003, "BOEING"), ("N2", 1, 2001, "BOEING")]


async def test_an_older_revision_that_comes_late_changes_nothing(register: Postgres) -> None:
    await revise(register, ("N1", 3))
    await revise(register, ("N1", 2), manufacturer="AIRBUS")
    assert (await latest(register))[0] == ("N1", 3, 2003, "BOEING")


async def test_a_revision_can_bring_a_value_back_to_unknown(register: Postgres) -> None:
    await revise(register, ("N1", 1))
    await register.execute(
        "insert into register (tail_number, revision, recorded_at, recorded_by, reason)"
        " values ('N1', 2, now(), 'test', 'test')"
    )
    assert (await latest(register))[0] == ("N1", 2, None, None)


async def test_revisions_that_come_at_once_leave_the_greatest(register: Postgres) -> None:
    """Each statement holds both aircraft, half of them in the other order: none may deadlock."""
    batches = [[("N1", number), ("N2", number)][:: 1 if number % 2 else -1] for number in range(1, 41)]
    await asyncio.gather(*(revise(register, *batch) for batch in batches))
    assert await latest(register) == [("N1", 40, 2040, "BOEING"), ("N2", 40, 2040, "BOEING")]


async def test_an_older_revision_that_commits_last_changes_nothing(register: Postgres) -> None:
    insert = (
        "insert into register (tail_number, revision, recorded_at, recorded_by, reason)"
        " values ('N1', $1, now(), 'test', 'test')"
    )
    async with register.session() as session:
        async with session.transaction():
            await session.execute(insert, 9)
            late = asyncio.create_task(register.execute(insert, 8))
            await asyncio.sleep(0.2)
            assert not late.done()
        await late
    assert (await latest(register))[0] == ("N1", 9, None, None)


async def test_a_revision_is_added_once(register: Postgres) -> None:
    await revise(register, ("N1", 1))
    with pytest.raises(StatementFailed, match="duplicate key"):
        await revise(register, ("N1", 1))


async def test_a_revision_needs_its_aircraft(register: Postgres) -> None:
    with pytest.raises(StatementFailed, match="foreign key"):
        await revise(register, ("N3", 1))


@pytest.mark.parametrize(
    "sql",
    [
        "update register set reason = 'other'",
        "delete from register",
        "truncate register",
        "truncate aircraft cascade",
        "delete from aircraft where tail_number = 'N1'",
    ],
)
async def test_a_revision_is_never_changed_or_removed(register: Postgres, sql: str) -> None:
    await revise(register, ("N1", 1))
    with pytest.raises(StatementFailed, match=r"append-only|foreign key"):
        await register.execute(sql)
    assert [tuple(row) for row in await register.rows("select tail_number, reason from register")] == [("N1", "test")]


_FORMER_TABLE = """
create table api_keys (
    id text collate "C" primary key, name text not null, hash bytea not null, scopes text[] not null,
    ids_per_field integer, cost_per_minute integer, created_at timestamptz not null default now(),
    expires_at timestamptz, revoked_at timestamptz
);
insert into api_keys (id, name, hash, scopes) values ('abcdefghijkl', 'old', decode(repeat('00', 32), 'hex'), '{a}');
"""
_FORMER_COMMENT = """
comment on table api_keys is 'Keys that programs ask with; a revoked one stays, so that its id is never given again'
"""


async def test_the_gateways_own_tables_lie_in_a_schema_of_their_own(stores: Stores) -> None:
    assert await migrate_own(stores.postgres) == ["gateway/0001_api_keys.sql"]
    assert await migrate_own(stores.postgres) == []
    tables = "select table_schema, table_name from information_schema.tables where table_name ~ 'api_keys|migration'"
    rows = await stores.postgres.rows(tables)
    assert sorted(map(tuple, rows)) == [("gateway_internal", "api_keys"), ("gateway_internal", "schema_migration")]


async def test_keys_of_an_earlier_release_are_moved_and_stay_good(stores: Stores) -> None:
    async with stores.postgres.session() as session:
        await session.execute_script(_FORMER_TABLE + _FORMER_COMMENT)
    await migrate_own(stores.postgres)
    (key,) = await ApiKeys(stores.postgres).all()
    assert (key.id, key.name, key.scopes, key.model, key.tenant) == ("abcdefghijkl", "old", ("a",), "fleet", None)
    assert await stores.postgres.rows("select where to_regclass('public.api_keys') is null")


async def test_another_table_of_that_name_stays(stores: Stores) -> None:
    async with stores.postgres.session() as session:
        await session.execute_script(_FORMER_TABLE)
    await migrate_own(stores.postgres)
    assert await ApiKeys(stores.postgres).all() == []
    assert len(await stores.postgres.rows("select * from public.api_keys")) == 1
