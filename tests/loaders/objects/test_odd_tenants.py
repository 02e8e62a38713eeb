"""Tenants of odd texts, and tables that have their tenant from a parent, on real engines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from loaders.model.model import Model
from loaders.objects.section_error import SectionError
from tests.conftest import NewDatabase, Stores
from tests.loaders.model.models import load
from tests.loaders.objects.asking import Asker

MODEL = '''
from __future__ import annotations
import fuseway as m

db, web = m.Postgres("a"), m.ClickHouse("b")
notes = db.table("app.notes")
lines = db.table("app.lines", tenant=notes.via("note_id", key="line_id"))
events = web.table("events")


class Seen(m.Section, over=events):
    """How often."""

    times: int = m.sql("count()", "Times.")


class Note(m.Object, table=notes):
    """A note."""

    id: int = m.key()
    text: str
    seen: Seen = m.section("note_id")


class Line(m.Object, table=lines):
    """A line, whose model names a column of the parent that only the line has."""

    line_id: int = m.key()


class Query(m.Query):
    """Where every query begins."""

    note: Note | None = m.by_key()
    line: Line | None = m.by_key()


model = m.Model("odd", query=Query, types=[Note, Line], tenant=m.Tenant(claim="tenant", column="tenant", type=str))
'''
TENANTS = [
    "a",
    "A",
    "a ",
    " a",
    "a:b",
    "a%3Ab",
    "a@b*",
    "it's",
    'say "it"',
    "back\\slash",
    "back\\\\slash",
    "\t",
    "\\t",
    "\n",
    "\\n",
    "\\N",
    "null",
    "' or true --",
    "{tenant}",
    "$1",
    "Z\u00fcrich",
    "Zu\u0308rich",
    "\U0001f600",
    "x" * 120,
    "x" * 121,
]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder: Path = tmp_path_factory.mktemp("odd")
    return load(folder, MODEL)


@pytest.fixture(scope="module")
async def odd_stores(new_database: NewDatabase) -> AsyncIterator[Stores]:
    """A note and its events of each tenant, all with the same key. Read them, never change them."""
    async with new_database() as new:
        postgres, clickhouse = new.stores
        await postgres.execute("create schema app")
        await postgres.execute("create table app.notes (tenant text, id integer, text text)")
        await postgres.execute("create table app.lines (note_id integer, line_id integer)")
        await clickhouse.command(
            "create table events (tenant String, note_id Int32) engine = MergeTree order by tenant"
        )
        for place, tenant in enumerate(TENANTS):
            await postgres.execute("insert into app.notes values ($1, 1, $2)", tenant, f"note {place}")
        await postgres.execute("insert into app.lines values (7, 7)")
        rows = [tenant for place, tenant in enumerate(TENANTS) for _ in range(place + 1)]
        await clickhouse.insert("events", ["tenant", "note_id"], [rows, [1] * len(rows)])
        yield new.stores


@pytest.mark.parametrize("place", range(len(TENANTS)))
async def test_each_tenant_is_told_apart_whatever_its_text(odd: Model, odd_stores: Stores, place: int) -> None:
    asker = Asker(odd, odd_stores, TENANTS[place])
    assert await asker.of("Note.record", [1]) == {1: (1, f"note {place}")}
    assert await asker.of("Note.seen", [1]) == {1: (place + 1,)}


async def test_a_column_that_the_parent_lacks_is_not_looked_for_in_the_child(odd: Model, odd_stores: Stores) -> None:
    """The line is of no tenant; by its own column in the place of the parent's, it would be everyone's."""
    asker = Asker(odd, odd_stores, "a")
    with pytest.raises(SectionError, match=r"column fw_parent\.line_id does not exist"):
        await asker.of("Line.record", [7])
