"""At 1,000,000 revisions every read of the register runs on an index: no table is scanned, none is sorted."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from deploy.fleet.set_up import create_tables
from loaders.statements.parameters import StatementScope
from loaders.statements.planning import plan
from loaders.statements.section_request import SectionRequest
from loaders.stores.postgres import Postgres
from loaders.stores.postgres_session import PostgresSession
from resolvers.cursors import CursorSealer
from resolvers.section_arguments import SectionArguments
from tests.conftest import NewDatabase
from tests.fleet.served import MODEL, request

IDS = [f"N{number * 97:05}" for number in range(500)]
FLEET = MODEL.bound_sections["Query.fleet"]
AFTER: dict[str, Any] = {
    "tail_number": "N25000", "revised_at": datetime(2020, 1, 1, tzinfo=UTC), "seats": 100, "year": 1990
}  # fmt: skip


def _statement(requests: Sequence[SectionRequest], keys: Sequence[Any]) -> tuple[str, str]:
    (statement,) = plan(requests)
    bound = statement.bind(StatementScope(keys, None), ())
    return bound.sql, ", ".join(map(_literal, bound.values.values()))


def _literal(value: Any) -> str:
    return f"array[{', '.join(map(_literal, value))}]" if isinstance(value, list) else f"'{value}'"


def _page(field: str = "tail_number", *, descending: bool = False, **filters: Any) -> tuple[str, str]:
    order = {"field": field.upper(), "direction": "DESC" if descending else "ASC"}
    chosen = SectionArguments(CursorSealer()).request(FLEET, {"first": 49, "orderBy": order, "filter": filters})
    after = ("N25000",) if field == "tail_number" else (AFTER[field], "N25000")
    return _statement([replace(chosen, after=after)], [()])


# By name: the statement that the gateway sends, and arguments for it.
READS = {
    "latest by key": _statement([request("record"), request("registration")], IDS),
    "history by key": _statement([request("revisions", first=5)], IDS),
    "latest by time, newest first": _page("revised_at", descending=True),
    "latest by time, oldest first": _page("revised_at"),
    "by tail number": _page(),
    "by tail number, backwards": _page(descending=True),
    "by seats": _page("seats"),
    "by year, latest first": _page("year", descending=True),
    "of a manufacturer": _page(manufacturer="MAKER 3"),
    "of a model": _page(model="MODEL 3"),
}


@pytest.fixture(scope="module")
async def large_register(new_database: NewDatabase) -> AsyncIterator[Postgres]:
    """50,000 aircraft of 20 revisions each, and 5,000 that are tracked and not registered."""
    async with new_database() as new:
        await create_tables(*new.stores)
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


async def explained(session: PostgresSession, name: str, mode: str) -> dict[str, Any]:
    """The plan of one of the reads, for its arguments (`force_custom_plan`) or for any (`force_generic_plan`)."""
    sql, arguments = READS[name]
    await session.execute(f"set plan_cache_mode = {mode}")
    await session.execute(f"prepare reading as {sql}")
    ((text,),) = await session.rows(f"explain (format json) execute reading ({arguments})")
    await session.execute("deallocate reading")
    result: dict[str, Any] = orjson.loads(text)[0]["Plan"]
    return result


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def faults(plan: dict[str, Any]) -> list[str]:
    """What in a plan sorts a table, or reads rows of it that are not in the answer. To sort the answer is no fault."""
    result = []
    for node in nodes(plan):
        if "Filter" in node:
            result.append(f"{node['Node Type']} with a filter")
        sorts = "Sort" in node["Node Type"] and not any(below["Node Type"] == "Limit" for below in nodes(node))
        if node["Node Type"] == "Seq Scan" or sorts:
            result.append(f"{node['Node Type']} {node.get('Relation Name', '')}".strip())
        if "Index" in node["Node Type"] and "Index Cond" not in node:
            result.append(f"{node['Node Type']} without a condition")
    return result


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", READS)
async def test_a_read_runs_on_an_index(large_register: Postgres, name: str, mode: str) -> None:
    async with large_register.session() as session:
        assert faults(await explained(session, name, mode)) == []


@pytest.mark.parametrize(
    ("name", "drop", "fault"),
    [
        ("latest by time, newest first", "drop index aircraft_by_revised_at", "Sort"),
        ("history by key", "alter table register drop constraint register_pkey", "Sort"),
        ("of a model", "drop index aircraft_by_model", "Index Scan with a filter"),
        ("by year, latest first", "drop index aircraft_by_year", "Seq Scan aircraft"),
    ],
)
async def test_without_its_index_a_read_has_faults(large_register: Postgres, name: str, drop: str, fault: str) -> None:
    async with large_register.session() as session:
        await session.execute("begin")
        await session.execute(drop)
        assert fault in faults(await explained(session, name, "force_custom_plan"))
        await session.execute("rollback")
        assert faults(await explained(session, name, "force_custom_plan")) == []
