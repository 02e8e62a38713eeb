"""Columns that a model's own functions take, without the objects of which a value is an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loaders.model.canonical import ScalarError
from loaders.model.shapes import Shape
from loaders.objects.section_error import SectionError

ColumnError = ScalarError | SectionError
"""The error in the place of a value that its scalar cannot represent, or whose column cannot be read."""


@dataclass(frozen=True, slots=True)
class FunctionColumns:
    """Values of a function's columns by name, as Python's own, of those rows that have no error in them.

    `errors` are the errors of the others, by the row's index.
    """

    values: Mapping[str, list[Any]]
    errors: Mapping[int, ColumnError]
    count: int

    def with_errors(self, answers: Sequence[Any]) -> list[Any]:
        """Return the answers for the rows without an error, with the errors of the others in their places."""
        rest = iter(answers)
        return [self.errors.get(index) or next(rest) for index in range(self.count + len(self.errors))]


def function_columns(
    shapes: Mapping[str, Shape | None], places: Mapping[str, int], rows: Sequence[Sequence[Any]]
) -> FunctionColumns:
    """Return the columns of rows, in order. `places` says where each column lies in a row."""
    columns = {name: [row[places[name]] for row in rows] for name in shapes}
    errors: dict[int, ColumnError] = {}
    for column in columns.values():
        errors |= {index: error for index, value in enumerate(column) if (error := error_in(value)) is not None}
    values = {}
    for name, column in columns.items():
        clean = [value for index, value in enumerate(column) if index not in errors] if errors else column
        shape = shapes[name]
        values[name] = clean if shape is None else shape.to_python(clean)
    return FunctionColumns(values, errors, len(rows) - len(errors))


def error_in(value: Any) -> ColumnError | None:
    """Return the error that a value is, or that an item of an array or a part of a key is; None where there is none."""
    if type(value) in (list, tuple):
        return next((item for item in value if isinstance(item, ColumnError)), None)
    return value if isinstance(value, ColumnError) else None
