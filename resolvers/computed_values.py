"""Fields that a model's own functions compute from columns, for all objects at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from loaders.model.class_reader import DeclaredField
from loaders.objects.object_record import read_values
from resolvers.batching import Batch
from resolvers.function_columns import function_columns


def computed_batch(
    field: DeclaredField,
    columns: Mapping[str, DeclaredField],
    rows_of: Callable[[Sequence[Any]], Sequence[Any]],
    places: Mapping[str, int],
) -> tuple[Batch, tuple[str, ...]]:
    """Return the batch function of a computed field, and the names of the columns that its function takes.

    `rows_of` answers the rows of the parents, and `places` where the columns lie in them.
    """
    function, shape = field.option("function"), field.shape
    if shape is None:
        raise TypeError(field.subject)
    names = tuple(inspect.signature(function).parameters)
    shapes = {name: columns[name].shape for name in names}

    def batch(parents: Sequence[Any], _arguments: Mapping[str, Any], _context: Any) -> Sequence[Any]:
        return read_values(rows_of(parents), computed)

    def computed(rows: Sequence[Any]) -> Sequence[Any]:
        taken = function_columns(shapes, places, rows)
        values = function(**taken.values) if taken.count else []
        if len(values) != taken.count:
            raise ValueError(f"{field.subject}: the function answered {len(values)} values for {taken.count} objects.")
        return taken.with_errors(shape.from_python(values))

    return batch, names
