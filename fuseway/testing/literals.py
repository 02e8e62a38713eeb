"""Values in GraphQL's words, and as Python values that can be compared."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from loaders.model.scalars import Scalar

_SAMPLES = {
    "Int": "1",
    "Float": "1.0",
    "Boolean": "true",
    "BigInt": '"1"',
    "Decimal": '"1"',
    "UUID": '"00000000-0000-0000-0000-000000000001"',
    "Date": '"2026-01-01"',
    "DateTime": '"2026-01-01T00:00:00Z"',
}
_READERS: dict[str, Callable[[Any], Any]] = {
    "BigInt": int,
    "Decimal": Decimal,
    "Date": dt.date.fromisoformat,
    "DateTime": dt.datetime.fromisoformat,
}
_UNQUOTED = frozenset({"Int", "Float", "Boolean"})


def is_enum(scalar: Scalar) -> bool:
    """Return whether a scalar is an enum."""
    return issubclass(scalar.python, Enum)


def sample(scalar: Scalar) -> str:
    """Return some value of a scalar as an argument."""
    if issubclass(scalar.python, Enum):
        return next(iter(scalar.python)).name
    return _SAMPLES.get(scalar.name, '"x"')


def argument(scalar: Scalar, value: Any) -> str:
    """Return a value of an answer as an argument."""
    if is_enum(scalar) or scalar.name in _UNQUOTED:
        return json.dumps(value) if not isinstance(value, str) else value
    return json.dumps(value, ensure_ascii=False)


def comparable(scalar: Scalar, value: Any) -> Any:
    """Return a value of an answer as one that compares as the databases do."""
    reader = _READERS.get(scalar.name)
    return value if reader is None or value is None else reader(value)
