"""Catalogs written by hand, each table with a trait that tables have in the world."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.model_tools.scaffold.choices import Choices, TableId, tables_of
from gateway.model_tools.scaffold.package import ModelPackage, scaffold
from loaders.catalog.catalog import Column, DatabaseCatalog, ForeignKey, Index, TableCatalog
from loaders.model.databases import Kind


def table(
    name: str,
    columns: str,
    *,
    key: str = "",
    unique: Iterable[str] = (),
    references: Iterable[str] = (),
    indexes: Iterable[str] = (),
    comment: str = "",
    labels: dict[str, tuple[str, ...]] | None = None,
    comments: dict[str, str] | None = None,
    rows: int | None = None,
) -> TableCatalog:
    """Return a table of PostgreSQL.

    Columns are `name type, name type?`, of which those with a question mark may be null. References are
    `columns -> table columns`. The key and the unique columns have indexes.
    """
    parsed = [_column(text, labels or {}, comments or {}) for text in columns.split(", ")]
    keys = [*([key] if key else []), *unique]
    return TableCatalog(
        name,
        {column.name: column for column in parsed},
        comment=comment,
        primary_key=tuple(key.split()),
        unique=tuple(tuple(each.split()) for each in keys),
        foreign_keys=tuple(map(_reference, references)),
        indexes=tuple(Index(f"{name}_{place}", tuple(each.split())) for place, each in enumerate([*keys, *indexes])),
        rows=rows,
    )


def clickhouse_table(
    name: str, columns: str, *, sorted_by: str, engine: str = "MergeTree", version: str = ""
) -> TableCatalog:
    """Return a table of ClickHouse; columns are as those of `table`."""
    parsed = [_column(text, {}, {}) for text in columns.split(", ")]
    return TableCatalog(
        name,
        {column.name: column for column in parsed},
        sorting_key=tuple(sorted_by.split()),
        engine=engine,
        version=version,
    )


def postgres(*tables: TableCatalog, name: str = "") -> DatabaseCatalog:
    """Return a PostgreSQL with these tables."""
    return DatabaseCatalog(Kind.POSTGRES, name, "18.1", {each.name: each for each in tables})


def clickhouse(*tables: TableCatalog, name: str = "") -> DatabaseCatalog:
    """Return a ClickHouse with these tables."""
    return DatabaseCatalog(Kind.CLICKHOUSE, name, "25.8", {each.name: each for each in tables})


def all_of(*catalogs: DatabaseCatalog) -> frozenset[TableId]:
    """Return the tables of some databases."""
    return frozenset(tables_of(catalogs))


def written(*catalogs: DatabaseCatalog, choices: Choices | None = None) -> ModelPackage:
    """Return the files of a model over all tables, or over those that are chosen."""
    return scaffold(catalogs, choices or Choices("shop", all_of(*catalogs)))


def model_of(*catalogs: DatabaseCatalog, choices: Choices | None = None) -> str:
    """Return the text of such a model."""
    return written(*catalogs, choices=choices).files["model.py"]


def class_of(model: str, name: str) -> str:
    """Return the text of one class of a model."""
    start = model.index(f"\nclass {name}(") + 1
    return model[start:].partition("\n\n\n")[0]


def _column(text: str, labels: dict[str, tuple[str, ...]], comments: dict[str, str]) -> Column:
    name, _, type_ = text.partition(" ") if not text.startswith('"') else text[1:].partition('" ')
    is_nullable = type_.endswith("?")
    return Column(name, type_.removesuffix("?"), is_nullable, comments.get(name, ""), labels.get(name, ()))


def _reference(text: str) -> ForeignKey:
    own, _, target = text.partition(" -> ")
    name, *columns = target.split()
    return ForeignKey(tuple(own.split()), name, tuple(columns))
