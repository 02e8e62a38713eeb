"""SQL of a model inside of a sub-select, of which ClickHouse takes names that a table lacks from the rows further out."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from loaders.model.model import Model
from loaders.objects.schema_faults import SchemaFaults
from loaders.objects.section_error import SectionError
from loaders.statements.section_request import Period
from loaders.stores.errors import ColumnUnavailable
from tests.conftest import NewDatabase, Stores
from tests.loaders.model.models import load
from tests.loaders.objects.asking import Asker
from tests.resolvers.missing import renamed

MODEL = '''
from __future__ import annotations
import fuseway as m

web = m.ClickHouse("web")
customers = web.table("customers", latest="version")
orders = web.table("orders", time="day", latest="version", key="order_id")
lines = web.table("lines", tenant=orders.via("order_id", key="order_id"))


class Totals(m.Section, over=web.relation(f"""
    select c.customer_id as customer_id,
        (select sum(o.cents) from {orders.asked('customer_id')} as o where o.shop = c.shop) as total
    from {customers.all} as c
""")):
    """Totals of the orders in a customer's shop."""

    total: int | None = m.sql("max(total)", "All of them.")


class LineTotals(m.Section, over=web.relation(f"""
    select c.customer_id as customer_id,
        (select sum(l.cents) from {lines.all} as l where l.shop = c.shop) as total
    from {customers.all} as c
""")):
    """Totals of the lines in a customer's shop."""

    total: int | None = m.sql("max(total)", "All of them.")


class Returned(m.Section, over=web.relation(f"""
    select c.customer_id as customer_id from {customers.all} as c
    where c.shop in (select o.shop from {orders.all} as o where returned = 1)
""")):
    """Customers of shops to which something was returned."""

    customers: int = m.sql("count()", "How many.")


class Customer(m.Object, table=customers):
    """A customer."""

    customer_id: int = m.key()
    totals: Totals | None = m.section("customer_id", period=True)
    line_totals: LineTotals | None = m.section("customer_id")
    returned: Returned = m.section("customer_id")


class Query(m.Query):
    """Where every query begins."""

    customer: Customer | None = m.by_key()


model = m.Model("correlated", query=Query, types=[Customer], tenant=m.Tenant(claim="t", column="tenant_id", type=int))
'''
_COLUMNS = "tenant_id Int32, customer_id Int32, shop Int32, day Date, version Int32, order_id Int32, returned Int32"
TABLES = (
    f"create table customers ({_COLUMNS}) engine = MergeTree order by tuple()",
    f"create table orders ({_COLUMNS}, cents Int64) engine = MergeTree order by tuple()",
    "create table lines (order_id Int32, shop Int32, cents Int64) engine = MergeTree order by tuple()",
    "insert into customers values (1, 1, 1, '2026-03-02', 3, 1, 1)",
    """insert into orders values (1, 1, 1, '2026-03-02', 1, 1, 0, 1), (1, 1, 1, '2026-03-02', 2, 1, 0, 10),
        (1, 1, 1, '2025-01-01', 1, 2, 0, 200), (1, 2, 1, '2026-03-02', 1, 3, 0, 3000),
        (2, 1, 1, '2026-03-02', 1, 4, 0, 40000)""",
    "insert into lines values (1, 1, 7), (2, 1, 80), (4, 1, 90000)",
)
MARCH = Period(dt.date(2026, 3, 1), dt.date(2026, 3, 31))
TRUTH = {"Customer.totals": {1: (10,)}, "Customer.line_totals": {1: (87,)}}


@pytest.fixture(scope="module")
def correlated(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(tmp_path_factory.mktemp("correlated"), MODEL)


@pytest.fixture(scope="module")
async def stores(new_database: NewDatabase) -> AsyncIterator[Stores]:
    """Orders of two tenants, in a table all of whose columns that conditions name the customers have too."""
    async with new_database() as new:
        for statement in TABLES:
            await new.stores.clickhouse.command(statement)
        yield new.stores


@pytest.mark.parametrize("column", ["tenant_id", "customer_id", "day"])
async def test_a_condition_on_all_rows_of_a_table_is_never_on_a_row_further_out(
    stores: Stores, tmp_path: Path, column: str
) -> None:
    model = load(tmp_path, MODEL.replace(', latest="version", key="order_id"', ""))
    asker = Asker(model, stores, 1)  # type: ignore[arg-type]
    assert await asker.of("Customer.totals", [1], period=MARCH) == {1: (11,)}
    async with renamed(stores.clickhouse, "orders", column):
        with pytest.raises(SectionError):
            await asker.of("Customer.totals", [1], period=MARCH)


@pytest.fixture
def asker(correlated: Model, stores: Stores) -> Asker:
    asker = Asker(correlated, stores, 1)  # type: ignore[arg-type]
    asker.faults = SchemaFaults(asker.databases())
    return asker


@pytest.mark.parametrize(
    ("name", "table", "column"),
    [
        ("totals", "orders", "tenant_id"),
        ("totals", "orders", "customer_id"),
        ("totals", "orders", "day"),
        ("totals", "orders", "version"),
        ("totals", "orders", "order_id"),
        ("line_totals", "orders", "tenant_id"),
        ("line_totals", "orders", "order_id"),
        ("line_totals", "lines", "order_id"),
    ],
)
async def test_a_condition_is_never_on_a_row_further_out(
    asker: Asker, stores: Stores, name: str, table: str, column: str
) -> None:
    section = f"Customer.{name}"
    assert await asker.of(section, [1], period=MARCH) == TRUTH[section]
    async with renamed(stores.clickhouse, table, column):
        for _ in range(2):
            with pytest.raises(SectionError) as caught:
                await asker.of(section, [1], period=MARCH)
            assert isinstance(caught.value.cause, ColumnUnavailable)


async def test_a_name_that_clickhouse_takes_from_further_out_where_it_cannot_is_missing(
    asker: Asker, stores: Stores
) -> None:
    assert await asker.of("Customer.returned", [1]) == {}
    async with renamed(stores.clickhouse, "orders", "returned"):
        with pytest.raises(SectionError, match="Correlated subqueries") as caught:
            await asker.of("Customer.returned", [1])
        assert isinstance(caught.value.cause, ColumnUnavailable)
