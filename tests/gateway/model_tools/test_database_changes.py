"""Changes of databases between two readings, and what they mean for the API."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model_tools.changes import Change, Level
from gateway.model_tools.column_uses import ColumnUses
from gateway.model_tools.database_changes import database_changes
from loaders.catalog.catalog import Index
from loaders.model.loading import load_model
from tests.gateway.model_tools.checks.test_catalog_problems import SAMPLE, catalogs, column, without
from tests.gateway.model_tools.checks.test_catalog_problems import Change as CatalogChange

BREAKING, DANGEROUS, SAFE = Level.BREAKING, Level.DANGEROUS, Level.SAFE
MODEL = load_model(str(SAMPLE))


@pytest.mark.parametrize(
    ("table", "change", "expected"),
    [
        ("billing.plans", lambda _table: None, Change(BREAKING, "billing.plans", "is gone: all that is read of it fails.")),
        ("app.members", without("nick"), Change(BREAKING, "app.members.nick", "is gone, and read by Member.nickname.")),
        ("events", without("latency_ms"), Change(BREAKING, "events.latency_ms", "is gone, and read by Activity.p95_latency, Activity.slow_share, SentEvent.latency_ms.")),
        ("app.members", column("phone", "text", is_nullable=True), Change(SAFE, "app.members.phone", "is new (text): it is not in the API until the model names it.")),
        ("app.members", column("joined_on", "text"), Change(BREAKING, "app.members.joined_on", "was date, and is text: it is read by Member.joined_on, MemberOrder.joined_on.")),
        ("billing.plans", column("price", "numeric(20,2)"), Change(DANGEROUS, "billing.plans.price", "was numeric(12,2), and is numeric(20,2): it is read by Plan.price.")),
        ("app.members", column("joined_on", "date", is_nullable=True), Change(BREAKING, "app.members.joined_on", "may be null now, and a null fails Member.joined_on: say … | None.")),
        ("app.members", column("nick", "text"), Change(SAFE, "app.members.nick", "is never null any more.")),
        ("app.members", column("role", "app.role", labels=("guest", "editor-in-chief", "owner", "bot")), Change(DANGEROUS, "app.members.role", 'has the new label "bot", an error until the model\'s enum has it: it is read by Member.role, MemberFilter.role, MemberOrder.role, Member.activity_rank.')),
        ("app.members", column("role", "app.role", labels=("owner", "guest", "editor-in-chief")), Change(DANGEROUS, "app.members.role", "has its labels in another order: it is read by Member.role, MemberFilter.role, MemberOrder.role, Member.activity_rank.")),
        ("app.members", column("nick", "text", is_nullable=True, comment="Short."), Change(SAFE, "app.members.nick", "has another comment.")),
        ("app.members", lambda table: replace(table, unique=(("workspace_id", "id"),)), Change(DANGEROUS, "app.members", "no longer says that workspace_id, email is unique: a look-up by it may have several rows.")),
        ("billing.invoices", lambda table: replace(table, indexes=table.indexes[1:]), Change(DANGEROUS, "billing.invoices", "lost the index invoices_by_member (workspace_id, member_id, issued_at, id): requests may read more rows.")),
        ("app.members", lambda table: replace(table, indexes=(*table.indexes, Index("x", ("role",)))), Change(SAFE, "app.members", "has the new index x (role).")),
        ("events", lambda table: replace(table, sorting_key=("sent_at",)), Change(DANGEROUS, "events", "is sorted by (sent_at), and was by (workspace_id, member_id, sent_at).")),
        ("events", lambda table: replace(table, engine="ReplacingMergeTree"), Change(DANGEROUS, "events", "is stored in another way: its engine, partitions, or being a view.")),
    ],
)  # fmt: skip
def test_a_change_of_a_database_is_one_of_the_api(table: str, change: CatalogChange, expected: Change) -> None:
    assert database_changes(MODEL, catalogs({}), catalogs({table: change})) == [expected]


def test_a_column_that_the_model_does_not_name_concerns_nobody() -> None:
    with_phone = catalogs({"app.members": column("phone", "text")})
    assert database_changes(MODEL, with_phone, catalogs({})) == [
        Change(SAFE, "app.members.phone", "is gone; the model does not name it.")
    ]
    assert database_changes(MODEL, with_phone, with_phone) == []


def test_tables_links_and_conditions_name_columns_too() -> None:
    uses, tables = ColumnUses(MODEL), {table.name: table for table in MODEL.tables}
    assert "app.project_members" in uses.of(tables["app.project_members"], "workspace_id")
    assert "Member.projects" in uses.of(tables["app.project_members"], "member_id")
    assert "Invoice.plan" in uses.of(tables["billing.invoices"], "plan_id")
    assert "InvoiceFilter.has_note" in uses.of(tables["billing.invoices"], "note")
    assert "ActivityMonth" in uses.of(tables["events"], "kind")
    assert "billing.invoice_lines" in uses.of(tables["billing.invoices"], "id")
