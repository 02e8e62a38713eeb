"""Pages and lists on real databases: every walk by cursors is the whole list, whatever the order."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from deploy.analytics.data import AnalyticsData
from loaders.statements.planning import plan
from loaders.statements.section_request import SectionRequest
from tests.conftest import NewDatabase, Stores
from tests.loaders.model.models import load
from tests.loaders.objects.asking import MEMBERS, Asker
from tests.loaders.statements import truth

BOTH = """
from __future__ import annotations
import datetime as dt
from decimal import Decimal
import fuseway as m

records, events = m.Postgres(), m.ClickHouse()
OFTEN = m.Freshness(60, 600, 3600)
things = {database}.table("{table}", freshness=OFTEN{options})

class ThingOrder(m.Order, default="at"):
    at = m.by("at", nulls="{nulls}")
    price = m.by("price", nulls="{nulls}")
    label = m.by("label")
    dear = m.by("coalesce(price, -1)", type=Decimal, nulls="never")

class Thing(m.Object, table=things):
    id: int = m.key()
    at: dt.datetime | None
    price: Decimal | None
    label: str

class Query(m.Query):
    thing: Thing | None = m.by_key()
    things: m.Page[Thing] = m.page(order=ThingOrder, first=7)

model = m.Model("things", query=Query, types=[Thing])
"""
_BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_LABELS = ("a", "B", "ä", "x'y\\z", "")


def _things() -> list[tuple[int, dt.datetime | None, Decimal | None, str]]:
    """Ties, nulls, and values that differ in the last microsecond or the eighteenth digit."""
    return [
        (
            number,
            None if number % 7 == 0 else _BEGIN + dt.timedelta(microseconds=number % 5),
            None if number % 11 == 0 else Decimal(number % 6) / 10**18 + 10**15,
            _LABELS[number % len(_LABELS)],
        )
        for number in range(60)
    ]


THINGS = _things()


@pytest.fixture(scope="module")
async def stores(new_database: NewDatabase) -> AsyncIterator[Stores]:
    """A table of the same rows in both databases."""
    async with new_database() as new:
        async with new.stores.postgres.session() as session:
            await session.execute(
                'create table things (id integer primary key, at timestamptz, price numeric, label text collate "C")'
            )
            await session.copy_records("things", ("id", "at", "price", "label"), THINGS)
        await new.stores.clickhouse.command(
            "create table things (id Int32, at Nullable(DateTime64(6, 'UTC')), price Nullable(Decimal(38, 18)),"
            " label String, version UInt8) engine = MergeTree order by id"
        )
        old = [(row[0], _BEGIN, Decimal(7), "of another version", 1) for row in THINGS]
        columns = list(zip(*old, *((*row, 2) for row in THINGS), strict=True))
        await new.stores.clickhouse.insert("things", ["id", "at", "price", "label", "version"], columns)
        yield new.stores


def _sorted(nulls_first: bool, column: int, *, is_descending: bool) -> list[int]:
    """Ids in the order of a column, then of the key in the same direction; nulls in their place."""
    there = sorted((row for row in THINGS if row[column] is not None), key=lambda row: (row[column], row[0]))
    missing = sorted((row for row in THINGS if row[column] is None), key=lambda row: row[0])
    if is_descending:
        there, missing = there[::-1], missing[::-1]
    return [row[0] for row in (missing + there if nulls_first else there + missing)]


async def _walk(asker: Asker, name: str, key: Any, request: Callable[..., SectionRequest]) -> list[tuple[Any, ...]]:
    """Walk all pages by the values of the order behind the last row of each."""
    rows: list[tuple[Any, ...]] = []
    after: Sequence[Any] = ()
    width = len(asker.model.bound_sections[name].columns)
    while True:
        each = request(after=tuple(after))
        (record,) = await asker.records([key], [each])
        page = record.get(each)
        rows += [row[:width] for row in page[: each.first]]
        if len(page) <= each.first:
            return rows
        after = page[each.first - 1][width:]


@pytest.mark.parametrize("database", ["records", "events"])
@pytest.mark.parametrize("nulls", ["first", "last"])
@pytest.mark.parametrize("is_descending", [False, True], ids=["ascending", "descending"])
@pytest.mark.parametrize(("member", "column"), [("at", 1), ("price", 2), ("label", 3)])
async def test_a_walk_through_pages_is_the_whole_list(
    tmp_path: Path, stores: Stores, database: str, nulls: str, is_descending: bool, member: str, column: int
) -> None:
    table, options = ("things", ', latest="version"') if database == "events" else ("public.things", "")
    model = load(tmp_path, BOTH.format(table=table, database=database, nulls=nulls, options=options))
    asker = Asker(model, stores)
    section = model.bound_sections["Query.things"]
    order = section.with_tie_break((section.orders[member].term(is_descending=is_descending),))
    for first in (1, 7, 60):
        walked = await _walk(
            asker,
            "Query.things",
            (),
            lambda after, first=first: asker.request("Query.things", first=first, order=order, after=after),
        )
        expected = _sorted(nulls == "first", column, is_descending=is_descending)
        assert [row[0] for row in walked] == expected
        assert {row[0]: (row[1], row[2] and Decimal(row[2]), row[3]) for row in walked} == {
            row[0]: row[1:] for row in THINGS
        }


@pytest.mark.parametrize("database", ["records", "events"])
@pytest.mark.parametrize("is_descending", [False, True], ids=["ascending", "descending"])
async def test_rows_behind_one_are_compared_at_once_where_no_term_is_null(
    tmp_path: Path, stores: Stores, database: str, is_descending: bool
) -> None:
    table, options = ("things", ', latest="version"') if database == "events" else ("public.things", "")
    asker = Asker(load(tmp_path, BOTH.format(table=table, database=database, nulls="last", options=options)), stores)
    section = asker.model.bound_sections["Query.things"]
    order = section.with_tie_break((section.orders["dear"].term(is_descending=is_descending),))

    def request(after: Sequence[Any]) -> SectionRequest:
        return asker.request("Query.things", first=7, order=order, after=after)

    walked = await _walk(asker, "Query.things", (), request)
    prices = {row[0]: Decimal(-1) if row[2] is None else row[2] for row in THINGS}
    assert [row[0] for row in walked] == sorted(prices, key=lambda key: (prices[key], key), reverse=is_descending)
    (statement,) = plan([request((Decimal(0), 1))])
    assert f"{'<' if is_descending else '>'} (" in statement.sql
    assert " or " not in statement.sql


@pytest.mark.parametrize("member", ["issued_at", "total"])
@pytest.mark.parametrize("is_descending", [False, True], ids=["ascending", "descending"])
async def test_pages_of_objects_are_walked(asker: Asker, own: AnalyticsData, member: str, is_descending: bool) -> None:
    section = asker.model.bound_sections["Member.invoices"]
    order = section.with_tie_break((section.orders[member].term(is_descending=is_descending),))
    (busy,) = [max(MEMBERS, key=lambda key: sum(str(row["member_id"]) == key for row in own.invoices))]
    rows = [row for row in own.invoices if str(row["member_id"]) == busy]
    rows.sort(key=lambda row: (row[member], row["id"]), reverse=is_descending)
    walked = await _walk(
        asker,
        "Member.invoices",
        busy,
        lambda after: asker.request("Member.invoices", first=2, order=order, after=after),
    )
    assert [row[0] for row in walked] == [row["id"] for row in rows]


@pytest.mark.parametrize(
    ("filters", "condition"),
    [
        ({"issued_from": dt.datetime(2026, 3, 1, tzinfo=dt.UTC)}, lambda row: row["issued_at"].month >= 3),
        ({"issued_before": dt.datetime(2026, 2, 1, tzinfo=dt.UTC)}, lambda row: row["issued_at"].month == 1),
        ({"at_most": "500.5"}, lambda row: row["total"] <= Decimal("500.5")),
        ({"total": ("500.5", None)}, lambda row: row["total"] >= Decimal("500.5")),
        ({"total": ("100", "900.000001")}, lambda row: 100 <= row["total"] <= Decimal("900.000001")),
        ({"plan": (1, 3)}, lambda row: row["plan_id"] in (1, 3)),
        ({"has_note": True, "plan": (2,)}, lambda row: row["note"] is not None and row["plan_id"] == 2),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
async def test_filters_narrow_a_page_and_its_count(
    asker: Asker, own: AnalyticsData, filters: dict[str, Any], condition: Callable[[Any], bool]
) -> None:
    own.invoices = [row for row in own.invoices if condition(row)]
    result = await asker.of("Member.invoices", MEMBERS, first=200, filters=filters)
    expected = truth.invoices(own, 200)
    assert {key: [row[:6] for row in rows] for key, rows in result.items()} == expected
    counts = await asker.of("Member.invoices.count", MEMBERS, filters=filters)
    assert counts == {key: (len(rows),) for key, rows in expected.items()}


@pytest.mark.parametrize(
    ("filters", "condition"),
    [
        ({"role": ("EDITOR", "OWNER")}, lambda row: row["role"] != "guest"),
        ({"email_prefix": "member1"}, lambda row: (row["email"] or "").startswith("member1")),
        ({"email": "member7@example.org"}, lambda row: row["email"] == "member7@example.org"),
        ({"tag": "x'y"}, lambda row: "x'y" in row["tags"]),
        ({"has_email": False}, lambda row: row["email"] is None),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
async def test_filters_of_every_kind_narrow_a_page_of_all_objects(
    asker: Asker, own: AnalyticsData, filters: dict[str, Any], condition: Callable[[Any], bool]
) -> None:
    expected = sorted((row["joined_on"], str(row["id"])) for row in own.members if condition(row))
    result = await asker.of("Query.members", [()], first=1_000, filters=filters)
    assert [(row[-2], row[-1]) for row in result.get((), [])] == expected
    counted = {(): (len(expected),)} if expected else {}
    assert await asker.of("Query.members.count", [()], filters=filters) == counted


async def test_pages_of_everything_have_one_row_set_for_each_tenant(asker: Asker, own: AnalyticsData) -> None:
    walked = await _walk(
        asker, "Query.members", (), lambda after: asker.request("Query.members", first=50, after=after)
    )
    expected = sorted((row["joined_on"], str(row["id"])) for row in own.members)
    assert [row[0] for row in walked] == [key for _, key in expected]
