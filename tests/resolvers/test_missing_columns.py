"""Columns and tables that vanish while a model is served: their own fields are null, and nothing else is touched."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from deploy.analytics.data import load
from gateway.errors import COLUMN_UNAVAILABLE
from loaders.model.databases import Kind
from loaders.stores.errors import AccessDenied
from loaders.stores.protocols import Columns, TypedColumns
from tests.conftest import NewDatabase, Stores
from tests.loaders.objects.asking import DATA, NotedClickHouse
from tests.resolvers.missing import FIRST, SECOND, changed, check_missing, healed, hidden, process, renamed, unreadable

MEMBERS = """query($ids: [ID!]!) { membersByIds(ids: $ids) {
  id email tags nickname
  billing { invoices total median }
  activity { actions bytesSent p95Latency }
  activityRank { rank }
  usage { byMonth { month actions } byProject { events bytes project { name budget } } }
  recentEvents(first: 3) { sentAt kind latencyMs project { name } }
  invoices(first: 2) { totalCount nodes { id note plan { name price } lines { text amount } } }
  lastInvoice { id total }
  projects(first: 3) { name budget }
} }"""


@dataclass(frozen=True)
class Case:
    """A column that goes, or a table where it is empty; and by field of a member what is null for it."""

    kind: Kind
    table: str
    column: str
    fields: Mapping[str, str]

    def gone(self, stores: Stores) -> Any:
        if self.kind is Kind.POSTGRES:
            return renamed(stores.postgres, self.table, self.column)
        if self.column in ("workspace_id", "member_id", "sent_at"):
            return hidden(stores.clickhouse, self.table, self.column)
        return renamed(stores.clickhouse, self.table, self.column)


def same(*fields: str) -> dict[str, str]:
    return {field: field for field in fields}


PROJECTS = {"usage.byProject.project": "usage.byProject.project", "recentEvents.project": "recentEvents.project"}
OF_EVENTS = same("activity", "activityRank", "usage.byMonth", "usage.byProject", "recentEvents")
CASES = {
    "a column of a record": Case(Kind.POSTGRES, "app.members", "nick", same("nickname")),
    "one with a scope": Case(Kind.POSTGRES, "app.members", "email", same("email")),
    "one that rows of pages have": Case(Kind.POSTGRES, "billing.invoices", "note", same("invoices.nodes.note")),
    "one that links lead to": Case(
        Kind.POSTGRES, 'app."Projects"', '"Budget"', same("usage.byProject.project.budget", "projects.budget")
    ),
    "one that is never null": Case(
        Kind.POSTGRES, "billing.plans", "price", {"invoices.nodes.plan.price": "invoices.nodes.plan"}
    ),
    "a link": Case(Kind.POSTGRES, "billing.invoices", "plan_id", same("invoices.nodes.plan")),
    "the key of a list": Case(
        Kind.POSTGRES, "billing.invoice_lines", "invoice_id", {"invoices.nodes.lines": "invoices.nodes.lines"}
    ),
    "the order of a list": Case(Kind.POSTGRES, "billing.invoices", "issued_at", same("invoices", "lastInvoice")),
    "a table": Case(Kind.POSTGRES, "billing.plans", "", same("invoices.nodes.plan")),
    "one that another database needs": Case(Kind.POSTGRES, "app.members", "role", same("activityRank")),
    "what the tenant's periods depend on": Case(Kind.POSTGRES, "app.workspaces", "time_zone", same("usage.byMonth")),
    "what a list goes through": Case(Kind.POSTGRES, "app.project_members", "", same("projects")),
    "the tenant of a list": Case(Kind.POSTGRES, "app.project_members", "workspace_id", same("projects")),
    "a column among aggregates": Case(
        Kind.CLICKHOUSE, "events", "latency_ms", same("activity.p95Latency", "recentEvents.latencyMs")
    ),
    "one that is never null among aggregates": Case(
        Kind.CLICKHOUSE,
        "events",
        "bytes",
        {"activity.bytesSent": "activity", "usage.byProject.bytes": "usage.byProject"},
    ),
    "the condition of a list": Case(
        Kind.CLICKHOUSE, "events", "kind", {"usage.byMonth": "usage.byMonth", "recentEvents.kind": "recentEvents"}
    ),
    "a link of events": Case(Kind.CLICKHOUSE, "events", "project_id", same("usage.byProject", "recentEvents.project")),
    "the tenant of events": Case(Kind.CLICKHOUSE, "events", "workspace_id", OF_EVENTS),
    "the key of events": Case(Kind.CLICKHOUSE, "events", "member_id", OF_EVENTS),
    "the time of events": Case(Kind.CLICKHOUSE, "events", "sent_at", same("usage.byMonth", "recentEvents")),
    "a table of ClickHouse": Case(Kind.CLICKHOUSE, "events", "", OF_EVENTS),
}


@pytest.fixture(scope="module")
async def stores(new_database: NewDatabase) -> AsyncIterator[Stores]:
    """Both databases with the sample's data. Tests put back what they change."""
    async with new_database() as new:
        await load(DATA, new.stores.postgres, new.stores.clickhouse)
        yield new.stores


def below(root: str, fields: Mapping[str, str]) -> dict[str, str]:
    return {f"{root}.{field}": f"{root}.{null}".rstrip(".") for field, null in fields.items()}


@pytest.mark.parametrize("tenant", [FIRST, SECOND])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_what_is_missing_is_null_and_heals(stores: Stores, case: Case, tenant: str) -> None:
    async with process(stores) as item:
        whole, none = await item.answer(MEMBERS, tenant)
        assert none == []
        statements = len(item.asker().sent)
        fields = below("membersByIds", case.fields)
        async with case.gone(stores):
            failed = check_missing(await item.answer(MEMBERS, tenant), whole, fields)
            assert {each["store"] for each in failed.values()} == {case.kind.name.lower().replace("gres", "gresql")}
            item.asker().sent.clear()
            check_missing(await item.answer(MEMBERS, tenant), whole, fields)
            assert len(item.asker().sent) <= statements, "what is missing is not sent again"
        await healed(item)
        assert await item.answer(MEMBERS, tenant) == (whole, [])


PAGES = """query($filter: MemberFilter, $order: MemberOrder, $after: String) {
  members(first: 5, filter: $filter, orderBy: $order, after: $after) {
    totalCount edges { cursor } pageInfo { endCursor } nodes { id joinedOn nickname email } } }"""


async def test_pages_orders_filters_counts_cursors_and_look_ups(stores: Stores) -> None:
    async with process(stores) as item:
        filtered: dict[str, Any] = {"filter": {"emailPrefix": "member1"}}
        by_email: dict[str, Any] = {"order": {"field": "EMAIL"}}
        whole, filtered_whole = (await item.answer(PAGES))[0], (await item.answer(PAGES, **filtered))[0]
        cursor = (await item.answer(PAGES, **by_email))[0]["members"]["pageInfo"]["endCursor"]
        async with renamed(stores.postgres, "app.members", "email"):
            emails = {"members.nodes.email": "members.nodes.email"}
            check_missing(await item.answer(PAGES), whole, emails)
            for variables in (by_email, by_email | {"after": cursor}):
                data, errors = await item.answer(PAGES, **variables)
                assert data is None, "a page cannot be null"
                assert [error["extensions"]["section"] for error in errors] == ["Query.members"]
            data, errors = await item.answer(PAGES, **filtered)
            assert data is None
            only = await item.answer("""{ members(first: 5, filter: {emailPrefix: "member1"}) { totalCount } }""")
            assert only[0] is None
            check_missing(await item.answer(PAGES), whole, emails)
            look_up = """{ memberByEmail(email: "member1@example.org") { id } workspace { name members(first: 2) {
              totalCount nodes { id email } } } }"""
            data, errors = await item.answer(look_up)
            assert data["memberByEmail"] is None
            assert {error["extensions"]["section"] for error in errors} == {
                "Query.member_by_email",
                "Workspace.members",
            }
            assert data["workspace"]["members"]["totalCount"] == 320
        await healed(item)
        assert await item.answer(PAGES, **filtered) == (filtered_whole, [])
        assert await item.answer(PAGES) == (whole, [])


async def test_a_function_of_columns_fails_with_them(stores: Stores) -> None:
    async with process(stores) as item, renamed(stores.postgres, "app.members", "email"):
        data, errors = await item.answer("query($ids: [ID!]!) { membersByIds(ids: $ids) { id label } }")
        assert data == {"membersByIds": [None] * 31}, "a label is never null"
        assert errors[0]["path"] == ["membersByIds", 0, "label"]
        assert errors[0]["extensions"]["affected"] == 30


async def test_a_period_needs_the_tables_time(stores: Stores) -> None:
    query = """query($ids: [ID!]!) { membersByIds(ids: $ids) { id
      whole: activity { actions } some: activity(period: {from: "2026-02-01"}) { actions } } }"""
    async with process(stores) as item:
        whole, _ = await item.answer(query)
        async with hidden(stores.clickhouse, "events", "sent_at"):
            check_missing(await item.answer(query), whole, {"membersByIds.some": "membersByIds.some"})
        await healed(item)
        assert await item.answer(query) == (whole, [])


async def test_a_type_that_changed_fails_what_it_does_not_fit_and_heals_in_either_direction(stores: Stores) -> None:
    query = """query($ids: [ID!]!) { membersByIds(ids: $ids) { id billing { invoices total }
      invoices(first: 2, orderBy: {field: ISSUED_AT}) { nodes { id note } } } }"""
    alter = "alter table billing.invoices alter column total type"
    sums = below("membersByIds", same("billing.total"))
    async with process(stores) as item:
        whole, _ = await item.answer(query)
        async with changed(
            stores.postgres, [f"{alter} text using total::text"], [f"{alter} numeric(20, 6) using total::numeric"]
        ):
            check_missing(await item.answer(query), whole, sums)
            check_missing(await item.answer(query), whole, sums)
        await healed(item)
        assert await item.answer(query) == (whole, [])


async def test_a_column_that_comes_back_with_another_type_is_read_as_it_is(stores: Stores) -> None:
    query = "query($ids: [ID!]!) { membersByIds(ids: $ids) { id nickname } }"
    async with process(stores) as item:
        whole, _ = await item.answer(query)
        async with renamed(stores.postgres, "app.members", "nick"):
            check_missing(await item.answer(query), whole, {"membersByIds.nickname": "membersByIds.nickname"})
            async with changed(
                stores.postgres,
                ["alter table app.members add column nick varchar(20)", "update app.members set nick = nick_gone"],
                ["alter table app.members drop column nick"],
            ):
                await healed(item)
                assert await item.answer(query) == (whole, [])
            check_missing(await item.answer(query), whole, {"membersByIds.nickname": "membersByIds.nickname"})
        await healed(item)
        assert await item.answer(query) == (whole, [])


async def test_many_requests_at_once_share_one_examination(stores: Stores) -> None:
    async with renamed(stores.postgres, "app.members", "nick"):
        counts = []
        for tenants in ([FIRST], [FIRST, SECOND] * 10):
            async with process(stores, heals=False) as item:
                for _, errors in await asyncio.gather(*(item.answer(MEMBERS, tenant) for tenant in tenants)):
                    assert {error["path"][-1] for error in errors} == {"nickname"}
                counts.append(len(item.asker().described))
    assert counts[0] == counts[1] <= 12


async def test_objects_whose_own_table_is_missing_are_those_that_others_prove(stores: Stores) -> None:
    query = "query($ids: [ID!]!) { membersByIds(ids: $ids) { id nickname activity { actions } billing { invoices } } }"
    async with process(stores) as item:
        whole, _ = await item.answer(query)
        async with renamed(stores.postgres, "app.members", ""):
            data, errors = await item.answer(query)
            assert {error["extensions"]["code"] for error in errors} == {COLUMN_UNAVAILABLE}
            assert {error["extensions"]["section"] for error in errors} == {"Member.record"}
            for each, known in zip(data["membersByIds"], whole["membersByIds"], strict=True):
                assert each == (known and known | {"nickname": None})
        await healed(item)
        assert await item.answer(query) == (whole, [])


async def test_clients_are_told_nothing_of_the_database(stores: Stores) -> None:
    async with process(stores) as item, renamed(stores.postgres, "app.members", "nick"):
        _, errors = await item.answer("query($ids: [ID!]!) { membersByIds(ids: $ids) { id nickname } }")
        (error,) = errors
        assert error["message"] == "The store no longer has the data of this field in the form that the gateway reads."
        assert set(error["extensions"]) == {"code", "id", "section", "store", "affected"}


RIGHTS = {
    "a column": ("app.members", "nick", same("nickname", "activityRank")),
    "one that rows of pages have": ("billing.invoices", "note", same("invoices.nodes.note", "invoices.nodes.lines")),
    "the tenant of a list": ("app.project_members", "workspace_id", same("projects")),
    "a table": ("billing.plans", "", same("invoices.nodes.plan")),
}


@pytest.mark.parametrize("case", RIGHTS.values(), ids=RIGHTS)
async def test_what_the_account_may_not_read_is_null_and_heals(
    stores: Stores, case: tuple[str, str, Mapping[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    table, column, nulls = case
    async with process(stores) as item:
        whole, none = await item.answer(MEMBERS)
        assert none == []
        async with unreadable(stores.postgres, table, column):
            check_missing(await item.answer(MEMBERS), whole, below("membersByIds", nulls))
            assert item.faults is not None
            assert "permission denied" in item.faults.unreadable()[0].reason
            assert "permission denied for table" in caplog.text
        await healed(item)
        assert await item.answer(MEMBERS) == (whole, [])


@dataclass(slots=True)
class Withholding(NotedClickHouse):
    """ClickHouse whose account may not read a column, which is told of each statement that names it."""

    column: str = ""

    def _check(self, sql: str) -> None:
        if self.column and re.search(rf"(?<!\w){self.column}(?!\w)", sql):
            raise AccessDenied("clickhouse", "Not enough privileges.")

    async def columns(self, sql: str, parameters: Mapping[str, object]) -> Columns:
        self._check(sql)
        return await self.store.columns(sql, parameters)

    async def describe(self, sql: str, parameters: Mapping[str, object], *, reads_little: bool = False) -> TypedColumns:
        self._check(sql)
        return await self.store.describe(sql, parameters, reads_little=reads_little)


async def test_what_the_account_of_clickhouse_may_not_read_is_null_and_heals(stores: Stores) -> None:
    async with process(stores) as item:
        databases, store = item.asker().databases(), Withholding(stores.clickhouse, [])
        databases |= {each: store for each in databases if each.kind is Kind.CLICKHOUSE}
        whole, none = await item.answer(MEMBERS)
        assert none == []
        store.column = "latency_ms"
        nulls = below("membersByIds", same("activity.p95Latency", "recentEvents.latencyMs"))
        check_missing(await item.answer(MEMBERS), whole, nulls)
        store.column = ""
        await healed(item)
        assert await item.answer(MEMBERS) == (whole, [])


async def test_clickhouse_tells_of_rights(stores: Stores) -> None:
    with pytest.raises(AccessDenied, match="Not enough privileges"):
        await stores.clickhouse.command("create user somebody")
