"""What statements say of tables, keys and tenants, without a database."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from deploy.analytics.model import Ranking
from loaders.model.databases import ClickHouse, Database, Kind, Postgres, Table, Tenant, everyones
from loaders.model.keys import Key
from loaders.model.references import Fragment
from loaders.model.scalars import BIG_INTEGER, INTEGER, TEXT, UNIQUE_ID, enum_scalar
from loaders.model.table_binding import bind_tables
from loaders.statements.needed_rows import SentColumn, rows_sql
from loaders.statements.parameters import StatementScope, TenantScope
from loaders.statements.planning import plan
from loaders.statements.row_sources import RequestScope, RowsWriter, StatementRules
from loaders.statements.section_request import section_request
from tests.loaders.model.models import RIGHT, load

SCOPE = StatementScope(["a"], TenantScope(UNIQUE_ID, str(UUID(int=1))))
POSTGRES, CLICKHOUSE = Postgres(), ClickHouse()
REQUEST = RequestScope(0, "fw_test", {})
ID = Key(("id",), (TEXT,))


def _rules(key: Key, *tables: Table) -> StatementRules:
    """Return rules of a model with tenants, whose objects have the key `id`."""
    tenant = Tenant("account", "account_id", UUID)
    return StatementRules(key, bind_tables(tables, tenant, dict.fromkeys(tables, ("id",))))


def test_names_of_columns_are_never_read_as_sql() -> None:
    table = POSTGRES.table("app.people", tenant="user", time="order")
    writer = RowsWriter(POSTGRES, _rules(ID, table))
    rows = writer.fragment(Fragment.of(f"{table.asked('Id')}"), REQUEST)
    assert writer.statement(f"select 1 from {rows}") == (
        "with fw_rows_0 as not materialized (select * from app.people as fw_table"
        ' where fw_table."user" = $1::uuid and fw_table."Id" = any($2::text[]))\n'
        "select 1 from fw_rows_0"
    )


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        (POSTGRES, '(fw_table."a", fw_table."b") in (select * from unnest($1::bigint[], $2::integer[]))'),
        (
            CLICKHOUSE,
            "(fw_table.`a`, fw_table.`b`) in"
            " (select arrayJoin(arrayZip({keys_0:Array(Int64)}, {keys_1:Array(Int32)})))",
        ),
    ],
)
def test_keys_of_several_parts_are_asked_together(database: Database, expected: str) -> None:
    table = database.table("app.lines", tenant=everyones)
    writer = RowsWriter(database, _rules(Key(("a", "b"), (BIG_INTEGER, INTEGER)), table))
    writer.fragment(Fragment.of(f"{table.asked('a, b')}"), REQUEST)
    assert f"where {expected})" in writer.statement("select 1")


def test_a_table_of_tenants_is_not_read_for_none() -> None:
    parent = POSTGRES.table("app.orders", tenant="account_id")
    for table in (parent, POSTGRES.table("app.lines", tenant=parent.via("order_id"))):
        writer = RowsWriter(POSTGRES, _rules(ID, parent, table))
        writer.name(table)
        (parameter,) = writer.parameters.all()
        with pytest.raises(TypeError, match="tables that belong to tenants, and is for none"):
            parameter.source(StatementScope([], None), [])


def test_a_table_whose_tenant_is_not_known_is_not_read() -> None:
    table = POSTGRES.table("app.orders", tenant="account_id")
    with pytest.raises(KeyError):
        RowsWriter(POSTGRES, _rules(ID)).name(table)


def test_a_table_is_not_read_in_another_database() -> None:
    table = CLICKHOUSE.table("events")
    with pytest.raises(TypeError, match="events lies in another database than the statement"):
        RowsWriter(POSTGRES, _rules(ID, table)).name(table)


def test_keys_that_are_enums_are_bound_by_their_labels() -> None:
    table = POSTGRES.table("app.people", tenant=everyones)
    writer = RowsWriter(POSTGRES, _rules(Key(("by",), (enum_scalar(Ranking),)), table))
    assert writer.keys(["by"]) == ['"by"::text = any($1::text[])']
    (parameter,) = writer.parameters.all()
    assert parameter.source(StatementScope(["EVENTS"], None), []) == ["events"]


def test_a_condition_with_or_does_not_let_other_objects_in(tmp_path: Path) -> None:
    text = RIGHT.replace("from {peers} as p left join {events.all}", "from {events.all} as p left join {events.all}")
    text = text.replace("class Rank(m.Section, over=", 'class Rank(m.Section, where="n > 5 or n = 0", over=')
    (statement,) = plan([section_request(load(tmp_path, text).bound_sections["Order.rank"])])
    assert "where fw_source.`id` in {keys_0:Array(Int64)} and (n > 5 or n = 0)" in statement.sql


def test_no_value_is_part_of_the_text(tmp_path: Path) -> None:
    (statement,) = plan([section_request(load(tmp_path, RIGHT).bound_sections["Order.record"])])
    bound = statement.bind(SCOPE)
    assert bound.sql == statement.sql
    assert str(UUID(int=1)) not in bound.sql
    assert str(UUID(int=1)) in bound.values.values()


def test_rows_that_are_sent_are_no_constant_of_the_statement() -> None:
    columns = (SentColumn("id", TEXT, is_list=False), SentColumn("order", BIG_INTEGER, is_list=False))
    assert rows_sql(columns, ["{a:Array(String)}", "{b:Array(Int64)}"], Kind.CLICKHOUSE) == (
        "(select `id`, `order` from (select 1) array join {a:Array(String)} as `id`, {b:Array(Int64)} as `order`)"
    )
