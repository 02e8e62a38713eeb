"""The statement of one use of a section: for each asked key its row, or its rows in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from loaders.model.bound_sections import BoundColumn, BoundSection
from loaders.model.databases import Kind, Relation, Table
from loaders.model.names import quoted_name
from loaders.model.references import Fragment
from loaders.model.shapes import Cardinality
from loaders.statements.rows import RowsWriter, StatementScope, argument_value, column_name


@dataclass(frozen=True, slots=True)
class SelectStatement:
    """SQL and its values. The answer's columns are the key's, then those of the use; rows of a key lie together."""

    kind: Kind
    sql: str
    values: dict[str, Any]


def select(use: BoundSection, asked: StatementScope, first: int | None = None) -> SelectStatement:
    """Return the statement that answers a use; `first` is how many rows of a list, `use.first` where it is None."""
    return _Select(use, asked, use.first if first is None else first).statement()


def foreign_relations(use: BoundSection) -> list[Relation]:
    """Return the relations of other databases that a use reads: their rows have to be there before its statement."""
    found: dict[Relation, None] = {}
    waiting = [use.over] if isinstance(use.over, Relation) else []
    while waiting:
        relation = waiting.pop()
        if relation.database is not use.database:
            found[relation] = None
            continue
        waiting += [one for one in relation.fragment.references() if isinstance(one, Relation)]
    return list(found)


def select_relation(relation: Relation, asked: StatementScope) -> SelectStatement:
    """Return the statement that answers all rows of a relation, which may be over asked objects."""
    writer = RowsWriter(relation.database, asked)
    sql = writer.statement(writer.fragment(relation.fragment))
    return SelectStatement(relation.database.kind, sql, writer.binding.values)


class _Select:
    def __init__(self, use: BoundSection, asked: StatementScope, first: int) -> None:
        self._use = use
        self._first = first
        self._writer = RowsWriter(use.database, asked)
        self._terms = use.default_order
        if use.picked_order is not None:
            self._terms = use.picked_order.terms[argument_value(use.picked_order.argument, asked)]
        self._keys = [f"fw_key_{place}" for place in range(len(use.key_columns))]

    def statement(self) -> SelectStatement:
        sql = self._list() if self._use.cardinality is not Cardinality.ONE else self._one()
        return SelectStatement(self._use.database.kind, self._writer.statement(sql), self._writer.binding.values)

    def _one(self) -> str:
        """One row a key: its aggregates, or its only row's values."""
        group = "" if self._use.is_row else f"\ngroup by {', '.join(self._keys)}"
        return f"select {self._selected()}\n{self._from()}{group}"

    def _list(self) -> str:
        """Rows, or groups of them, cut to the first ones of each key."""
        grouped = (
            [] if self._use.is_row else [column_name(column.name) for column in self._use.columns if column.is_grouped]
        )
        group = "" if self._use.is_row else f"\ngroup by {', '.join([*self._keys, *grouped])}"
        order = self._order()
        if self._use.database.kind is Kind.CLICKHOUSE:
            terms = ", ".join([*self._keys, *order])
            cut = f"\norder by {terms}\nlimit {self._first:d} by {', '.join(self._keys)}"
            return f"select {self._selected()}\n{self._from()}{group}{cut}"
        partition = f"partition by {', '.join(self._keys)} order by {', '.join(order)}"
        inner = f"select {self._selected()}{self._sorted()}\n{self._from()}{group}"
        names = ", ".join([*self._keys, *(column_name(column.name) for column in self._use.columns)])
        placed = f"select *, row_number() over ({partition}) as place from (\n{inner}\n) as listed"
        cut = f"where place <= {self._first:d}\norder by {', '.join(self._keys)}, place"
        return f"select {names}\nfrom (\n{placed}\n) as placed\n{cut}"

    def _order(self) -> list[str]:
        """Terms over the relation's columns, or over the section's own where its rows are groups."""
        if self._is_postgres and self._use.is_row:
            return [f"fw_order_{place}{term.suffix}" for place, term in enumerate(self._terms)]
        return [f"{self._writer.fragment(term.expression)}{term.suffix}" for term in self._terms]

    def _sorted(self) -> str:
        """Return the expressions of the order as further columns."""
        terms = enumerate(self._terms) if self._use.is_row else ()
        return "".join(f",\n    {self._writer.fragment(term.expression)} as fw_order_{place}" for place, term in terms)

    @property
    def _is_postgres(self) -> bool:
        return self._use.database.kind is Kind.POSTGRES

    def _selected(self) -> str:
        quoted = [quoted_name(column, self._use.database.kind) for column in self._use.key_columns]
        keys = [f"{column} as {name}" for column, name in zip(quoted, self._keys, strict=True)]
        return ",\n    ".join([*keys, *(self._column(column) for column in self._use.columns)])

    def _column(self, column: BoundColumn) -> str:
        sql, shape = self._writer.fragment(column.sql), column.shape
        if shape.scalar is not None and not self._is_postgres:
            sql = shape.scalar.select_clickhouse(sql, is_list=shape.cardinality is Cardinality.LIST)
        return f"{sql} as {column_name(column.name)}"

    def _from(self) -> str:
        over = self._use.over
        rows = (
            self._writer.name(over, self._use.key_columns) if isinstance(over, Table) else self._writer.relation(over)
        )
        conditions = self._conditions(self._use.where, of_relation=not isinstance(over, Table))
        where = f"\nwhere {' and '.join(conditions)}" if conditions else ""
        return f"from {rows} as source{where}"

    def _conditions(self, where: Fragment, *, of_relation: bool) -> Sequence[str]:
        conditions = [f"({self._writer.fragment(where)})"] if where.parts else []
        if of_relation:  # it may have rows of others too, such as of a whole cohort
            conditions += self._writer.keys(self._use.key_columns)
        return conditions
