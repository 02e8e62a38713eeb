"""Column values: what becomes of a column's values under an annotation."""

from __future__ import annotations

from enum import Enum

import pytest

from gateway.model_tools.checks.column_values import can_meet, reading_problem
from loaders.catalog.catalog import Column
from loaders.model.databases import ClickHouse, Kind, Postgres
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
    Scalar,
    enum_scalar,
)


class Mood(Enum):
    """Two labels."""

    SAD, HAPPY = "sad", "happy"


MOOD = enum_scalar(Mood)
P, C = Kind.POSTGRES, Kind.CLICKHOUSE


@pytest.mark.parametrize(
    ("type_", "scalar", "kind", "severity"),
    [
        ("text", TEXT, P, None),
        ("bigint", BIG_INTEGER, P, None),
        ("bigint", FLOAT, P, None),
        ("bigint", DECIMAL, P, None),
        ("bigint", INTEGER, P, Severity.WARNING),
        ("numeric(12,2)", FLOAT, P, Severity.WARNING),
        ("numeric", INTEGER, P, Severity.WARNING),
        ("double precision", DECIMAL, P, Severity.ERROR),
        ("uuid", TEXT, P, Severity.ERROR),
        ("text", UNIQUE_ID, P, None),
        ("boolean", INTEGER, P, Severity.ERROR),
        ("UInt8", BOOLEAN, C, Severity.WARNING),
        ("String", BYTES, C, None),
        ("text", BYTES, P, Severity.WARNING),
        ("text", MOOD, P, None),
        ("Int32", MOOD, C, Severity.ERROR),
        ("jsonb", ANYTHING, P, None),
        ("Map(String, String)", TEXT, C, Severity.ERROR),
        ("timestamp without time zone", INSTANT, P, Severity.ERROR),
        ("inet", TEXT, P, Severity.ERROR),
        ("IPv4", TEXT, C, Severity.ERROR),
        ("public.ltree", TEXT, P, None),  # it may come as text: only the database knows
    ],
)
def test_a_column_is_read_in_part_or_never(type_: str, scalar: Scalar, kind: Kind, severity: Severity | None) -> None:
    database = Postgres() if kind is P else ClickHouse()
    problem = reading_problem(Column("x", type_), scalar, database, is_list=False)
    assert (problem and problem[0]) == severity


def test_times_without_a_zone_are_instants_where_the_database_says_one() -> None:
    column = Column("x", "timestamp(6) without time zone")
    assert reading_problem(column, INSTANT, Postgres(zone="UTC"), is_list=False) is None
    problem = reading_problem(column, INSTANT, Postgres(), is_list=False)
    assert problem is not None
    assert "say m.Postgres(zone=…)" in problem[1]


@pytest.mark.parametrize(
    ("type_", "scalar", "kind", "expected"),
    [
        ("uuid", UNIQUE_ID, P, True),
        ("text", UNIQUE_ID, P, False),
        ("integer", BIG_INTEGER, P, True),
        ("Nullable(UInt64)", INTEGER, C, True),
        ("LowCardinality(String)", TEXT, C, True),
        ("String", UNIQUE_ID, C, False),
        ("public.ltree", TEXT, P, True),
    ],
)
def test_keys_meet_columns_of_their_kind(type_: str, scalar: Scalar, kind: Kind, expected: bool) -> None:
    assert can_meet(Column("x", type_), scalar, kind) is expected
