"""Databases, tables and relations of a model, tenants and freshness: where sections read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from typing import Any, NoReturn

from loaders.model.calls import noting, noting_in
from loaders.model.change_feeds import ChangeFeed
from loaders.model.places import Place, calling_place
from loaders.model.references import Fragment, Reference


class Kind(Enum):
    """The kinds of databases."""

    POSTGRES = auto()
    CLICKHOUSE = auto()


STORE_NAMES = {Kind.POSTGRES: "postgresql", Kind.CLICKHOUSE: "clickhouse"}
"""The names of the kinds in errors and statistics."""


class Everyones(Enum):
    """The type of `everyones`."""

    EVERYONES = auto()

    def __call__(self) -> NoReturn:
        raise TypeError("m.everyones is no function: leave out the brackets.")


everyones = Everyones.EVERYONES
"""The `tenant=` of a table whose rows belong to no tenant: every tenant may read them."""


@noting_in("__init__")
@dataclass(frozen=True, slots=True)
class Freshness:
    """How long an answer may be served, in seconds.

    It is fresh for `fresh_s`. After that it is served for `stale_while_revalidate_s` while a new one is loaded, and for
    `stale_if_error_s` where loading fails; both count from the end of `fresh_s`.
    """

    fresh_s: int
    stale_while_revalidate_s: int
    stale_if_error_s: int
    place: Place = field(default_factory=calling_place, init=False, repr=False, compare=False)
    mistakes: tuple[str, ...] = field(default=(), init=False, repr=False, compare=False)


@noting_in("__init__")
@dataclass(frozen=True, slots=True)
class Tenant:
    """How a viewer's tenant is known, and the column that tables have it in.

    `claim` is the member of a token, or of an API key's record, that says it; `type` is the column's.
    """

    claim: str
    column: str
    type: type = str
    place: Place = field(default_factory=calling_place, init=False, repr=False, compare=False)
    mistakes: tuple[str, ...] = field(default=(), init=False, repr=False, compare=False)


class Via:
    """A table's tenant is that of its parent's row, found by a column that refers to the parent's key.

    `key` names the parent's columns that it refers to; empty for the key of the object types over the parent. They have
    to be unique over all tenants: where two tenants have a parent of one key, both would see the rows that refer to it.
    """

    mistakes: tuple[str, ...] = ()

    def __init__(self, parent: Table, column: str, key: str = "") -> None:
        self.parent = parent
        self.column = column
        self.key = key


class Value(Reference):
    """A column of the tenant's own row in a table that has one row for each tenant."""

    def __init__(self, table: Table, column: str) -> None:
        self.table = table
        self.column = column
        self.place = calling_place()


class Rows(Reference):
    """A table's rows in SQL: those of the asked keys, matched with `column`, or, without it, all of the tenant's."""

    def __init__(self, table: Table, column: str | None) -> None:
        self.table = table
        self.column = column
        self.place = calling_place()


class Table:
    """A table of one database, as a model sees it.

    `name` is `schema.table`, with parts in double quotes where they need them. `tenant` is the column that holds the
    tenant, `parent.via(column)`, or `everyones`; without it, the model's own. `time` is the column that a period
    narrows; with `zone` it holds instants, and that is the time zone of the period's dates, else calendar dates.
    `latest` is the column whose greatest value marks the row that counts of those with one `key`, by default the key of
    the object type over the table. `changes` says how changes of its rows are heard; without it, what was read is
    served for as long as it is fresh. `rows` is said of a table with few rows, about how many a tenant has: a query is
    priced for no more of them than there are.
    """

    mistakes: tuple[str, ...] = ()

    def __init__(self, database: Database, name: str, place: Place, options: TableOptions) -> None:
        self.database = database
        self.name = name
        self.place = place
        self.options = options

    @property
    def all(self) -> Rows:
        """All rows of the tenant. What is computed from them changes with any object."""
        return Rows(self, None)

    def asked(self, column: str) -> Rows:
        """Return the rows of the objects that are asked for, whose key `column` holds."""
        return Rows(self, column)

    @noting("via(…)")
    def via(self, column: str, *, key: str = "") -> Via:
        """Return the `tenant=` of a child's table: the tenant of the row here that the child's `column` refers to.

        It refers to this table's `key`, by default that of the object type over it.
        """
        return Via(self, column, key)

    def value(self, column: str) -> Value:
        """Return a column of the tenant's own row."""
        return Value(self, column)

    def __format__(self, spec: str) -> str:
        raise TypeError(
            f"{self.name} stands bare in SQL: say which rows, {{table.asked('column')}} for those of the asked objects"
            " or {table.all} for all of the tenant."
        )


@dataclass(frozen=True, slots=True)
class TableOptions:
    """The options of a table."""

    tenant: str | Via | Everyones | None = None
    scope: str = ""
    freshness: Freshness | None = None
    time: str = ""
    zone: str | Value = ""
    latest: str = ""
    key: str = ""
    changes: ChangeFeed | None = None
    rows: int = 0


class Relation(Reference):
    """A query of one database that sections may be over, and that may stand in another one's SQL."""

    def __init__(self, database: Database, sql: Any, place: Place) -> None:
        self.database = database
        self.sql = sql
        self.place = place

    @cached_property
    def fragment(self) -> Fragment:
        """The SQL with its references. Raises ValueError for a text that has tokens which no reference made."""
        return Fragment.of(self.sql)


@noting_in("__init__")
class Database:
    """A database by the name that its URL's setting has.

    `functions` names functions that SQL may call beside the ordinary ones; they must not read or change other rows.
    """

    kind: Kind
    variable_prefix: str
    mistakes: tuple[str, ...] = ()
    zone = ""
    """The time zone of instants that the database keeps without one; empty where none is said, or needed."""

    def __init__(self, name: str = "", *, functions: Sequence[str] = ()) -> None:
        self.name = name
        self.functions = functions
        self.place = calling_place()

    def __format__(self, spec: str) -> str:
        raise TypeError("A database stands in SQL: declare a table of it and say which rows, such as {table.all}.")

    @property
    def variable(self) -> str:
        """The environment variable that holds the URL."""
        return f"{self.variable_prefix}_{self.name.upper()}_URL" if self.name else f"{self.variable_prefix}_URL"

    @noting("table(…)")
    def table(
        self,
        name: str,
        *,
        tenant: str | Via | Everyones | None = None,
        scope: str = "",
        freshness: Freshness | None = None,
        time: str = "",
        zone: str | Value = "",
        latest: str = "",
        key: str = "",
        changes: ChangeFeed | None = None,
        rows: int = 0,
    ) -> Table:
        """Declare a table: see `Table`."""
        options = TableOptions(tenant, scope, freshness, time, zone, latest, key, changes, rows)
        return Table(self, name, calling_place(), options)

    def relation(self, sql: str) -> Relation:
        """Declare a query that reads tables as `{table.asked('column')}` or `{table.all}`."""
        return Relation(self, sql, calling_place())


@noting_in("__init__")
class Postgres(Database):
    """A PostgreSQL database; its URL is in DATABASE_URL, or DATABASE_<NAME>_URL where it has a name.

    `zone` is the time zone that values of `timestamp without time zone` are in, such as UTC. Without it, no field reads
    them. Statements run in this time zone.
    """

    kind = Kind.POSTGRES
    variable_prefix = "DATABASE"

    def __init__(self, name: str = "", *, functions: Sequence[str] = (), zone: str = "") -> None:
        super().__init__(name, functions=functions)
        self.zone = zone


class ClickHouse(Database):
    """A ClickHouse database; its URL is in CLICKHOUSE_URL, or CLICKHOUSE_<NAME>_URL where it has a name."""

    kind = Kind.CLICKHOUSE
    variable_prefix = "CLICKHOUSE"


def tables_of(source: Table | Relation) -> list[Table]:
    """Return the tables whose rows a table or a relation answers, through relations of other databases too, each once.

    Tables that others say their tenant by are not among them.
    """
    tables: dict[Table, None] = {}
    waiting: list[Table | Relation] = [source]
    seen: set[Relation] = set()
    while waiting:
        source = waiting.pop(0)
        if isinstance(source, Table):
            tables[source] = None
        elif source not in seen:
            seen.add(source)
            references = source.fragment.references()
            waiting += [each.table for each in references if isinstance(each, Rows)]
            waiting += [each for each in references if isinstance(each, Relation)]
    return list(tables)
