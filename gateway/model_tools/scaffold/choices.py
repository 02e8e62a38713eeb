"""The choices of an author for a new model: tables, tenant, keys, and what the tables of ClickHouse are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from loaders.catalog.catalog import DatabaseCatalog, TableCatalog
from loaders.model.databases import Kind


class TableId(NamedTuple):
    """A table of one database; `database` is the name that the model gives it, `name` the catalog's for the table."""

    kind: Kind
    database: str
    name: str

    def __str__(self) -> str:
        return f"{self.database}:{self.name}" if self.database else self.name


class TenantChoice(NamedTuple):
    """The column that holds the tenant in most tables, and the claim of a token that says it."""

    column: str
    claim: str


class SectionChoice(NamedTuple):
    """A table whose rows are summed up for each object of another table, which `columns` refer to."""

    table: TableId
    columns: tuple[str, ...]
    owner: TableId


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices of one model.

    `zone` is the time zone of the times that PostgreSQL keeps without one; where it is empty, these are left out.
    `keys` are the columns that objects are known by, of tables without a primary key and of those of ClickHouse that
    hold objects. `everyones` are tables whose rows belong to no tenant.
    """

    name: str
    tables: frozenset[TableId]
    tenant: TenantChoice | None = None
    everyones: frozenset[TableId] = frozenset()
    keys: Mapping[TableId, tuple[str, ...]] = field(default_factory=dict)
    sections: tuple[SectionChoice, ...] = ()
    zone: str = ""


def tables_of(catalogs: Iterable[DatabaseCatalog]) -> dict[TableId, TableCatalog]:
    """Return all tables of some catalogs, in their order."""
    return {
        TableId(catalog.kind, catalog.name, name): table
        for catalog in catalogs
        for name, table in catalog.tables.items()
    }
