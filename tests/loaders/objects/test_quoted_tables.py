"""A tenant's own row in a table whose name is in quotes, as a default and as the zone of a period, on real engines."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from loaders.statements.section_request import Period
from tests.conftest import NewDatabase
from tests.loaders.model.models import load
from tests.loaders.objects.asking import Asker

MODEL = '''
from __future__ import annotations
import fuseway as m

db = m.{store}("a")
courses = db.table('{courses}', tenant="id"{latest})
visits = db.table("{visits}", tenant="Course", time="At", zone=courses.value('"Time Zone"'))
zone = m.time_zone("timeZone", default=courses.value('"Time Zone"'))


class Seen(m.Section, over=visits):
    """How often."""

    visits: int = m.sql("count(*)", "All of them.")
    zone: str | None = m.sql(f"max({{zone}})", "Whose dates they are of.")


class Course(m.Object, table=courses):
    """A course."""

    id: int = m.key()
    seen: Seen = m.section('"Course"', period=True)


class Query(m.Query):
    """Where every query begins."""

    course: Course | None = m.by_key()


model = m.Model("quoted", query=Query, types=[Course], tenant=m.Tenant(claim="course", column="course", type=int))
'''
_INTO_COURSES = """values (1, 'One', 'Pacific/Auckland'), (2, 'Two', 'UTC')"""
_INTO_VISITS = """values (1, '2026-03-01 12:00:00'), (2, '2026-03-01 12:00:00')"""
POSTGRES = (
    'create table public."Courses" (id integer, title text, "Time Zone" text)',
    'create table public."Visits of all" ("Course" integer, "At" timestamptz)',
    f'insert into public."Courses" {_INTO_COURSES}',
    "insert into public.\"Visits of all\" values (1, '2026-03-01 12:00:00Z'), (2, '2026-03-01 12:00:00Z')",
)
CLICKHOUSE = (
    'create table "Courses" (id Int32, title String, "Time Zone" String) engine = MergeTree order by id',
    """create table "Visits of all" ("Course" Int32, "At" DateTime('UTC')) engine = MergeTree order by "At" """,
    f'insert into "Courses" {_INTO_COURSES}',
    f'insert into "Visits of all" {_INTO_VISITS}',
)


@pytest.mark.parametrize("store", ["Postgres", "ClickHouse"])
async def test_values_of_a_row_in_a_table_with_a_quoted_name(
    store: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    schema = "public." if store == "Postgres" else ""
    names = {"courses": f'{schema}"Courses"', "visits": f'{schema}\\"Visits of all\\"'}
    latest = "" if store == "Postgres" else ', latest="title"'
    model = load(tmp_path, MODEL.format(store=store, latest=latest, **names))
    first_of_march = Period(dt.date(2026, 3, 1), dt.date(2026, 3, 1))
    async with new_database() as new:
        run: Any = new.stores.postgres.execute if store == "Postgres" else new.stores.clickhouse.command
        for statement in POSTGRES if store == "Postgres" else CLICKHOUSE:
            await run(statement)
        answers = []
        for tenant in (1, 2):
            asker = Asker(model, new.stores, tenant)  # type: ignore[arg-type]
            answers.append(await asker.of("Course.seen", [tenant], period=first_of_march))
    assert answers == [{}, {2: (1, "UTC")}], "it was the second of March in Auckland"
