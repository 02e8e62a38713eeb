"""A model that its databases do not hold: each mistake has its line, and hides no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loaders.model.problems import Severity
from loaders.stores.errors import StoreTimeout
from loaders.stores.postgres import Postgres
from tests.conftest import Stores
from tests.gateway.model_tools.shop import edited_problems

_NAME = "    name: str\n"
_REPORT = '''\
class Made(m.Section, over=events):
    """Made."""
    maker: str = m.sql("maker", "By.")

class UseByDay'''
_LONG_RELATION = """crm.relation(
    f\"\"\"
    select o.id as id,
        o.nothing as x
    from {orders.asked('id')} as o
    \"\"\"
)"""
MISTAKES: dict[str, tuple[tuple[tuple[str, str], ...], str]] = {
    "a column that is missing": (
        ((_NAME, '    name: str = m.column("nmae")\n'),),
        'model.py:47  Account.name: PostgreSQL refuses the SQL: column "nmae" does not exist. Perhaps you meant to'
        ' reference the column "name".',
    ),
    "a number over a text": (
        ((_NAME, "    name: int\n"),),
        "model.py:47  Account.name: is text in the database, and int in the model, which cannot hold it: change the"
        " annotation, or cast it.",
    ),
    "a flag over a whole number": (
        (("    state: State\n", '    state: State\n    paid: bool = m.column("id")\n'),),
        "model.py:56  Order.paid: is int8 in the database, and bool in the model, which cannot hold it",
    ),
    "a flag over a count of ClickHouse": (
        (('    events: int = m.sql("count()"', '    events: bool | None = m.sql("count()"'),),
        "model.py:20  Use.events: is UInt64 in the database, and bool | None in the model, which cannot hold it",
    ),
    "a whole number over a decimal of ClickHouse": (
        (('    events: int = m.sql("count()"', '    events: int = m.sql("sum(worth)"'),),
        "model.py:20  Use.events: is Decimal(38, 2) in the database, and int in the model, which cannot hold it",
    ),
    "an instant without a zone": (
        ((_NAME, f"{_NAME}    born: dt.datetime | None\n"),),
        "model.py:48  Account.born: is timestamp in the database, and datetime | None in the model: without a time zone"
        " it is no instant. Say which one it is in: m.Postgres(zone=…), or in SQL … at time zone 'UTC'.",
    ),
    "one value over an array": (
        ((_NAME, f"{_NAME}    tags: str | None\n"),),
        "model.py:48  Account.tags: is text[] in the database, and str | None in the model: say list[…].",
    ),
    "a table that is missing": (
        (('"app.orders"', '"app.order"'),),
        'model.py:10  app.order: PostgreSQL refuses the SQL that reads it: relation "app.order" does not exist. Look at'
        " its name and at the account's rights.",
    ),
    "a table of ClickHouse that is missing": (
        (('"events", time', '"evnts", time'),),
        "model.py:12  evnts: ClickHouse refuses the SQL that reads it: Unknown table expression identifier",
    ),
    "a table without its tenant": (
        (('tenant=orders.via("order_id"), ', ""),),
        'model.py:11  app.order_lines: PostgreSQL refuses the SQL that names its tenant: column "account_id" does not'
        " exist. Say tenant=, the column that it has, <parent>.via(…) or m.everyones.",
    ),
    "a time column that is missing": (
        (('time="sent_at"', 'time="sent"'),),
        "model.py:12  events: ClickHouse refuses the SQL of a period: Identifier 'sent' cannot be resolved. Maybe you meant:",
    ),
    "a section's column that is missing": (
        (('0.95, "latency"', '0.95, "latncy"'),),
        "model.py:21  Use.p95: ClickHouse refuses the SQL: Unknown expression or function identifier `latncy`. Maybe you"
        " meant: ['latency'].",
    ),
    "a grouped column that is missing": (
        (('"toDate(sent_at)"', '"toDate(snt_at)"'),),
        "model.py:25  UseByDay.day: ClickHouse refuses the SQL: Unknown expression or function identifier `snt_at`.",
    ),
    "a column beside a grouped one that is missing": (
        (("intDiv(value,", "intDiv(vlue,"),),
        "model.py:26  UseByDay.buckets: ClickHouse refuses the SQL: Unknown expression or function identifier `vlue`.",
    ),
    "a function with other arguments": (
        (('m.sql("count()", "Events.")', 'm.sql("count(value, value, 3)", "Events.")'),),
        "model.py:20  Use.events: ClickHouse refuses the SQL: Aggregate function count requires zero or one argument.",
    ),
    "a section's condition": (
        (("kind != 'test'", "knd != 'test'"),),
        "model.py:18  Use: ClickHouse refuses the SQL: Unknown expression or function identifier `knd`.",
    ),
    "a relation": (
        (("count() as n from", "count(e.nothing) as n from"),),
        "model.py:30  relation: ClickHouse refuses the SQL: Identifier 'e.nothing' cannot be resolved",
    ),
    "a line of a relation that is sent to the other store": (
        (("crm.relation(f\"select o.id as id from {orders.asked('id')} as o\")", _LONG_RELATION),),
        "model.py:31  relation: PostgreSQL refuses the SQL: column o.nothing does not exist.",
    ),
    "a filter": (
        (("(note is not null)", "(nte is not null)"),),
        'model.py:39  OrderFilter.noted: PostgreSQL refuses the SQL with the filter: column "nte" does not exist.',
    ),
    "an order": (
        (('m.by("total", nulls="last")', 'm.by("total")\n    worst = m.by("totl + 1", type=Decimal, nulls="last")'),),
        'model.py:43  OrderOrder.worst: PostgreSQL refuses the SQL in the order: column "totl" does not exist.',
    ),
    "a list by a column that is missing": (
        (('m.many("order_id", order', 'm.many("oder_id", order'),),
        'model.py:58  Order.lines: PostgreSQL refuses the SQL: column "oder_id" does not exist.',
    ),
    "a list in the order of a column that is missing": (
        (('order="line_no"', 'order="abs(lineno)"'),),
        'model.py:58  Order.lines: PostgreSQL refuses the SQL: column "lineno" does not exist.',
    ),
}


async def test_the_right_model_has_no_problem(shop_stores: Stores, tmp_path: Path) -> None:
    assert await edited_problems(tmp_path, shop_stores) == []


@pytest.mark.parametrize(("edits", "expected"), MISTAKES.values(), ids=MISTAKES)
async def test_a_mistake_is_told_once_with_its_line(
    edits: tuple[tuple[str, str], ...], expected: str, shop_stores: Stores, tmp_path: Path
) -> None:
    problems = await edited_problems(tmp_path, shop_stores, *edits)

    assert [str(each)[: len(expected)] for each in problems] == [expected]
    assert problems[0].severity is Severity.ERROR


async def test_no_mistake_hides_another(shop_stores: Stores, tmp_path: Path) -> None:
    problems = await edited_problems(
        tmp_path,
        shop_stores,
        (_NAME, '    name: str = m.column("nmae")\n    nick: str = m.column("nik")\n'),
        ('0.95, "latency"', '0.95, "latncy"'),
        ("kind != 'test'", "knd != 'test'"),
        ("(note is not null)", "(nte is not null)"),
    )

    subjects = [each.subject for each in problems]
    assert subjects == ["Use", "Use.p95", "OrderFilter.noted", "Account.name", "Account.nick"]


async def test_a_table_without_an_answer_in_time_ends_no_check(
    shop_stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = Postgres.rows

    async def slow(self: Postgres, sql: str, *arguments: object) -> Any:
        if '"accounts" limit' in sql or ".accounts limit" in sql:
            raise StoreTimeout("PostgreSQL", "The statement took too long.")
        return await rows(self, sql, *arguments)

    monkeypatch.setattr(Postgres, "rows", slow)

    assert await edited_problems(tmp_path, shop_stores) == []


async def test_a_float_over_a_decimal_is_a_warning(shop_stores: Stores, tmp_path: Path) -> None:
    (problem,) = await edited_problems(
        tmp_path,
        shop_stores,
        ("total: Decimal = m.column(unit", "total: float = m.column(unit"),
        ("total: list[Decimal]", "total: list[float]"),
    )

    assert str(problem).startswith("model.py:54  Order.total: is numeric in the database, and float in the model")
    assert problem.severity is Severity.WARNING


async def test_a_whole_number_over_a_decimal_is_a_warning(shop_stores: Stores, tmp_path: Path) -> None:
    (problem, *_) = await edited_problems(
        tmp_path,
        shop_stores,
        ("total: Decimal = m.column(unit", "total: int = m.column(unit"),
        ("total: list[Decimal]", "total: list[int]"),
    )

    assert str(problem).startswith("model.py:54  Order.total: is numeric in the database, and int in the model")
    assert problem.severity is Severity.WARNING


async def test_what_stands_for_a_flag_or_a_whole_number_in_clickhouse_is_good(
    shop_stores: Stores, tmp_path: Path
) -> None:
    flag = "    events: bool | None = m.sql(\"max(kind = 'open')\""
    whole = '    whole: int = m.sql("sum(toDecimal64(value, 0))", "Whole.")\n    p95'
    edits = (('    events: int = m.sql("count()"', flag), ("    p95", whole))

    assert await edited_problems(tmp_path, shop_stores, *edits) == []


async def test_a_column_that_may_be_null_is_a_warning(shop_stores: Stores, tmp_path: Path) -> None:
    made = '    made: list[Made] = m.section("order_id", order="sent_at", first=3)\n    use_by_day: '

    (problem,) = await edited_problems(tmp_path, shop_stores, ("class UseByDay", _REPORT), ("    use_by_day: ", made))

    assert str(problem).startswith("model.py:25  Made.maker: is Nullable(String) in the database, and str in the model")
    assert problem.severity is Severity.WARNING
