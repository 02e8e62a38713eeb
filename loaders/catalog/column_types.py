"""From types of columns to the types of the model language: which scalar reads a column, and how a model says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from loaders.catalog.catalog import Column
from loaders.catalog.type_texts import unwrapped
from loaders.model.databases import Kind
from loaders.model.scalars import (
    ANYTHING,
    BIG_INTEGER,
    BOOLEAN,
    BYTES,
    DATE,
    DECIMAL,
    FLOAT,
    INSTANT,
    INTEGER,
    TEXT,
    UNIQUE_ID,
    Scalar,
)

_POSTGRES: Mapping[str, Scalar] = {
    **dict.fromkeys(("text", "character varying", "character", "bpchar", "name", "citext", "xml"), TEXT),
    **dict.fromkeys(("smallint", "integer"), INTEGER),
    "bigint": BIG_INTEGER,
    **dict.fromkeys(("real", "double precision"), FLOAT),
    "numeric": DECIMAL,
    "boolean": BOOLEAN,
    "uuid": UNIQUE_ID,
    "date": DATE,
    "timestamp with time zone": INSTANT,
    "bytea": BYTES,
    **dict.fromkeys(("json", "jsonb"), ANYTHING),
}
WITHOUT_ZONE = "timestamp without time zone"
"""The type of times that are instants only in a time zone that somebody says."""
_CLICKHOUSE: Mapping[str, Scalar] = {
    **dict.fromkeys(("String", "FixedString"), TEXT),
    **dict.fromkeys(("Int8", "Int16", "Int32", "UInt8", "UInt16"), INTEGER),
    **dict.fromkeys(("UInt32", "Int64", "UInt64"), BIG_INTEGER),
    **dict.fromkeys(("Float32", "Float64", "BFloat16"), FLOAT),
    **dict.fromkeys(("Decimal", "Decimal32", "Decimal64", "Decimal128", "Decimal256"), DECIMAL),
    **dict.fromkeys(("Int128", "Int256", "UInt128", "UInt256"), DECIMAL),  # beyond 64 bits
    "Bool": BOOLEAN,
    "UUID": UNIQUE_ID,
    **dict.fromkeys(("Date", "Date32"), DATE),
    **dict.fromkeys(("DateTime", "DateTime64"), INSTANT),
    **dict.fromkeys(("JSON", "Map", "Tuple"), ANYTHING),
}
_ANNOTATIONS: Mapping[Scalar, str] = {
    TEXT: "str",
    INTEGER: "int",
    BIG_INTEGER: "m.BigInt",
    FLOAT: "float",
    BOOLEAN: "bool",
    DECIMAL: "Decimal",
    UNIQUE_ID: "UUID",
    DATE: "dt.date",
    INSTANT: "dt.datetime",
    BYTES: "bytes",
    ANYTHING: "m.JSON",
}
_SIZES = re.compile(r"\(.*?\)")
_ENUM = re.compile(r"Enum(?:8|16)?\(")


@dataclass(frozen=True, slots=True)
class ColumnType:
    """The type of a column, in the words of the model language.

    `scalar` is that of its values, or of its items where it `is_list`: TEXT for an enum, whose `labels` are in its
    order. `is_items_nullable` says whether ClickHouse's items may be null; PostgreSQL does not say it.
    """

    scalar: Scalar
    is_list: bool = False
    is_nullable: bool = False
    is_items_nullable: bool = False
    labels: tuple[str, ...] = ()

    def annotation(self, enum: str = "") -> str:
        """Return the annotation that a model would have, such as `list[str] | None`.

        `enum` is the name of the enum that has the labels; without one, an enum's values are texts.
        """
        name = enum if enum and self.labels else _ANNOTATIONS[self.scalar]
        if self.is_list:
            name = f"list[{name} | None]" if self.is_items_nullable else f"list[{name}]"
        return f"{name} | None" if self.is_nullable else name


def column_type(column: Column, kind: Kind, zone: str = "") -> ColumnType | None:
    """Return what a column holds; None where no scalar reads its type, such as intervals.

    `zone` is the time zone of times without one, as the database says it: without it, no scalar reads these either.
    """
    return _of_postgres(column, zone) if kind is Kind.POSTGRES else _of_clickhouse(column)


def _of_postgres(column: Column, zone: str) -> ColumnType | None:
    inner = column.type.removesuffix("[]")
    is_list = inner != column.type
    base = base_of_postgres(inner)
    scalar = TEXT if column.labels else INSTANT if zone and base == WITHOUT_ZONE else _POSTGRES.get(base)
    if scalar is None or inner.endswith("[]"):
        return None
    return ColumnType(scalar, is_list, column.is_nullable, labels=column.labels)


def base_of_postgres(type_text: str) -> str:
    """Return a type without sizes, and an extension's without its schema."""
    base = " ".join(_SIZES.sub("", type_text).split())
    return "citext" if base.endswith(".citext") else base


def _of_clickhouse(column: Column) -> ColumnType | None:
    inner, is_nullable = unwrapped(column.type)
    is_list, items_nullable = inner.startswith("Array("), False
    if is_list:
        inner, items_nullable = unwrapped(inner.removeprefix("Array(").removesuffix(")"))
    scalar = TEXT if _ENUM.match(inner) else _CLICKHOUSE.get(inner.partition("(")[0])
    if scalar is None:
        return None
    labels = column.labels if _ENUM.match(inner) else ()
    return ColumnType(scalar, is_list, is_nullable, items_nullable, labels)
