"""Columns and tables that vanish while a model is served: their own fields are null, and nothing else is touched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from deploy.analytics.data import load
from loaders.model.databases import Kind
from tests.conftest import NewDatabase, Stores
from tests.loaders.objects.asking import DATA
from tests.resolvers.missing import FIRST, SECOND, check_missing, healed, hidden, process, renamed

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
