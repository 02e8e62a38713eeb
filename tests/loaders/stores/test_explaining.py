"""Statements that are explained are not run."""

from __future__ import annotations

import pytest

from loaders.stores.clickhouse import ClickHouse
from loaders.stores.errors import StatementFailed
from loaders.stores.postgres import Postgres


async def test_postgres_explains_a_statement_with_its_values_and_does_not_run_it(postgres: Postgres) -> None:
    sql = "select 1 / (c.relpages - c.relpages) from pg_catalog.pg_class as c where c.relname <> $1::text"
    with pytest.raises(StatementFailed, match="division by zero"):
        await postgres.rows(sql, "some name")

    plan = await postgres.explain(sql, "some name")

    assert (plan["Relation Name"], plan["Schema"], plan["Alias"]) == ("pg_class", "pg_catalog", "c")
    assert "some name" in plan["Filter"]


async def test_postgres_points_to_the_character_that_is_at_fault(postgres: Postgres) -> None:
    sql = "select relname,\n    nothing from pg_catalog.pg_class"
    for asked in (postgres.explain(sql), postgres.describe(sql)):
        with pytest.raises(StatementFailed) as refused:
            await asked
        assert refused.value.position == sql.index("nothing")


async def test_clickhouse_explains_a_statement_and_does_not_run_it(clickhouse: ClickHouse) -> None:
    sql = "select throwIf(number = {fault:UInt8}, 'it ran') as thrown from numbers(9)"
    with pytest.raises(StatementFailed, match="it ran"):
        await clickhouse.columns(sql, {"fault": 7})

    lines = await clickhouse.query_tree(sql, {"fault": 7})
    plan = await clickhouse.explain(sql, {"fault": 7})

    assert any("table_function_name: numbers" in line for line in lines)
    assert any("constant_value: UInt64_7" in line for line in lines)
    assert plan["Node Type"]


async def test_clickhouse_reads_little_for_a_scalar_sub_select_of_what_is_explained(clickhouse: ClickHouse) -> None:
    with pytest.raises(StatementFailed, match="TOO_MANY_BYTES"):
        await clickhouse.explain("select (select sum(number) from numbers(1000000000)) as total", {})


async def test_clickhouse_reads_little_for_a_statement_that_is_checked(clickhouse: ClickHouse) -> None:
    sql = "select (select sum(number) from numbers({last:UInt64})) as total"
    with pytest.raises(StatementFailed, match="TOO_MANY_BYTES"):
        await clickhouse.describe(sql, {"last": 1_000_000_000}, reads_little=True)
    assert (await clickhouse.describe(sql, {"last": 100_000_000})).types == ("Nullable(UInt64)",)
