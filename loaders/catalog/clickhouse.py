"""Reading the catalog of a ClickHouse server: three statements, however many tables it has."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from loaders.catalog.catalog import Column, DatabaseCatalog, TableCatalog
from loaders.catalog.type_texts import enum_labels, split_list, unwrapped
from loaders.model.databases import Kind
from loaders.stores.protocols import AnalyticalStore

_VERSION = "select version() as version, {fw_database:String} as database"

# Tables inside of materialized views are nobody's to ask for, unless they are named.
_TABLES = """
select database, name, engine, engine_full, comment, total_rows, sorting_key, partition_key
from system.tables
where not is_temporary and if(
    {chosen:UInt8},
    concat(database, '.', name) in {names:Array(String)}
        or (database = {fw_database:String} and name in {names:Array(String)}),
    database not in ('system', 'INFORMATION_SCHEMA', 'information_schema') and not startsWith(name, '.inner')
)
order by database != {fw_database:String}, database, name
"""

# A column that is only written has no value to read.
_COLUMNS = """
select database, table, name, type, comment
from system.columns
where default_kind != 'EPHEMERAL'
    and concat(database, '.', table) in {names:Array(String)}
order by database, table, position
"""

_VIEWS = frozenset({"View", "MaterializedView", "LiveView", "WindowView"})
_REPLACING = re.compile(r"\w*ReplacingMergeTree\(((?:'[^']*'|[^()'])*)\)")
_DIRECTION = re.compile(r"\s+(?:asc|desc)$", re.IGNORECASE)
_NULLABLE_WITHOUT_SAYING = ("Dynamic", "Variant(")

_Row = Mapping[str, Any]


async def read_clickhouse(store: AnalyticalStore, name: str, tables: Collection[str] | None = None) -> DatabaseCatalog:
    """Return what a server tells of its tables; `name` is the model's for it.

    `tables` are names of the catalog: bare ones of the URL's database, or `database.table`, without quotes; without
    them it is all tables and views of users, those of the URL's database first, in the order of their names. A table
    that is not there, or that the account may not read, is missing. Raises StoreError where the server is away or
    refuses.
    """
    (server,) = await _rows(store, _VERSION, {})
    chosen = {"chosen": int(tables is not None), "names": list(tables or ())}
    rows = await _rows(store, _TABLES, chosen)
    columns: defaultdict[tuple[str, str], list[_Row]] = defaultdict(list)
    for row in await _rows(store, _COLUMNS, {"names": [_full_name(row) for row in rows]}):
        columns[row["database"], row["table"]].append(row)
    catalogs = {
        known_as: _table(row, known_as, columns[row["database"], row["name"]])
        for row in rows
        for known_as in _names(row, server["database"], tables)
    }
    return DatabaseCatalog(Kind.CLICKHOUSE, name, server["version"], catalogs)


async def _rows(store: AnalyticalStore, sql: str, parameters: Mapping[str, object]) -> list[_Row]:
    answer = await store.columns(sql, parameters)
    return [dict(zip(answer.names, values, strict=True)) for values in zip(*answer.columns, strict=True)]


def _full_name(row: _Row) -> str:
    return f"{row['database']}.{row['name']}"


def _names(row: _Row, database: str, tables: Collection[str] | None) -> Iterator[str]:
    """Return the names that a table is asked by; one of the URL's database has two, of which the bare one is usual."""
    bare = [row["name"]] if row["database"] == database else []
    known = [*bare, _full_name(row)]
    yield from known[:1] if tables is None else (each for each in known if each in tables)


def _table(row: _Row, name: str, columns: list[_Row]) -> TableCatalog:
    return TableCatalog(
        name,
        {column["name"]: _column(column) for column in columns},
        is_view=row["engine"] in _VIEWS,
        comment=row["comment"],
        rows=row["total_rows"],
        sorting_key=tuple(_DIRECTION.sub("", term) for term in split_list(row["sorting_key"])),
        partition_key=row["partition_key"],
        engine=row["engine"],
        version=_version(row["engine_full"]),
    )


def _version(engine: str) -> str:
    """Return the column of versions that an engine names, behind a replica's path and name; empty for none."""
    match = _REPLACING.match(engine)
    arguments = split_list(match.group(1)) if match is not None else ()
    names = [text.strip("`") for text in arguments if not text.startswith("'")]
    return names[0] if names else ""


def _column(row: _Row) -> Column:
    text = row["type"]
    is_nullable = unwrapped(text)[1] or text.startswith(_NULLABLE_WITHOUT_SAYING)
    return Column(row["name"], text, is_nullable, row["comment"], enum_labels(text))
