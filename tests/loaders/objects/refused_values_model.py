"""Events whose filter, argument and total ClickHouse computes while it analyzes a statement."""

from __future__ import annotations

import fuseway as m

web = m.ClickHouse("web")
customers = web.table("customers", latest="version")
events = web.table("events", latest="version")

KINDS = "Enum8('click' = 1, 'look' = 2)"
TABLES = (
    "create table customers (id Int32, version UInt32) engine = MergeTree order by id",
    f"create table events (id Int32, customer_id Int32, kind {KINDS}, size Int64, version UInt32)"
    " engine = MergeTree order by id",
    "insert into customers values (1, 1)",
    "insert into events values (1, 1, 'click', 10, 1), (2, 1, 'look', 11, 1)",
)

counted = m.argument("kind", str, default="click")


class EventFilter(m.Filter):
    """The kind of events."""

    kind: str = m.where(f"kind = cast({m.value} as {KINDS})")


class Event(m.Object, table=events):
    """An event."""

    id: int = m.key()
    size: m.BigInt


class Counts(m.Section, over=events):
    """Counts of events."""

    events: m.BigInt = m.sql("count()")
    of_kind: m.BigInt | None = m.sql(f"countIf(kind = cast({counted} as {KINDS}))")


class Heavy(m.Section, over=events):
    """Values for which a sub-select reads much."""

    share: float | None = m.sql("count() / (select sum(number) from numbers(1000000000))")


class Customer(m.Object, table=customers):
    """A customer."""

    id: int = m.key()
    counts: Counts = m.section("customer_id")
    heavy: Heavy = m.section("customer_id")
    events: m.Page[Event] = m.many("customer_id", filter=EventFilter, order="id", first=5, max=10)


class Query(m.Query):
    """Where every query begins."""

    customer: Customer | None = m.by_key()


model = m.Model("refused_values", query=Query, types=[Customer, Event])
