"""Objects of the analytics model on real databases, against the truth in plain Python, tenant by tenant."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from deploy.analytics.data import ZONES, AnalyticsData
from loaders.objects.request_loaders import RequestLoaders
from loaders.statements.section_request import Period
from tests.loaders.objects.asking import DATA, MEMBERS, NOBODY, PROJECTS, TENANTS, Asker
from tests.loaders.statements import truth

SPRING = Period(dt.date(2026, 2, 28), dt.date(2026, 3, 31))
EVERYTHING = [
    "Member.record",
    "Member.activity",
    "Member.activity_rank",
    "Member.billing",
    "Member.invoices",
    "Member.last_invoice",
    "Member.projects",
    "Member.recent_events",
    "Member.usage.activity",
    "Member.usage.by_month",
    "Member.usage.by_project",
]


def _zone(tenant: UUID) -> str:
    return ZONES[TENANTS.index(tenant)]


def _within(own: AnalyticsData, zone: str) -> AnalyticsData:
    """Keep the events of the spring by a zone's calendar."""
    start, end = SPRING.start, SPRING.end
    assert start is not None
    assert end is not None
    own.events = [row for row in own.events if start <= row["sent_at"].astimezone(ZoneInfo(zone)).date() <= end]
    return own


@pytest.mark.parametrize("count", [1, 2, 300])
async def test_all_sections_at_once_are_those_of_the_truth(
    asker: Asker, own: AnalyticsData, tenant: UUID, count: int
) -> None:
    requests = {name: asker.request(name) for name in EVERYTHING}
    records = await asker.records([*MEMBERS[:count], NOBODY], list(requests.values()))
    expected = {
        "Member.activity": truth.activity(own, "member_id"),
        "Member.activity_rank": truth.ranks(own),
        "Member.billing": truth.billing(own),
        "Member.projects": truth.projects(own),
        "Member.recent_events": truth.recent(own, 10),
        "Member.usage.activity": truth.activity(own, "member_id"),
        "Member.usage.by_month": truth.months(own, _zone(tenant)),
        "Member.last_invoice": truth.invoices(own, 1),
    }
    for name, answer in expected.items():
        section, request = requests[name].section, requests[name]
        nothing: Any = [] if request.is_list else None if section.is_nullable else section.empty
        assert [each.get(request) for each in records] == [answer.get(each.key, nothing) for each in records], name
    known = [each.get(requests["Member.record"]) is not None for each in records]
    assert known == [True] * count + [False]


async def test_a_query_of_all_sections_takes_as_many_statements_for_one_as_for_three_hundred(asker: Asker) -> None:
    requests = [asker.request(name) for name in EVERYTHING]
    await asker.records(MEMBERS[:1], requests)
    few = sorted(asker.sent)
    asker.sent.clear()
    await asker.records(MEMBERS[:300], requests)
    assert sorted(asker.sent) == few
    # PostgreSQL: the tenant's zone; members, invoices as sums, two lists of invoices, projects; peers for the rank.
    # ClickHouse: events of members as sums and as lists, and all events for the rank.
    assert [store for store, _ in few].count("clickhouse") == 3
    assert [store for store, _ in few].count("postgresql") == 7


async def test_a_period_is_of_the_tenants_own_days(asker: Asker, own: AnalyticsData, tenant: UUID) -> None:
    own = _within(own, _zone(tenant))
    assert await asker.of("Member.activity", MEMBERS, period=SPRING) == truth.activity(own, "member_id")
    result = await asker.of("Member.usage.by_month", MEMBERS, period=SPRING, arguments={"timeZone": "UTC"})
    assert result == truth.months(own, "UTC")


async def test_requests_that_differ_in_arguments_share_a_statement(asker: Asker, own: AnalyticsData) -> None:
    few, many = (asker.request("Member.activity", arguments={"slowMs": bound}) for bound in (100, 1_900))
    records = await asker.records(MEMBERS, [few, many])
    assert [store for store, _ in asker.sent] == ["clickhouse"]
    for request, bound in ((few, 100), (many, 1_900)):
        expected = truth.activity(own, "member_id", bound)
        nothing = request.section.empty
        assert [each.get(request) for each in records] == [expected.get(each.key, nothing) for each in records]


async def test_months_of_two_zones_share_a_statement_and_not_their_groups(asker: Asker, own: AnalyticsData) -> None:
    zones = ("Pacific/Auckland", "America/Anchorage")
    requests = [asker.request("Member.usage.by_month", arguments={"timeZone": zone}) for zone in zones]
    records = await asker.records(MEMBERS, requests)
    assert [store for store, _ in asker.sent] == ["clickhouse"]
    for request, zone in zip(requests, zones, strict=True):
        expected = truth.months(own, zone)
        assert [each.get(request) for each in records] == [expected.get(each.key, []) for each in records]


async def test_an_enum_chooses_the_order_of_each_request(asker: Asker, own: AnalyticsData) -> None:
    by_bytes, by_events = (
        asker.request("Member.usage.by_project", first=3, arguments={"by": name}) for name in ("BYTES", "EVENTS")
    )
    records = await asker.records(MEMBERS, [by_bytes, by_events])
    expected = truth.project_use(own, lambda rows: sum(row["bytes"] for row in rows), 3)
    assert [each.get(by_bytes) for each in records] == [expected.get(each.key, []) for each in records]
    for each in records:
        counts = [row[2] for row in each.get(by_events)]
        assert counts == sorted(counts, reverse=True)


async def test_keys_of_several_parts_are_loaded(asker: Asker, own: AnalyticsData) -> None:
    lines = [(row["invoice_id"], row["line_no"]) for row in DATA.invoice_lines]
    result = await asker.of("InvoiceLine.record", lines)
    names = ("invoice_id", "line_no", "text", "amount")
    rows = [truth.canonical(tuple(row[name] for name in names)) for row in own.invoice_lines]
    assert result == {row[:2]: row for row in rows}


async def test_a_unique_column_finds_its_object(asker: Asker, own: AnalyticsData) -> None:
    emails = [row["email"] for row in DATA.members if row["email"] is not None]
    result = await asker.of("Query.member_by_email", [*dict.fromkeys(emails), "nobody@example.org"])
    assert {email: row[0] for email, row in result.items()} == {
        row["email"]: str(row["id"]) for row in own.members if row["email"] is not None
    }


async def test_another_tenants_objects_are_unknown(asker: Asker, own: AnalyticsData) -> None:
    strange = [row["id"] for row in DATA.invoices if row not in own.invoices]
    assert await asker.of("Invoice.record", strange) == {}
    assert await asker.of("Invoice.lines", strange) == {}
    assert await asker.of("Workspace.record", [str(each) for each in TENANTS if str(each) != asker.tenant]) == {}


async def test_objects_of_everyones_tables_are_each_tenants(asker: Asker) -> None:
    plans = {row["id"]: (row["id"], row["name"], str(row["price"])) for row in DATA.plans}
    assert await asker.of("Plan.record", [1, 2, 3, 4]) == plans


async def test_projects_are_loaded_beside_members(asker: Asker, own: AnalyticsData) -> None:
    assert await asker.of("Project.activity", PROJECTS) == truth.activity(own, "project_id")


async def test_the_tenants_zone_is_read_once_for_all_that_is_loaded_at_a_time(asker: Asker) -> None:
    months, project = asker.request("Member.usage.by_month"), asker.request("Project.activity", period=SPRING)
    loaders = RequestLoaders.over(asker.model, asker.databases(), tenant=asker.scope())
    await asyncio.gather(
        loaders.objects.load((months.section.key_space, (MEMBERS[0],), frozenset([months]))),
        loaders.objects.load((project.section.key_space, (PROJECTS[0],), frozenset([project]))),
    )
    assert [sql.count("app.workspaces") for _, sql in asker.sent].count(1) == 1
