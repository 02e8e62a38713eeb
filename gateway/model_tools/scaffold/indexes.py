"""The uses of a table's indexes: the lists of one object, the orders and the filters of all."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.model_tools.scaffold.choices import TableId
from gateway.model_tools.scaffold.field_types import is_ordered
from gateway.model_tools.scaffold.plan import Plan
from gateway.model_tools.scaffold.sql_names import column_of_term, named_all, table_text, term
from loaders.model.databases import Kind
from loaders.model.scalars import DATE, INSTANT

CREATE_INDEX = "create index concurrently"
"""The beginning of a statement that a remark has in a line of its own."""
_MANY_ROWS = 10_000
"""Rows from which on a list without an index is worth a remark."""


def indexed_columns(plan: Plan, table: TableId, method: str = "btree") -> Iterator[tuple[str, ...]]:
    """Yield the columns that each index begins with, up to its first expression, without the tenant's."""
    catalog = plan.chosen[table]
    terms = [each.terms for each in catalog.indexes if each.method == method and not each.condition]
    for texts in terms if table.kind is Kind.POSTGRES else [catalog.sorting_key] if method == "btree" else []:
        columns: list[str] = []
        for text in texts:
            name = column_of_term(text)
            if name not in catalog.columns or plan.is_secret(table, name):
                break
            if not plan.tenants.is_tenant(table, name):
                columns.append(name)
        if columns:
            yield tuple(columns)


def order_behind(plan: Plan, table: TableId, columns: tuple[str, ...]) -> str | None:
    """Return an order of the rows that some columns select, which an index serves; empty for any, None without one."""
    size, orders = len(columns), set[str]()
    for index in indexed_columns(plan, table):
        if set(index[:size]) == set(columns):
            orders.add(_order(plan, table, index[size]) if len(index) > size else "")
    return min(orders, key=lambda order: (not order.endswith(" desc"), not order, order), default=None)


def remarks_on(plan: Plan, table: TableId, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return remarks on a list that no index serves, with the statement that creates one; none for a small table."""
    rows = plan.chosen[table].rows
    if rows is not None and rows < _MANY_ROWS:
        return ()
    name = table_text(table)
    if table.kind is Kind.CLICKHOUSE:
        return (f"{name} is not sorted by {named_all(columns)}: each request reads all of its rows.",)
    why = f"No index of {name} begins with {named_all(columns)}. This one makes the list fast:"
    key = plan.objects[table].key if table in plan.objects else ()
    tenant = [each for each in plan.chosen[table].columns if plan.tenants.is_tenant(table, each)]
    indexed = dict.fromkeys([*tenant, *columns, *key])
    return why, f"{CREATE_INDEX} on {name} ({', '.join(map(term, indexed))});"


def _order(plan: Plan, table: TableId, column: str) -> str:
    type_ = plan.type_of(table, column)
    if type_ is None or not is_ordered(type_):
        return ""
    is_newest_first = type_.scalar in (DATE, INSTANT) and not type_.is_nullable
    return f"{term(column)} desc" if is_newest_first else term(column)
