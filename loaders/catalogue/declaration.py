"""The words that sections are declared in: source, relation, column, section. Plain data, no I/O."""

import re
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import ClassVar

from loaders.model.databases import Freshness as Freshness

_WORD_START = re.compile(r"(?<!^)(?=[A-Z])")
READ_REGISTER, READ_ANALYSIS = "register:read", "analysis:read"
"""Scopes."""
_UNDERSCORE = re.compile(r"_([a-z0-9])")


class Store(Enum):
    """The database that a source lives in."""

    CLICKHOUSE = auto()
    POSTGRES = auto()


class Kind(Enum):
    """What a column holds; decides its GraphQL type. AIRPORT and AIRLINE hold a code and answer its record."""

    INTEGER = auto()
    FLOAT = auto()
    TEXT = auto()
    DATE = auto()
    INSTANT = auto()
    AIRPORT = auto()
    AIRLINE = auto()


@dataclass(frozen=True, slots=True)
class Cohort:
    """Objects that are analysed together. `members` is PostgreSQL's statement for (cohort, members) of the ids in $1.

    A source with a cohort answers per cohort; every member is given its cohort's answer.
    """

    members: str


FLOWN = Freshness(fresh_s=300, stale_while_revalidate_s=3_600, stale_if_error_s=86_400)
"""Of what is computed from flights: they arrive in batches, some minutes late anyway."""
REGISTERED = Freshness(fresh_s=60, stale_while_revalidate_s=600, stale_if_error_s=86_400)
"""Of the register: its changes announce themselves, and a minute bounds what an announcement that was lost costs."""


@dataclass(frozen=True, slots=True)
class Source:
    """A table (or join) of one store, keyed by the object. Sections over one source are fused into one statement."""

    name: str
    store: Store
    cohort: Cohort | None = None
    periodic: bool = True
    """Whether a period narrows what the source answers; the register's sources know no period."""
    shared: bool = False
    """Whether what it answers of an object depends on other objects too: then a change of one concerns all."""
    freshness: Freshness = FLOWN


@dataclass(frozen=True, slots=True)
class Relation:
    """What a section selects from: a table or a sub-select in parentheses, and a condition.

    In both, `$asked` stands for the condition on the asked ids and the period, `$period` for the period's alone (after
    a condition of the relation's own). `key` is the column that holds the object's id or its cohort.
    """

    source: Source
    sql: str
    where: str = ""
    key: str = "tail_number"


@dataclass(frozen=True, slots=True)
class Column:
    """A leaf of a section: its SQL expression, what it holds and in which unit.

    In a grouped list, `$name` in the expression stands for the section's own column of that name. `empty` is the value
    for an object of which the relation has no row. `grouped` columns of a list are what its rows are grouped by. `name`
    is given by the class that declares the column.
    """

    sql: str
    description: str
    kind: Kind = Kind.INTEGER
    unit: str = ""
    nullable: bool = False
    empty: int | None = None
    grouped: bool = False
    name: str = ""

    @property
    def graphql_name(self) -> str:
        """The name in the schema: `p95_arrival_delay` is `p95ArrivalDelay`."""
        return camel(self.name)

    @property
    def graphql_description(self) -> str:
        """The description with its unit."""
        return f"{self.description} Unit: {self.unit}." if self.unit else self.description


def camel(name: str) -> str:
    """Snake case to camel case."""
    return _UNDERSCORE.sub(lambda match: match.group(1).upper(), name)


def count(sql: str, description: str, unit: str = "flights") -> Column:
    """A number of things; 0 where there is nothing to count."""
    return Column(sql, description, Kind.INTEGER, unit, empty=0)


def whole(sql: str, description: str, unit: str = "") -> Column:
    """A whole number, null where unknown."""
    return Column(sql, description, Kind.INTEGER, unit, nullable=True)


def number(sql: str, description: str, unit: str) -> Column:
    """A real number, null over nothing."""
    return Column(sql, description, Kind.FLOAT, unit, nullable=True)


def total(sql: str, description: str, unit: str) -> Column:
    """A sum that is 0 over nothing."""
    return Column(sql, description, Kind.FLOAT, unit, empty=0)


def minutes(sql: str, description: str) -> Column:
    """A duration or delay in minutes, null over nothing."""
    return number(sql, description, "minutes")


def ratio(part: str, whole_of: str, description: str) -> Column:
    """`part` over `whole_of`, 0 to 1, null over nothing."""
    return number(f"{part} / nullIf({whole_of}, 0)", description, "share, 0 to 1")


def percentile(level: float, sql: str, description: str, unit: str = "minutes") -> Column:
    """ClickHouse's quantileExact: the value at position floor(level x n), from 0, in ascending order."""
    return number(f"toFloat64(quantileExact({level})({sql}))", description, unit)


def text(sql: str, description: str, *, nullable: bool = False) -> Column:
    """A code or a name."""
    return Column(sql, description, Kind.TEXT, nullable=nullable)


def day(sql: str, description: str, *, nullable: bool = False) -> Column:
    """A calendar date in New York."""
    return Column(sql, description, Kind.DATE, nullable=nullable)


def instant(sql: str, description: str, *, nullable: bool = False) -> Column:
    """A point in time, UTC."""
    return Column(sql, description, Kind.INSTANT, "UTC", nullable=nullable)


def airport_of(sql: str, description: str) -> Column:
    """An airport's code that the schema answers as the airport, null where the register of airports lacks it."""
    return Column(sql, description, Kind.AIRPORT, nullable=True)


def airline_of(sql: str, description: str) -> Column:
    """An airline's code that the schema answers as the airline, null where the register of airlines lacks it."""
    return Column(sql, description, Kind.AIRLINE, nullable=True)


def grouped(column: Column) -> Column:
    """The same column as one that a list's rows are grouped by."""
    return replace(column, grouped=True)


class Section:
    """One named part of an analysis: an object with an aggregate a column. The unit of fetching, caching and cost.

    A subclass is a declaration: its docstring is the description, its `Column` attributes are the fields, in order.
    `present_by` names the column that is null where the section has nothing to say of an object: then the section
    itself is null. Without it, an object without rows gets each column's `empty`.
    """

    relation: ClassVar[Relation]
    present_by: ClassVar[str] = ""
    freshness: ClassVar[Freshness | None] = None
    """How old an answer may be; None is the source's."""
    hidden: ClassVar[bool] = False
    """Hidden sections serve other fields and are not in the analysis type."""

    name: ClassVar[str]
    type_name: ClassVar[str]
    description: ClassVar[str]
    columns: ClassVar[tuple[Column, ...]]

    def __init_subclass__(cls) -> None:
        cls.name = vars(cls).get("name", _WORD_START.sub("_", cls.__name__).lower())
        cls.type_name = vars(cls).get("type_name", cls.__name__)
        cls.description = " ".join((cls.__doc__ or "").split())
        declared = {name: value for name, value in vars(cls).items() if isinstance(value, Column)}
        cls.columns = tuple(replace(column, name=name) for name, column in declared.items())

    @classmethod
    def graphql_name(cls) -> str:
        """The field's name in the schema."""
        return camel(cls.name)

    @classmethod
    def scope(cls) -> str:
        """What a viewer must be allowed to read it; the register says at least which aircraft are compared."""
        source = cls.relation.source
        return READ_REGISTER if source.store is Store.POSTGRES or source.cohort is not None else READ_ANALYSIS

    @classmethod
    def links(cls) -> tuple[tuple[int, Column], ...]:
        """Position and column of each column that answers a record of its own."""
        return tuple((at, c) for at, c in enumerate(cls.columns) if c.kind in (Kind.AIRPORT, Kind.AIRLINE))


class ListSection(Section):
    """A list of rows an object, at most `first` of them.

    With `grouped` columns (declared first), a row is a group and the other columns are aggregates; the order is that of
    the grouped columns unless `order` says otherwise, over the section's own columns (`$name`). Without, a row is a row
    of the relation and `order` is over the relation's columns. Expressions in `order` ascend in ClickHouse, and are
    order-by terms in PostgreSQL. `only` keeps the relation's rows for which it holds.
    """

    order: ClassVar[tuple[str, ...]] = ()
    only: ClassVar[str] = ""
    in_order: ClassVar[bool] = False
    """Whether a group's rows lie together in the table's own order, so that ClickHouse can aggregate as it reads."""
    first: ClassVar[int] = 10
    """How many rows are answered when the query does not say."""
    usual: ClassVar[int] = 0
    """Rows that an object in busy service has; 0 where that is not known, and every list counts as full."""
    most: ClassVar[int] = 1_000
    """The largest `first` that a query may ask for: without a bound, one field could ask for the whole table."""

    @classmethod
    def is_grouped(cls) -> bool:
        """Whether rows are groups of the relation's rows."""
        return any(column.grouped for column in cls.columns)


class ConnectionSection(ListSection):
    """A list that is paged as a Relay connection. `cursor` columns, in `order`, tell a row's place."""

    cursor: ClassVar[tuple[tuple[str, str], ...]]
    """(column name, ClickHouse type) of the columns that the list is ordered by, together unique an object."""
