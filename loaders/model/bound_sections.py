"""Bound sections: what a model is lowered to. Loaders plan, fuse and cache these, and know no links or pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loaders.model.arguments import Argument
from loaders.model.bound_tables import BoundTable
from loaders.model.databases import Database, Freshness, Relation, Table
from loaders.model.filter_conditions import FilterCondition
from loaders.model.key_spaces import KeySpace
from loaders.model.keys import Key
from loaders.model.order_terms import OrderMember, OrderTerm, with_tie_break
from loaders.model.references import Fragment
from loaders.model.scalars import Scalar
from loaders.model.shapes import Cardinality, Shape

RECORD = "record"
"""The last part of the name of the section that answers an object's own columns."""
COUNT = "count"
"""The last part of the name of the section that counts the rows of a page, and the name of its column."""


@dataclass(frozen=True, slots=True, eq=False)
class BoundColumn:
    """One value of each row: its SQL over the rows, and what it is.

    `target` is the object type that a link leads to, `scalars` are then those of its key; a value of several parts is a
    row of the database, and no link where any of them is null. `scope` is the column's own, beside the section's.
    """

    name: str
    sql: Fragment
    shape: Shape
    scalars: tuple[Scalar, ...]
    is_grouped: bool = False
    target: str = ""
    scope: str = ""

    @property
    def scalar(self) -> Scalar:
        """The scalar of the value, or of each item where the value is a list."""
        return self.scalars[0]

    @property
    def is_list(self) -> bool:
        """Whether the value is an array."""
        return self.shape.is_list


@dataclass(frozen=True, slots=True)
class PickedOrder:
    """Orders of a list by the value of an argument, which is an enum's member by its name."""

    argument: Argument[Any]
    terms: Mapping[str, tuple[OrderTerm, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class BoundSection:
    """Rows of a table or relation that belong to the keys of one space, and what is answered of them.

    `key_columns` hold the key in these rows; none where the key is empty and all rows of the tenant belong to it.
    `is_row` says that columns are a row's own values; otherwise they are aggregates of the key's rows, or of those that
    have the same grouped columns.
    """

    name: str
    key_space: KeySpace
    over: Table | Relation
    where: Fragment
    key_columns: tuple[str, ...]
    columns: tuple[BoundColumn, ...]
    cardinality: Cardinality
    is_row: bool
    default_order: tuple[OrderTerm, ...] = ()
    """The order of a list where the client chooses none, the tie-break included."""
    tie_break: tuple[OrderTerm, ...] = ()
    """Terms behind an order, for rows that it leaves equal: the target's key, or the columns of the groups."""
    picked_order: PickedOrder | None = None
    """The orders of which an argument picks one; `default_order` is then that of the argument's default."""
    first: int = 0
    max: int = 0
    usual: int = 0
    """About how many rows of a list a busy object has, for its price; 0 where its author does not say."""
    is_periodic: bool = False
    is_nullable: bool = False
    """Whether the section is null for a key without rows. Otherwise it has the columns' `empty` values."""
    empty: tuple[Any, ...] = ()
    """The columns' values over no rows, where the section is not nullable: 0 for numbers, None for what can be null."""
    target: str = ""
    """The object type whose records the rows are: its record's columns, in the same order."""
    filters: Mapping[str, FilterCondition] = field(default_factory=dict, repr=False)
    orders: Mapping[str, OrderMember] = field(default_factory=dict, repr=False)
    arguments: tuple[Argument[Any], ...] = ()
    """The arguments that its SQL names, each once."""
    scopes: frozenset[str] = frozenset()
    """The scopes that a viewer needs: of the tables, of the field, and of the columns that its order or key touches.

    One with spaces in it lists several scopes, of which any is enough.
    """
    has_own_scopes: bool = False
    """Whether its author said who may read it, in the place of its tables' scopes."""
    freshness: Freshness | None = None
    """The shortest of its tables'; None where one of them has none, and nothing is cached."""
    tables: tuple[Table, ...] = ()
    """The tables that it reads, through relations of other databases too."""
    shared_tables: tuple[Table, ...] = ()
    """The tables whose rows belong to other keys as well: a change of any row may change the answer of each key."""
    bound_tables: Mapping[Table, BoundTable] = field(default_factory=dict, repr=False)
    """Every table of the model, with what narrows its rows. A table that is missing here must not be read."""
    digest: str = ""
    """Changes with the SQL and everything that decides what it answers, and not with descriptions."""

    def with_tie_break(self, terms: tuple[OrderTerm, ...]) -> tuple[OrderTerm, ...]:
        """Return an order behind which the tie-break stands, in the direction of its last term."""
        return with_tie_break(terms, self.tie_break)

    @property
    def key(self) -> Key:
        """The key that answers are asked by."""
        return self.key_space.key

    @property
    def database(self) -> Database:
        """The database that the rows lie in."""
        return self.over.database
