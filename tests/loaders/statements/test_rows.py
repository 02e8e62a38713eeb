"""What statements say of tables, keys and tenants, without a database."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from deploy.analytics.model import Ranking
from loaders.model.databases import ClickHouse, Database, Postgres, Table, Tenant, everyones
from loaders.model.keys import Key
from loaders.model.references import Fragment
from loaders.model.scalars import BIG_INTEGER, INTEGER, TEXT, UNIQUE_ID, enum_scalar
from loaders.model.table_binding import bind_tables
from loaders.model.words import argument
from loaders.statements.parameters import TenantScope
from loaders.statements.rows import RowsWriter, StatementScope
from loaders.statements.select import select
from tests.loaders.model.models import RIGHT, load

TENANT = TenantScope(UNIQUE_ID, str(UUID(int=1)))
ASKED = StatementScope(Key(("id",), (TEXT,)), ["a"], TENANT)
POSTGRES, CLICKHOUSE = Postgres(), ClickHouse()


def asked_of(asked: StatementScope, *tables: Table) -> StatementScope:
    """Return a scope that knows some tables of a model with tenants, whose objects have the key `id`."""
    tenant = Tenant("account", "account_id", UUID)
    return replace(asked, bound_tables=bind_tables(tables, tenant, dict.fromkeys(tables, ("id",))))


def test_names_of_columns_are_never_read_as_sql() -> None:
    table = POSTGRES.table("app.people", tenant="user", time="order")
    statement = RowsWriter(POSTGRES, asked_of(ASKED, table))
    rows = statement.fragment(Fragment.of(f"{table.asked('Id')}"))
    assert statement.statement(f"select 1 from {rows}") == (
        'with fw_rows_0 as not materialized (select * from app.people where "user" = $1::uuid and "Id" = any($2::text[]))\n'
        "select 1 from fw_rows_0"
    )


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        (POSTGRES, '("a", "b") in (select * from unnest($1::bigint[], $2::integer[]))'),
        (CLICKHOUSE, "(`a`, `b`) in (select arrayJoin(arrayZip({keys_0:Array(Int64)}, {keys_1:Array(Int32)})))"),
    ],
)
def test_keys_of_several_parts_are_asked_together(database: Database, expected: str) -> None:
    asked = StatementScope(Key(("a", "b"), (BIG_INTEGER, INTEGER)), [(1, 2)], None)
    table = database.table("app.lines", tenant=everyones)
    statement = RowsWriter(database, asked_of(asked, table))
    statement.fragment(Fragment.of(f"{table.asked('a, b')}"))
    assert f"where {expected})" in statement.statement("select 1")


def test_a_table_of_tenants_is_not_read_for_none() -> None:
    parent = POSTGRES.table("app.orders", tenant="account_id")
    tables = (parent, POSTGRES.table("app.lines", tenant=parent.via("order_id")))
    nobody = RowsWriter(POSTGRES, asked_of(StatementScope(ASKED.key, ["a"], None), *tables))
    for table in tables:
        with pytest.raises(TypeError, match="belongs to tenants, and the statement is for none"):
            nobody.name(table)


def test_a_table_whose_tenant_is_not_known_is_not_read() -> None:
    table = POSTGRES.table("app.orders", tenant="account_id")
    with pytest.raises(KeyError):
        RowsWriter(POSTGRES, ASKED).name(table)


def test_a_table_is_not_read_in_another_database() -> None:
    with pytest.raises(TypeError, match="events lies in another database than the statement"):
        RowsWriter(POSTGRES, ASKED).name(CLICKHOUSE.table("events"))


def test_an_enum_is_bound_by_its_label() -> None:
    ranking = argument("by", Ranking, default=Ranking.BYTES)
    statement = RowsWriter(CLICKHOUSE, StatementScope(Key(("id",), (enum_scalar(Ranking),)), ["EVENTS"], TENANT))
    assert statement.fragment(Fragment.of(f"{ranking}")) == "{argument_by:String}"
    statement.keys(["id"])
    assert statement.binding.values == {"argument_by": "bytes", "keys_0": ["events"]}


def test_a_condition_with_or_does_not_let_other_objects_in(tmp_path: Path) -> None:
    text = RIGHT.replace("from {peers} as p left join {events.all}", "from {events.all} as p left join {events.all}")
    text = text.replace("class Rank(m.Section, over=", 'class Rank(m.Section, where="n > 5 or n = 0", over=')
    use = load(tmp_path, text).bound_sections["Order.rank"]
    asked = StatementScope(use.key, [1], TENANT, bound_tables=use.bound_tables)
    assert "where (n > 5 or n = 0) and `id` in {keys_0:Array(Int64)}" in select(use, asked).sql
