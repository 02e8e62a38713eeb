"""Whose rows each chosen table has: by a column of its own, by the row that it refers to, or everyone's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.model_tools.scaffold.choices import Choices, TableId
from gateway.model_tools.scaffold.field_types import can_be_key, field_type, is_secret
from loaders.catalog.catalog import ForeignKey, TableCatalog
from loaders.catalog.column_types import ColumnType
from loaders.model.scalars import BIG_INTEGER, INTEGER, Scalar

_OFFERS = 5
"""Columns that a question about the tenant names."""
_WHOLE = (INTEGER, BIG_INTEGER)


@dataclass(frozen=True, slots=True)
class TableTenant:
    """How a table's rows are told apart.

    `column` is the one that holds the tenant, `parent` the table that `foreign_key` leads to; both are missing for
    everyone's.
    """

    column: str = ""
    parent: TableId | None = None
    foreign_key: ForeignKey | None = None


@dataclass(frozen=True, slots=True)
class Tenants:
    """The tenants of the chosen tables, those of them that have none, and the tenants' own table with its column."""

    type: ColumnType | None = None
    column: str = ""
    of_tables: Mapping[TableId, TableTenant] = field(default_factory=dict)
    missing: Mapping[TableId, str] = field(default_factory=dict)
    """Why a table's rows belong to no tenant that is known: what it has."""
    own: TableId | None = None

    def is_tenant(self, table: TableId, column: str) -> bool:
        """Return whether a column holds the tenant of its table."""
        return bool(self.column) and self.of_tables.get(table, TableTenant()).column == column

    def others(self, table: TableId, catalog: TableCatalog) -> list[ForeignKey]:
        """Return foreign keys that lead to a tenant too, beside the one that says the tenant of a table's rows."""
        tenant = self.of_tables.get(table, TableTenant())
        return [
            key
            for key in catalog.foreign_keys
            if tenant.parent is not None and key != tenant.foreign_key
            if (parent := TableId(table.kind, table.database, key.table)) != table
            if self.of_tables.get(parent, TableTenant()) != TableTenant()
        ]

    def without(self, table: TableId, columns: Iterable[str]) -> tuple[str, ...]:
        """Return columns that tell rows of one tenant apart: without that of the tenant, unless it is alone."""
        every = tuple(columns)
        return tuple(each for each in every if not self.is_tenant(table, each)) or every


def recurring_columns(tables: Mapping[TableId, TableCatalog]) -> list[tuple[str, int]]:
    """Return columns that could hold a tenant, with the number of tables that have each, most first.

    The table whose key such a column refers to counts as one that has it. Where no column is in several tables, those
    of one are returned.
    """
    counts = Counter(
        column.name
        for table, catalog in tables.items()
        for column in catalog.columns.values()
        if column.name.lower().endswith(("id", "tenant", "_key")) and column.name.lower() not in ("id", "uuid", "_id")
        if not is_secret(catalog, column.name)
        if (known := field_type(column, table.kind)) is not None and can_be_key(known)
    )
    referring = {
        key.columns[0]
        for catalog in tables.values()
        for key in catalog.foreign_keys
        if len(key.columns) == 1 and not any(key.columns[0] in tables[t].columns for t in tables if t.name == key.table)
    }
    several = {name for name, count in counts.items() if count + (name in referring) > 1}
    return [(name, count) for name, count in counts.most_common() if name in several or not several][:_OFFERS]


def tenants_of(tables: Mapping[TableId, TableCatalog], choices: Choices) -> Tenants:
    """Return the tenant of each table that one is known of. Foreign keys to tables that are not chosen lead nowhere."""
    if choices.tenant is None:
        return Tenants()
    return _Resolver(tables, choices, choices.tenant.column).resolved()


class _Resolver:
    def __init__(self, tables: Mapping[TableId, TableCatalog], choices: Choices, column: str) -> None:
        self._tables = tables
        self._choices = choices
        self._column = column
        self._type = self._tenant_type()
        self._of_tables: dict[TableId, TableTenant] = {}
        self._missing: dict[TableId, str] = {}

    def resolved(self) -> Tenants:
        own = self._own_table()
        if own is not None and own[0] not in self._choices.everyones:
            self._of_tables[own[0]] = TableTenant(own[1])
        for table, catalog in self._tables.items():
            if table in self._choices.everyones:
                self._of_tables[table] = TableTenant()
            elif table not in self._of_tables and self._column in catalog.columns:
                self._take_column(table, catalog)
        self._follow_foreign_keys()
        for table in self._tables:
            if table not in self._of_tables:
                reason = f"no {self._column}, and no foreign key to a chosen table with one"
                self._missing.setdefault(table, f"{reason} (--everyone TABLE shows it to all)")
        return Tenants(
            self._type,
            self._column,
            self._of_tables,
            self._missing,
            own[0] if own and self._of_tables[own[0]].column else None,
        )

    def _tenant_type(self) -> ColumnType | None:
        types = [
            known
            for table, catalog in self._tables.items()
            if self._column in catalog.columns
            and (known := field_type(catalog.columns[self._column], table.kind)) is not None
            and can_be_key(known)
        ]
        counts = Counter(each.scalar for each in types)
        if not counts:
            return None
        scalar = counts.most_common(1)[0][0]
        widest = BIG_INTEGER if scalar is INTEGER and BIG_INTEGER in counts else scalar
        return ColumnType(widest)

    def _take_column(self, table: TableId, catalog: TableCatalog) -> None:
        known = field_type(catalog.columns[self._column], table.kind)
        if known is not None and self._type is not None and _is_alike(known.scalar, self._type.scalar):
            self._of_tables[table] = TableTenant(self._column)
        else:
            kind = catalog.columns[self._column].type
            self._missing[table] = f"{self._column} of type {kind}, and of another type in other tables"

    def _own_table(self) -> tuple[TableId, str] | None:
        """Return the table of the tenants themselves, which the tenant's column refers to, and its key."""
        targets = Counter(
            (TableId(table.kind, table.database, key.table), key.referenced_columns[0])
            for table, catalog in self._tables.items()
            for key in catalog.foreign_keys
            if key.columns == (self._column,)
        )
        for (table, column), _count in targets.most_common():
            if table in self._tables and self._tables[table].primary_key == (column,):
                return table, column
        return None

    def _follow_foreign_keys(self) -> None:
        """Give tables the tenant of the row that they refer to, nearest first, by columns that are never null first."""
        while True:
            steps = [
                (is_nullable, table, parent, key)
                for table in self._tables
                if table not in self._of_tables and table not in self._missing
                for is_nullable, parent, key in self._parents(table)
            ]
            if not steps:
                return
            is_wanted = min(is_nullable for is_nullable, *_ in steps)
            for is_nullable, table, parent, key in steps:
                if is_nullable == is_wanted:
                    self._of_tables.setdefault(table, TableTenant(parent=parent, foreign_key=key))

    def _parents(self, table: TableId) -> Iterable[tuple[bool, TableId, ForeignKey]]:
        catalog = self._tables[table]
        for key in catalog.foreign_keys:
            parent = TableId(table.kind, table.database, key.table)
            tenant = self._of_tables.get(parent)
            if parent != table and tenant is not None and tenant != TableTenant():
                yield any(catalog.columns[each].is_nullable for each in key.columns), parent, key


def _is_alike(scalar: Scalar, other: Scalar) -> bool:
    return scalar is other or (scalar in _WHOLE and other in _WHOLE)
