"""Rows of tables: the only way in which SQL of a model reaches a table, with the conditions that hold for it.

Each reference in a fragment becomes the name of a common table expression, so that a model's own SQL never sees a table
without the tenant's condition.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from loaders.model.bound_tables import BoundTable, ParentTenant
from loaders.model.databases import Database, Everyones, Kind, Relation, Rows, Table, Value
from loaders.model.keys import Key
from loaders.model.names import column_names, quoted_name
from loaders.model.references import Fragment, Reference
from loaders.model.scalars import BIG_INTEGER, SCALARS, TEXT, Scalar, enum_scalar
from loaders.model.words import Argument, OwnField, Pick
from loaders.statements.binding import Binding
from loaders.statements.parameters import TenantScope

_ALL_COLUMNS = "\nsettings asterisk_include_alias_columns = 1, asterisk_include_materialized_columns = 1"
"""ClickHouse leaves such columns out of `*`; those that nothing reads cost nothing."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A period over a table: from the first value of its time column up to the one that it ends before."""

    start: dt.date | dt.datetime | None = None
    end: dt.date | dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class SentRows:
    """Rows of a relation of another database, column by column, that are sent along with a statement."""

    names: tuple[str, ...]
    columns: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class StatementScope:
    """The values of one statement: keys of objects of one type, their tenant, a period, and arguments.

    The tenant is None for a model without tenants alone. It has no default, so that nobody forgets it.
    """

    key: Key
    keys: Sequence[Any]
    tenant: TenantScope | None
    bounds: Bounds = Bounds()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    bound_tables: Mapping[Table, BoundTable] = field(default_factory=dict)
    """What narrows the rows of each table; one that is missing is not read."""
    sent: Mapping[Relation, SentRows] = field(default_factory=dict)
    """Rows of each relation of another database that the statement reads."""


class RowsWriter:
    """Writes the common table expressions of one statement, each once, and fragments over them."""

    def __init__(self, database: Database, asked: StatementScope) -> None:
        self.binding = Binding(database.kind)
        self._database = database
        self._asked = asked
        self._tables: dict[str, str] = {}

    def name(self, table: Table, key_columns: Sequence[str] = ()) -> str:
        """Return the name of a table's rows: those of the asked keys where columns hold these, else all."""
        if table.database is not self._database:
            raise TypeError(f"{table.name} lies in another database than the statement.")
        conditions = [*self._tenant(table), *self.keys(key_columns), *self._period(table)]
        select = f"select * from {table.name}"
        body = f"{select} where {' and '.join(conditions)}" if conditions else select
        return self._common(body)

    def relation(self, relation: Relation) -> str:
        """Return a relation's SQL in brackets; of another database's its rows, which are sent along."""
        if relation.database is not self._database:
            return self._sent(relation)
        return f"(\n{self.fragment(relation.fragment)}\n)"

    def fragment(self, fragment: Fragment) -> str:
        """Return a fragment's SQL with what its references stand for."""
        return "".join(part if isinstance(part, str) else self._reference(part) for part in fragment.parts)

    def statement(self, select: str) -> str:
        """Return the whole statement."""
        is_postgres = self.binding.kind is Kind.POSTGRES
        hint, settings = ("not materialized ", "") if is_postgres else ("", _ALL_COLUMNS)
        tables = ",\n".join(f"{name} as {hint}({body})" for body, name in self._tables.items())
        return f"with {tables}\n{select}{settings}" if tables else f"{select}{settings}"

    def _sent(self, relation: Relation) -> str:
        rows = self._asked.sent[relation]
        number = list(self._asked.sent).index(relation)
        arrays = ", ".join(
            self.binding.array(f"sent_{number}_{place}", scalar, scalar.decode(column), nullable=True)
            for place, (scalar, column) in enumerate((_scalar_of(column), column) for column in rows.columns)
        )
        names = [self._quoted(name) for name in rows.names]
        if self.binding.kind is Kind.POSTGRES:
            return f"(select * from unnest({arrays}) as fw_sent({', '.join(names)}))"
        values = ", ".join(f"tupleElement(fw_sent, {place}) as {name}" for place, name in enumerate(names, start=1))
        return f"(select {values} from (select arrayJoin(arrayZip({arrays})) as fw_sent))"

    def _common(self, body: str) -> str:
        return self._tables.setdefault(body, f"fw_rows_{len(self._tables)}")

    def _reference(self, reference: Reference) -> str:
        if isinstance(reference, Rows):
            return self.name(reference.table, column_names(reference.column) if reference.column is not None else ())
        if isinstance(reference, Relation):
            return self.relation(reference)
        if isinstance(reference, OwnField):
            return column_name(reference.name)
        if isinstance(reference, Pick):
            return self.fragment(picked(reference, self._asked))
        if isinstance(reference, Argument):
            scalar, value = argument_scalar(reference), argument_value(reference, self._asked)
            return self.binding.one(f"argument_{reference.name}", scalar, value)
        raise TypeError(f"{type(reference).__name__} cannot stand in this SQL.")

    def _tenant(self, table: Table) -> list[str]:
        condition, tenant = self._asked.bound_tables[table].tenant, self._asked.tenant
        if isinstance(condition, Everyones):
            return []
        if tenant is None:
            raise TypeError(f"{table.name} belongs to tenants, and the statement is for none.")
        if isinstance(condition, ParentTenant):
            keys = ", ".join(map(self._quoted, condition.parent_columns))
            return [f"{self._row(condition.columns)} in (select {keys} from {self.name(condition.parent)})"]
        return [f"{self._quoted(condition.column)} = {self.binding.one('tenant', tenant.scalar, tenant.value)}"]

    def keys(self, columns: Sequence[str]) -> list[str]:
        """Return the condition that columns hold an asked key; none without columns."""
        if not columns:
            return []
        scalars, values = self._asked.key.scalars, self._asked.key.arrays(self._asked.keys)
        bound = [
            self.binding.array(f"keys_{place}", scalar, array)
            for place, (scalar, array) in enumerate(zip(scalars, values, strict=True))
        ]
        row, arrays = self._row(columns), ", ".join(bound)
        if self.binding.kind is Kind.POSTGRES:
            return [f"{row} = any({arrays})" if len(columns) == 1 else f"{row} in (select * from unnest({arrays}))"]
        many = arrays if len(columns) == 1 else f"(select arrayJoin(arrayZip({arrays})))"
        return [f"{row} in {many}"]

    def _quoted(self, column: str) -> str:
        return quoted_name(column, self.binding.kind)

    def _row(self, columns: Sequence[str]) -> str:
        quoted = ", ".join(map(self._quoted, columns))
        return quoted if len(columns) == 1 else f"({quoted})"

    def _period(self, table: Table) -> list[str]:
        bounds = self._asked.bounds
        if not table.options.time:
            return []
        column = self._row(column_names(table.options.time))
        scalar = SCALARS[dt.datetime] if table.options.zone else SCALARS[dt.date]
        conditions = []
        if bounds.start is not None:
            conditions.append(f"{column} >= {self.binding.one('period_start', scalar, bounds.start)}")
        if bounds.end is not None:
            conditions.append(f"{column} < {self.binding.one('period_end', scalar, bounds.end)}")
        return conditions


def column_name(field: str) -> str:
    """Return what a field's column is called in an answer: never as a column of the table, which would hide it."""
    return f"fw_field_{field}"


def argument_scalar(argument: Argument[Any]) -> Scalar:
    """Return the scalar of an argument's type; text for a time zone."""
    if argument.type is None:
        return TEXT
    return enum_scalar(argument.type) if issubclass(argument.type, Enum) else SCALARS[argument.type]


def argument_value(argument: Argument[Any], asked: StatementScope) -> Any:
    """Return what was given for an argument, or its default, as a canonical value.

    Raises TypeError for a tenant's value that is not read.
    """
    value = asked.arguments.get(argument.name, argument.default)
    if isinstance(value, Value):
        raise TypeError(f"{argument.name}: the tenant's own {value.column} has to be read before.")
    if argument.name in asked.arguments:
        return value
    return argument_scalar(argument).from_python([value])[0]


def picked(pick: Pick, asked: StatementScope) -> Fragment:
    """Return the SQL that a pick chooses."""
    return pick.fragments[argument_value(pick.argument, asked)]


def _scalar_of(values: Sequence[Any]) -> Scalar:
    """Return the scalar of the first value that is not null; text where all are."""
    first = next((value for value in values if value is not None), "")
    if type(first) is int:
        return BIG_INTEGER
    return SCALARS.get(type(first)) or next((SCALARS[base] for base in type(first).__mro__ if base in SCALARS), TEXT)
