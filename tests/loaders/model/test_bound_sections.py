"""Bound sections: what a model is lowered to, with tables, freshness, scopes, orders, filters and arguments."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.analytics import model as analytics
from loaders.model.bound_sections import BoundSection
from loaders.model.bound_tables import OwnTenant, ParentTenant
from loaders.model.databases import everyones
from loaders.model.filter_conditions import FilterOperator
from loaders.model.key_spaces import KeySpace
from loaders.model.keys import Key
from loaders.model.order_terms import OrderTerm
from loaders.model.scalars import BIG_INTEGER, INSTANT, TEXT, UNIQUE_ID
from loaders.model.shapes import Cardinality
from tests.loaders.model.models import RIGHT, load
from tests.models import loaded_model

ANALYTICS, FLEET = loaded_model("deploy.analytics.model"), loaded_model("deploy.fleet.model")
SECTIONS = ANALYTICS.bound_sections


def _order(terms: tuple[OrderTerm, ...]) -> list[str]:
    return [f"{term.expression.shown()}{term.suffix}" for term in terms]


def test_each_thing_that_is_loaded_is_a_section() -> None:
    assert [name for name in SECTIONS if name.startswith(("Member.", "Query."))] == [
        "Member.record",
        "Member.invoices",
        "Member.invoices.count",
        "Member.last_invoice",
        "Member.projects",
        "Member.billing",
        "Member.activity",
        "Member.activity_rank",
        "Member.recent_events",
        "Member.usage.activity",
        "Member.usage.by_month",
        "Member.usage.by_project",
        "Query.member_by_email",
        "Query.members",
        "Query.members.count",
    ]


def test_fields_of_mixins_come_first_and_a_word_may_stand_behind_several(tmp_path: Path) -> None:
    mixin = """day = m.sql("min(day)", "A day.")

class Dated:
    first_day: dt.date | None = day
    events: int = m.sql("0", "None.")

class Use(Dated, m.Section"""
    text = RIGHT.replace("class Use(m.Section", mixin).replace(
        "    p95: float", "    last_day: dt.date | None = day\n    p95: float"
    )
    use = load(tmp_path, text).bound_sections["Order.use"]
    assert [(column.name, column.sql.shown()) for column in use.columns[:3]] == [
        ("first_day", "min(day)"),
        ("events", "count()"),
        ("last_day", "min(day)"),
    ]


def test_a_look_up_answers_the_record_by_another_key() -> None:
    look_up, record = SECTIONS["Query.member_by_email"], SECTIONS["Member.record"]
    assert look_up.key_space == KeySpace("Query.member_by_email", Key((), ()))  # compared by name
    assert look_up.key == Key(("email",), (TEXT,))
    assert look_up.columns is record.columns
    assert (look_up.target, look_up.key_columns) == ("Member", ("email",))


def test_a_page_has_the_empty_key_and_its_count_the_same_filters() -> None:
    page, count = SECTIONS["Query.members"], SECTIONS["Query.members.count"]
    assert page.key == count.key == Key((), ())
    assert page.key_columns == ()
    assert page.columns is SECTIONS["Member.record"].columns
    assert count.filters is page.filters
    assert (count.cardinality, count.empty, count.is_row) == (Cardinality.ONE, (0,), False)
    assert [column.sql.shown() for column in count.columns] == ["count(*)"]


def test_an_order_ends_in_the_key_and_runs_in_one_direction() -> None:
    invoices = SECTIONS["Member.invoices"]
    assert _order(invoices.default_order) == ['"issued_at" desc nulls last', '"id" desc nulls last']
    assert [term.scalar for term in invoices.default_order] == [INSTANT, BIG_INTEGER]
    assert _order(SECTIONS["Member.last_invoice"].default_order) == _order(invoices.default_order)
    chosen = invoices.with_tie_break((invoices.orders["total"].term(is_descending=True, nulls_first=True),))
    assert _order(chosen) == ['"total" desc nulls first', '"id" desc nulls last']


def test_groups_are_ordered_by_their_columns_behind_what_is_said() -> None:
    assert _order(SECTIONS["Member.usage.by_month"].default_order) == ["x asc nulls last"]
    by_project = SECTIONS["Member.usage.by_project"]
    assert by_project.picked_order is not None
    terms = {
        name: [str(term.expression.parts) for term in each] for name, each in by_project.picked_order.terms.items()
    }
    assert set(terms) == {"EVENTS", "BYTES"}
    assert by_project.default_order == by_project.picked_order.terms["EVENTS"]
    assert [reference.name for term in by_project.default_order for reference in term.expression.references()] == [  # type: ignore[attr-defined]
        "events",
        "project_id",
    ]
    assert by_project.arguments == (analytics.ranking,)


def test_conditions_are_data_with_their_scalars() -> None:
    filters = SECTIONS["Member.invoices"].filters
    assert {name: each.operator for name, each in filters.items()} == {
        "issued_from": FilterOperator.AT_LEAST,
        "issued_before": FilterOperator.LESS_THAN,
        "at_most": FilterOperator.AT_MOST,
        "total": FilterOperator.BETWEEN,
        "plan": FilterOperator.ONE_OF,
        "has_note": FilterOperator.WHERE,
    }
    assert filters["has_note"].sql.shown("?") == "((note is not null) = ?)"
    assert filters["issued_from"].sql.shown() == '"issued_at"'
    assert filters["issued_from"].scalar is INSTANT
    assert [name for name, each in filters.items() if each.is_list] == ["plan"]


def test_a_columns_scope_goes_with_what_touches_it() -> None:
    record = {column.name: column.scope for column in SECTIONS["Member.record"].columns}
    assert {name for name, scope in record.items() if scope} == {"email"}
    assert ANALYTICS.objects["Member"].field_scopes["label"] == {"pii:read"}
    page = SECTIONS["Query.members"]
    assert page.scopes == SECTIONS["Member.record"].scopes == {"member:read"}
    assert {name for name, each in page.filters.items() if each.scopes} == {"email_prefix", "email", "has_email"}
    assert {name for name, each in page.orders.items() if each.scopes} == {"email"}
    assert SECTIONS["Query.member_by_email"].scopes == {"member:read", "pii:read"}


def test_a_section_needs_the_scopes_of_all_its_tables() -> None:
    assert SECTIONS["Member.activity_rank"].scopes == {"member:read", "analysis:read"}
    assert SECTIONS["Member.projects"].scopes == {"project:read"}


def test_a_link_needs_the_scope_of_its_column(tmp_path: Path) -> None:
    text = RIGHT.replace(
        "    state: State\n", '    state: State\n    account_id: UUID = m.column(scope="sales:read")\n'
    )
    assert load(tmp_path, RIGHT).objects["Order"].field_scopes["account"] == frozenset()
    assert load(tmp_path, text).objects["Order"].field_scopes["account"] == {"sales:read"}


def test_a_link_needs_the_scope_that_another_type_over_its_table_says_for_its_column(tmp_path: Path) -> None:
    sale = """class Sale(m.Object, table=orders):
    id: m.BigInt = m.key()
    account: UUID = m.column("account_id", scope="sales:read")

class Query("""
    text = RIGHT.replace("class Query(", sale).replace("types=[Account,", "types=[Sale, Account,")
    assert load(tmp_path, text).objects["Order"].field_scopes["account"] == {"sales:read"}


def test_an_order_that_is_not_chosen_needs_its_columns_scopes(tmp_path: Path) -> None:
    text = RIGHT.replace("total: Decimal = m.column(", 'total: Decimal = m.column(scope="money:read", ')
    sections = load(tmp_path, text).bound_sections
    assert sections["Query.orders"].scopes == {"order:read", "money:read"}
    assert sections["Query.orders.count"].scopes == sections["Account.last_order"].scopes == {"order:read"}


def test_freshness_is_the_shortest_and_none_is_never_cached(tmp_path: Path) -> None:
    assert SECTIONS["Member.activity"].freshness == analytics.EVENTS
    assert SECTIONS["Member.activity_rank"].freshness == analytics.RECORDS
    assert load(tmp_path, RIGHT).bound_sections["Order.record"].freshness is None


def test_tables_whose_other_rows_count_are_shared() -> None:
    shared = {name: [table.name for table in each.shared_tables] for name, each in SECTIONS.items()}
    assert shared["Member.record"] == shared["Member.activity"] == []
    assert shared["Member.activity_rank"] == ["events", "app.members"]
    assert shared["Member.invoices"] == ["billing.invoices"]  # a changed invoice is announced by its own key
    assert shared["Member.projects"] == ['app."Projects"']
    assert shared["Query.members"] == shared["Query.member_by_email"] == ["app.members"]
    of_fleet = {name for name, each in FLEET.bound_sections.items() if each.shared_tables}
    assert of_fleet == {
        "Query.fleet",
        "Query.fleet.count",
        *(f"Aircraft.analysis.{name}" for name in ("weather_exposure", "delay_by_wind", "delay_by_visibility")),
        *(f"Aircraft.analysis.{name}" for name in ("delay_by_precipitation", "peers", "model_benchmark", "seat_rank")),
        *(f"Aircraft.analysis.{name}" for name in ("carrier_benchmark", "fleet_rank", "route_benchmark")),
        "Aircraft.analysis.manufacturer_share",
    }


def test_rows_of_another_type_are_shared_under_the_same_key_too(tmp_path: Path) -> None:
    text = RIGHT.replace("    name: str\n", '    name: str\n    size: Size | None = m.section("id")\n')
    size = """class Size(m.Section, over=orders):
    \"\"\"Of the order that has the account's key.\"\"\"
    n: int = m.sql("count(*)", "Orders.")

class Account("""
    sections = load(tmp_path, text.replace("class Account(", size)).bound_sections
    assert [table.name for table in sections["Account.size"].shared_tables] == ["app.orders"]
    assert sections["Order.record"].shared_tables == ()


def test_values_over_no_rows_are_zeros_and_nulls() -> None:
    activity = SECTIONS["Member.activity"]
    assert dict(zip((column.name for column in activity.columns), activity.empty, strict=True)) == {
        "actions": 0,
        "bytes_sent": 0,
        "spent": "0",
        "p95_latency": None,
        "slow_share": None,
        "kinds": [],
        "last_sent_at": None,
    }
    assert not activity.is_nullable
    assert SECTIONS["Member.activity_rank"].is_nullable
    assert SECTIONS["Member.record"].is_nullable


def test_arguments_are_those_that_the_sql_names() -> None:
    assert SECTIONS["Member.activity"].arguments == (analytics.slow_ms,)
    assert SECTIONS["Member.usage.by_month"].arguments == (analytics.zone,)
    assert SECTIONS["Member.record"].arguments == ()


def test_the_period_of_a_group_is_that_of_its_sections() -> None:
    assert SECTIONS["Member.usage.activity"].is_periodic
    assert not SECTIONS["Member.billing"].is_periodic


def test_each_table_knows_its_tenant() -> None:
    tables = {table.name: bound.tenant for table, bound in ANALYTICS.bound_tables.items()}
    assert tables["events"] == OwnTenant("workspace_id", UNIQUE_ID)
    assert tables["app.workspaces"] == OwnTenant("id", UNIQUE_ID)
    assert tables["billing.plans"] is everyones
    assert tables["billing.invoice_lines"] == ParentTenant(("invoice_id",), analytics.invoices, ("id",))
    assert ANALYTICS.tenant_scalar is UNIQUE_ID
    assert {bound.tenant for bound in FLEET.bound_tables.values()} == {everyones}


def test_a_link_in_sql_holds_the_targets_key() -> None:
    operator: BoundSection = FLEET.bound_sections["Aircraft.operator"]
    (column,) = operator.columns
    assert (column.target, column.scalar, operator.is_nullable) == ("Airline", TEXT, True)


DIGEST_CHANGES = {
    "its own SQL": ('m.sql("count()", "Events.")', 'm.sql("count() + 1", "Events.")', "Order.use"),
    "a condition": ("kind != 'test'", "kind != 'tests'", "Order.use"),
    "an argument in it": ("intDiv(value, {size})", "intDiv(value, {size} + 1)", "Order.use_by_day"),
    "a type": ("p95: float | None", "p95: Decimal | None", "Order.use"),
    "its key's column": ('use: Use = m.section("order_id"', 'use: Use = m.section("id"', "Order.use"),
    "its key's type": ("id: m.BigInt = m.key()", "id: int = m.key()", "Order.use"),
    "the tenant's column": ('column="account_id")', 'column="account")', "Order.record"),
    "the tenant's column of a parent": ('orders = crm.table("app.orders", ', 'orders = crm.table("app.orders", tenant="owner", ', "Line.record"),
    "the tenant of a table in a relation": ('crm.table("app.orders", ', 'crm.table("app.orders", tenant="owner", ', "Order.rank"),
    "a relation of another database": ("select o.id as id from", "select o.id + 0 as id from", "Order.rank"),
    "a period's column": ('time="sent_at"', 'time="received_at"', "Order.use"),
    "a time zone": ('zone="UTC"', 'zone="Europe/Vienna"', "Order.use"),
    "a filter": ('m.one_of("state")', 'm.one_of("status")', "Query.orders"),
    "a filter in SQL": ("note is not null", "note is null", "Query.orders.count"),
    "a filter's type": ("noted: bool", "noted: int", "Query.orders"),
    "an order": ('m.by("total"', 'm.by("-total", type=Decimal', "Query.orders"),
    "where nulls come": ('nulls="last"', 'nulls="first"', "Account.orders"),
    "an order's default": ('default="total desc"', 'default="total"', "Account.orders"),
    "the order of a link": ("placed_at desc, id desc", "placed_at, id desc", "Account.last_order"),
    "labels of an enum": ('"open", "paid"', '"opened", "paid"', "Order.record"),
    "a column": ("    state: State\n", '    state: State = m.column("status")\n', "Order.record"),
}  # fmt: skip


@pytest.mark.parametrize("name", DIGEST_CHANGES)
def test_what_decides_the_answer_changes_the_digest(name: str, tmp_path: Path) -> None:
    old, new, section = DIGEST_CHANGES[name]
    assert old in RIGHT
    before, after = load(tmp_path, RIGHT), load(tmp_path, RIGHT.replace(old, new, 1))
    assert before.bound_sections[section].digest != after.bound_sections[section].digest
    assert before.digest != after.digest


def test_what_is_only_said_keeps_the_digest(tmp_path: Path) -> None:
    before = load(tmp_path, RIGHT)
    text = RIGHT.replace('"Events."', '"All events."').replace('"""An order."""', '"""Something ordered."""')
    text = text.replace('unit="EUR"', 'unit="euros", deprecated="Ask for lines."').replace("first=20", "first=30")
    text = text.replace("m.Freshness(60, 600, 86_400)", "m.Freshness(30, 600, 86_400)")
    after = load(tmp_path, f"# A comment\n\n{text}")
    assert text != RIGHT
    assert {name: each.digest for name, each in after.bound_sections.items()} == {
        name: each.digest for name, each in before.bound_sections.items()
    }
    assert after.digest == before.digest


def test_digests_tell_sections_apart() -> None:
    digests = [each.digest for model in (ANALYTICS, FLEET) for each in model.bound_sections.values()]
    shared = len(digests) - len(set(digests))
    assert shared == 3  # a member's activity, an aircraft's registration and revisions stand in two places
