"""Rows of a model's tables as the databases hold them: which tenants there are, and which keys objects have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loaders.model.bound_tables import OwnTenant, ParentTenant
from loaders.model.databases import Kind
from loaders.model.names import quoted_name

if TYPE_CHECKING:
    from loaders.model.databases import Database, Table
    from loaders.model.model import Model, ObjectType
    from loaders.model.scalars import Scalar

_MAX_TENANTS = 20
"""Tenants of each table that are looked at, those with most rows first."""


@dataclass(frozen=True, slots=True)
class TableRows:
    """The tables of a model, over connections to its databases."""

    model: Model
    stores: Mapping[Database, Any]

    async def query(self, database: Database, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query without parameters."""
        store = self.stores[database]
        if database.kind is Kind.POSTGRES:
            return [tuple(row) for row in await store.rows(sql)]
        columns = (await store.columns(sql, {})).columns
        return list(zip(*columns, strict=True))

    def of_tenant(self, table: Table, tenant: str) -> str:
        """Return the condition that a row of the table belongs to a tenant; "true" where its rows are everyone's."""
        condition = self.model.bound_tables[table].tenant
        kind = table.database.kind
        if isinstance(condition, OwnTenant):
            return f"{quoted_name(condition.column, kind)} = {_typed(tenant, condition.scalar, kind)}"
        if isinstance(condition, ParentTenant):
            own = ", ".join(quoted_name(name, kind) for name in condition.columns)
            parents = ", ".join(quoted_name(name, kind) for name in condition.parent_columns)
            where = self.of_tenant(condition.parent, tenant)
            return f"({own}) in (select {parents} from {condition.parent.name} where {where})"
        return "true"

    async def tenants(self) -> list[str]:
        """Return the tenants that there are, those with rows in most tables first."""
        seen: Counter[str] = Counter()
        for table, bound in self.model.bound_tables.items():
            if isinstance(bound.tenant, OwnTenant):
                column = as_text(bound.tenant.column, table.database.kind)
                counted = f"select {column} as tenant, count(*) as rows from {table.name} group by 1"
                sql = f"{counted} order by 2 desc, 1 limit {_MAX_TENANTS}"
                seen.update({str(tenant): 1 for tenant, _ in await self.query(table.database, sql)})
        return [tenant for tenant, _ in sorted(seen.items(), key=lambda each: (-each[1], each[0]))]

    async def keys(self, kind: ObjectType, tenant: str | None, count: int) -> list[str]:
        """Return the ids of objects of a type, so many at most, in the order of their keys."""
        database = kind.table.database
        columns = [quoted_name(name, database.kind) for name in kind.key.columns]
        where = "true" if tenant is None else self.of_tenant(kind.table, tenant)
        known = " and ".join([where, *(f"{column} is not null" for column in columns)])
        listed = ", ".join(columns)
        sql = f"select distinct {listed} from {kind.table.name} where {known} order by {listed} limit {count}"
        rows = await self.query(database, sql)
        if not rows:
            return []
        columns_of_rows = zip(*rows, strict=True)
        parts = [scalar.decode(each) for scalar, each in zip(kind.key.scalars, columns_of_rows, strict=True)]
        values: Sequence[Any] = parts[0] if len(parts) == 1 else list(zip(*parts, strict=True))
        return kind.key.write_all(values)


def as_text(column: str, kind: Kind) -> str:
    """Return the SQL of a column as text: a tenant's key is compared as such, whatever its type."""
    quoted = quoted_name(column, kind)
    return f"{quoted}::text" if kind is Kind.POSTGRES else f"toString({quoted})"


def _typed(text: str, scalar: Scalar, kind: Kind) -> str:
    """Return a key as a literal that compares with a column of its type, so that an index of it can be used."""
    return literal(text) if kind is Kind.POSTGRES else f"cast({literal(text)}, {literal(scalar.clickhouse)})"


def literal(text: str) -> str:
    """Return a text as a string of SQL, in both databases."""
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'" if "\\" not in text else f"E'{escaped}'"
