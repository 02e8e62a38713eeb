"""The mistakes that authors of models make first, and what is told of each: a reader can judge all messages here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loaders.model.loading import load_model
from loaders.model.problems import ModelError

SHOP = '''\
from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from uuid import UUID

import fuseway as m

RECORDS = m.Freshness(fresh_s=60, stale_while_revalidate_s=600, stale_if_error_s=86_400)

db, web = m.Postgres(), m.ClickHouse()
tenant = m.Tenant(claim="workspace", column="workspace_id", type=UUID)

customers = db.table("shop.customers", scope="shop:read", freshness=RECORDS)
orders = db.table("shop.orders", scope="shop:read", freshness=RECORDS)
lines = db.table("shop.lines", tenant=orders.via("order_id"), scope="shop:read", freshness=RECORDS)
visits = web.table("shop.visits", time="day", zone="UTC", scope="shop:read", freshness=RECORDS)

slow_ms = m.argument("slowMs", int, default=500, min=1, max=60_000)


class Tier(Enum):
    """Tier."""

    BASIC = "basic"
    GOLD = "gold"


class Visits(m.Section, over=visits):
    """Visits to the shop."""

    visits: int = m.sql("count()", "All of them.", unit="visits")
    pages: float | None = m.sql("avg(pages)", "Mean of the pages that were seen.", unit="pages")
    slow: float | None = m.ratio(f"countIf(ms >= {slow_ms})", "count()", "Slow.")
    p95: float | None = m.percentile(0.95, "ms", "95th percentile.", unit="ms")


class VisitMonth(m.Section, over=visits):
    """Visits of a month."""

    month: dt.date = m.group_by("toStartOfMonth(day)", "Month.")
    visits: int = m.sql("count()", "All of them.", unit="visits")


class Spend(m.Section, over=orders):
    """What was spent."""

    total: Decimal | None = m.sql("sum(total)", "Sum.", unit="EUR")


class OrderFilter(m.Filter):
    """Which orders."""

    placed_from: dt.datetime = m.at_least("placed_at")
    has_note: bool = m.where(f"(note is not null) = {m.value}")


class OrderOrder(m.Order, default="placed_at desc"):
    """How orders are ordered."""

    placed_at = m.by("placed_at")
    total = m.by("total", nulls="last")


class CustomerOrder(m.Order, default="name"):
    """How customers are ordered."""

    name = m.by("name")


def _label(name: Sequence[str], tier: Sequence[Tier]) -> list[str]:
    return [f"{n} ({t.name})" for n, t in zip(name, tier, strict=True)]


class Customer(m.Object, table=customers):
    """Somebody who buys."""

    id: int = m.key()
    name: str
    tier: Tier
    email: str | None = m.column(scope="pii:read")
    label: str = m.computed(_label, "Label.")
    orders: list[Order] = m.many("customer_id", order="placed_at desc", first=10)
    order_pages: m.Page[Order] = m.many("customer_id", order=OrderOrder, filter=OrderFilter, first=10)
    visits: Visits = m.section("customer_id", period=True)
    months: list[VisitMonth] = m.section("customer_id", order="month", first=24)
    spend: Spend = m.section("customer_id")


class Order(m.Object, table=orders):
    """What somebody bought."""

    id: m.BigInt = m.key()
    placed_at: dt.datetime
    total: Decimal | None = m.column(unit="EUR")
    customer: Customer | None = m.one("customer_id")
    lines: list[Line] = m.many("order_id", order="line_no", first=50)


class Line(m.Object, table=lines):
    """A line."""

    order_id: m.BigInt = m.key(shown=False)
    line_no: int = m.key()
    text: str


class Query(m.Query):
    """Where every query begins."""

    customer: Customer | None = m.by_key()
    customers_by_ids: list[Customer | None] = m.by_key()
    customers: m.Page[Customer] = m.page(order=CustomerOrder, first=20)
    order: Order | None = m.by_key()


model = m.Model("shop", query=Query, types=[Customer, Order, Line], tenant=tenant)
'''

MISTAKES: dict[str, tuple[Any, ...]] = {
    'annotations that Python evaluates': (
        [('from __future__ import annotations\n', '')],
        ["model.py:84  NameError: name 'Order' is not defined. Begin the file with: from __future__ import annotations. More may be told when this is mended."],
    ),
    'a table bare in SQL': (
        [('class Spend(m.Section, over=orders)', 'class Spend(m.Section, over=db.relation(f"select * from {orders}"))')],
        ["model.py:47  TypeError: shop.orders stands bare in SQL: say which rows, {table.asked('column')} for those of the asked objects or {table.all} for all of the tenant. More may be told when this is mended."],
    ),
    'a table by its name in SQL': (
        [('class Spend(m.Section, over=orders)', 'class Spend(m.Section, over=db.relation("select customer_id, total from shop.orders"))')],
        ["model.py:47  relation: names the table shop.orders: declare it and write {table.asked('column')} or {table.all}."],
    ),
    'a forgotten f': (
        [('f"countIf(ms >= {slow_ms})"', '"countIf(ms >= {slow_ms})"')],
        ['model.py:36  Visits.slow: a brace stands in the SQL: is the f in front of the text missing? A map is written map(…).'],
    ),
    'a forgotten f in a relation': (
        [('class Spend(m.Section, over=orders)', 'class Spend(m.Section, over=db.relation("select customer_id, total from {orders.all}"))')],
        ['model.py:47  relation: a brace stands in the SQL: is the f in front of the text missing? A map is written map(…).'],
    ),
    'a type that is not listed': (
        [('types=[Customer, Order, Line]', 'types=[Customer, Order]')],
        ['model.py:99  Order.lines: Line is not among Model(types=…): add it there.'],
    ),
    'a list without an order': (
        [('m.many("customer_id", order="placed_at desc", first=10)', 'm.many("customer_id", first=10)')],
        ['model.py:85  Customer.orders: m.many needs order=, such as order="placed_at desc".'],
    ),
    'an order by a misspelt column': (
        [('order="placed_at desc", first=10)', 'order="plced_at desc", first=10)')],
        ['model.py:85  Customer.orders: order="plced_at desc": plced_at is no column of Order. Did you mean "placed_at"?'],
    ),
    'an order by a misspelt field': (
        [('order="month", first=24', 'order="mnth", first=24')],
        ['model.py:88  Customer.months: order="mnth": VisitMonth has no field mnth, by which to order its groups. Did you mean "month"?'],
    ),
    'two members of one label': (
        [('GOLD = "gold"', 'GOLD = "basic"')],
        ["model.py:28  Tier.GOLD: has the label 'basic' of Tier.BASIC: leave one of them out."],
    ),
    'an object without a key': (
        [('    id: int = m.key()\n    name: str', '    id: int\n    name: str')],
        ['model.py:77  Customer: has no key: mark the columns that it is known by with m.key(), such as id: int = m.key().'],
    ),
    'a section over nothing': (
        [('class Spend(m.Section, over=orders)', 'class Spend(m.Section)')],
        ['model.py:47  Spend: m.Section needs over=, such as over=orders.'],
    ),
    'an object without a table': (
        [('class Line(m.Object, table=lines)', 'class Line(m.Object)')],
        ['model.py:102  Line: m.Object needs table=, such as table=orders.'],
    ),
    'groups in one section': (
        [('months: list[VisitMonth] = m.section("customer_id", order="month", first=24)', 'months: VisitMonth = m.section("customer_id")')],
        ['model.py:88  Customer.months: VisitMonth groups its rows (VisitMonth.month), so that there are many: write list[…].'],
    ),
    'a period without a time column': (
        [('spend: Spend = m.section("customer_id")', 'spend: Spend = m.section("customer_id", period=True)')],
        ['model.py:89  Customer.spend: has a period, and shop.orders no time column: say time=… there.'],
    ),
    'a misspelt option': (
        [('lines = db.table("shop.lines", tenant=orders.via("order_id"), scope=', 'lines = db.table("shop.lines", tenant=orders.via("order_id"), scopes=')],
        ['model.py:18  shop.lines: table(…) has no option scopes. Did you mean "scope"?'],
    ),
    'two classes of one name': (
        [('class Query(m.Query)', 'class Spend(m.Section, over=orders):\n    """Other."""\n\n    n: int = m.sql("count(*)", "N.")\n\n\nclass Query(m.Query)')],
        ['model.py:110  Spend: is also declared at model.py:47, and Python keeps the last one: rename one of them.'],
    ),
    'two names that are one in the API': (
        [('    placed_at: dt.datetime\n    total', '    placed_at: dt.datetime\n    placedAt: dt.datetime = m.column("placed_on")\n    total')],
        ['model.py:97  Order.placedAt: placedAt is also the name of Order.placed_at at model.py:96: rename one of them.'],
    ),
    'a field named as a word of Python': (
        [('    text: str\n', '    text: str\n    from: str\n')],
        ['model.py:108  invalid syntax. from is a word of Python and no name of a field: write from_: … = m.column("from").'],
    ),
    'a list of pages': (
        [('order_pages: m.Page[Order]', 'order_pages: list[m.Page[Order]]')],
        ['model.py:86  Customer.order_pages: a page is a list by itself: write m.Page[Order].'],
    ),
    'a name of typing that is not imported': (
        [('pages: float | None', 'pages: Optional[float]')],
        ['model.py:35  Visits.pages: Optional[float] names Optional, which is neither in the module nor among Model(types=…). Write … | None.'],
    ),
    'a default of another type': (
        [('int, default=500, min=1', 'int, default="500", min=1')],
        ["model.py:21  slowMs: the default '500' is no int."],
    ),
    'a default outside of its bounds': (
        [('int, default=500, min=1', 'int, default=0, min=1')],
        ['model.py:21  slowMs: the default 0 lies outside of its own bounds.'],
    ),
    'a parameter that is no column': (
        [('def _label(name: Sequence[str]', 'def _label(nmae: Sequence[str]'), ('zip(name,', 'zip(nmae,')],
        ['model.py:84  Customer.label: its function asks for nmae, and Customer has no such column. Did you mean "name"?'],
    ),
    'a parameter without a type': (
        [('class Query(m.Query)', 'def _find(who, email: str) -> list[Customer]:\n    return []\n\n\nclass Query(m.Query)'), ('    order: Order | None = m.by_key()\n', '    order: Order | None = m.by_key()\n    found: list[Customer] = m.resolver(_find, points=1)\n')],
        ['model.py:121  Query.found: its parameter who is no column and has no type: write who: ….'],
    ),
    'a parent by no column': (
        [('orders.via("order_id")', 'orders.via()')],
        ['model.py:18  shop.lines: via(…) needs column, such as "customer_id".'],
    ),
    'a parent in the other store': (
        [('visits = web.table("shop.visits", time', 'visits = web.table("shop.visits", tenant=customers.via("customer_id"), time')],
        ['model.py:19  shop.visits: its tenant is said via shop.customers, which lies in another database: name a column of its own.'],
    ),
    "a tenant's misspelt option": (
        [('claim="workspace"', 'claims="workspace"')],
        ['model.py:14  Tenant: m.Tenant has no option claims. Did you mean "claim"?'],
    ),
    'a tenant that is forgotten': (
        [(', tenant=tenant)', ')')],
        ['model.py:14  tenant: no model has it, so that every viewer would see the rows of all tenants: write m.Model(…, tenant=tenant), or delete it.', 'model.py:18  shop.lines: says a tenant and the model none: give Model(tenant=m.Tenant(…)).'],
    ),
    'a tenant that is a text': (
        [(', tenant=tenant)', ', tenant="workspace")')],
        ["model.py:119  Model: tenant= is m.Tenant(…), and is 'workspace'."],
    ),
    'a function of the other store': (
        [('m.sql("sum(total)", "Sum."', 'm.sql("sumIf(total, total > 0)", "Sum."')],
        ["model.py:50  Spend.total: sumIf() is a function of ClickHouse, and this SQL is PostgreSQL's: write sum(…) filter (where …)."],
    ),
    'a level in percent': (
        [('m.percentile(0.95', 'm.percentile(95')],
        ['model.py:37  Visits.p95: the level is a number from 0 to 1, and is 95.'],
    ),
    'a bracket that stays open': (
        [('m.sql("sum(total)", "Sum."', 'm.sql("sum((total)", "Sum."')],
        ['model.py:50  Spend.total: a bracket is not closed: ) is missing.'],
    ),
    'a comment in SQL': (
        [('m.sql("sum(total)", "Sum."', 'm.sql("sum(total) -- all", "Sum."')],
        ['model.py:50  Spend.total: a comment stands in an expression: write it in Python, beside the text.'],
    ),
    'an import of what is not there': (
        [('import fuseway as m\n', 'import fuseway as m\nfrom tables import member\n')],
        ["model.py:10  ImportError: cannot import name 'member' from 'tables'. More may be told when this is mended."],
        {'tables.py': 'members = 1\n'},
    ),
    'an import of no module': (
        [('import fuseway as m\n', 'import fuseway as m\nfrom tabels import member\n')],
        ["model.py:10  ModuleNotFoundError: No module named 'tabels'. More may be told when this is mended."],
    ),
    'modules that import each other': (
        [('import fuseway as m\n', 'import fuseway as m\nfrom other import Thing\n')],
        ['model.py:10  ImportError: other imports this file too, before it is complete: put what both need into a third module. More may be told when this is mended.'],
        {'other.py': 'from __future__ import annotations\nfrom model import customers\nThing = customers\n'},
    ),
    'a base class with fields': (
        [('class Customer(m.Object, table=customers)', 'class Base(m.Object):\n    """B."""\n\n    id: int = m.key()\n    name: str\n\n\nclass Customer(Base, table=customers)'), ('    id: int = m.key()\n    name: str\n    tier', '    tier')],
        ['model.py:77  Base: m.Object needs table=, such as table=orders. Fields that several types share stand in a class without a base: class Base:'],
    ),
    'several at once': (
        [('order="placed_at desc", first=10)', 'order="plced_at desc", first=10)'), ('m.percentile(0.95', 'm.percentile(95'), ('GOLD = "gold"', 'GOLD = "basic"'), ('    name: str\n', '    name: string\n'), ('types=[Customer, Order, Line]', 'types=[Customer, Order]')],
        ["model.py:28  Tier.GOLD: has the label 'basic' of Tier.BASIC: leave one of them out.", 'model.py:37  Visits.p95: the level is a number from 0 to 1, and is 95.', 'model.py:70  CustomerOrder.name: cursors hold name, and nothing says its type: say type=…, or declare the column on Customer.', 'model.py:81  Customer.name: string names string, which is neither in the module nor among Model(types=…). Write str.', 'model.py:85  Customer.orders: order="plced_at desc": plced_at is no column of Order. Did you mean "placed_at"?', 'model.py:99  Order.lines: Line is not among Model(types=…): add it there.'],
    ),
}  # fmt: skip
"""By name: the edits of the shop, the lines that are told, and the files that lie beside it."""


@pytest.fixture(autouse=True)
def _imports(tmp_path: Path) -> Iterator[None]:
    """Forget what a test imported from its own folder, and hide the models that other tests left on the path."""
    path = list(sys.path)
    sys.path[:] = [folder for folder in path if not (Path(folder) / "model.py").exists()]
    sys.modules.pop("model", None)
    yield
    sys.path[:] = path
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def told(folder: Path, edits: list[tuple[str, str]], target: str = "model.py") -> list[str]:
    """Return what is told of the shop with edits; nothing of a right model."""
    text = SHOP
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    (folder / "model.py").write_text(text)
    try:
        load_model(str(folder / target))
    except ModelError as error:
        return str(error).splitlines()
    return []


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_in_these_words(name: str, tmp_path: Path) -> None:
    edits, expected, *files = MISTAKES[name]
    for file, text in (files[0] if files else {}).items():
        (tmp_path / file).write_text(text)
    assert told(tmp_path, edits) == expected


def test_the_shop_is_right(tmp_path: Path) -> None:
    assert told(tmp_path, []) == []


def test_a_model_of_another_name_is_told_its_own(tmp_path: Path) -> None:
    line = SHOP[: SHOP.index("model = m.Model")].count("\n") + 1
    message = "Model: the model is its module's variable model, and is called shop here: rename it, or name"
    assert told(tmp_path, [("model = m.Model", "shop = m.Model")]) == [
        f"model.py:{line}  {message} {tmp_path}/model.py:shop."
    ]


def test_a_folder_without_a_model_is_told_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "tables.py").write_text(SHOP)
    with pytest.raises(ModelError) as raised:
        load_model("shop")
    assert str(raised.value) == (
        "shop  Model: the folder has no model.py. It has tables.py: name the file, such as shop/tables.py."
    )


def test_a_file_below_the_working_directory_is_named_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").mkdir()
    assert told(tmp_path / "shop", [("    text: str\n", "    text: Sting\n")]) == [
        "shop/model.py:107  Line.text: Sting names Sting, which is neither in the module nor among Model(types=…)."
    ]
