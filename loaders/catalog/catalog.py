"""Catalogs of databases: tables with columns, keys, indexes and comments, as the databases themselves tell them.

Everything is a plain value, so that a catalog can be written to a file, read again and compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loaders.model.databases import Kind


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    `type` is its type in the database's own words, with sizes and wrappers: `character varying(20)`, `numeric(12,2)[]`,
    `LowCardinality(Nullable(String))`. `labels` are those of an enum, in its order; empty for other types.
    """

    name: str
    type: str
    is_nullable: bool = False
    comment: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns whose values are those of `referenced_columns` in a row of `table`, which is named as in the catalog."""

    columns: tuple[str, ...]
    table: str
    referenced_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """An index that serves conditions and orders.

    `terms` are its columns or expressions in order, as the database writes them, directions left out. `condition` is
    the SQL of a partial index, empty where it covers all rows. `method` is the database's word, such as `btree`.
    """

    name: str
    terms: tuple[str, ...]
    is_unique: bool = False
    method: str = "btree"
    condition: str = ""


@dataclass(frozen=True, slots=True)
class TableCatalog:
    """One table, view or materialized view.

    `name` is `schema.table` in PostgreSQL and the table's name in ClickHouse, without quotes. `rows` is the database's
    estimate; None where it has none. `sorting_key` holds ClickHouse's expressions in order, `engine` its table engine.
    `version` is the column whose greatest value marks the row of a sorting key that a ReplacingMergeTree keeps.
    `unique` are sets of columns that no two rows share, the primary key among them; those of partial indexes are not.
    """

    name: str
    columns: Mapping[str, Column]
    is_view: bool = False
    comment: str = ""
    rows: int | None = None
    primary_key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    indexes: tuple[Index, ...] = ()
    sorting_key: tuple[str, ...] = ()
    partition_key: str = ""
    engine: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class DatabaseCatalog:
    """The tables of one database that were asked for, by name and in its order."""

    kind: Kind
    name: str
    """The name that the model gives the database; empty where it gives none."""
    version: str
    """The server's version, such as `18.1`."""
    tables: Mapping[str, TableCatalog] = field(default_factory=dict)
