"""Rows of a relation of another database that are sent along with a statement: their columns, types and SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from loaders.model.databases import Kind
from loaders.model.names import quoted_name
from loaders.model.scalars import (
    ANYTHING,
    BIG_INTEGER,
    BOOLEAN,
    BYTES,
    DATE,
    DECIMAL,
    FLOAT,
    INSTANT,
    TEXT,
    UNIQUE_ID,
    Scalar,
)
from loaders.statements.parameters import encode_all
from loaders.stores.errors import StatementFailed
from loaders.stores.protocols import TypedColumns

MAX_SENT_BYTES = 100_000
"""Bytes of one column that is sent to ClickHouse, which takes 128 KiB for a parameter."""
MAX_SENT_ROWS = 100_000
_BYTES_BESIDE_A_VALUE = 3

_POSTGRES: Mapping[str, Scalar] = {
    "uuid": UNIQUE_ID,
    **dict.fromkeys(("int2", "int4", "int8"), BIG_INTEGER),
    **dict.fromkeys(("float4", "float8"), FLOAT),
    **dict.fromkeys(("text", "varchar", "bpchar", "name", "citext"), TEXT),
    **dict.fromkeys(("json", "jsonb"), ANYTHING),
    "bool": BOOLEAN,
    "date": DATE,
    "timestamptz": INSTANT,
    "numeric": DECIMAL,
    "bytea": BYTES,
}
_CLICKHOUSE: Mapping[str, Scalar] = {
    "UUID": UNIQUE_ID,
    "Bool": BOOLEAN,
    **dict.fromkeys(("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"), BIG_INTEGER),
    **dict.fromkeys(("Float32", "Float64"), FLOAT),
    **dict.fromkeys(("Date", "Date32"), DATE),
    **dict.fromkeys(("DateTime", "DateTime64"), INSTANT),
    **dict.fromkeys(("Decimal", "Decimal32", "Decimal64", "Decimal128", "Decimal256"), DECIMAL),
}


@dataclass(frozen=True, slots=True)
class SentColumn:
    """A column that is sent: its name, its scalar, and whether its values are arrays."""

    name: str
    scalar: Scalar
    is_list: bool

    def type(self, kind: Kind) -> str:
        """Return the type of the array that holds the column."""
        if kind is Kind.POSTGRES:
            if self.is_list:
                message = f"The column {self.name} of a relation is an array, which cannot be sent to PostgreSQL"
                raise StatementFailed("postgresql", f"{message}: send its items as rows, or joined into a text.")
            return f"{self.scalar.postgres}[]"
        item = self.scalar.clickhouse
        return f"Array(Array({item}))" if self.is_list else f"Array(Nullable({item}))"


@dataclass(frozen=True, slots=True)
class SentRows:
    """All rows of a relation as they are sent to a database: columns in order, and their values for its driver."""

    columns: tuple[SentColumn, ...]
    values: tuple[list[Any], ...]


def sent_rows(answer: TypedColumns, origin: Kind, target: Kind, store: str) -> SentRows:
    """Return the rows of an answer as they are sent. Raises StatementFailed for more than a statement can take."""
    columns = tuple(map(_column, answer.names, answer.types, [origin] * len(answer.names)))
    if answer.columns and len(answer.columns[0]) > MAX_SENT_ROWS:
        raise StatementFailed(store, f"A relation has more than {MAX_SENT_ROWS:,} rows to be sent to another database.")
    values = tuple(
        _values(column, list(value), target, store) for column, value in zip(columns, answer.columns, strict=True)
    )
    return SentRows(columns, values)


def rows_sql(rows: Sequence[SentColumn], places: Sequence[str], kind: Kind) -> str:
    """Return the sub-select of rows that are sent as arrays, for which `places` stand."""
    names = [quoted_name(column.name, kind) for column in rows]
    if kind is Kind.POSTGRES:
        return f"(select * from unnest({', '.join(places)}) as fw_sent({', '.join(names)}))"
    # arrayJoin(arrayZip(…)) would be computed as a constant of all rows, which takes as long as to read them
    values = ", ".join(f"{place} as {name}" for place, name in zip(places, names, strict=True))
    return f"(select {', '.join(names)} from (select 1) array join {values})"


def _column(name: str, type_name: str, origin: Kind) -> SentColumn:
    if origin is Kind.POSTGRES:
        is_list = type_name.endswith("[]")
        return SentColumn(name, _POSTGRES.get(type_name.removesuffix("[]"), TEXT), is_list)
    plain = _plain(type_name)
    is_list = plain.startswith("Array(")
    item = _plain(plain[6:-1]) if is_list else plain
    return SentColumn(name, _CLICKHOUSE.get(item.partition("(")[0], TEXT), is_list)


def _plain(type_name: str) -> str:
    """Return a type of ClickHouse without what says that it may be null or is stored by a dictionary."""
    for wrapper in ("LowCardinality(", "Nullable("):
        if type_name.startswith(wrapper):
            type_name = type_name.removeprefix(wrapper)[:-1]
    return type_name


def _values(column: SentColumn, value: list[Any], target: Kind, store: str) -> list[Any]:
    decoded = column.scalar.decode_lists(value) if column.is_list else column.scalar.decode(value)
    items = [item for each in decoded for item in each or ()] if column.is_list else decoded
    failure = next((item for item in items if isinstance(item, Exception)), None)
    if failure is not None:
        raise StatementFailed(store, f"The column {column.name} cannot be sent to another database: {failure}")
    if column.is_list:
        encoded = [encode_all(column.scalar, each or [], target) for each in decoded]
    else:
        encoded = encode_all(column.scalar, decoded, target)
    if target is Kind.CLICKHOUSE and _bytes(column, encoded) > MAX_SENT_BYTES:
        limit = f"more than {MAX_SENT_BYTES:,} bytes, which ClickHouse does not take as one parameter"
        raise StatementFailed(store, f"The column {column.name} of a relation has {limit}: narrow the relation.")
    return encoded


def _bytes(column: SentColumn, encoded: Sequence[Any]) -> int:
    """Return the bytes of values as a parameter's text: each is in quotes, an array in brackets, a comma behind it."""
    items = list(chain.from_iterable(encoded)) if column.is_list else encoded
    arrays = len(encoded) if column.is_list else 0
    return len("".join(map(str, items)).encode()) + _BYTES_BESIDE_A_VALUE * (len(items) + arrays)
