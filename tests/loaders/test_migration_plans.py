"""At 1,000,000 revisions every read of the register runs on an index: no table is scanned, none is sorted."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
import pytest

from loaders.migrations import migrate
from loaders.stores.postgres import Postgres, PostgresSession
from tests.conftest import NewDatabase

IDS = "array[" + ", ".join(f"'N{number * 97:05}'" for number in range(500)) + "]"

# By name: the argument types, the statement, and arguments for it.
READS = {
    "latest by key": (
        "text[]",
        "select tail_number, revision, manufacturer, model from aircraft where tail_number = any($1)",
        IDS,
    ),
    "latest by time, newest first": (
        "timestamptz, text, integer",
        """
        select tail_number, revision, revised_at from aircraft
        where (coalesce(revised_at, '-infinity'), tail_number) < ($1, $2)
        order by coalesce(revised_at, '-infinity') desc, tail_number desc
        limit $3
        """,
        "'2020-01-01T00:00:00Z', 'N25000', 50",
    ),
    "latest by time, oldest first": (
        "timestamptz, text, integer",
        """
        select tail_number, revision, revised_at from aircraft
        where (coalesce(revised_at, '-infinity'), tail_number) > ($1, $2)
        order by coalesce(revised_at, '-infinity'), tail_number
        limit $3
        """,
        "'2020-01-01T00:00:00Z', 'N25000', 50",
    ),
    "history by key": (
        "text[], integer",
        """
        select r.tail_number, r.revision, r.recorded_at, r.recorded_by, r.reason, r.manufacturer
        from unnest($1::text[]) as asked (tail_number)
        cross join lateral (
            select register.tail_number, register.revision, register.recorded_at, register.recorded_by,
                register.reason, register.manufacturer
            from register
            where register.tail_number = asked.tail_number
            order by register.revision desc
            limit $2
        ) r
        """,
        f"{IDS}, 5",
    ),
    "by seats": (
        "integer, text, integer",
        """
        select tail_number, seats from aircraft
        where (coalesce(seats, -1), tail_number) > ($1, $2)
        order by coalesce(seats, -1), tail_number
        limit $3
        """,
        "100, 'N25000', 50",
    ),
    "by year": (
        "integer, text, integer",
        """
        select tail_number, year from aircraft
        where (coalesce(year, -1), tail_number) < ($1, $2)
        order by coalesce(year, -1) desc, tail_number desc
        limit $3
        """,
        "1990, 'N25000', 50",
    ),
    "of a manufacturer": (
        "text, text, integer",
        """
        select tail_number, manufacturer from aircraft
        where manufacturer = $1 and tail_number > $2
        order by tail_number
        limit $3
        """,
        "'MAKER 3', 'N25000', 50",
    ),
    "of a model": (
        "text, text, integer",
        """
        select tail_number, model from aircraft
        where model = $1 and tail_number > $2
        order by tail_number
        limit $3
        """,
        "'MODEL 3', 'N25000', 50",
    ),
}


@pytest.fixture(scope="module")
async def large_register(new_database: NewDatabase) -> AsyncIterator[Postgres]:
    """50,000 aircraft of 20 revisions each, and 5,000 that are tracked and not registered."""
    async with new_database() as new:
        await migrate(*new.stores)
        async with new.stores.postgres.session() as session:
            # Without triggers, which are tested elsewhere: the foreign key is looked up once a row.
            await session.execute("set session_replication_role = replica")
            await _fill(session)
            await session.execute("analyze aircraft, register")
        yield new.stores.postgres


async def _fill(session: PostgresSession) -> None:
    await session.execute(
        """
        insert into register (tail_number, revision, recorded_at, recorded_by, reason, manufacturer, model, year, seats)
        select 'N' || lpad(number::text, 5, '0'), revision,
            timestamptz '2014-01-01' + (revision * 50000 + number * 7919 % 50000) * interval '5 minutes',
            'test', 'test', 'MAKER ' || number % 300, 'MODEL ' || number % 200, 1960 + number % 60, number % 400
        from generate_series(1, 20) as revision, generate_series(0, 49999) as number
        """
    )
    await session.execute(
        """
        insert into aircraft (tail_number, revision, revised_at, manufacturer, model, year, seats)
        select tail_number, revision, recorded_at, manufacturer, model, year, seats from register where revision = 20
        """
    )
    await session.execute(
        "insert into aircraft (tail_number) select 'X' || number from generate_series(1, 5000) as number"
    )


async def plan(session: PostgresSession, name: str, mode: str) -> dict[str, Any]:
    """The plan of one of the reads, for its arguments (`force_custom_plan`) or for any (`force_generic_plan`)."""
    types, sql, arguments = READS[name]
    await session.execute(f"set plan_cache_mode = {mode}")
    await session.execute(f"prepare reading ({types}) as {sql}")
    ((text,),) = await session.rows(f"explain (format json) execute reading ({arguments})")
    await session.execute("deallocate reading")
    found: dict[str, Any] = orjson.loads(text)[0]["Plan"]
    return found


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def faults(plan: dict[str, Any]) -> list[str]:
    """What in a plan sorts a table, or reads rows of it that are not in the answer."""
    found = []
    for node in nodes(plan):
        if "Filter" in node:
            found.append(f"{node['Node Type']} with a filter")
        if node["Node Type"] == "Seq Scan" or "Sort" in node["Node Type"]:
            found.append(f"{node['Node Type']} {node.get('Relation Name', '')}".strip())
        if "Index" in node["Node Type"] and "Index Cond" not in node:
            found.append(f"{node['Node Type']} without a condition")
    return found


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", READS)
async def test_a_read_runs_on_an_index(large_register: Postgres, name: str, mode: str) -> None:
    async with large_register.session() as session:
        assert faults(await plan(session, name, mode)) == []


@pytest.mark.parametrize(
    ("name", "drop", "fault"),
    [
        ("latest by time, newest first", "drop index aircraft_by_revised_at", "Sort"),
        ("history by key", "alter table register drop constraint register_pkey", "Sort"),
        ("of a model", "drop index aircraft_by_model", "Index Scan with a filter"),
        ("by year", "drop index aircraft_by_year", "Seq Scan aircraft"),
    ],
)
async def test_without_its_index_a_read_has_faults(large_register: Postgres, name: str, drop: str, fault: str) -> None:
    async with large_register.session() as session:
        await session.execute("begin")
        await session.execute(drop)
        assert fault in faults(await plan(session, name, "force_custom_plan"))
        await session.execute("rollback")
        assert faults(await plan(session, name, "force_custom_plan")) == []
