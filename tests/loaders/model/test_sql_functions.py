"""Functions that SQL of models may call are those of real engines, and depend on nothing but arguments and the clock."""

from __future__ import annotations

from loaders.model.databases import Kind
from loaders.model.sql_functions import known_functions
from tests.conftest import Stores

POSTGRES_GRAMMAR = frozenset(
    {"array", "coalesce", "greatest", "grouping", "json_array", "json_scalar", "least", "nullif", "row", "trim"}
)
CLICKHOUSE_GRAMMAR = frozenset({"dateAdd", "dateSub", "date_add", "date_sub", "grouping", "interval"})
CLICKHOUSE_ROW_MAKERS = frozenset({"numbers", "zeros", "generateSeries", "generate_series"})


async def test_postgres_has_all_of_them_and_only_the_clock_is_volatile(sample_stores: Stores) -> None:
    sql = "select proname, bool_or(provolatile = 'v') as is_volatile from pg_proc where proname = any($1) group by 1"
    names = known_functions(Kind.POSTGRES)
    result = {row["proname"]: row["is_volatile"] for row in await sample_stores.postgres.rows(sql, sorted(names))}
    assert names - set(result) == POSTGRES_GRAMMAR
    assert [name for name, is_volatile in result.items() if is_volatile] == ["clock_timestamp"]


async def test_clickhouse_has_all_of_them(sample_stores: Stores) -> None:
    answer = await sample_stores.clickhouse.columns("select name, case_insensitive from system.functions", {})
    spelled = dict(zip(*answer.columns, strict=True))
    in_any_case = {name.lower() for name, is_insensitive in spelled.items() if is_insensitive}
    missing = {
        name for name in known_functions(Kind.CLICKHOUSE) if name not in spelled and name.lower() not in in_any_case
    }
    assert missing == CLICKHOUSE_GRAMMAR | CLICKHOUSE_ROW_MAKERS
