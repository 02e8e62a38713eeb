"""Columns that a table is polled by: their types in both kinds of databases, and the SQL that goes with each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loaders.model.databases import Kind
from loaders.model.scalars import BIG_INTEGER, INSTANT, Scalar


@dataclass(frozen=True, slots=True)
class PolledType:
    """A type of instants or whole numbers: SQL of the server's time as a value of it, and SQL of a bound value.

    `condition` is SQL that is true of the values of a column `{value}` that polls compare with; empty where all are.
    """

    clock: str
    bound: str
    is_number: bool = False
    condition: str = ""

    @property
    def scalar(self) -> Scalar:
        """The scalar that a value is bound as, where the driver does not know the column's type."""
        return BIG_INTEGER if self.is_number else INSTANT


_POSTGRES = {
    "timestamptz": PolledType("now()", "$1"),
    # Without a zone it is local time or UTC. The later of both keeps no row of the present from being read.
    "timestamp": PolledType("greatest(localtimestamp, now() at time zone 'UTC')", "$1"),
    **dict.fromkeys(("int2", "int4", "int8"), PolledType("now()", "$1", is_number=True)),
    # NaN and infinity, which have no scale, are greater than all numbers: every later change would lie before them.
    "numeric": PolledType("now()", "$1", is_number=True, condition="scale({value}) is not null"),
}
_CLICKHOUSE_CLOCK = "now64(6, 'UTC')"
_CLICKHOUSE = {
    **dict.fromkeys(("DateTime", "DateTime64"), PolledType(_CLICKHOUSE_CLOCK, f"{{after:{INSTANT.clickhouse}}}")),
    **{
        f"{sign}Int{bits}": PolledType(_CLICKHOUSE_CLOCK, f"{{after:{sign}Int64}}", is_number=True)
        for sign in ("", "U")
        for bits in (8, 16, 32, 64)
    },
}
_TYPES: Mapping[Kind, Mapping[str, PolledType]] = {Kind.POSTGRES: _POSTGRES, Kind.CLICKHOUSE: _CLICKHOUSE}


def polled_type(kind: Kind, name: str) -> PolledType | None:
    """Return the type that a database calls by a name; None where a table cannot be polled by it."""
    bare = name.removeprefix("LowCardinality(").removeprefix("Nullable(").partition("(")[0].rstrip(")")
    return _TYPES[kind].get(bare)
