"""Rows of tables: the only way in which SQL of a model reaches a table, with the conditions that hold for it.

Each reference in a fragment becomes the name of a common table expression, so that a model's own SQL never sees a table
without the tenant's condition. SQL is written once for all keys, tenants and values: see `Parameters`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loaders.model.arguments import Argument, Pick
from loaders.model.bound_tables import BoundTable, OwnTenant, ParentTenant
from loaders.model.databases import Database, Kind, Relation, Rows, Table, Value
from loaders.model.keys import Key
from loaders.model.names import column_names, quoted_name, table_parts
from loaders.model.references import Fragment, OwnField, Reference
from loaders.model.scalars import DATE, INSTANT, Scalar
from loaders.statements.argument_values import argument_scalar, argument_value
from loaders.statements.parameters import Parameters, Source, StatementScope
from loaders.statements.period_bounds import period_end, period_start
from loaders.statements.request_shape import is_enum
from loaders.statements.section_request import SectionRequest
from loaders.stores.protocols import DATABASE_PARAMETER

ALL_COLUMNS = ("asterisk_include_alias_columns = 1", "asterisk_include_materialized_columns = 1")
"""ClickHouse leaves such columns out of `*`; those that nothing reads cost nothing."""

_ROWS, _VERSIONS, _PARENTS = "fw_table", "fw_versions", "fw_parent"
"""Aliases of what generated SQL reads: a table's rows, all versions of them, and the rows that their tenant is from."""


@dataclass(frozen=True, slots=True)
class RequestScope:
    """The request whose SQL is written: its place among those of the statement, and the prefix of its parameters.

    `picks` are the values of arguments that choose SQL. `fields` are the names that the columns of the section have in
    the select, for SQL that names them.
    """

    place: int
    alias: str
    picks: Mapping[str, Any]
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NeededRelation:
    """A relation of another database whose rows a statement needs, with the arguments of one of its requests."""

    relation: Relation
    request: RequestScope
    number: int


@dataclass(frozen=True, slots=True)
class StatementRules:
    """The rules for all rows of a statement: the key that is asked by, the tables, and which ends a period has."""

    key: Key
    tables: Mapping[Table, BoundTable]
    has_start: bool = False
    has_end: bool = False


class RowsWriter:
    """Writes fragments of one statement, and the common table expressions that they read, each once."""

    def __init__(self, database: Database, rules: StatementRules) -> None:
        self.parameters = Parameters(database.kind)
        self.kind = database.kind
        self._database = database
        self._rules = rules
        self._tables: dict[str, str] = {}
        self._needed: dict[tuple[Relation, str], NeededRelation] = {}
        self._zones: dict[str | Value, int] = {}
        self._has_asterisk = False

    @property
    def needed(self) -> tuple[NeededRelation, ...]:
        """The relations of other databases that were named, each once."""
        return tuple(self._needed.values())

    def conditions(self, table: Table, alias: str, key_columns: Sequence[str] = ()) -> list[str]:
        """Return all that narrows a table's rows: the tenant, the asked keys where columns hold them, the period.

        Columns are named with the alias of the rows. ClickHouse puts a common table expression in the place where it is
        named, and there takes a column that the table does not have, or has no more, from a row further out.
        """
        return [*self._tenant(table, alias), *self.keys(key_columns, alias), *self._period(table, alias)]

    def table(self, table: Table) -> str:
        """Return the SQL of a table's rows that `conditions` then narrow: the rows that count."""
        self._require(table)
        latest = self._rules.tables[table].latest
        if latest is None:
            return table_name(table)
        self._has_asterisk = True
        tenant = "".join(f" where {condition}" for condition in self._tenant(table, _VERSIONS))
        rows = f"{table_name(table)} as {_VERSIONS}{tenant}"
        keys = ", ".join(self.quoted(column, _VERSIONS) for column in latest.key_columns)
        version = self.quoted(latest.column, _VERSIONS)
        if self.kind is Kind.POSTGRES:
            return f"(select distinct on ({keys}) * from {rows} order by {keys}, {version} desc nulls last)"
        return f"(select * from {rows} order by {version} desc limit 1 by {keys})"

    def name(self, table: Table, key_columns: Sequence[str] = ()) -> str:
        """Return the name of a table's rows: those of the asked keys where columns hold these, else all."""
        source = self.table(table)
        self._has_asterisk = True
        conditions = self.conditions(table, _ROWS, key_columns)
        where = f" where {' and '.join(conditions)}" if conditions else ""
        return self._tables.setdefault(f"select * from {source} as {_ROWS}{where}", f"fw_rows_{len(self._tables)}")

    def relation(self, relation: Relation, request: RequestScope) -> str:
        """Return a relation's SQL in brackets; of another database's a mark for its rows, which are sent along."""
        if relation.database is self._database:
            return f"(\n{self.fragment(relation.fragment, request)}\n)"
        needed = self._needed.setdefault(
            (relation, request.alias), NeededRelation(relation, request, len(self._needed))
        )
        return mark(needed.number)

    def fragment(self, fragment: Fragment, request: RequestScope) -> str:
        """Return a fragment's SQL with what its references stand for."""
        return "".join(part if isinstance(part, str) else self._reference(part, request) for part in fragment.parts)

    def statement(self, select: str, settings: Sequence[str] = ()) -> str:
        """Return the whole statement."""
        is_postgres = self.kind is Kind.POSTGRES
        hint = "not materialized " if is_postgres else ""
        tables = ",\n".join(f"{name} as {hint}({body})" for body, name in self._tables.items())
        whole = f"with {tables}\n{select}" if tables else select
        if not is_postgres and self._has_asterisk:
            settings = (*ALL_COLUMNS, *settings)
        return f"{whole}\nsettings {', '.join(settings)}" if settings else whole

    def keys(self, columns: Sequence[str], alias: str = "") -> list[str]:
        """Return the condition that columns, of the rows with an alias if one is given, hold an asked key."""
        if not columns:
            return []
        arrays = self.key_arrays()
        row = self._key_row(columns, alias)
        if self.kind is Kind.POSTGRES:
            some = ", ".join(arrays)
            return [f"{row} = any({some})" if len(columns) == 1 else f"{row} in (select * from unnest({some}))"]
        many = arrays[0] if len(columns) == 1 else f"(select arrayJoin(arrayZip({', '.join(arrays)})))"
        return [f"{row} in {many}"]

    def key_arrays(self) -> list[str]:
        """Return the SQL that stands for the asked keys, an array for each part."""
        return [
            self.parameters.array(f"keys_{place}", scalar, _key_part(self._rules.key, place))
            for place, scalar in enumerate(self._rules.key.scalars)
        ]

    def key_column(self, column: str, place: int, alias: str = "") -> str:
        """Return the SQL of a column that holds a part of the key, to be compared with it."""
        is_label = self.kind is Kind.POSTGRES and is_enum(self._rules.key.scalars[place])
        quoted = self.quoted(column, alias)
        return f"{quoted}::text" if is_label else quoted

    def quoted(self, column: str, alias: str = "") -> str:
        """Return a column's name in quotes, behind the alias of its rows if one is given."""
        name = quoted_name(column, self.kind)
        return f"{alias}.{name}" if alias else name

    def _key_row(self, columns: Sequence[str], alias: str) -> str:
        quoted = [self.key_column(column, place, alias) for place, column in enumerate(columns)]
        return quoted[0] if len(quoted) == 1 else f"({', '.join(quoted)})"

    def _require(self, table: Table) -> None:
        if table.database is not self._database:
            raise TypeError(f"{table.name} lies in another database than the statement.")

    def _reference(self, reference: Reference, request: RequestScope) -> str:
        if isinstance(reference, Rows):
            return self.name(reference.table, column_names(reference.column) if reference.column is not None else ())
        if isinstance(reference, Relation):
            return self.relation(reference, request)
        if isinstance(reference, OwnField):
            return request.fields[reference.name]
        if isinstance(reference, Pick):
            return self.fragment(reference.fragments[request.picks[reference.argument.name]], request)
        if isinstance(reference, Argument):
            return self._argument(reference, request)
        raise TypeError(f"{type(reference).__name__} cannot stand in this SQL.")

    def _argument(self, argument: Argument[Any], request: RequestScope) -> str:
        def value(scope: StatementScope, requests: Sequence[SectionRequest]) -> Any:
            return argument_value(argument, requests[request.place], scope)

        return self.parameters.single(f"{request.alias}__{argument.name}", argument_scalar(argument), value)

    def _tenant(self, table: Table, alias: str) -> list[str]:
        condition = self._rules.tables[table].tenant
        if isinstance(condition, ParentTenant):
            keys = ", ".join(self.quoted(column, _PARENTS) for column in condition.parent_columns)
            row = ", ".join(self.quoted(column, alias) for column in condition.columns)
            row = f"({row})" if len(condition.columns) > 1 else row
            return [f"{row} in (select {keys} from {self.name(condition.parent)} as {_PARENTS})"]
        if not isinstance(condition, OwnTenant):
            return []
        tenant = self.parameters.single("tenant", condition.scalar, _tenant_value)
        return [f"{self.quoted(condition.column, alias)} = {tenant}"]

    def _period(self, table: Table, alias: str) -> list[str]:
        options = table.options
        if not options.time or not (self._rules.has_start or self._rules.has_end):
            return []
        (name,) = column_names(options.time)
        column, zone = self.quoted(name, alias), options.zone
        number = self._zones.setdefault(zone, len(self._zones))
        scalar, end_sign = (INSTANT, "<") if zone else (DATE, "<=")
        conditions = []
        if self._rules.has_start:
            start = self._bound(f"period_start_{number}", scalar, period_start(zone))
            conditions.append(f"{column} >= {start}")
        if self._rules.has_end:
            conditions.append(f"{column} {end_sign} {self._bound(f'period_end_{number}', scalar, period_end(zone))}")
        return conditions

    def _bound(self, name: str, scalar: Scalar, source: Source) -> str:
        return self.parameters.single(name, scalar, source)


def table_name(table: Table) -> str:
    """Return a table's name in SQL.

    One of ClickHouse without a database lies in that of the URL: connections have another default, in which there is no
    table.
    """
    if table.database.kind is Kind.CLICKHOUSE and len(table_parts(table.name)) == 1:
        return f"{{{DATABASE_PARAMETER}:Identifier}}.{table.name}"
    return table.name


def mark(number: int) -> str:
    """Return what stands in SQL for the rows of a needed relation until they are there."""
    return f"\ue003{number}\ue003"


def _tenant_value(scope: StatementScope, _requests: Sequence[SectionRequest]) -> Any:
    if scope.tenant is None:
        raise TypeError("The statement reads tables that belong to tenants, and is for none.")
    return scope.tenant.value


def _key_part(key: Key, place: int) -> Source:
    def part(scope: StatementScope, _requests: Sequence[SectionRequest]) -> list[Any]:
        return list(scope.keys) if len(key.scalars) == 1 else [each[place] for each in scope.keys]

    return part
