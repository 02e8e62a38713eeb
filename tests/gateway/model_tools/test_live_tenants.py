"""Rows of other tenants, and tables that no model declares: plans prove that a statement reads neither."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.analytics.data import load as load_analytics
from deploy.analytics.data import make
from loaders.model.databases import Table
from loaders.model.loading import load_model
from loaders.statements import clickhouse, planning
from loaders.statements.request_shape import RequestShape
from loaders.statements.row_sources import RowsWriter, StatementRules
from loaders.statements.statement_text import StatementText
from tests.conftest import NewDatabase, Stores
from tests.gateway.model_tools import edges
from tests.gateway.model_tools.conftest import reading
from tests.gateway.model_tools.shop import edited_problems, problems_of
from tests.loaders.model.models import load

_TABLES = ("app.members", "app.workspaces", 'app."Projects"', "app.project_members", "billing.invoices", "events")


@pytest.fixture(scope="module")
async def analytics_stores(new_database: NewDatabase) -> AsyncIterator[Stores]:
    """The analytics sample. Read it, never change it."""
    async with new_database() as new:
        await load_analytics(make(), *new.stores)
        stores = await reading(new)
        try:
            yield stores
        finally:
            await stores.postgres.close()
            await stores.clickhouse.close()


@pytest.fixture(autouse=True)
def _forget_statements() -> Any:
    """Forget the text of statements, which a test has had written in another way."""
    yield
    planning._text.cache_clear()
    planning._planned.cache_clear()


async def test_the_analytics_sample_has_no_problem(analytics_stores: Stores) -> None:
    assert await problems_of(load_model("deploy.analytics.model"), analytics_stores) == []


async def test_the_fleet_has_no_problem(sample_stores: Stores) -> None:
    model = load_model("deploy.fleet.model")
    assert await problems_of(model, sample_stores) == []


async def test_a_section_that_is_refused_among_others_alone_is_found(
    analytics_stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = clickhouse.fused

    def fused(shapes: Sequence[RequestShape], rules: StatementRules) -> StatementText:
        text = written(shapes, rules)
        is_odd = len(shapes) > 1 and any(shape.section.name == "Member.usage.by_month" for shape in shapes)
        return replace(text, sql=f"{text.sql}, nothing") if is_odd else text

    monkeypatch.setattr(clickhouse, "fused", fused)

    problems = await problems_of(load_model("deploy.analytics.model"), analytics_stores)

    without_period = [each for each in problems if "Member.recent_events" in each.message]
    assert [each.subject for each in without_period] == ["Usage.by_month"]
    assert "together with others (Member.recent_events, Member.usage.by_month" in without_period[0].message
    # with a period there are two, either of which is good alone
    assert {each.subject for each in problems} == {"Usage.by_month", "Usage.by_project"}


@pytest.mark.parametrize("name", _TABLES)
async def test_a_table_that_is_not_narrowed_to_the_tenant_is_found(
    name: str, analytics_stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = RowsWriter._tenant
    monkeypatch.setattr(
        RowsWriter, "_tenant", lambda self, table, alias: [] if table.name == name else written(self, table, alias)
    )
    model = load_model("deploy.analytics.model")

    problems = await problems_of(model, analytics_stores)

    reading_it = {
        section.name for section in model.bound_sections.values() if name in {table.name for table in section.tables}
    }
    assert problems
    names = (name, "billing.invoice_lines") if name == "billing.invoices" else (name,)  # the tenant of lines is theirs
    told = tuple(f"reads {each}, and its plan has no condition that narrows" for each in names)
    assert all(any(text in each.message for text in told) for each in problems)
    assert len(problems) >= len({each.partition(".")[0] for each in reading_it})


async def test_a_child_without_its_parents_tenant_is_found(
    analytics_stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, written = "billing.invoice_lines", RowsWriter._tenant
    monkeypatch.setattr(
        RowsWriter, "_tenant", lambda self, table, alias: [] if table.name == name else written(self, table, alias)
    )

    problems = await problems_of(load_model("deploy.analytics.model"), analytics_stores)

    assert [each.subject for each in problems] == ["Invoice.lines", "InvoiceLine"]
    assert all("by a row of its parent" in each.message for each in problems)


async def test_a_condition_that_holds_for_some_rows_alone_is_no_proof(
    analytics_stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = RowsWriter._tenant

    def loosened(self: RowsWriter, table: Table, alias: str) -> list[str]:
        own = written(self, table, alias)
        column = {"app.members": "nick", "events": "kind"}.get(table.name)
        return [f"({each} or {column} = 'x')" for each in own] if column else own

    monkeypatch.setattr(RowsWriter, "_tenant", loosened)

    problems = await problems_of(load_model("deploy.analytics.model"), analytics_stores)

    assert {"Member", "Member.activity", "Query.members"} <= {each.subject for each in problems}


@pytest.fixture(scope="module")
async def edges_stores(new_database: NewDatabase) -> AsyncIterator[Stores]:
    """Tables with partitions, versions and views. Read them, never change them."""
    async with new_database() as new:
        async with new.stores.postgres.session() as session:
            await session.execute_script(edges.POSTGRES)
        for statement in edges.CLICKHOUSE:
            await new.stores.clickhouse.command(statement)
        stores = await reading(new)
        try:
            yield stores
        finally:
            await stores.postgres.close()
            await stores.clickhouse.close()


async def test_partitions_versions_views_and_parents_of_parents_are_proven(
    edges_stores: Stores, tmp_path: Path
) -> None:
    assert await problems_of(load(tmp_path, edges.MODEL), edges_stores) == []


@pytest.mark.parametrize("name", ["orders", "parts", "lines", "notes", "busy", "visits", "hits", "seen"])
async def test_each_of_them_is_found_where_it_is_not_narrowed(
    name: str, edges_stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = RowsWriter._tenant
    monkeypatch.setattr(
        RowsWriter,
        "_tenant",
        lambda self, table, alias: [] if table.name.endswith(name) else written(self, table, alias),
    )

    problems = await problems_of(load(tmp_path, edges.MODEL), edges_stores)

    assert any(f"{name}, and its plan has no condition" in each.message for each in problems)


_NOTES = '''
from __future__ import annotations
import fuseway as m

notes = m.Postgres("a").table("app.notes")
events = m.ClickHouse("b").table("events")

class Seen(m.Section, over=events):
    """How often."""
    times: int = m.sql("count()", "Times.")

class Note(m.Object, table=notes):
    """A note."""
    id: int = m.key()
    seen: Seen = m.section("note_id")

class Query(m.Query):
    """Where every query begins."""
    note: Note | None = m.by_key()

model = m.Model("odd", query=Query, types=[Note], tenant=m.Tenant(claim="tenant", column="tenant", type=str))
'''


async def test_tenants_of_odd_texts_are_no_problem(new_database: NewDatabase, tmp_path: Path) -> None:
    async with new_database() as new:
        postgres, clickhouse = new.stores
        await postgres.execute("create schema app")
        await postgres.execute("create table app.notes (tenant varchar(20), id integer)")
        await postgres.execute("insert into app.notes values ($1, 1), ($2, 2)", "it's\n\\", "O'Neill )'AND(")
        await clickhouse.command("create table events (tenant LowCardinality(String), note_id Int32) engine = Memory")

        assert await problems_of(load(tmp_path, _NOTES), new.stores) == []


async def test_a_table_that_is_not_declared_is_found(
    shop_stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = RowsWriter.table
    hidden = {"app.accounts": "(select *, text as name from app.secrets)", "events": "(select * from system.numbers)"}
    monkeypatch.setattr(RowsWriter, "table", lambda self, table: hidden.get(table.name) or written(self, table))

    problems = await edited_problems(
        tmp_path,
        shop_stores,
        ("id: UUID = m.key()", "id: m.BigInt = m.key()"),
        ("type=UUID, ", "type=m.BigInt, "),
    )

    declared = [each.message for each in problems if "does not declare" in each.message]
    assert any("reads app.secrets, which the model does not declare" in each for each in declared)


async def test_a_sub_select_that_clickhouse_does_not_show_is_found(shop_stores: Stores, tmp_path: Path) -> None:
    arrays = "where has((select groupArray(order_id) from {events.all}), p.id) group by p.id"

    (problem,) = await edited_problems(tmp_path, shop_stores, ("group by p.id", arrays))

    assert problem.subject == "Order.rank"
    assert "reads a scalar sub-select, whose value is an array or the like" in problem.message
