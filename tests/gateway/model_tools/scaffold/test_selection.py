"""Tables are found by their whole names first, and by the name without a schema where none has it."""

from __future__ import annotations

import pytest

from gateway.model_tools.scaffold.choices import TableId
from gateway.model_tools.scaffold.selection import matching_tables
from loaders.model.databases import Kind

ORDERS, OLD_ORDERS = TableId(Kind.POSTGRES, "", "shop.orders"), TableId(Kind.POSTGRES, "", "old.orders")
RIDES, OTHER_RIDES = TableId(Kind.CLICKHOUSE, "", "rides"), TableId(Kind.CLICKHOUSE, "", "other.rides")
TABLES = (ORDERS, OLD_ORDERS, RIDES, OTHER_RIDES)


@pytest.mark.parametrize(
    ("pattern", "tables"),
    [
        ("shop.*", {ORDERS}),
        ("orders", {ORDERS, OLD_ORDERS}),
        ("rides", {RIDES}),
        ("other.rides", {OTHER_RIDES}),
        ("*", set(TABLES)),
    ],
)
def test_a_whole_name_stands_for_its_table_alone(pattern: str, tables: set[TableId]) -> None:
    assert matching_tables([pattern], TABLES) == tables
