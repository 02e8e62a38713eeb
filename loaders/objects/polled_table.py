"""Statements that poll a table for rows that have changed. They only read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loaders.cache.invalidation import Change
from loaders.model.bound_tables import OwnTenant
from loaders.model.databases import Kind
from loaders.model.key_spaces import KeySpace
from loaders.model.names import quoted_name
from loaders.model.scalars import Scalar
from loaders.objects.poll_window import PolledRow, present
from loaders.objects.polled_column import PolledType, polled_type
from loaders.objects.table_changes import TableChanges, merged
from loaders.statements.parameters import TenantScope, encode
from loaders.statements.row_sources import table_name
from loaders.stores.clickhouse import STORE as CLICKHOUSE
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.errors import StatementFailed
from loaders.stores.postgres import STORE as POSTGRES
from loaders.stores.postgres import Postgres

MAX_ROWS = 1_000
"""Rows that one poll reads. Where more have changed, the whole table has."""
PolledStore = Postgres | ClickHouse


@dataclass(frozen=True, slots=True)
class PolledTable:
    """A table in its store, and the column that grows with each change of a row."""

    changes: TableChanges
    column: str
    store: PolledStore

    @property
    def name(self) -> str:
        """The table's name as the model declares it."""
        return self.changes.table.name

    @property
    def store_name(self) -> str:
        """The kind of its database, for errors."""
        return POSTGRES if self._kind is Kind.POSTGRES else CLICKHOUSE

    async def type(self) -> PolledType:
        """Return the column's type. Raises StatementFailed where it is neither instants nor whole numbers."""
        sql = f"select {self._quoted(self.column)} as fw_value from {self._name} limit 0"  # noqa: S608 names alone
        if isinstance(self.store, Postgres):
            (name,) = (await self.store.typed_columns(sql)).types
        else:
            (name,) = (await self.store.typed_columns(sql, {})).types
        type_of_column = polled_type(self._kind, name)
        if type_of_column is None:
            message = f"{self.name} cannot be polled by {self.column}, which is {name}"
            raise StatementFailed(self.store_name, f"{message}: name a column of instants or whole numbers.")
        return type_of_column

    async def newest(self, column: PolledType) -> Any:
        """Return the greatest value, or the server's time where that is earlier; None in a table without rows."""
        maximum = "max" if self._kind is Kind.POSTGRES else "maxOrNull"
        name = self._quoted(self.column)
        where = f" where {column.condition.format(value=name)}" if column.condition else ""
        sql = f"select {maximum}({name}) as fw_value, {column.clock} as fw_now from {self._name}{where}"  # noqa: S608
        (value,), (now,) = await self._read(sql, column, None)
        return present(value, None if column.is_number else now)

    async def rows(self, column: PolledType, after: Any) -> list[PolledRow]:
        """Return the rows with a value behind another, or with any, in order: one more than MAX_ROWS at most."""
        columns = await self._read(self._select(column, after), column, after)
        if not columns:
            return []
        *identities, values, clocks = columns
        parts = [scalar.decode(part) for (_, scalar), part in zip(self._identity, identities, strict=True)]
        rows = list(zip(*parts, strict=True)) if parts else _occurrences(values)
        return [
            PolledRow(identity, value, None if column.is_number else now)
            for identity, value, now in zip(rows, values, clocks, strict=True)
        ]

    def change(self, rows: Sequence[PolledRow]) -> Change:
        """Return what changes of rows concern."""
        if rows and not self._spaces:
            return self.changes.whole()
        names = [name for name, _ in self._identity]
        by_tenant: dict[Any, list[dict[str, Any]]] = {}
        for row in rows:
            if any(isinstance(value, Exception) for value in row.identity):  # no value of its scalar
                return self.changes.whole()
            values = dict(zip(names, row.identity, strict=True))
            by_tenant.setdefault(values[self._tenant.column] if self._tenant else None, []).append(values)
        return merged(self._of_tenant(tenant, some) for tenant, some in by_tenant.items())

    def _of_tenant(self, tenant: Any, rows: Sequence[Mapping[str, Any]]) -> Change:
        if self._tenant is not None and tenant is None:
            return Change()  # rows of no tenant, which no viewer sees
        scope = TenantScope(self._tenant.scalar, tenant) if self._tenant is not None else None
        return self.changes.of_rows({space: _keys(columns, rows) for space, columns in self._spaces.items()}, scope)

    @property
    def _kind(self) -> Kind:
        return self.changes.table.database.kind

    @property
    def _name(self) -> str:
        return table_name(self.changes.table)

    @property
    def _tenant(self) -> OwnTenant | None:
        tenant = self.changes.model.bound_tables[self.changes.table].tenant
        return tenant if isinstance(tenant, OwnTenant) else None

    @property
    def _spaces(self) -> Mapping[KeySpace, tuple[str, ...]]:
        """The key spaces that rows are known in; none where they do not say whose they are."""
        return {} if self.changes.needs_tenant and self._tenant is None else self.changes.spaces

    @property
    def _identity(self) -> list[tuple[str, Scalar]]:
        """The columns that identify a row, without duplicates: those of its keys, and its tenant's."""
        columns = [pair for space, names in self._spaces.items() for pair in zip(names, space.key.scalars, strict=True)]
        if self._spaces and self._tenant is not None:
            columns.append((self._tenant.column, self._tenant.scalar))
        return list(dict(columns).items())

    def _quoted(self, column: str) -> str:
        return quoted_name(column, self._kind)

    def _select(self, column: PolledType, after: Any) -> str:
        """Return the statement that reads rows in the order of the column, which an index on it answers."""
        value = self._quoted(self.column)
        names = [self._quoted(name) for name, _ in self._identity]
        selected = ", ".join([*names, f"{value} as fw_value", f"{column.clock} as fw_now"])
        conditions = [f"{value} {'is not null' if after is None else f'> {column.bound}'}"]
        conditions += [column.condition.format(value=value)] if column.condition else []
        where = " and ".join(conditions)
        return f"select {selected} from {self._name} where {where} order by {value} limit {MAX_ROWS + 1}"  # noqa: S608

    async def _read(self, sql: str, column: PolledType, after: Any) -> Sequence[Sequence[Any]]:
        """Return the columns of an answer; none where it has no rows."""
        if isinstance(self.store, Postgres):
            return list(zip(*await self.store.rows(sql, *([] if after is None else [after])), strict=True))
        values = {} if after is None else {"after": encode(column.scalar, after, Kind.CLICKHOUSE)}
        return (await self.store.columns(sql, values)).columns


def _keys(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return the keys of rows in one key space; a row without a part of it has none."""
    keys = [tuple(row[column] for column in columns) for row in rows]
    return [key[0] if len(columns) == 1 else key for key in keys if None not in key]


def _occurrences(values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return for each row without a key how many rows before it have the same value."""
    counts: Counter[Any] = Counter()
    places = []
    for value in values:
        places.append((counts[value],))
        counts[value] += 1
    return places
