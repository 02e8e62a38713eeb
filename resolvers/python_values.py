"""Values for a model's own functions: canonical values as the Python types that annotations name, and back."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from loaders.model.scalars import BYTES, DECIMAL, UNIQUE_ID, Scalar

Convert = Callable[[Any], Any]

_TO_PYTHON: dict[str, Convert] = {DECIMAL.name: Decimal, UNIQUE_ID.name: UUID, BYTES.name: base64.b64decode}
_TO_CANONICAL: dict[str, Convert] = {
    DECIMAL.name: lambda value: format(value, "f"),
    UNIQUE_ID.name: str,
    BYTES.name: lambda value: base64.b64encode(value).decode(),
}


def to_python(scalar: Scalar, values: Sequence[Any], *, is_list: bool = False) -> list[Any]:
    """Return canonical values as Python's own; None passes."""
    convert = _TO_PYTHON.get(scalar.name)
    if isinstance(scalar.python, type) and issubclass(scalar.python, Enum):
        convert = scalar.python.__getitem__
    return _converted(convert, values, is_list=is_list)


def to_canonical(scalar: Scalar, values: Sequence[Any], *, is_list: bool = False) -> list[Any]:
    """Return Python's values in their canonical form; None passes."""
    convert = _TO_CANONICAL.get(scalar.name)
    if isinstance(scalar.python, type) and issubclass(scalar.python, Enum):
        convert = _enum_name
    return _converted(convert, values, is_list=is_list)


def _enum_name(member: Enum) -> str:
    return member.name


def _converted(convert: Convert | None, values: Sequence[Any], *, is_list: bool) -> list[Any]:
    if convert is None:
        return list(values)
    if is_list:
        return [None if value is None else _converted(convert, value, is_list=False) for value in values]
    return [None if value is None else convert(value) for value in values]
