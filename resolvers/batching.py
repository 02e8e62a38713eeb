"""Fields that can be resolved for many parents at once: the same function serves one parent and a whole column."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from strawberry.types.field import StrawberryField

Batch = Callable[[Sequence[Any], Mapping[str, Any], Any], Sequence[Any]]
"""(parents, coerced arguments by GraphQL name, context) to one value a parent, in order.

It never awaits and has no side effect: it may run again, for each parent alone, where one of the values is in error.
"""

BATCH = "batch"
"""The key of a field's metadata that holds its Batch."""
FEW_OBJECTS = "few_objects"
"""The key of a field's metadata that says that many parents have the same object, such as the customers of orders.

Each is then completed once for all of them.
"""


class ColumnField(StrawberryField):
    """A leaf that is read from its place in the parent's row, with no resolver in between."""

    place: int = 0

    def get_result(self, source: Any, info: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG002 (Strawberry's signature)
        """Return the value at the column's place."""
        return source[self.place]
