"""The fate of a column's values under an annotation: read, read in part, or never."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from loaders.catalog.column_types import WITHOUT_ZONE, ColumnType, base_of_postgres, column_type
from loaders.model.databases import Kind
from loaders.model.problems import Severity
from loaders.model.scalars import (
    ANYTHING,
    BIG_INTEGER,
    BOOLEAN,
    BYTES,
    DECIMAL,
    FLOAT,
    INSTANT,
    INTEGER,
    TEXT,
    UNIQUE_ID,
)
from loaders.statements.request_shape import is_enum

if TYPE_CHECKING:
    from loaders.catalog.catalog import Column
    from loaders.model.databases import Database
    from loaders.model.scalars import Scalar

_WHOLE = frozenset({INTEGER, BIG_INTEGER})
_READ: dict[Scalar, frozenset[Scalar]] = {
    FLOAT: _WHOLE,
    BIG_INTEGER: frozenset({INTEGER}),
    DECIMAL: _WHOLE,
    UNIQUE_ID: frozenset({TEXT}),
}
"""By the scalar of an annotation, others whose values it reads too."""
_READ_IN_PART: dict[tuple[Scalar, Scalar], str] = {
    (INTEGER, BIG_INTEGER): "values of more than 32 bits are errors: say m.BigInt",
    (INTEGER, DECIMAL): "fractions are errors: say Decimal",
    (BIG_INTEGER, DECIMAL): "fractions are errors: say Decimal",
    (FLOAT, DECIMAL): "a float has some 15 digits: say Decimal",
    (BOOLEAN, INTEGER): "other numbers than 0 and 1 are errors: say int",
    (DECIMAL, TEXT): "texts that are no numbers are errors: say str",
    (BYTES, TEXT): "texts that are no base64 are errors: say str",
}
"""By the scalars of an annotation and of a column, what is lost, and what to say instead."""

Finding = tuple[Severity, str]


def reading_problem(column: Column, scalar: Scalar, database: Database, *, is_list: bool) -> Finding | None:
    """Return what is wrong with a scalar as the annotation of a column; None where nothing is, or it is unknown."""
    kind = database.kind
    if scalar is ANYTHING:
        return None
    held = column_type(column, kind, database.zone)
    if held is None:
        return _unread(column, scalar, kind)
    if held.is_list != is_list:
        what = "an array: say list[…]" if held.is_list else "one value: leave out list[…]"
        return Severity.ERROR, f"is {column.type}, {what}."
    if is_enum(scalar):
        return _labels(column, held, scalar)
    if held.scalar is scalar or held.scalar in _READ.get(scalar, ()):
        return None
    if scalar is BYTES and held.scalar is TEXT and kind is Kind.CLICKHOUSE:
        return None
    lost = _READ_IN_PART.get((scalar, held.scalar))
    if lost is not None:
        return Severity.WARNING, f"is {column.type}, and {lost}."
    return Severity.ERROR, f"is {column.type}, which {scalar.name} cannot read: say {_inner(held)}."


def can_meet(column: Column, scalar: Scalar, kind: Kind) -> bool:
    """Return whether a column's values can equal those of a key or an argument of a scalar, in the database's eyes."""
    held = column_type(column, kind)
    if held is None or held.is_list:
        return True
    if is_enum(scalar):
        return held.scalar is TEXT
    numbers = _WHOLE | {DECIMAL, FLOAT}
    return held.scalar is scalar or (held.scalar in numbers and scalar in numbers)


def _unread(column: Column, scalar: Scalar, kind: Kind) -> Finding | None:
    base = base_of_postgres(column.type)
    if kind is Kind.POSTGRES and base == WITHOUT_ZONE and scalar is INSTANT:
        return Severity.ERROR, (
            f"is {WITHOUT_ZONE}, which is no instant: change it to timestamptz, or say m.Postgres(zone=…), the time"
            " zone that the database keeps its times in."
        )
    if kind is Kind.CLICKHOUSE or base in _UNREAD_OF_POSTGRES:
        return Severity.ERROR, f"is {column.type}, which no scalar reads: leave the field out, or cast it in a view."
    return None


_UNREAD_OF_POSTGRES = frozenset(
    {"interval", "time without time zone", "time with time zone", "inet", "cidr", "macaddr", "point", "line", "lseg"}
    | {"box", "path", "polygon", "circle", "bit", "bit varying", "int4range", "int8range", "numrange", "tsrange"}
    | {"tstzrange", "daterange", WITHOUT_ZONE}
)
"""Types whose values no scalar takes. Others that are unknown here, such as those of extensions, may come as text."""


def _labels(column: Column, held: ColumnType, scalar: Scalar) -> Finding | None:
    if held.scalar is not TEXT:
        return Severity.ERROR, f"is {column.type}, which no enum reads: say {_inner(held)}."
    if not held.labels:
        return None
    declared = {str(member.value) for member in scalar.python} if issubclass(scalar.python, Enum) else set[str]()
    if missing := [label for label in held.labels if label not in declared]:
        shown = ", ".join(f'"{label}"' for label in missing)
        return Severity.ERROR, f"has labels that {scalar.name} lacks, which are errors: add {shown}."
    if unknown := sorted(declared - set(held.labels)):
        shown = ", ".join(f'"{label}"' for label in unknown)
        return Severity.WARNING, f"has no label {shown} of {scalar.name}: no row ever has it."
    return None


def _inner(held: ColumnType) -> str:
    return ColumnType(held.scalar).annotation()
