"""A small shop, whose sections name functions, labels, versions and each other's columns."""

from __future__ import annotations

from enum import Enum

import fuseway as m

LONG = m.Freshness(fresh_s=3_600, stale_while_revalidate_s=3_600, stale_if_error_s=3_600)
crm, web = m.Postgres("crm", functions=["util.fee"]), m.ClickHouse("web")
shops = crm.table("shop.shops", freshness=LONG)
orders = crm.table("shop.orders", freshness=LONG)
prices = web.table("prices", latest="version", freshness=LONG)
visits = web.table("visits", freshness=LONG)

TABLES = (
    "create schema shop",
    "create schema util",
    "create type shop.status as enum ('open', 'shipped')",
    "create function util.fee(cents bigint) returns bigint language sql immutable return cents / 10",
    "create table shop.shops (id integer primary key, name text not null, motto text)",
    """create table shop.orders (id integer primary key, shop_id integer not null, status shop.status not null,
        cents bigint not null, tax bigint not null, color text)""",
    "insert into shop.shops values (1, 'One', 'first'), (2, 'Two', 'second')",
    """insert into shop.orders select n, 1 + n % 2, (array['open', 'shipped'])[1 + n % 3 % 2]::shop.status, n * 100, n,
        'color ' || n % 4 from generate_series(1, 40) as n""",
)
CLICKHOUSE_TABLES = (
    """create table visits (shop_id Int32, kind Enum8('click' = 1, 'look' = 2), took_ms UInt32)
        engine = MergeTree order by shop_id""",
    "insert into visits select 1 + number % 2, 1 + number % 3 % 2, number from numbers(60)",
    "create table prices (id Int32, version UInt32, price Int64, unit String) engine = MergeTree order by id",
    "insert into prices select 1 + number % 2, number, number * 10, 'EUR' from numbers(20)",
)


class Measure(Enum):
    """What colors are ranked by."""

    ORDERS, CENTS = "orders", "cents"


measure = m.argument("by", Measure, default=Measure.ORDERS)


class Sales(m.Section, over=orders):
    """Sums of orders."""

    orders: int = m.sql("count(*)", "Orders.")
    gross: m.BigInt | None = m.sql("sum(cents)", "All of it.")
    net: m.BigInt | None = m.sql(f"{m.field('gross')} - sum(tax)", "Without tax.")
    share: float | None = m.sql(f"{m.field('net')}::float8 / {m.field('gross')}", "Of the whole.")
    fee: m.BigInt | None = m.sql("sum(util.fee(cents))::bigint", "What we keep.")
    shipped: int | None = m.sql("count(*) filter (where status = 'shipped')", "Those on their way.")


class Colors(m.Section, over=orders):
    """A color."""

    color: str = m.group_by("color", "Its name.")
    orders: int = m.sql("count(*)", "Orders.")
    cents: m.BigInt | None = m.sql("sum(cents)::bigint", "All of it.")


class Visits(m.Section, over=visits):
    """Visits of a shop."""

    visits: m.BigInt = m.sql("count()", "All of them.")
    clicks: m.BigInt | None = m.sql("countIf(kind = 'click')", "Those that clicked.")
    took_ms: m.BigInt | None = m.sql("sum(took_ms)", "How long they took.")


class Shop(m.Object, table=shops):
    """A shop."""

    id: int = m.key()
    name: str
    motto: str | None
    sales: Sales = m.section("shop_id")
    colors: list[Colors] = m.section(
        "shop_id", order=measure.pick({Measure.ORDERS: "orders desc, color", Measure.CENTS: "cents desc"}), first=3
    )
    visits: Visits = m.section("shop_id")


class Tariff(m.Object, table=prices):
    """What something costs, by its last version."""

    id: int = m.key()
    price: m.BigInt
    unit: str | None


class Query(m.Query):
    """Where every query begins."""

    shop: Shop | None = m.by_key()
    tariff: Tariff | None = m.by_key()


model = m.Model("shop", query=Query, types=[Shop, Tariff])
