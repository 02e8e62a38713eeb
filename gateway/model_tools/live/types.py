"""Types of a statement's columns, compared with the annotations of a model."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from uuid import UUID

from gateway.model_tools.live.places import ModelPlaces
from gateway.model_tools.warning_codes import WarningCode, warning
from loaders.catalog.type_texts import unwrapped
from loaders.model.bound_sections import BoundColumn, BoundSection
from loaders.model.canonical import conversion_of
from loaders.model.databases import Kind, Table
from loaders.model.problems import Problem
from loaders.model.scalars import BIG_INTEGER, BOOLEAN, DECIMAL, FLOAT, INSTANT, INTEGER
from loaders.model.sql_words import words
from loaders.statements.statement_plan import StatementPlan
from loaders.stores.protocols import TypedColumns

_POSTGRES: Mapping[str, type] = {
    **dict.fromkeys(("int2", "int4", "int8", "oid"), int),
    **dict.fromkeys(("float4", "float8"), float),
    **dict.fromkeys(("text", "varchar", "bpchar", "name", "citext", "json", "jsonb", "xml"), str),
    **dict.fromkeys(("timestamp", "timestamptz"), dt.datetime),
    **dict.fromkeys(("time", "timetz"), dt.time),
    "bool": bool,
    "bytea": bytes,
    "date": dt.date,
    "interval": dt.timedelta,
    "numeric": Decimal,
    "uuid": UUID,
}
"""The types of values as the driver gives them. Other types, such as enums and what extensions have, are not judged."""
_CLICKHOUSE: Mapping[str, type] = {
    **{f"{sign}Int{bits}": int for sign in ("", "U") for bits in (8, 16, 32, 64, 128, 256)},
    **dict.fromkeys(("Float32", "Float64"), float),
    **dict.fromkeys(("String", "Enum8", "Enum16"), str),
    **dict.fromkeys(("Date", "Date32"), dt.date),
    **dict.fromkeys(("DateTime", "DateTime64"), dt.datetime),
    **dict.fromkeys(("Decimal", "Decimal32", "Decimal64", "Decimal128", "Decimal256"), Decimal),
    "Bool": bool,
    "FixedString": bytes,
    "Map": dict,
    "UUID": UUID,
}


def type_problems(plan: StatementPlan, described: TypedColumns, places: ModelPlaces) -> Iterator[Problem]:
    """Yield what the columns of a section alone are that its annotations do not say.

    Which columns may be null is told by ClickHouse alone, and is looked at where a value is a table's own column: an
    expression over such a column may never be null all the same.
    """
    types = dict(zip(described.names, described.types, strict=True))
    for request, columns in plan.parts:
        names = plan.text.names[columns.start : columns.start + columns.width]
        wanted = [column for column in request.section.columns if request.wants(column)]
        for column, name in zip(wanted, names, strict=False):
            if name in types and len(column.scalars) == 1:
                yield from _of_column(request.section, column, types[name], places)


def _of_column(section: BoundSection, column: BoundColumn, type_name: str, places: ModelPlaces) -> Iterator[Problem]:
    kind, subject = section.database.kind, places.of_column(section, column.name)
    is_nullable, is_list, item = _parts(kind, type_name)
    python = (_POSTGRES if kind is Kind.POSTGRES else _CLICKHOUSE).get(item.partition("(")[0])
    shown = f"is {type_name} in the database, and {column.shape} in the model"
    if python is not None and is_list != column.is_list:
        yield Problem(subject.place, subject.name, f"{shown}: {_as_list(is_list=is_list)}.")
    elif python is not None and not _can_hold(column, python, kind, item):
        yield Problem(subject.place, subject.name, f"{shown}, which cannot hold it: change the annotation, or cast it.")
    elif item == "timestamp" and column.scalar is INSTANT and not section.database.zone:
        message = (
            f"{shown}: without a time zone it is no instant. Say which one it is in: m.Postgres(zone=…), or in SQL"
            " … at time zone 'UTC'."
        )
        yield Problem(subject.place, subject.name, message)
    elif python is Decimal and column.scalar is FLOAT and (kind is Kind.CLICKHOUSE or _is_own(section)):
        message = f"{shown}: a float has some 16 digits. Say {DECIMAL.name} to answer all of them."
        yield warning(subject.place, subject.name, message, WarningCode.COLUMN_TYPE)
    elif python is Decimal and kind is Kind.POSTGRES and column.scalar in (INTEGER, BIG_INTEGER):
        message = f"{shown}: where it has a fraction, the field fails. Say {DECIMAL.name}, or cast it."
        yield warning(subject.place, subject.name, message, WarningCode.COLUMN_TYPE)
    elif is_nullable and not column.shape.nullable and _is_plain(section, column):
        message = f"{shown}: where it is null, the field fails. Say … | None, or give it a value in SQL."
        yield warning(subject.place, subject.name, message, WarningCode.NULLABLE_COLUMN)


def _parts(kind: Kind, type_name: str) -> tuple[bool, bool, str]:
    """Return whether values may be null, as far as the type says, whether they are arrays, and the type of one."""
    if kind is Kind.POSTGRES:
        return False, type_name.endswith("[]"), type_name.removesuffix("[]")
    plain, is_nullable = unwrapped(type_name)
    if not plain.startswith("Array("):
        return is_nullable, False, plain
    return is_nullable, True, unwrapped(plain[6:-1])[0]


def _can_hold(column: BoundColumn, python: type, kind: Kind, item: str) -> bool:
    """Return whether a scalar represents values of a type, other than by chance."""
    if python is int and column.scalar is BOOLEAN:
        return item == "UInt8"  # as ClickHouse answers comparisons
    if python is Decimal and column.scalar in (INTEGER, BIG_INTEGER):
        return kind is Kind.POSTGRES or not _scale(item)  # PostgreSQL's sums of whole numbers are decimals
    return conversion_of(column.scalar.conversions, python) is not None


def _scale(decimal: str) -> int:
    """Return the digits behind the point of a decimal of ClickHouse, such as `Decimal(38, 3)`."""
    return int(decimal.rstrip(")").replace("(", ",").rpartition(",")[2])


def _as_list(*, is_list: bool) -> str:
    return "say list[…]" if is_list else "it is one value, so that list[…] is wrong"


def _is_plain(section: BoundSection, column: BoundColumn) -> bool:
    """Return whether a value is a column of the section's table."""
    part = column.sql.parts[0] if len(column.sql.parts) == 1 else None
    is_name = isinstance(part, str) and len(words(part)) == 1 and words(part)[0].kind == "name"
    return is_name and section.is_row and isinstance(section.over, Table) and not column.target


def _is_own(section: BoundSection) -> bool:
    """Return whether columns are a table's own: sums and means of PostgreSQL are decimals whatever they are of."""
    return section.is_row and not section.where.parts and section.name.partition(".")[2] == "record"
