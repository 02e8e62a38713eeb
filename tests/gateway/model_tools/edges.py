"""A model of what is odd about tables: versions, partitions, views, and tenants by the parent of a parent."""

MODEL = '''\
from __future__ import annotations
import datetime as dt
from decimal import Decimal
import fuseway as m

crm, web = m.Postgres("crm"), m.ClickHouse("web")
shops = crm.table("w.shops", tenant="id")
orders = crm.table("w.orders", tenant="shop_id", latest="version", key="id")
parts = crm.table("w.parts", tenant="shop_id")
lines = crm.table("w.lines", tenant=parts.via("part_day, part_no", key="day, no"))
notes = crm.table("w.notes", tenant=lines.via("line_id"))
busy = crm.table("w.busy", tenant="shop_id")
everyone = crm.table("w.everyone", tenant=m.everyones)
visits = web.table("visits", tenant="shop_id", time="day", latest="version", key="shop_id, part_no")
hits = web.table("hits", tenant=visits.via("visit_no", key="part_no"))
seen = web.table("seen", tenant="shop_id")
old = m.argument("old", int, default=5)

lines_of = crm.relation(f"""
    with own as materialized (select day, no, order_id from {parts.asked("order_id")} where no < {old})
    select own.order_id as order_id, l.text as text, e.name as name
    from own left join {lines.all} as l on l.part_day = own.day and l.part_no = own.no
    left join {everyone.all} as e on e.name = l.text
    where not exists (select from {notes.all} as n where n.line_id = l.id and n.text = 'hidden')
    """)

class Counted(m.Section, over=lines_of):
    """Counted."""
    rows: int = m.sql("count(text)", "Rows.")
    names: int = m.sql("count(distinct name)", "Names.")

class Visits(m.Section, over=visits):
    """Visits."""
    n: m.BigInt = m.sql("count()", "N.")

class Hits(m.Section, over=web.relation(f"select v.part_no as part_no, h.n as n from {visits.asked('part_no')} as v any left join {hits.all} as h on h.visit_no = v.part_no where v.part_no in (select visit_no from {hits.all})")):
    """Hits."""
    n: m.BigInt = m.sql("sum(n)", "N.")

class Seen(m.Section, over=seen):
    """Seen."""
    n: m.BigInt = m.sql("count()", "N.")

class Busy(m.Section, over=busy, single=True):
    """Busy."""
    name: str | None = m.sql("name", "N.")

class NoteFilter(m.Filter):
    text: str = m.prefix("text")

class NoteOrder(m.Order, default="id"):
    id = m.by("id")
    text = m.by("text", nulls="first", type=str)

class LineOrder(m.Order, default="id"):
    id = m.by("id")

class Order(m.Object, table=orders):
    """An order."""
    id: int = m.key()
    total: Decimal
    parts: list[Part] = m.through(crm.relation(f"select order_id, day, no from {parts.asked('order_id')}"), "order_id", "day, no", order="no", first=5)
    counted: Counted = m.section("order_id", over=lines_of)
    visits: Visits = m.section("part_no", period=True)
    hits: Hits = m.section("part_no")
    seen: Seen = m.section("part_no")
    busy: Busy | None = m.section("order_id")

class Part(m.Object, table=parts):
    """A part."""
    day: dt.date = m.key(shown=False)
    no: int = m.key()
    lines: m.Page[Line] = m.many("part_day, part_no", order="id", first=5)
    order: Order | None = m.one("order_id")

class Line(m.Object, table=lines):
    """A line."""
    id: int = m.key()
    text: str | None
    notes: list[Note] = m.many("line_id", order="id desc", first=5)
    first_note: Note | None = m.first("line_id", order="id desc")

class Note(m.Object, table=notes):
    """A note."""
    id: int = m.key()
    text: str | None
    line: Line | None = m.one("line_id")

class Query(m.Query):
    order: Order | None = m.by_key()
    part: Part | None = m.by_key()
    line_by_text: Line | None = m.by_key("text")
    note: Note | None = m.by_key()
    notes: m.Page[Note] = m.page(order=NoteOrder, filter=NoteFilter)
    lines: m.Page[Line] = m.page(order=LineOrder)

model = m.Model("edges", query=Query, types=[Order, Part, Line, Note], tenant=m.Tenant(claim="shop", column="shop_id", type=int))
'''

POSTGRES = """
create schema w;
create schema hidden;
create table w.shops (id integer primary key, name text);
create table w.orders (shop_id integer not null, id integer not null, version integer not null, total numeric not null);
create table w.parts (shop_id integer not null, day date not null, no integer not null, order_id integer) partition by range (day);
create table w.parts_old partition of w.parts for values from ('2000-01-01') to ('2026-01-01');
create table w.parts_new partition of w.parts for values from ('2026-01-01') to ('2100-01-01') partition by list (no);
create table w.parts_new_1 partition of w.parts_new for values in (1, 2, 3);
create table w.parts_new_2 partition of w.parts_new default;
create table w.lines (id integer primary key, part_day date not null, part_no integer not null, text text);
create table w.notes (id integer primary key, line_id integer not null, text text);
create table w.everyone (name text);
create table hidden.names (order_id integer, name text, shop integer);
create view hidden.inner_view as select n.name, n.shop, n.order_id, o.total from hidden.names as n left join w.orders as o on o.id = n.order_id;
create view w.busy as select shop as shop_id, order_id, max(name) as name from hidden.inner_view group by shop, order_id;
insert into w.shops select n, 'S' from generate_series(1, 5) as n;
insert into w.orders select n % 5 + 1, n, 1, n from generate_series(1, 500) as n;
insert into w.parts select n % 5 + 1, '2025-12-01'::date + n % 100, n, n from generate_series(1, 500) as n;
insert into w.lines select n, '2025-12-01'::date + n % 100, n, 'l' || n from generate_series(1, 500) as n;
insert into w.notes select n, n, 'n' || n from generate_series(1, 500) as n;
insert into hidden.names select n, 'x', n % 5 + 1 from generate_series(1, 500) as n;
analyze;
"""
CLICKHOUSE = (
    """
    create table visits (shop_id Int32, part_no Int32, day Date, version UInt32) engine = MergeTree
    order by (shop_id, part_no)
    """,
    "create table hits (visit_no Int32, n UInt32) engine = MergeTree order by visit_no",
    "create table raw (shop_id Int32, part_no Int32) engine = MergeTree order by shop_id",
    "create view seen as select shop_id, part_no from raw",
)
