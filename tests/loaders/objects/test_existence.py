"""Which objects exist while their own table cannot be asked."""

from pathlib import Path
from typing import Any

import pytest

from loaders.objects.existence import existing
from loaders.objects.object_record import ObjectRecord, make_records
from loaders.objects.section_error import SectionError
from loaders.statements.section_request import SectionRequest, section_request
from loaders.stores.errors import StoreUnavailable
from tests.loaders.model.models import load
from tests.models import loaded_model

MODEL = loaded_model("deploy.analytics.model")
GONE = StoreUnavailable("postgresql", "gone")
KEYS = ["a", "b", "c"]


def request(name: str) -> SectionRequest:
    return section_request(MODEL.bound_sections[name])


RECORD, ACTIVITY, RANK, EVENTS = map(
    request, ("Member.record", "Member.activity", "Member.activity_rank", "Member.recent_events")
)
ZEROS = ACTIVITY.section.empty
BUSY = (3, *ZEROS[1:])


def kinds(record: SectionRequest, values: dict[SectionRequest, Any]) -> list[str]:
    """Return what each object is: there, unknown, or an error."""
    names = {ObjectRecord: "there", SectionError: "error", type(None): "unknown"}
    return [names[type(each)] for each in existing(record, make_records(KEYS, values, range(3)))]


def test_the_record_says_what_exists() -> None:
    assert kinds(RECORD, {RECORD: [("a",), None, ("c",)], ACTIVITY: [BUSY] * 3}) == ["there", "unknown", "there"]


def test_nothing_is_nothing() -> None:
    assert existing(RECORD, []) == []


@pytest.mark.parametrize(
    ("proof", "values", "expected"),
    [
        (ACTIVITY, [BUSY, ZEROS, ZEROS], ["there", "error", "error"]),
        (ACTIVITY, [(0, *[None] * 6), ZEROS, BUSY], ["error", "error", "there"]),
        (RANK, [None, (0,), None], ["error", "there", "error"]),
        (EVENTS, [[], [("x",)], []], ["error", "there", "error"]),
        (EVENTS, [SectionError("Member.recent_events", GONE), [("x",)], []], ["error", "there", "error"]),
        (ACTIVITY, GONE, ["error"] * 3),
    ],
)
def test_any_section_with_rows_proves_it_and_made_up_rows_do_not(
    proof: SectionRequest, values: Any, expected: list[str]
) -> None:
    assert kinds(RECORD, {RECORD: GONE, proof: values}) == expected


def test_one_section_proves_what_another_does_not() -> None:
    values = {RECORD: GONE, ACTIVITY: [BUSY, ZEROS, ZEROS], EVENTS: [[], [("x",)], []]}
    assert kinds(RECORD, values) == ["there", "there", "error"]


def test_an_object_whose_record_alone_failed_is_an_error_unless_it_is_proven() -> None:
    error = SectionError("Member.record", GONE)
    values = {RECORD: [error, error, None], ACTIVITY: [BUSY, ZEROS, BUSY]}
    assert kinds(RECORD, values) == ["there", "error", "unknown"]


def test_the_error_names_the_record_and_is_one_for_all() -> None:
    first, second, _ = existing(RECORD, make_records(KEYS, {RECORD: GONE}, range(3)))
    assert isinstance(first, SectionError)
    assert (first.section, first.store, first.cause) == ("Member.record", "postgresql", GONE)
    assert first is second


TENANTS = '''
from __future__ import annotations
import fuseway as m

db, web = m.Postgres(), m.ClickHouse()
tenant = m.Tenant(claim="shop", column="shop", type=str)
shops = db.table("public.shops", tenant="key")
goods = db.table("public.goods")
parts = web.table("parts", tenant=m.everyones, latest="version")
sales = web.table("sales")
prices = web.table("prices", tenant=m.everyones)

class Count(m.Section, over=parts):
    """Counted."""
    n: int = m.sql("toInt32(count())", "How many.")

class Sold(m.Section, over=sales):
    """Sold."""
    n: int = m.sql("toInt32(count())", "How many.")

class Priced(m.Section, over=web.relation(f"select s.good as good, p.price as price from {sales.all} s, {prices.all} p")):
    """Sold at a price."""
    n: int = m.sql("toInt32(count())", "How many.")

class Good(m.Object, table=goods):
    """Of a tenant."""
    key: str = m.key()
    parts: Count = m.section("good")
    sold: Sold = m.section("good")
    priced: Priced = m.section("good")

class Part(m.Object, table=parts):
    """Everyone's."""
    key: str = m.key()
    uses: Count = m.section("part")

class Shop(m.Object, table=shops):
    """A tenant."""
    key: str = m.key()

class Query(m.Query):
    good: Good | None = m.by_key()
    part: Part | None = m.by_key()

model = m.Model("goods", query=Query, types=[Good, Part, Shop], tenant=tenant)
'''


def test_only_rows_of_the_tenant_prove_a_tenants_object(tmp_path: Path) -> None:
    model = load(tmp_path, TENANTS)

    def of(name: str) -> SectionRequest:
        return section_request(model.bound_sections[name])

    assert kinds(of("Good.record"), {of("Good.record"): GONE, of("Good.sold"): [(1,), (0,), (0,)]}) == [
        "there",
        "error",
        "error",
    ]
    for everyones in ("Good.parts", "Good.priced"):
        assert kinds(of("Good.record"), {of("Good.record"): GONE, of(everyones): [(1,)] * 3}) == ["error"] * 3
    assert kinds(of("Part.record"), {of("Part.record"): GONE, of("Part.uses"): [(1,)] * 3}) == ["there"] * 3
