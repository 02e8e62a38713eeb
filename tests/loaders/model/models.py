"""A small right model as text, and what becomes of it with other lines in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from loaders.model.databases import Database
from loaders.model.loading import load_model
from loaders.model.model import Model
from loaders.model.problems import ModelError

RIGHT = '''\
from __future__ import annotations
import datetime as dt
from decimal import Decimal
from enum import Enum
from uuid import UUID
import fuseway as m

crm, web = m.Postgres("crm"), m.ClickHouse("web")
accounts = crm.table("app.accounts", tenant="id", scope="account:read", freshness=m.Freshness(60, 600, 86_400))
orders = crm.table("app.orders", scope="order:read")
lines = crm.table("app.order_lines", tenant=orders.via("order_id"), scope="order:read")
events = web.table("events", time="sent_at", zone="UTC", scope="event:read")
size = m.argument("size", int, default=10, min=1, max=100)

class State(Enum):
    OPEN, PAID = "open", "paid"

class Use(m.Section, over=events, where="kind != 'test'"):
    """Use."""
    events: int = m.sql("count()", "Events.")
    p95: float | None = m.percentile(0.95, "latency", "Latency.", unit="ms")

class UseByDay(m.Section, over=events):
    """Use by day."""
    day: dt.date = m.group_by("toDate(sent_at)", "The day.")
    buckets: int = m.sql(f"uniq(intDiv(value, {size}))", "Buckets.")

peers = crm.relation(f"select o.id as id from {orders.asked('id')} as o")

class Rank(m.Section, over=web.relation(f"select p.id as id, count() as n from {peers} as p left join {events.all} as e on e.order_id = p.id group by p.id")):
    """Rank."""
    n: int = m.sql("any(n)", "Events.")

def _label(total: list[Decimal]) -> list[str]:
    return [str(each) for each in total]

class OrderFilter(m.Filter):
    state: list[State] = m.one_of("state")
    noted: bool = m.where(f"(note is not null) = {m.value}")

class OrderOrder(m.Order, default="total desc"):
    total = m.by("total", nulls="last")

class Account(m.Object, table=accounts):
    """An account."""
    id: UUID = m.key()
    name: str
    orders: m.Page[Order] = m.many("account_id", order=OrderOrder, filter=OrderFilter, first=20, max=200)
    last_order: Order | None = m.first("account_id", order="placed_at desc, id desc")

class Order(m.Object, table=orders):
    """An order."""
    id: m.BigInt = m.key()
    total: Decimal = m.column(unit="EUR")
    state: State
    label: str = m.computed(_label)
    account: Account | None = m.one("account_id")
    lines: list[Line] = m.many("order_id", order="line_no", first=50)
    use: Use = m.section("order_id", period=True)
    use_by_day: list[UseByDay] = m.section("order_id", order="day", first=24)
    rank: Rank | None = m.section("id")

class Line(m.Object, table=lines):
    """A line."""
    order_id: m.BigInt = m.key(shown=False)
    line_no: int = m.key()

class Query(m.Query):
    order: Order | None = m.by_key()
    orders_by_ids: list[Order | None] = m.by_key()
    account: Account | None = m.current()
    orders: m.Page[Order] = m.page(order=OrderOrder, filter=OrderFilter)
    node: m.Node | None = m.by_key()

model = m.Model("shop", query=Query, types=[Account, Order, Line], tenant=m.Tenant(claim="account", type=UUID, column="account_id"))
'''


def load(folder: Path, text: str) -> Model:
    """The model of a text, loaded from a file."""
    file = folder / "model.py"
    file.write_text(text)
    return load_model(str(file))


async def set_up(stores: Mapping[Database, list[str]]) -> None:
    """Write into each store the name of its database."""
    for database, names in stores.items():
        names.append(database.name)


def problems(folder: Path, *edits: tuple[str, str]) -> list[str]:
    """The lines of the error that the right model gives with edits; `[]` where it gives none."""
    text = RIGHT
    for old, new in edits:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    try:
        load(folder, text)
    except ModelError as error:
        return str(error).splitlines()
    return []


def line_of(text: str) -> int:
    """The number of the right model's first line that has a text."""
    return RIGHT[: RIGHT.index(text)].count("\n") + 1
