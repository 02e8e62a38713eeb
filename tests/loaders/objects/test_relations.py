"""Rows that one database sends to another: with their types, without rows, nested, and in both directions."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from loaders.model.databases import Kind
from loaders.model.model import Model
from loaders.objects.section_error import SectionError
from loaders.request_tracker import begin_request
from loaders.statements.needed_rows import sent_rows
from loaders.stores.errors import StatementFailed
from loaders.stores.protocols import TypedColumns
from tests.conftest import NewDatabase, Stores
from tests.loaders.model.models import load
from tests.loaders.objects.asking import Asker

MODEL = """
from __future__ import annotations
import datetime as dt
from decimal import Decimal
from uuid import UUID
import fuseway as m

records, events = m.Postgres(), m.ClickHouse()
OFTEN = m.Freshness(60, 600, 3600)
people = records.table("public.people", freshness=OFTEN)
clicks = events.table("clicks", freshness=OFTEN)
numbers = records.table("public.numbers", freshness=OFTEN)

known = records.relation(f"select id, team, born, hired_at, rate, size, tags from {people.asked('id')}")
mates = records.relation(f"select id, team from {people.all} where team in (select team from {people.asked('id')})")
busy = events.relation(f"select c.person as id, count() as clicks from {clicks.all} as c where c.person in (select id from {mates}) group by c.person")

every = records.relation(f"select n from {numbers.all}")

class Sent(m.Section, over=events.relation(f"select id, team, born, hired_at, rate, size, tags, length(tags) as n from {known}")):
    team: str | None = m.sql("any(team)")
    born: dt.date | None = m.sql("any(born)")
    hired_at: dt.datetime | None = m.sql("any(hired_at)")
    rate: Decimal | None = m.sql("any(rate)")
    size: int | None = m.sql("any(size)")
    tags: m.BigInt = m.sql("any(n)")

class Clicks(m.Section, over=records.relation(f"select p.id, b.clicks from {people.asked('id')} as p left join {busy} as b on b.id = p.id")):
    clicks: m.BigInt | None = m.sql("max(clicks)")

class Many(m.Section, over=events.relation(f"select person as id from {clicks.asked('person')} where 1 in (select n from {every})")):
    clicks: m.BigInt = m.sql("count()")

class Person(m.Object, table=people):
    id: UUID = m.key()
    team: str | None
    sent: Sent | None = m.section("id")
    clicks: Clicks = m.section("id")
    many: Many = m.section("id")

class Query(m.Query):
    person: Person | None = m.by_key()

model = m.Model("people", query=Query, types=[Person])
"""
ANN, BOB, CAT = (str(UUID(int=number)) for number in (1, 2, 3))
NOBODY = str(UUID(int=9))
HIRED = dt.datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
async def stores(new_database: NewDatabase) -> AsyncIterator[Stores]:
    """Three people, two of them of one team, and their clicks."""
    async with new_database() as new:
        async with new.stores.postgres.session() as session:
            await session.execute_script(
                "create type team as enum ('north', 'south');"
                " create table people (id uuid primary key, team team, born date, hired_at timestamptz,"
                " rate numeric, size smallint, tags text[]);"
                " create table numbers as select n from generate_series(1, 150000) as n"
            )
            await session.execute(
                "insert into people values ($1, 'north', '1950-01-02', $4, 12.345678901234567890, 7, '{a,b}'),"
                " ($2, 'north', null, null, null, null, '{}'), ($3, null, null, null, null, null, null)",
                ANN,
                BOB,
                CAT,
                HIRED,
            )
        await new.stores.clickhouse.command("create table clicks (person UUID) engine = MergeTree order by person")
        people = [UUID(ANN)] * 2 + [UUID(BOB)] * 5 + [UUID(CAT)] * 3
        await new.stores.clickhouse.insert("clicks", ["person"], [people])
        yield new.stores


def test_more_than_a_parameter_can_hold_is_an_error_that_says_what_to_do() -> None:
    many = TypedColumns(("id",), ("uuid",), [[UUID(int=number) for number in range(3_000)]])
    with pytest.raises(StatementFailed, match="The column id of a relation has more than 100,000 bytes"):
        sent_rows(many, Kind.POSTGRES, Kind.CLICKHOUSE, "clickhouse")
    assert len(sent_rows(many, Kind.POSTGRES, Kind.POSTGRES, "postgresql").values[0]) == 3_000


@pytest.mark.parametrize(
    ("type_name", "fitting", "too_much"),
    [
        ("text", ["ä" * 33_000], ["ä" * 51_000]),
        ("text[]", [[]] * 33_000, [[]] * 34_000),
        ("jsonb", ['["ä"]'] * 10_000, ['["ä"]'] * 11_200),
    ],
)
def test_what_a_parameter_can_hold_is_counted_in_bytes_as_it_is_sent(
    type_name: str, fitting: list[object], too_much: list[object]
) -> None:
    def sent(values: list[object]) -> int:
        answer = TypedColumns(("name",), (type_name,), [values])
        return len(sent_rows(answer, Kind.POSTGRES, Kind.CLICKHOUSE, "clickhouse").values[0])

    assert sent(fitting) == len(fitting)
    with pytest.raises(StatementFailed, match="The column name of a relation has more than 100,000 bytes"):
        sent(too_much)


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """People in PostgreSQL, clicks in ClickHouse."""
    return load(tmp_path, MODEL)


async def test_every_type_is_sent_along(model: Model, stores: Stores) -> None:
    result = await Asker(model, stores).of("Person.sent", [ANN, BOB, CAT])
    rate = result[ANN][3]
    assert Decimal(rate) == Decimal("12.345678901234567890")
    assert result[ANN] == ("north", dt.date(1950, 1, 2), HIRED, rate, 7, 2)
    assert result[BOB] == ("north", None, None, None, None, 0)
    assert result[CAT] == (None, None, None, None, None, 0)


async def test_without_a_row_the_types_are_known_too(model: Model, stores: Stores) -> None:
    asker = Asker(model, stores)
    assert await asker.of("Person.sent", [NOBODY]) == {}
    assert [store for store, _ in asker.sent] == ["postgresql", "clickhouse"]


async def test_relations_are_nested_and_sent_in_both_directions(model: Model, stores: Stores) -> None:
    asker = Asker(model, stores)
    assert await asker.of("Person.clicks", [ANN]) == {ANN: (2,)}
    assert [store for store, _ in asker.sent] == ["postgresql", "clickhouse", "postgresql"]
    assert await asker.of("Person.clicks", [ANN, BOB, CAT]) == {ANN: (2,), BOB: (5,)}


async def test_a_relation_with_too_many_rows_is_an_error_and_not_read_to_its_end(model: Model, stores: Stores) -> None:
    asker, tracker = Asker(model, stores), begin_request()
    request = asker.request("Person.many")
    (record,) = await asker.records([ANN], [request])
    with pytest.raises(SectionError, match="A relation has more than 100,000 rows to be sent"):
        record.get(request)
    assert tracker.stats.rows["postgresql"] == 100_001


async def test_a_nested_relation_without_rows_is_empty(model: Model, stores: Stores) -> None:
    asker = Asker(model, stores)
    assert await asker.of("Person.clicks", [CAT, NOBODY]) == {}
    request = asker.request("Person.clicks")
    records = await asker.records([CAT, NOBODY], [request])
    assert [each.get(request) for each in records] == [(None,), (None,)]
