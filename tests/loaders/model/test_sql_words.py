"""A look at SQL: what it finds and, as much, what it leaves alone."""

from __future__ import annotations

import pytest

from loaders.model.checks.sql_words import REFERENCE, forbidden_functions, named_tables, syntax_mistakes


@pytest.mark.parametrize(
    "sql",
    [
        f"select a from {REFERENCE} as a",
        f"select a from {REFERENCE} as a, {REFERENCE} as b where a.x in (1, 2)",
        f"select extract(year from a.sent_at), trim(both ' ' from a.name) from {REFERENCE} as a",
        f"select a.x is distinct from a.y from {REFERENCE} as a",
        f"with recent as (select x from {REFERENCE} as a) select x from recent",
        f"with recent as materialized (select x from {REFERENCE}) select x from recent join {REFERENCE} as b on b.x = recent.x",
        f"select x, y from (select x, y from {REFERENCE} as a) as inner_, unnest(array[1, 2]) as z(z)",
        "select number, 1 from numbers(10)",
        f"select 'from secret', \"from\" from {REFERENCE} -- from secret\n/* from secret */",
        f"select x from {REFERENCE} as a order by x, y limit 1",
        f"select (select max(x) from {REFERENCE} as b), a.y from {REFERENCE} as a where a.y in {REFERENCE}",
        "count()",
        "from_day",
    ],
)
def test_references_are_no_tables(sql: str) -> None:
    assert list(named_tables(sql)) == []
    assert list(syntax_mistakes(sql)) == []


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("select x from secret", "secret"),
        ("select x from app.secret as s", "app.secret"),
        ('select x from "app"."Secret"', '"app"."Secret"'),
        ("select x from `app`.`secret`", "`app`.`secret`"),
        (f"select x from {REFERENCE} as a, secret", "secret"),
        (f"select x from {REFERENCE} as a join secret on true", "secret"),
        (f"select x from {REFERENCE} as a left join lateral secret on true", "secret"),
        (f"select x from {REFERENCE} where x in secret", "secret"),
        (f"select x from {REFERENCE} where x in (select y from secret)", "secret"),
        ("select extract(year from (select d from secret))", "secret"),
        (f"with a as (select 1) select x from {REFERENCE} as b, (select 1) as c, secret", "secret"),
        ("select x from merge('app', '.*')", "merge"),
        ("select x from only secret", "secret"),
        (f"select x from {REFERENCE} union all select x from secret", "secret"),
    ],
)
def test_a_table_is_found_wherever_it_is_named(sql: str, table: str) -> None:
    assert [name for _, name in named_tables(sql)] == [table]


@pytest.mark.parametrize(
    "sql", ["dictGet('d', 'a', 1)", "x + PG_READ_FILE ('/etc/passwd')", "pg_catalog.\"query_to_xml\"('')"]
)
def test_functions_that_read_elsewhere_are_found(sql: str) -> None:
    assert len(list(forbidden_functions(sql))) == 1


@pytest.mark.parametrize("sql", ["merged", "merge", "file_name(x)", "'dictGet(1)'"])
def test_other_names_are_not(sql: str) -> None:
    assert list(forbidden_functions(sql)) == []
