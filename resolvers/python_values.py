"""Values for a model's own functions: canonical values as the Python types that annotations name, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loaders.model.shapes import Shape


def to_python(shape: Shape | None, values: Sequence[Any]) -> list[Any]:
    """Return canonical values as Python's own; None passes, and so does what is no leaf."""
    if shape is None or shape.scalar is None:
        return list(values)
    convert = shape.scalar.to_python
    if shape.is_list:
        return [value and [None if item is None else convert(item) for item in value] for value in values]
    return [None if value is None else convert(value) for value in values]


def to_canonical(shape: Shape | None, values: Sequence[Any]) -> list[Any]:
    """Return Python's values in their canonical form; None passes, and so does what is no leaf.

    A ScalarError stands in the place of a value that its scalar cannot represent.
    """
    if shape is None or shape.scalar is None:
        return list(values)
    if shape.is_list:
        return [None if value is None else shape.scalar.from_python(list(value)) for value in values]
    return shape.scalar.from_python(values)
