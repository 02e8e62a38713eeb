"""Conditions that clients may put on a list: one for each field of a filter."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from loaders.model.references import Fragment
from loaders.model.scalars import TEXT, UNIQUE_ID, Scalar


class FilterOperator(Enum):
    """How a condition compares. The values are the words of the language."""

    EQUALS = "equals"
    ONE_OF = "one_of"
    BETWEEN = "between"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    LESS_THAN = "less_than"
    PREFIX = "prefix"
    PRESENT = "present"
    CONTAINS = "contains"
    WHERE = "where"


@dataclass(frozen=True, slots=True, eq=False)
class FilterCondition:
    """A condition on the rows of a list.

    `sql` is the column in quotes; of `WHERE` it is the whole condition in brackets, in which `FilterValue` stands for
    what the client gives. `scalar` is that of one value. `is_list` says that the client gives several. For `BETWEEN`
    the client gives `from` and `to`, both inclusive, of which either may be left open. `scopes` are those of the
    columns that the condition touches.
    """

    name: str
    operator: FilterOperator
    sql: Fragment
    scalar: Scalar
    is_list: bool
    scopes: frozenset[str]

    @property
    def is_array_search(self) -> bool:
        """Whether PostgreSQL is asked whether an array contains another one, which a GIN index answers.

        Both must have one type, which is known of texts and UUIDs alone: numbers may be bound as another type than the
        column's, and labels are compared as texts.
        """
        return self.operator is FilterOperator.CONTAINS and self.scalar in (TEXT, UNIQUE_ID)
