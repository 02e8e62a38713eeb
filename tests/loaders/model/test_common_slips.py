"""Slips that Python and the databases' drivers would let pass: what is said of each, line by line."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

import pytest

from loaders.model.checks.python_texts import description_mistake, python_mistakes
from loaders.model.databases import Kind
from loaders.model.problems import misspelled
from tests.loaders.model.models import line_of, problems

TENANT = 'tenant=m.Tenant(claim="account", type=UUID, column="account_id")'
COUNT = 'm.sql("count()", "Events.")'
ORDER = 'order="placed_at desc, id desc"'
LINES = '    lines: list[Line] = m.many("order_id", order="line_no", first=50)\n'
CURRENT = "    account: Account | None = m.current()\n"
LABEL = 'm.where(f"(note is not null) = {m.value}")'

SLIPS: dict[str, tuple[str, str, str, str]] = {
    "a class twice": (
        "class Query(m.Query)", "class Use(m.Section, over=events):\n    n: int = m.sql('count()')\n\nclass Query(m.Query)",
        "class Query(m.Query)", f"Use: is also declared at model.py:{line_of('class Use(')}, and Python keeps the last one: rename one of them.",
    ),
    "a function twice": (
        "class OrderFilter", "def _label(total):\n    return []\n\nclass OrderFilter",
        "class OrderFilter", f"_label: is also declared at model.py:{line_of('def _label')}, and Python keeps the last one: rename one of them.",
    ),
    "a table's variable twice": (
        "size = m.argument", 'lines = crm.table("app.notes")\nsize = m.argument',
        "size = m.arg", f"lines: is also declared at model.py:{line_of('lines = crm')}, and Python keeps the last one: rename one of them.",
    ),
    "a class with a table's variable": (
        "class Query(m.Query)", "class size(Enum): A = 'a'\n\nclass Query(m.Query)",
        "class Query(m.Query)", f"size: is also declared at model.py:{line_of('size = m.arg')}, and Python keeps the last one: rename one of them.",
    ),
    "a column twice": (
        "    state: State\n", '    state: State\n    state: str = m.column("state_name")\n',
        "    label: str", f'Order.state: is also declared at model.py:{line_of("    state: State")}: rename one of them, with m.column("state") for its column.',
    ),
    "a member of an order twice": (
        '    total = m.by("total", nulls="last")\n', '    total = m.by("total", nulls="last")\n    total = m.by("total", descending=True)\n',
        "\nclass Account", f"OrderOrder.total: is also declared at model.py:{line_of('    total = m.by')}: rename one of them.",
    ),
    "a tenant that no model has": (
        f', {TENANT})', f')\nworkspace = {TENANT.removeprefix("tenant=")}',
        "", "workspace: no model has it, so that every viewer would see the rows of all tenants: write m.Model(…, tenant=workspace), or delete it.",
    ),
    "a tenant's column and no tenant": (
        f", {TENANT}", "",
        "accounts = crm", "app.accounts: says a tenant and the model none: give Model(tenant=m.Tenant(…)).",
    ),
    "everyone's as a column": (
        'crm.table("app.orders"', 'crm.table("app.orders", tenant="everyones"',
        "orders = crm", "app.orders: tenant='everyones' names a column: write tenant=m.everyones, without quotes, if its rows are everyone's.",
    ),
    "a slip in an order's column": (
        ORDER, 'order="totla desc"',
        "    last_order", 'Account.last_order: order="totla desc": totla is no column of Order. Did you mean "total"?',
    ),
    "an order by the name in the API": (
        'order="line_no"', 'order="lineNo"',
        "    lines: list", 'Order.lines: order="lineNo": lineNo is no column of Line. Did you mean "line_no"?',
    ),
    "an order of groups by no field": (
        'order="day"', 'order="month"',
        "    use_by_day", 'Order.use_by_day: order="month": UseByDay has no field month, by which to order its groups.',
    ),
    "a direction that is misspelt": (
        'order="line_no"', 'order="line_no decs"',
        "    lines: list", 'Order.lines: order="line_no decs": behind a column stand asc or desc, and maybe nulls first or nulls last. Did you mean "line_no desc"?',
    ),
    "a direction in full": (
        'order="day"', 'order="day descending"',
        "    use_by_day", 'Order.use_by_day: order="day descending": behind a column stand asc or desc, and maybe nulls first or nulls last. Did you mean "day desc"?',
    ),
    "a comma that is missing": (
        ORDER, 'order="total id desc"',
        "    last_order", 'Account.last_order: order="total id desc": behind a column stand asc or desc, and maybe nulls first or nulls last. A comma separates two columns.',
    ),
    "a comma too many": (
        'order="line_no"', 'order="line_no,"',
        "    lines: list", 'Order.lines: order="line_no,": a comma has nothing on one of its sides: leave it out.',
    ),
    "a minus for a direction": (
        'order="line_no"', 'order="-line_no"',
        "    lines: list", 'Order.lines: order="-line_no": a minus is no direction: write "line_no desc".',
    ),
    "a direction in a member of an order": (
        'm.by("total"', 'm.by("total desc"',
        "    total = m.by", "OrderOrder.total: its direction stands in the SQL: write m.by(…, descending=True), and nulls= for the place of nulls.",
    ),
    "a field that hides a table": (
        LINES, LINES + '    notes: list[Line] = m.through(lines, "id", "order_id, line_no", order="line_no")\n',
        "    use: Use", f"Order.notes: m.through(…) takes a table or a relation of a database, and this one is the field Order.lines of model.py:{line_of('    lines: list')}: in a class body the field lines hides a variable of this name: rename the variable, such as lines_table.",
    ),
    "a table by its name": (
        "class Use(m.Section, over=events", 'class Use(m.Section, over="events"',
        "class Use(", "Use: over= is a table or a relation of a database, and this one is 'events': declare it, <name> = <database>.table(\"events\", …), and write its name without quotes.",
    ),
    "an object's table by its name": (
        "class Line(m.Object, table=lines)", 'class Line(m.Object, table="app.lines")',
        "class Line(", "Line: table= is a table of a database, and this one is 'app.lines': declare it, <name> = <database>.table(\"app.lines\", …), and write its name without quotes.",
    ),
    "a join in another database": (
        LINES, LINES + '    near: list[Line] = m.through(events, "id", "order_id, line_no", order="line_no")\n',
        "    use: Use", "Order.near: app.order_lines lies in DATABASE_CRM_URL, and what joins it in CLICKHOUSE_WEB_URL: declare a relation of PostgreSQL that reads the other one's rows.",
    ),
    "a field for a column": (
        'm.many("order_id", order', "m.many(label, order",
        "    lines: list", f"Order.lines: the column is the name of a column, and is the field Order.label of model.py:{line_of('    label: str')}: write the column's name, in quotes.",
    ),
    "an enum in SQL": (
        COUNT, 'm.sql(f"countIf(kind = {State.PAID})", "Events.")',
        "    events: int", "Use.events: State.PAID is an enum of Python: write the label, 'paid'.",
    ),
    "a list in SQL": (
        LABEL, "m.where(f\"(note in {['a', 'b']}) = {m.value}\")",
        "    noted: bool", "OrderFilter.noted: a list of Python stands in the SQL: write in ('a', 'b'), or array['a', 'b'].",
    ),
    "a tuple of one in SQL": (
        LABEL, "m.where(f\"(note in {('a',)}) = {m.value}\")",
        "    noted: bool", "OrderFilter.noted: a comma has nothing behind it: leave it out.",
    ),
    "a day in SQL": (
        COUNT, 'm.sql(f"countIf(sent_at >= {dt.date(2026, 1, 1)})", "Events.")',
        "    events: int", "Use.events: the day 2026-01-01 stands without quotes, and is a subtraction: write '2026-01-01'.",
    ),
    "a UUID in SQL": (
        COUNT, 'm.sql(f"countIf(kind = {UUID(int=7)})", "Events.")',
        "    events: int", "Use.events: a UUID stands without quotes: write '00000000-0000-0000-0000-000000000007'.",
    ),
    "None in SQL": (
        COUNT, 'm.sql(f"countIf(kind = {None})", "Events.")',
        "    events: int", "Use.events: None is Python's: write null.",
    ),
    "a function of Python in SQL": (
        COUNT, 'm.sql(f"countIf(kind = {len})", "Events.")',
        "    events: int", "Use.events: an object of Python stands in the SQL: write SQL, or a reference such as {table.all}.",
    ),
    "two equals signs": (
        LABEL, 'm.where(f"(note == \'\') = {m.value}")',
        "    noted: bool", "OrderFilter.noted: == is no operator of PostgreSQL: write =.",
    ),
    "two ampersands in ClickHouse": (
        COUNT, 'm.sql("countIf(a > 0 && b > 0)", "Events.")',
        "    events: int", "Use.events: && is no operator of ClickHouse: write and.",
    ),
    "two ampersands beside a number": (
        LABEL, 'm.where(f"(total > 0 && note = \'\') = {m.value}")',
        "    noted: bool", "OrderFilter.noted: && is PostgreSQL's for arrays and ranges: write and.",
    ),
    "two stars": (
        COUNT, 'm.sql("sum(a ** 2)", "Events.")',
        "    events: int", "Use.events: ** is no operator of SQL: write power(…).",
    ),
    "a description in the place of the SQL": (
        COUNT, 'm.sql("Sum of all events.", "count()")',
        "    events: int", 'Use.events: "Sum of all events." is a sentence and no SQL: the SQL stands first, the description second.',
    ),
    "a description alone": (
        COUNT, 'm.sql("Number of all events")',
        "    events: int", 'Use.events: "Number of all events" is a sentence and no SQL: write SQL, and the description behind it.',
    ),
    "an option and a mistake elsewhere in one call": (
        'm.many("order_id", order="line_no", first=50)', 'm.many("order_id", ordr="line_no", frist=50)',
        "    lines: list", 'Order.lines: m.many has no option frist. Did you mean "first"?|Order.lines: m.many has no option ordr. Did you mean "order"?',
    ),
    "a value without a name": (
        'm.many("order_id", order=', 'm.many("order_id", "Lines.", 5, order=',
        "    lines: list", "Order.lines: m.many takes column and description without a name, and has 3 such values: name the options.",
    ),
    "an option twice": (
        'm.many("order_id", order=', 'm.many("order_id", column="id", order=',
        "    lines: list", "Order.lines: m.many says column twice.",
    ),
    "an option of a database": (
        'm.Postgres("crm")', 'm.Postgres("crm", url="x")',
        "crm, web", "Postgres: m.Postgres has no option url.",
    ),
    "an option of freshness": (
        "m.Freshness(60, 600, 86_400)", "m.Freshness(60, 600)",
        "accounts =", "Freshness: m.Freshness needs stale_if_error_s.",
    ),
    "an option of an argument": (
        "min=1, max=100", "minimum=1, max=100",
        "size =", 'size: m.argument has no option minimum. Did you mean "min"?',
    ),
    "an option of changes": (
        'web.table("events"', 'web.table("events", changes=m.polls("at", every=9)',
        "events =", 'events: m.polls has no option every. Did you mean "every_s"?',
    ),
    "an option of a class that nothing leads to": (
        "class Query(m.Query)", "class Ranks(m.Group, period=True):\n    pass\n\nclass Query(m.Query)",
        "class Query(", "Ranks: m.Group has no option period.",
    ),
    "an option of the model": (
        'm.Model("shop", query', 'm.Model("shop", tenants=5, query',
        "model = m", 'Model: m.Model has no option tenants.',
    ),
    "brackets behind everyone's": (
        'crm.table("app.orders"', 'crm.table("app.orders", tenant=m.everyones()',
        "orders = crm", "TypeError: m.everyones is no function: leave out the brackets. More may be told when this is mended.",
    ),
    "a function of PostgreSQL in ClickHouse": (
        COUNT, "m.sql(\"string_agg(kind, ',')\", \"Events.\")",
        "    events: int", "Use.events: string_agg() is a function of PostgreSQL, and this SQL is ClickHouse's: write groupConcat(…).",
    ),
    "a function that the other store alone has": (
        LABEL, 'm.where(f"(cityHash64(note) > 5) = {m.value}")',
        "    noted: bool", "OrderFilter.noted: cityHash64() is a function of ClickHouse, and this SQL is PostgreSQL's: write it with those of PostgreSQL.",
    ),
    "a function in its author's letters": (
        LABEL, 'm.where(f"(Score(note) > 5) = {m.value}")',
        "    noted: bool", "OrderFilter.noted: Score() is no function that computes from its arguments alone. If it reads and changes nothing of other tenants', allow it: m.Postgres('crm', functions=['score']).",
    ),
    "an object of the language in SQL": (
        COUNT, 'm.sql(f"countIf({m.Freshness(1, 2, 3)} > 0)", "Events.")',
        "    events: int", "Use.events: Freshness(…) is Python's and no SQL: an f-string wrote a value of Python here.",
    ),
    "a section among the types": (
        "types=[Account,", "types=[Use, Account,",
        "model = m", "Model: types= has object types, classes derived from m.Object, and Use is found by the fields that have it: leave it out.",
    ),
    "a label that is a number": (
        'OPEN, PAID = "open", "paid"', 'OPEN = "open"\n    PAID = 5',
        "\nclass Use(", "State.PAID: its label is 5: write the text that the column holds.",
    ),
    "a label with a comma": (
        'OPEN, PAID = "open", "paid"', 'PAID = "paid",',
        "    OPEN", "State.PAID: its label is ('paid',), a tuple: leave out the comma behind it.",
    ),
    "a dict as a type": (
        "    name: str", "    name: dict[str, str]",
        "    name: str", "Account.name: dict[str, str] is no type of a field: it has a scalar, an object, a section or a group. Write m.JSON.",
    ),
    "a day without its module": (
        "    name: str", "    name: date",
        "    name: str", "Account.name: date names date, which is neither in the module nor among Model(types=…). Write dt.date, and import datetime as dt.",
    ),
    "a misspelt variable": (
        "class Line(m.Object, table=lines)", "class Line(m.Object, table=line)",
        "class Line(", 'NameError: name \'line\' is not defined. Did you mean "lines"? More may be told when this is mended.',
    ),
    "a variable that is declared below": (
        "class Use(m.Section, over=events", "class Use(m.Section, over=peers",
        "class Use(", f"NameError: name 'peers' is not defined. It is declared below, at model.py:{line_of('peers =')}: move it above this line. More may be told when this is mended.",
    ),
    "a comma behind a table": (
        'orders = crm.table("app.orders", scope="order:read")', 'orders = crm.table("app.orders", scope="order:read"),',
        "lines = crm", "AttributeError: 'tuple' object has no attribute 'via'. Does a comma stand behind the call that made it? More may be told when this is mended.",
    ),
}  # fmt: skip
"""By name: the text that is replaced and what replaces it, the line of the right model, and the messages, with | between."""
ALSO = {
    "a tenant that no model has": [('tenant="id", ', ""), ('tenant=orders.via("order_id"), ', ""), (CURRENT, "")],
    "a tenant's column and no tenant": [('tenant=orders.via("order_id"), ', ""), (CURRENT, "")],
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_told(name: str, tmp_path: Path) -> None:
    old, new, _, expected = SLIPS[name]
    result = problems(tmp_path, (old, new), *ALSO.get(name, []))
    assert [line.partition("  ")[2] for line in result] == expected.split("|"), result


RIGHT_SQL = [
    (Kind.POSTGRES, "array[1, 2] && tags and tags[1] = 'a' and (array[[1, 2], [3, 4]])[1][2] = 1 and f(x)[1] = 2"),
    (Kind.POSTGRES, "day >= '2026-01-01' and id = '00000000-0000-0000-0000-000000000007' and a <> b and a <= 2026-1"),
    (Kind.POSTGRES, "count(*) filter (where none is null) + \"None\" + state.paid - 5 / 3"),
    (Kind.CLICKHOUSE, "has(['a', 'b'], kind) and a == 1 and tuple(1,) = (1,) and a <=> b and arrayMap(x -> x[1], [[1]])[1]"),
    (Kind.CLICKHOUSE, "toDate('2026-01-01') - 1 and kind = 'State.PAID' and note = '<function len>' and a < b and c > d"),
]  # fmt: skip


class State(Enum):
    """An enum of a model."""

    PAID = "paid"


@pytest.mark.parametrize(("kind", "sql"), RIGHT_SQL)
def test_right_sql_is_left_alone(kind: Kind, sql: str) -> None:
    assert list(python_mistakes(sql, kind, {"State": State})) == []


@pytest.mark.parametrize(
    "sql",
    [
        "sum(total)", "count(*)", "x is not distinct from y", "case when a then b else c end", "cast(a as double precision)",
        "avg(x) filter (where y is not null)", "rank() over (partition by a order by b desc nulls last)", "5.", "a.b",
        "percentile_disc(0.5) within group (order by x)", "any(x) respect nulls", "at at time zone 'UTC'",
        "sum(x) over (order by y rows between unbounded preceding and current row)",
    ],
)  # fmt: skip
def test_an_expression_is_no_sentence(sql: str) -> None:
    assert description_mistake(sql, "A description.") == ""


def test_right_orders_are_left_alone(tmp_path: Path) -> None:
    orders = (
        "placed_at desc nulls last, id",
        "case when total is null then 1 else 0 end, id asc nulls first",
        "total is null, not noted desc, a at time zone 'UTC' desc",
        'coalesce(total, 0) desc, "Line No" asc',
        "abs(total) - 5, -total - 5, placed_on desc",
    )
    assert [problems(tmp_path, (ORDER, f"order={order!r}")) for order in orders] == [[]] * len(orders)


def test_a_type_and_its_word_may_stand_on_two_lines(tmp_path: Path) -> None:
    assert problems(tmp_path, ("    state: State\n", '    state: State\n    state = m.column("status")\n')) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("placed_at", ""), ("plced_at", "placed_at"), ("plaecd_at", "placed_at"), ("placed_att", "placed_at"),
        ("placedAt", "placed_at"), ("placed_on", ""), ("line_1", ""), ("line_22", ""), ("ID", "id"), ("it", ""), ("id2", ""),
    ],
)  # fmt: skip
def test_a_slip_of_a_name_is_one_letter_or_its_spelling(name: str, expected: str) -> None:
    assert misspelled(name, ["placed_at", "line_2", "id"]) == expected
