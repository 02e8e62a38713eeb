"""Tables that only join two others: many-to-many, and no object types of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.model_tools.scaffold.choices import TableId
from gateway.model_tools.scaffold.plan import Plan
from gateway.model_tools.scaffold.words import snake
from loaders.catalog.catalog import Column, ForeignKey
from loaders.model.databases import Kind

_TIMES = frozenset(
    {
        f"{verb}_{unit}"
        for verb in ("created", "updated", "inserted", "modified")
        for unit in ("at", "on", "date", "time")
    }
    | {"last_update", "last_updated", "last_modified", "timestamp"}
)
"""Columns that a table may have beside two foreign keys and still only join."""


def references(
    plan: Plan, table: TableId, keys: Mapping[TableId, tuple[str, ...]]
) -> Iterator[tuple[tuple[str, ...], TableId]]:
    """Yield a table's foreign keys that hold keys of objects: the columns in the order of the key, and the other table.

    The tenant's column stands in none of them, since it is a part of every key.
    """
    seen: set[tuple[str, ...]] = set()
    for foreign_key in plan.chosen[table].foreign_keys:
        target = TableId(table.kind, table.database, foreign_key.table)
        columns = _columns(plan, table, target, foreign_key)
        is_shown = not any(plan.is_secret(table, name) for name in columns.values())
        if is_shown and target in keys and set(columns) == set(keys[target]):
            own = tuple(columns[name] for name in keys[target])
            is_the_tenant = any(plan.tenants.is_tenant(table, name) for name in own)
            if own not in seen and not is_the_tenant:
                seen.add(own)
                yield own, target


def is_join(plan: Plan, table: TableId, keys: Mapping[TableId, tuple[str, ...]]) -> bool:
    """Return whether a table of PostgreSQL only joins two others, each pair once."""
    catalog = plan.chosen[table]
    pairs = list(references(plan, table, keys))
    if table.kind is not Kind.POSTGRES or len(pairs) != 2 or table in plan.choices.keys or _is_referenced(plan, table):
        return False
    columns = {name for own, _target in pairs for name in own}
    if len(columns) != sum(len(own) for own, _target in pairs):
        return False
    if any(catalog.columns[name].is_nullable for name in columns):
        return False
    unique = [set(plan.tenants.without(table, each)) for each in catalog.unique]
    rest = [
        each
        for each in catalog.columns.values()
        if each.name not in columns
        and each.name not in catalog.primary_key
        and not plan.tenants.is_tenant(table, each.name)
    ]
    return columns in unique and all(map(_is_time, rest))


def _columns(plan: Plan, table: TableId, target: TableId, key: ForeignKey) -> dict[str, str]:
    """Return a foreign key's columns by those that they refer to, without the tenant's where it is on both sides."""
    pairs = zip(key.referenced_columns, key.columns, strict=True)
    is_several = len(key.columns) > 1
    return {
        referenced: own
        for referenced, own in pairs
        if not (is_several and plan.tenants.is_tenant(table, own) and plan.tenants.is_tenant(target, referenced))
    }


def _is_referenced(plan: Plan, table: TableId) -> bool:
    return any(
        key.table == table.name and (other.kind, other.database) == (table.kind, table.database) and other != table
        for other, catalog in plan.chosen.items()
        for key in catalog.foreign_keys
    )


def _is_time(column: Column) -> bool:
    return snake(column.name) in _TIMES and column.type.startswith(("timestamp", "date", "time"))
