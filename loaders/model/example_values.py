"""Example values of scalars, for statements that are prepared and not executed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import Enum
from typing import Any

from loaders.model.filter_conditions import FilterCondition, FilterOperator
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

_VALUES: Mapping[str, Any] = {
    TEXT.name: "x",
    INTEGER.name: 1,
    BIG_INTEGER.name: 1,
    FLOAT.name: 1.0,
    BOOLEAN.name: True,
    DECIMAL.name: "1",
    UNIQUE_ID.name: "00000000-0000-0000-0000-000000000001",
    DATE.name: dt.date(2026, 1, 1),
    INSTANT.name: dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    BYTES.name: "AA==",
    ANYTHING.name: "{}",
}


def example_value(scalar: Scalar) -> Any:
    """Return a canonical value of a scalar, the same each time: for an enum, the name of its first member."""
    if isinstance(scalar.python, type) and issubclass(scalar.python, Enum):
        return next(iter(scalar.python)).name
    return _VALUES[scalar.name]


def example_key(scalars: tuple[Scalar, ...]) -> Any:
    """Return a key of these scalars."""
    return example_value(scalars[0]) if len(scalars) == 1 else tuple(map(example_value, scalars))


def example_filter(condition: FilterCondition) -> Any:
    """Return a canonical value of a condition: of a range both ends, of a list one value."""
    value = example_value(condition.scalar)
    if condition.operator is FilterOperator.PRESENT:
        return True
    if condition.operator is FilterOperator.BETWEEN:
        return (value, value)
    return (value,) if condition.is_list else value
