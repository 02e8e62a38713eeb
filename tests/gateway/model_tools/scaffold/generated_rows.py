"""Rows for any tables: of the right types, null where that is allowed, unique where it is demanded, with known parents.

The same catalog has the same rows each time. Tables come after those that they refer to; a foreign key of a circle is
null. Rows that a check of the database refuses are tried again with simpler values, and then one by one.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from loaders.catalog.catalog import Column, DatabaseCatalog, TableCatalog
from loaders.catalog.type_texts import unwrapped
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.errors import StatementFailed
from loaders.stores.postgres import Postgres

FIRST_DAY = datetime(2022, 1, 15, tzinfo=UTC)
_DAYS = 150
Rows = list[dict[str, Any]]

_GENERATED = """
select n.nspname || '.' || c.relname as table, a.attname::text as name
from pg_attribute as a join pg_class as c on c.oid = a.attrelid join pg_namespace as n on n.oid = c.relnamespace
where a.attgenerated <> '' and a.attnum > 0
"""
_PLAIN: Mapping[str, Any] = {
    "inet": "10.0.0.1",
    "cidr": "10.0.0.0/8",
    "interval": "1 day",
    "tsvector": "a fat cat",
    "xml": "<a/>",
    "point": "(1,2)",
    "money": "12.34",
    "time without time zone": "12:00",
    "int4range": "[1,5)",
    "int8range": "[1,5)",
    "tstzrange": "[2022-01-01,2022-02-01)",
    "daterange": "[2022-01-01,2022-02-01)",
    "json": {"a": [1]},
    "jsonb": {"a": [1]},
    "bytea": "\\x00ff",
}


class RowGenerator:
    """Makes rows of the tables of one database."""

    def __init__(self, catalog: DatabaseCatalog, count: int) -> None:
        self.catalog = catalog
        self.rows: dict[str, Rows] = {}
        self._count = count
        self._random = random.Random(catalog.name or "rows")

    def tables(self) -> Iterator[TableCatalog]:
        """Yield the tables, those first that others refer to."""
        waiting = {name: table for name, table in self.catalog.tables.items() if not table.is_view}
        while waiting:
            ready = [table for table in waiting.values() if not self._waits_for(table, waiting)]
            for table in ready or [min(waiting.values(), key=lambda each: len(self._waits_for(each, waiting)))]:
                del waiting[table.name]
                yield table

    def make(self, table: TableCatalog, *, is_plain: bool = False) -> Rows:
        """Return the rows of a table, whose parents are made; where `is_plain`, what may be null is."""
        rows: Rows = []
        seen: set[tuple[int, str]] = set()
        for number in range(self._count):
            row = {name: self._value(table, column, number, is_plain) for name, column in table.columns.items()}
            row.update(self._parents(table, rows))
            keys = {(place, repr([row[name] for name in names])) for place, names in enumerate(table.unique)}
            if not keys & seen:
                seen |= keys
                rows.append(row)
        return rows

    def _waits_for(self, table: TableCatalog, waiting: Mapping[str, TableCatalog]) -> set[str]:
        return {key.table for key in table.foreign_keys if key.table in waiting and key.table != table.name}

    def _parents(self, table: TableCatalog, earlier: Rows) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key in table.foreign_keys:
            parents = earlier if key.table == table.name else self.rows.get(key.table, [])
            agreeing = [
                row
                for row in parents
                if all(
                    row.get(theirs) is not None and values.get(own, row[theirs]) == row[theirs]
                    for own, theirs in zip(key.columns, key.referenced_columns, strict=True)
                )
            ]
            is_nullable = any(table.columns[name].is_nullable for name in key.columns if name in table.columns)
            if agreeing and not (is_nullable and self._random.random() < 0.1):
                row = self._random.choice(agreeing)
                values.update(zip(key.columns, (row[name] for name in key.referenced_columns), strict=True))
            elif is_nullable:
                values.update({name: None for name in key.columns if table.columns[name].is_nullable})
            elif key.table == table.name:  # the first row refers to itself
                values.update(dict.fromkeys(key.columns, 1))
        return values

    def _value(self, table: TableCatalog, column: Column, number: int, is_plain: bool) -> Any:
        is_unique = any(column.name in names for names in table.unique)
        if column.is_nullable and not is_unique and (is_plain or self._random.random() < 0.15):
            return None
        if column.labels and not column.type.endswith("[]"):
            return column.labels[number % len(column.labels)]
        text = unwrapped(column.type)[0]
        if text.endswith("[]") or text.startswith("Array("):
            items = Column(column.name, re.sub(r"\[\]$|^Array\(|\)$", "", text), labels=column.labels)
            return [self._value(TableCatalog("", {}), items, number + place, False) for place in range(number % 3)]
        return self._single(column, text, number, is_unique)

    def _single(self, column: Column, text: str, number: int, is_unique: bool) -> Any:
        base = re.sub(r"\(.*?\)", "", text).strip()
        if base in _PLAIN:
            return _PLAIN[base]
        if base.startswith("Tuple"):
            return [self._random.random(), self._random.random()]
        if re.fullmatch(r"U?Int\d+|smallint|integer|bigint|numeric|Decimal\d*|Float\d+|real|double precision", base):
            return number + 1 if is_unique else self._number(column, base, text)
        if base in ("boolean", "Bool"):
            return self._random.random() < 0.5
        if base in ("uuid", "UUID"):
            return str(UUID(int=self._random.getrandbits(122), version=4))
        moment = FIRST_DAY + timedelta(days=self._random.randrange(_DAYS), seconds=self._random.randrange(86_400))
        if base in ("date", "Date", "Date32"):
            return moment.date().isoformat()
        if base.startswith(("timestamp", "DateTime")):
            return moment.strftime("%Y-%m-%d %H:%M:%S") + ("+00" if base.endswith("with time zone") else "")
        words = f"{column.name} {number + 1}" if not is_unique else f"{number + 1} {column.name}"
        size = re.search(r"\((\d+)\)", text)
        return words[: int(size.group(1))] if size else words

    def _number(self, column: Column, base: str, text: str) -> Any:
        if "year" in column.name.lower() and "nt" in base:
            return 2000 + self._random.randrange(20)
        if base in ("numeric", "Decimal", "real", "double precision") or base.startswith(("Float", "Decimal")):
            size = re.search(r"\((\d+)(?:,\s*(\d+))?\)", text)
            digits = int(size.group(1)) - int(size.group(2) or 0) if size else 4
            return round(
                self._random.random() * 10 ** min(digits, 4) * 0.99,
                2 if not size or (size.group(2) or "2") != "0" else 0,
            )
        return self._random.randrange(1, 100)


async def fill_postgres(store: Postgres, catalog: DatabaseCatalog, count: int) -> dict[str, Rows]:
    """Fill all tables of a catalog, and return their rows as they are; a table that refuses all of them stays empty."""
    made = RowGenerator(catalog, count)
    generated = {(row["table"], row["name"]) for row in await store.rows(_GENERATED)}
    for table in made.tables():
        columns = [name for name in table.columns if (table.name, name) not in generated]
        for is_plain in (False, True):
            rows = made.make(table, is_plain=is_plain)
            accepted = await _inserted(store, table, columns, rows)
            if accepted:
                break
        made.rows[table.name] = accepted
    await store.execute("analyze")
    return made.rows


async def fill_clickhouse(
    store: ClickHouse,
    catalog: DatabaseCatalog,
    count: int,
    *,
    unique: Mapping[str, str],
    keys: Mapping[str, Sequence[Any]],
) -> None:
    """Fill all tables of a catalog.

    `unique` are columns by tables whose values are different in each row; `keys` are values for columns by their names,
    such as keys of objects elsewhere.
    """
    tables = {
        name: replace(table, unique=((unique[name],),)) if name in unique else table
        for name, table in catalog.tables.items()
    }
    made = RowGenerator(replace(catalog, tables=tables), count)
    for table in made.tables():
        rows = made.make(table)
        for number, row in enumerate(rows):
            own = {name: values for name, values in keys.items() if name in row and name != unique.get(table.name)}
            row.update({name: values[number % len(values)] for name, values in own.items()})
        lines = "\n".join(json.dumps(row) for row in rows)
        name = _quoted(table.name, "`")
        await store.command(f"insert into {name} settings async_insert = 0 format JSONEachRow {lines}")


async def _inserted(store: Postgres, table: TableCatalog, columns: Sequence[str], rows: Rows) -> Rows:
    name, names = _quoted(table.name, '"'), ", ".join(_quoted(f".{each}", '"')[1:] for each in columns)
    sql = (
        f"insert into {name} ({names}) overriding system value"
        f" select {names} from jsonb_populate_recordset(null::{name}, $1::jsonb)"
    )
    try:
        await store.execute(sql, json.dumps(rows))
    except StatementFailed:
        accepted = []
        for row in rows:
            try:
                await store.execute(sql, json.dumps([row]))
                accepted.append(row)
            except StatementFailed:
                continue
        return accepted
    return rows


def _quoted(name: str, mark: str) -> str:
    schema, separator, rest = name.partition(".")
    parts = [schema, rest] if separator else [schema]
    return ".".join(f"{mark}{part.replace(mark, mark * 2)}{mark}" if part else "" for part in parts)
