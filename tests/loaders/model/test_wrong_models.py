"""Mistakes of a model's author: each has file, line and remedy, and all are shown at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from loaders.model.loading import load_model
from loaders.model.problems import ModelError
from tests.loaders.model.models import RIGHT, line_of, load, problems

MISTAKES: dict[str, tuple[str, str, str]] = {
    "an unknown type": ("name: str", "name: Sting", "Account.name: Sting names Sting, which is neither in the module nor among Model(types=…)."),
    "a type that is no scalar": ("name: str", "name: complex", "Account.name: complex is no scalar"),
    "a union": ("name: str", "name: str | int", "Account.name: a field has one type"),
    "an object without a key": ("id: UUID = m.key()", "id_: UUID", "Account: has no key: mark the columns"),
    "a key of fractions": ("id: UUID = m.key()", "id: float = m.key()", "Account.id: Float cannot be part of a key"),
    "a key that may be null": ("id: UUID = m.key()", "id: UUID | None = m.key()", "Account.id: a part of a key cannot be null"),
    "a column called id": ("name: str", "id: str = m.column()\n    x: UUID = m.key()", "Account.id: id is the key's text"),
    "a word of another class": ("name: str", 'name: str = m.sql("x")', "Account.name: m.sql is no word of m.Object"),
    "a section's field without a word": ('n: int = m.sql("any(n)", "Events.")', "n: int", "Rank.n: a field of m.Section needs a word"),
    "a word without a type": ("name: str", 'name = m.column("name")', "Account.name: has no type"),
    "a list on a link": ("account: Account | None =", "account: list[Account] =", "Order.account: m.one is an object type"),
    "one on a list": ("lines: list[Line] =", "lines: Line =", "Order.lines: m.many is list[…] or m.Page[…]"),
    "a link that is always there": ("account: Account | None = m.one", "account: Account = m.one", "Order.account: m.one may have no value: write Account | None."),
    "ids that are always known": ("list[Order | None] = m.by_key()", "list[Order] = m.by_key()", "Query.orders_by_ids: an id may be unknown: write list[Order | None]."),
    "a target that is not in types": ("types=[Account, Order, Line]", "types=[Account, Order]", "Order.lines: Line is not among Model(types=…): add it there."),
    "two fields of one name": ("name: str", "last_order_: str\n    lastOrder: str", "Account.lastOrder: lastOrder is also the name of"),
    "two types of one name": ("class Use(m.Section", 'State.__name__ = "Rank"\n\nclass Use(m.Section', "Rank is also the name of Rank at model.py"),
    "a type of the gateway's": ("class Use(m.Section", 'State.__name__ = "PageInfo"\n\nclass Use(m.Section', "PageInfo: the type's name PageInfo is the gateway's own"),
    "a type that is named as a range": ("noted: bool", 'span: Decimal = m.between("total")\n    noted: bool', "OrderFilter.span: DecimalRange is also the name of DecimalRange at model.py"),
    "a name of GraphQL's own": ("name: str", "naïve: str", "Account.naïve: naïve is no name of GraphQL"),
    "two enum names for one label": ('OPEN, PAID = "open", "paid"', 'OPEN, PAID = "open", "open"', "State.PAID: has the label 'open' of State.OPEN: leave one of them out."),
    "a period without a time column": ('time="sent_at", zone="UTC", ', "", "Order.use: has a period, and events no time column"),
    "one group of many": ("use_by_day: list[UseByDay]", "use_by_day: UseByDay", "Order.use_by_day: UseByDay groups its rows (UseByDay.day)"),
    "a list in no order": ('rank: Rank | None = m.section("id")', 'rank: list[Rank] = m.section("id")', "Order.rank: Rank groups by nothing"),
    "more rows than the most": ("first=20, max=200", "first=300, max=200", "Account.orders: first=300 and max=200"),
    "a list without a bound": ("first=20, max=200", "first=20, max=1_000_000", "Account.orders: first=20 and max=1000000"),
    "a usual number below nothing": ("first=20, max=200", "first=20, max=200, usual=-1", "Account.orders: usual=-1: say about how many rows a busy object has"),
    "a number of rows that is a text": ('crm.table("app.orders"', 'crm.table("app.orders", rows="16"', "app.orders: rows='16': say about how many rows a tenant has"),
    "a group's period without a time column": ("class Account(m.Object", "class Ranks(m.Group):\n    rank: Rank | None = m.section('id', over=peers)\n\nclass Account(m.Object", "Order.ranks: has a period, and no table of its sections a time column"),
    "an option of a group": ("class OrderFilter(m.Filter)", "class Ranks(m.Group, period=True): pass\n\nclass OrderFilter(m.Filter)", "Ranks: m.Group has no option period."),
    "an option of a filter": ("class OrderFilter(m.Filter)", "class OrderFilter(m.Filter, default='state')", "OrderFilter: m.Filter has no option default."),
    "an option of the query": ("class Query(m.Query)", "class Query(m.Query, tenant='id')", "Query: m.Query has no option tenant."),
    "a link in no order": ('order="placed_at desc, id desc"', 'order=" "', "Account.last_order: say order=…"),
    "scopes that are no tuple": ("class Account(m.Object, table=accounts)", 'class Account(m.Object, table=accounts, readable_with="a:b")', "Account: readable_with= is a tuple of scopes"),
    "a default that is no member": ('default="total desc"', 'default="totl desc"', 'OrderOrder: the default is by totl, which is none of its members. Did you mean "total"?'),
    "nulls in the middle": ('nulls="last"', 'nulls="middle"', 'OrderOrder.total: nulls= is "first", "last" or "never"'),
    "a level over one": ("m.percentile(0.95", "m.percentile(95", "Use.p95: the level is a number from 0 to 1, and is 95."),
    "one value for a list of them": ("state: list[State] =", "state: State =", "OrderFilter.state: m.one_of takes list[…]"),
    "a bracket that stays open": ('m.sql("count()"', 'm.sql("count("', "Use.events: a bracket is not closed: ) is missing."),
    "a quote that stays open": ("where=\"kind != 'test'\"", "where=\"kind != 'test\"", "Use: a quote is not closed."),
    "a second statement": ('m.sql("count()"', 'm.sql("count(); select 1"', "Use.events: a ; ends the statement"),
    "a statement that writes": ('m.sql("count()"', 'm.sql("(delete from x)"', "Use.events: delete changes something"),
    "a table that is named bare": ("from {orders.asked('id')} as o", "from app.orders as o", "relation: names the table app.orders: declare it and write"),
    "a table in a list of tables": ("from {orders.asked('id')} as o", "from {orders.asked('id')} as o, app.secret as s", "relation: names the table app.secret"),
    "a table after in": ("from {orders.asked('id')} as o", "from {orders.asked('id')} as o where id in app.secret", "relation: names the table app.secret"),
    "a table in a column": ('m.sql("count()"', 'm.sql("(select count() from secret)"', "Use.events: names the table secret"),
    "a function that reads files": ('m.sql("count()"', "m.sql(\"dictGet('a', 'b', 1)\"", "Use.events: dictGet() is no function that computes from its arguments alone. If it reads and changes nothing of other tenants', allow it: m.ClickHouse('web', functions=['dictGet'])."),
    "a table without its rows": ("from {orders.asked('id')} as o", "from {orders} as o", "TypeError: app.orders stands bare in SQL: say which rows"),
    "rows where rows are there": ('m.sql("count()"', 'm.sql(f"{events.all}"', "Use.events: rows of a table cannot stand in this SQL."),
    "a value outside of a filter": ('m.sql("count()"', 'm.sql(f"{m.value}"', "Use.events: {value} cannot stand in this SQL."),
    "a table without a schema": ('crm.table("app.orders"', 'crm.table("orders"', "orders: say its schema, such as public.orders"),
    "a name that is no table's": ('crm.table("app.orders"', 'crm.table("app.orders; drop"', "app.orders; drop: is no table's name"),
    "a table twice": ('lines = crm.table("app.order_lines"', 'lines = crm.table("app.orders"', "app.orders: is also declared at model.py:10"),
    "a database like another's setting": ('m.Postgres("crm")', 'm.Postgres("crm_direct")', "DATABASE_CRM_DIRECT_URL is the setting of another database's URL past any pooler"),
    "a database like the gateway's own": ('m.Postgres("crm")', 'm.Postgres("gateway")', "Postgres('gateway'): metrics call the gateway's own database so: choose another name."),
    "a database like one without a name": ('m.ClickHouse("web")', 'm.ClickHouse("default")', "ClickHouse('default'): metrics call a database without a name so: choose another name, or none."),
    "a database twice": ('m.ClickHouse("web")', 'm.Postgres("crm")', "CRM_URL is also the setting of the one at"),
    "a tenant via another database": ('tenant=orders.via("order_id")', 'tenant=web.table("app.heads").via("order_id")', "app.order_lines: its tenant is said via app.heads, which lies in another database"),
    "a tenant via everyone's": ('lines = crm.table("app.order_lines", tenant=orders.via', 'rates = crm.table("app.rates", tenant=m.everyones)\nlines = crm.table("app.order_lines", tenant=rates.via', "app.order_lines: its tenant is said via app.rates, which belongs to no tenant"),
    "a tenant that is empty": ('tenant="id"', 'tenant=""', "app.accounts: tenant is empty"),
    "a scope with a space": ('scope="order:read")', 'scope="order read")', "app.orders: the scope 'order read' has a space"),
    "freshness below nothing": ("m.Freshness(60, 600, 86_400)", "m.Freshness(60, -1, 86_400)", "app.accounts: freshness is three numbers of seconds"),
    "a function that asks for what is not there": ("_label(total: list[Decimal])", "_label(totals: list[Decimal])", 'Order.label: its function asks for totals, and Order has no such column. Did you mean "total"?'),
    "a default out of bounds": ("default=10, min=1", "default=0, min=1", "size: the default 0 lies outside of its own bounds."),
    "a default of another type": ("int, default=10", 'int, default="10"', "size: the default '10' is no int."),
    "a way in by what is not there": ("order: Order | None = m.by_key()", 'order: Order | None = m.by_key("totl")', 'Query.order: looks up by totl, which is no column of Order. Did you mean "total"?'),
    "no way in": ("class Query(m.Query):", "class Query(m.Query): pass\nclass Other:", "Query: has no field: declare at least one root field"),
    "a current object without a tenant": (', tenant=m.Tenant(claim="account", type=UUID, column="account_id")', "", "Query.account: the model has no tenant"),
    "a name that is none": ('m.Model("shop"', 'm.Model("My Shop"', "Model: 'My Shop' is no name"),
    "an object in ClickHouse without latest": ("class Line(m.Object, table=lines):", "class Line(m.Object, table=events):", "Line: events lies in ClickHouse, where a key may have several rows"),
    "a value that is no word": ("name: str", 'name: str = "x"', "Account.name: 'x' is no word of the language"),
    "a column that is SQL": ('m.many("account_id"', 'm.many("account_id) or (true"', "Account.orders: the column is the name of a column"),
    "a tenant that is SQL": ('tenant="id"', 'tenant="id = id or id"', "app.accounts: tenant= is the name of a column"),
    "the model's tenant that is SQL": ('column="account_id")', 'column="account_id or true")', "Model: the tenant's column is the name of a column"),
    "asked rows by SQL": ("orders.asked('id')", "orders.asked('id or true')", "relation: asked(…) is the name of a column"),
    "a time that is SQL": ('time="sent_at"', 'time="toDate(sent_at)"', "events: time= is the name of a column"),
    "a parent by SQL": ('orders.via("order_id")', 'orders.via("order_id or 1")', "app.order_lines: via(…) is the name of a column"),
    "a key that is SQL": ("id: m.BigInt = m.key()", "id: m.BigInt = m.key(column='id) or (true')", "Order.id: column= is the name of a column"),
    "more columns than the key has": ('m.many("order_id", order', 'm.many("order_id, line_no", order', "Order.lines: the column is one column, and 'order_id, line_no' names 2."),
    "fewer columns than the key has": ("line_no: int = m.key()", 'line_no: int = m.key()\n    use: Use = m.section("order_id")', "Line.use: the column says 1 column (order_id) where the key has 2: name as many, "),
    "a link that reads a table": ('n: int = m.sql("any(n)", "Events.")', 'n: Order | None = m.one("(select max(id) from app.secret)")', "Rank.n: names the table app.secret"),
    "a pick that reads a table": ('m.group_by("toDate(sent_at)"', "m.group_by('{}'.format(m.argument('state', State, default=State.OPEN).pick({State.OPEN: '(select 1 from secret)', State.PAID: '1'}))", "state: names the table secret"),
    "rows of another database": ("left join {events.all}", "left join {orders.all}", "relation: app.orders lies in DATABASE_CRM_URL, and the query is of CLICKHOUSE_WEB_URL: declare a relation of its own database"),
    "the tenant's own value in SQL": ('m.sql("count()"', "m.sql(f\"{accounts.value('x')}\"", "Use.events: a column of the tenant's own row cannot stand in this SQL."),
    "a comment in an expression": ('m.sql("count()"', 'm.sql("count() -- all"', "Use.events: a comment stands in an expression"),
    "a forgotten f": ('m.sql(f"uniq(', 'm.sql("uniq(', "UseByDay.buckets: a brace stands in the SQL: is the f in front of the text missing?"),
    "a relation that is no query": ('crm.relation(f"select', 'crm.relation(f"explain select', "relation: a relation is a query: begin it with select or with."),
    "a name of the gateway's": ('m.sql("count()"', 'm.sql("count(fw_key_0)"', "Use.events: fw_key_0: names that begin with fw_ are the gateway's own."),
    "a type by typing's name": ("name: str", "name: Optional[str]", "Account.name: Optional[str] names Optional, which is neither in the module nor among Model(types=…). Write … | None."),
    "a list of nothing": ("name: str", "name: list", "Account.name: say of what: list[…]."),
    "a page of nothing": ("orders: m.Page[Order] = m.many(", "orders: m.Page = m.many(", "Account.orders: say of what: m.Page[…]."),
    "a list in a list": ("name: str", "name: list[list[str]]", "Account.name: a list in a list"),
    "a module as a type": ("day: dt.date =", "day: dt =", "UseByDay.day: the module datetime is no type of a field"),
    "a type of a module that is misspelt": ("day: dt.date =", "day: dt.dat =", "module 'datetime' has no attribute 'dat'. Did you mean \"date\"?"),
    "a word as a type": ("name: str", "name: m.column()", "Account.name: m.column(…) stands behind ="),
    "a word that is not called": ("name: str", "name: str = m.column", "Account.name: call the word: m.column(…)."),
    "a comma behind a word": ("name: str", "name: str = m.column(),", "Account.name: a comma stands behind the word"),
    "a default of none": ("name: str", "name: str = None", "Account.name: None is no word of the language"),
    "a constant in a class": ("name: str", "LIMIT = 5", "Account.LIMIT: is no field: constants, functions and classes stand outside"),
    "a function in a class": ("name: str", "def hello(self): return 1", "Account.hello: is no field"),
    "a class in a class": ("name: str", "class Kind(Enum): A = 'a'", "Account.Kind: is no field"),
    "a field that is private": ("name: str", "_name: str", "Account._name: a field's name begins with a letter"),
    "a field with two underscores": ("name: str", "__name: str", "Account.__name: a field's name begins with a letter"),
    "a word that is misspelt": ("id: UUID = m.key()", "id: UUID = m.kye()", "module 'fuseway' has no attribute 'kye'. Did you mean \"key\"?"),
    "an option that is misspelt": ("class Account(m.Object, table=", "class Account(m.Object, tabel=", 'Account: m.Object has no option tabel. Did you mean "table"?'),
    "a base that is missing": ("class Account(m.Object, table=", "class Account(table=", "Is the class derived from m.Object or m.Section?"),
    "annotations that are evaluated at once": ("from __future__ import annotations\n", "", "NameError: name 'Order' is not defined. Begin the file with: from __future__ import annotations"),
    "a dataclass": ("class Account(m.Object", "import dataclasses\n@dataclasses.dataclass\nclass Account(m.Object", "TypeError: non-default argument"),
    "a link without a word": ('account: Account | None = m.one("account_id")', "account: Account | None", "Order.account: a field of type Account | None needs a word: m.one(…)"),
    "types that are no classes": ("types=[Account,", "types=['Account',", "Model: types= has the text 'Account': write the class, Account, without quotes."),
    "types that are no list": ("types=[Account, Order, Line]", "types=Account", "Model: types= is a list of object types, and this one is Account: write types=[Customer, …]."),
    "two types of one class name": ("types=[Account,", "types=[type('Order', (Account,), {}, table=accounts), Account,", "Order: types= has two classes Order"),
    "a query that is an instance": ("query=Query", "query=Query()", "Model: query= is a class derived from m.Query"),
    "a tenant that is a text": ('tenant=m.Tenant(claim="account", type=UUID, column="account_id")', 'tenant="account_id"', "Model: tenant= is m.Tenant(…), and is 'account_id'."),
    "a tenant without a claim": ('claim="account"', 'claim=""', "Model: m.Tenant(claim=…) is the member of a token"),
    "a tenant of no key's type": ("type=UUID", "type=float", "is no type of a key, such as str or UUID."),
    "a table's tenant that is a number": ('tenant="id"', "tenant=5", "app.accounts: tenant= is a column, <parent>.via(…) or m.everyones, and is 5."),
    "a tenant via a table without objects": ("orders.via(", "crm.table('app.heads').via(", "app.order_lines: its tenant is said via app.heads, which no object type is over"),
    "a table twice in other letters": ('crm.table("app.order_lines"', 'crm.table("APP.Orders"', "APP.Orders: is also declared at model.py:10"),
    "a list of scopes": ('scope="order:read")', 'scope=["order:read"])', "app.orders: scope= is one text, and is ['order:read']."),
    "a field's scope with a space": ("name: str", 'name: str = m.column(scope="a b")', "Account.name: the scope 'a b' is no text without spaces"),
    "freshness in one number": ("m.Freshness(60, 600, 86_400)", "60", "app.accounts: freshness= is m.Freshness(…), and is 60."),
    "a time zone that is none": ('zone="UTC"', 'zone="Europe/Wien"', "events: zone='Europe/Wien' is no time zone"),
    "an enum without members": ('OPEN, PAID = "open", "paid"', "pass", "State: has no members."),
    "an async function that computes": ("def _label", "async def _label", "Order.label: its function is async"),
    "a function of all columns": ("def _label(total: list[Decimal])", "def _label(*total)", "Order.label: its function takes *total: name the columns."),
    "a function that asks for a link": ("def _label(total: list[Decimal])", "def _label(account)", "Order.label: its function asks for account, and Order has no such column."),
    "true as a number of rows": ("first=50", "first=True", "Order.lines: first=True and max=200"),
    "an order in a list": ('order="line_no"', 'order=["line_no"]', "Order.lines: order= is a text, or a class derived from m.Order"),
    "a page in the order of a text": ("m.page(order=OrderOrder,", "m.page(order='total',", "Query.orders: order= of a page is a class derived from m.Order."),
    "a condition without its value": ("(note is not null) = {m.value}", "note is not null", "OrderFilter.noted: what the client gives is nowhere in the SQL"),
    "a percentile of texts": ("p95: float | None", "p95: str | None", "Use.p95: a percentile is a number, and the annotation says String."),
    "an argument whose name is none": ('m.argument("size"', 'm.argument("my size"', "argument: 'my size' is no name of GraphQL."),
    "an argument of the gateway's": ('m.argument("size"', 'm.argument("first"', "first: the gateway has an argument of this name"),
    "an argument whose type is a text": ('m.argument("size", int,', 'm.argument("size", "int",', "size: its type is a scalar or an enum, and is 'int'."),
    "bounds of another type": ("min=1, max=100", "min='1', max=100", "size: min= '1' is no int."),
    "true as a default number": ("int, default=10", "int, default=True", "size: the default True is no int."),
    "a pick that lacks a member": ('m.group_by("toDate(sent_at)"', "m.group_by('{}'.format(m.argument('state', State, default=State.OPEN).pick({State.OPEN: 'day'}))", "state: picks no SQL for PAID of State."),
    "a database in braces": ("{size}", "{crm}", "TypeError: A database stands in SQL: declare a table of it"),
    "a field that is not there": ('m.sql("count()", "Events.")', "m.sql(f\"{m.field('evnts')} + 1\")", 'Use.events: Use has no field evnts. Did you mean "events"?'),
    "two values in one": ('m.sql("count()"', 'm.sql("count(), 1"', "Use.events: , stands in an expression, which is one value"),
    "all columns as one": ('m.sql("count()"', 'm.sql("*"', "Use.events: * stands in an expression, which is one value"),
    "a value with a name": ('m.sql("count()"', 'm.sql("count() as n"', "Use.events: as stands in an expression, which is one value"),
    "a description that is a number": ('m.sql("count()", "Events.")', 'm.sql("count()", 5)', "Use.events: a description is a text, and is 5."),
    "a resolver that is no function": ("m.current()", "m.resolver(5)", "Query.account: m.resolver takes a function."),
    "a link to a key of two parts": ("account: Account | None = m.one", "first_line: Line | None = m.one('line_id')\n    account: Account | None = m.one", "Order.first_line: the column says 1 column (line_id) where the key has 2: name as many, "),
    "a parent by two columns": ('orders.via("order_id")', 'orders.via("order_id, line_no")', "app.order_lines: via(…) is one column"),
    "a period over a relation without one": ('rank: Rank | None = m.section("id")', 'rank: Rank | None = m.section("id", over=peers, period=True)', "Order.rank: has a period, and app.orders no time column"),
    "two arguments of one name": ('m.group_by("toDate(sent_at)"', "m.group_by(f\"toDate(sent_at + {m.argument('size', float, default=1.0)})\"", "size: UseByDay also has the argument size of model.py:"),
    "an order that ends its bound": ('order="day"', 'order="day union all select 1, 2, 3"', "Order.use_by_day: union stands in an expression"),
    "a condition with a bound": ("where=\"kind != 'test'\"", 'where="true limit 5"', "Use: limit stands in an expression"),
    "a condition of another type": ("state: list[State] = m.one_of", "state: list[str] = m.one_of", "OrderFilter.state: its values are String, and those of Order.state State: write list[State]."),
    "an array that equals a value": ("state: list[State] = m.one_of(", "tag: str = m.equals('tags')\n    state: list[State] = m.one_of(", "OrderFilter.tag: m.equals is for single values, and Order.tags has an array."),
    "a value that contains": ("noted: bool", "total: Decimal = m.contains('total')\n    noted: bool", "OrderFilter.total: m.contains is for arrays, and Order.total has one value."),
    "an order whose type is not known": ('m.by("total"', 'm.by("abs(total)"', "OrderOrder.total: cursors hold abs(total), and nothing says its type: say type=…, or declare the column on Order."),
    "an order of another type": ('m.by("total"', 'm.by("total", type=float', "OrderOrder.total: type= says Float, and Order.total is Decimal: leave out type=."),
    "an order whose type is none": ('m.by("total"', 'm.by("total", type="x"', "OrderOrder.total: type= is a scalar or an enum, and is 'x'."),
    "a page in an unknown order": ('lines: list[Line] = m.many("order_id", order="line_no"', 'lines: m.Page[Line] = m.many("order_id", order="text"', "Order.lines: its cursors hold text, and nothing says its type: declare the column on Line"),
    "a page of groups in an unknown order": ('use_by_day: list[UseByDay] = m.section("order_id", order="day"', 'use_by_day: m.Page[UseByDay] = m.section("order_id", order="days"', "Order.use_by_day: its cursors hold days, which is no field of UseByDay"),
    "a value that is none over no rows": ("p95: float | None = m.percentile", "kind: str = m.sql('any(kind)')\n    p95: float | None = m.percentile", "Use.kind: Order.use is never null, and over no rows this has no value: write str | None"),
    "a look-up by a fraction": ("order: Order | None = m.by_key()", 'order: Order | None = m.by_key("total")', "Query.order: looks up by total, and Order.total is Decimal, which no text stands for in one way."),
    "a look-up by SQL": ("order: Order | None = m.by_key()", 'order: Order | None = m.by_key("lower(total)")', "Query.order: the column is the name of a column"),
    "a tenant via one of two keys": ("class Line(m.Object, table=lines):", "class Head(m.Object, table=orders):\n    number: int = m.key()\n\nclass Line(m.Object, table=lines):", "app.order_lines: its tenant is said via app.orders, which several object types with different keys are over: say via('order_id', key=…)"),
    "versions of an unknown key": ('crm.table("app.orders"', 'crm.table("app.orders", latest="version", key="id)"', "app.orders: key= is the name of a column"),
    "versions without a key": ('web.table("events"', 'web.table("events", latest="version"', "events: latest= is the greatest version of a key, and no object type is over it: say key=…"),
    "a key without versions": ('crm.table("app.orders"', 'crm.table("app.orders", key="id"', "app.orders: key= is for latest=, and the table says none: leave it out."),
    "a function that is misspelt": ("uniq(intDiv(", "uniq(intDvi(", 'UseByDay.buckets: intDvi() is no function that may be called here. Did you mean "intDiv"?'),
    "a function of the other store": ("m.where(f\"(note is", "m.where(f\"notEmpty(note) = ({m.value} is", "OrderFilter.noted: notEmpty() is a function of ClickHouse, and this SQL is PostgreSQL's: write … <> ''."),
    "a function in an order": ('order="placed_at desc, id desc"', 'order="pg_sleep(9) desc, id desc"', "Account.last_order: pg_sleep() is no function"),
    "a function in a member of an order": ('m.by("total"', 'm.by("score(total)", type=int', "OrderOrder.total: score() is no function"),
    "a function in a relation": ("select o.id as id from", "select score(o.id) as id from", "relation: score() is no function"),
    "a function in a condition": ("kind != 'test'", "sleep(1) = 0", "Use: sleep() is no function"),
    "a function in a pick": ('m.group_by("toDate(sent_at)"', "m.group_by('{}'.format(m.argument('state', State, default=State.OPEN).pick({State.OPEN: 'sleep(1)', State.PAID: '1'}))", "state: sleep() is no function"),
    "a function by no name": ('m.ClickHouse("web")', 'm.ClickHouse("web", functions=["sleep(1)"])', "ClickHouse('web'): functions= is a list of names such as similarity or app.score, and has 'sleep(1)'."),
    "functions that are a text": ('m.Postgres("crm")', 'm.Postgres("crm", functions="score")', "Postgres('crm'): functions= is a list of names"),
    "a tenant of another type than its column": ("type=UUID, ", "", "Account.id: holds the tenant, whose type is String, and is UUID: say m.Tenant(…, type=…)."),
    "a current object of another key": ("account: Account | None = m.current()", "account: Order | None = m.current()", "Query.account: m.current() is the tenant's own object, and Order is not known by its tenant: say tenant=\"id\" on its table"),
    "a poll of nothing": ('web.table("events"', 'web.table("events", changes=m.polls("", every_s=9)', "events: polls(…) is the name of a column"),
    "a poll without pause": ('web.table("events"', 'web.table("events", changes=m.polls("at", every_s=0)', "events: every_s=0 is a number of seconds, above 0 and at most 86,400."),
    "a channel that is none": ('crm.table("app.orders"', 'crm.table("app.orders", changes=m.notifies("a; b")', "app.orders: 'a; b' is no channel: use lower-case letters"),
    "a channel of ClickHouse": ('web.table("events"', 'web.table("events", changes=m.notifies("a")', "events: only PostgreSQL notifies of changes: say changes=m.polls(…)."),
    "a channel of unknown keys": ("peers = crm.relation(f\"select o.id as id from {orders.asked('id')} as o\")", "notes = crm.table('app.notes', changes=m.notifies('a'))\npeers = crm.relation(f\"select o.id as id from {notes.asked('id')} as o\")", "app.notes: no object type is over it whose keys its messages could hold: say m.notifies(…, key=…)."),
    "changes that are a text": ('web.table("events"', 'web.table("events", changes="at"', "events: changes= is m.polls(…) or m.notifies(…), and is 'at'."),
    "a function of what is no type": ("name: str", "name: str = m.resolver(lambda size: size)", "Account.name: its parameter size is no column and has no type: write size: …."),
    "a function of objects": ("def _label", "def _near(order: Order) -> str: return ''\n\ndef _label", "Account.near: its parameter order is a Order: arguments are scalars, or lists of these."),
    "a function of any number": ("name: str", "name: str = m.resolver(lambda *size: size)", "Account.name: its function takes *size: name its parameters"),
    "a price that is none": ("name: str", "name: str = m.resolver(lambda: [], points=-1)", "Account.name: points= is the price for one object, and is -1."),
    "a mutation that is no type": ('m.Model("shop"', 'm.Model("shop", mutation=State', "Model: mutation= is a class with @strawberry.type, and is"),
    "a set-up that is no function": ('m.Model("shop"', 'm.Model("shop", setup="shop.create"', "Model: setup= is an async function, or where one is, such as shop.setup:create, and is 'shop.create'."),
    "examples that are not there": ('m.Model("shop"', 'm.Model("shop", examples="a.graphql"', "Model: examples= is the path of a file or folder of GraphQL documents beside the model's file, and a.graphql is none."),
    "a description of an argument that is a number": ('m.argument("size", int,', 'm.argument("size", int, 5,', "size: a description is a text, and is 5."),
}  # fmt: skip
ALSO = {
    "a type that is named as a range": (
        "class Use(m.Section",
        'State.__name__ = "DecimalRange"\n\nclass Use(m.Section',
    ),
    "a group's period without a time column": (
        '    rank: Rank | None = m.section("id")\n',
        "    ranks: Ranks = m.nested(period=True)\n",
    ),
    "an array that equals a value": ("    state: State\n", "    state: State\n    tags: list[str]\n"),
    "a function of objects": ("    name: str\n", "    name: str\n    near: str = m.resolver(_near)\n"),
    "a tenant via one of two keys": ("types=[Account,", "types=[Head, Account,"),
}
"""Further edits that some mistakes take."""


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_has_its_line_and_what_to_do(name: str, tmp_path: Path) -> None:
    old, new, expected = MISTAKES[name]
    result = problems(tmp_path, (old, new), *([ALSO[name]] if name in ALSO else []))
    assert any(expected in line for line in result), result
    assert all(line.startswith("model.py:") for line in result), result


def test_the_right_model_has_none(tmp_path: Path) -> None:
    assert problems(tmp_path) == []


def test_the_line_is_that_of_the_mistake(tmp_path: Path) -> None:
    (result,) = problems(tmp_path, ("name: str", "name: complex"))
    assert result.startswith(f"model.py:{line_of('name: str')}  ")


def test_a_mistake_in_sql_has_the_line_inside_of_its_text(tmp_path: Path) -> None:
    sql = "select o.id as id\\n\\n    from {orders.asked('id')} as o".replace("\\n", "\n")
    (result,) = problems(
        tmp_path,
        ("crm.relation(f\"select o.id as id from {orders.asked('id')} as o\")", f'crm.relation(f"""{sql}, secret""")'),
    )
    assert result.startswith(f"model.py:{line_of('peers = crm') + 2}  relation: names the table secret")


def test_all_mistakes_are_shown_at_once(tmp_path: Path) -> None:
    names = [
        "a key of fractions",
        "a link that is always there",
        "more rows than the most",
        "a level over one",
        "a second statement",
    ]
    edits = [MISTAKES[name] for name in names]
    result = problems(tmp_path, *((old, new) for old, new, _ in edits if "count()" not in old))
    assert [any(expected in line for line in result) for _, _, expected in edits] == [True, True, True, True, False]
    assert [int(line.split(":")[1].split()[0]) for line in result] == sorted(
        int(line.split(":")[1].split()[0]) for line in result
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("class Broken(", "model.py:1  "),
        ("import fuseway as m\n1 / 0\n", "model.py:2  "),
        ("import fuseway as m\nimport no_such_module_anywhere\n", "ModuleNotFoundError"),
        ("import fuseway as m\n", "a module's model is its variable model, an m.Model, and there is none."),
        ("import fuseway as m\nmodel = 3\n", "an m.Model, and it is a int."),
    ],
)  # fmt: skip
def test_an_error_of_python_has_its_line(text: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as raised:
        load(tmp_path, text)
    assert expected in str(raised.value)


def test_a_target_that_is_not_there_says_how_to_name_one() -> None:
    with pytest.raises(
        ModelError, match=r"is neither a module nor a file: name one, such as shop.model or shop/model.py"
    ):
        load_model("no_such_shop.model")


def test_the_right_model_is_resolved(tmp_path: Path) -> None:
    model = load(tmp_path, RIGHT)
    assert list(model.objects) == ["Account", "Order", "Line"]
    assert model.objects["Line"].key.columns == ("order_id", "line_no")
    assert list(model.sections) == ["Use", "UseByDay", "Rank"]
    assert model.scopes == {"account:read", "order:read", "event:read"}
    assert [root.graphql_name for root in model.roots] == ["order", "ordersByIds", "account", "orders", "node"]
    assert {database.variable for database in model.databases} == {"DATABASE_CRM_URL", "CLICKHOUSE_WEB_URL"}
