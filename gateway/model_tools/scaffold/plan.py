"""The parts of a scaffolded model, before they are text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from gateway.model_tools.scaffold.choices import Choices, TableId
from gateway.model_tools.scaffold.field_types import field_type, is_secret
from gateway.model_tools.scaffold.names import FieldNames, TypeNames, VariableNames
from gateway.model_tools.scaffold.tenants import Tenants
from loaders.catalog.catalog import Column, TableCatalog
from loaders.catalog.column_types import ColumnType
from loaders.model.databases import Kind


class FieldKind(Enum):
    """The kinds of fields of a scaffolded object type, in their order."""

    KEY = auto()
    COLUMN = auto()
    LINK = auto()
    LIST = auto()
    SECTION = auto()
    MONTHS = auto()


@dataclass(frozen=True, slots=True)
class PlannedField:
    """A field of a class: `name: annotation = m.word(arguments)`, with comments above it.

    `target` is the class that it answers; `column` the column that it reads, where it is one.
    """

    name: str
    annotation: str
    kind: FieldKind = FieldKind.COLUMN
    word: str = ""
    arguments: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    target: str = ""
    column: str = ""


@dataclass(slots=True)
class PlannedEnum:
    """A Python enum of a column's labels."""

    name: str
    labels: tuple[str, ...]
    description: str


@dataclass(slots=True)
class PlannedTable:
    """A table that the model declares, and how."""

    table: TableId
    catalog: TableCatalog
    variable: str
    time: str = ""
    is_instant: bool = False
    """Whether the time column holds instants, whose dates depend on a time zone."""
    latest: str = ""
    key: tuple[str, ...] = ()
    """Columns of the key that `latest` is of, where no object type says them."""
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class PlannedObject:
    """An object type over a table. `noun` is what its objects are called in the names of fields."""

    table: TableId
    catalog: TableCatalog
    name: str
    noun: str
    key: tuple[str, ...]
    fields: list[PlannedField] = field(default_factory=list)
    names: FieldNames = field(default_factory=FieldNames)
    notes: list[str] = field(default_factory=list)
    """Parts of the table left out, and why."""
    filters: list[PlannedField] = field(default_factory=list)
    orders: list[PlannedField] = field(default_factory=list)

    @property
    def columns(self) -> dict[str, PlannedField]:
        """The fields that are columns of the table and no links, by the column."""
        return {each.column: each for each in self.fields if each.kind in (FieldKind.KEY, FieldKind.COLUMN)}


@dataclass(slots=True)
class PlannedSection:
    """A section over a table of ClickHouse, and what it is by months, where it has a time column."""

    table: TableId
    name: str
    fields: list[PlannedField]
    month: str = ""
    """The name of the months' class."""


@dataclass(slots=True)
class Plan:
    """A whole model. `left_out` has the chosen tables that are not in it, and what each has that keeps it out."""

    choices: Choices
    chosen: Mapping[TableId, TableCatalog]
    tenants: Tenants
    tables: dict[TableId, PlannedTable] = field(default_factory=dict)
    objects: dict[TableId, PlannedObject] = field(default_factory=dict)
    joins: list[TableId] = field(default_factory=list)
    sections: dict[TableId, PlannedSection] = field(default_factory=dict)
    enums: dict[tuple[str, ...], PlannedEnum] = field(default_factory=dict)
    left_out: dict[TableId, str] = field(default_factory=dict)
    roots: list[PlannedField] = field(default_factory=list)
    type_names: TypeNames = field(default_factory=TypeNames)
    variables: VariableNames = field(default_factory=VariableNames)
    databases: dict[tuple[Kind, str], str] = field(default_factory=dict)
    """The variables of the databases, by kind and name."""

    def reasons(self) -> dict[str, list[str]]:
        """Return the tables that are left out by what they have, both in the order of their texts."""
        reasons: dict[str, list[str]] = {}
        for table, reason in sorted(self.left_out.items(), key=lambda item: (item[1], str(item[0]))):
            reasons.setdefault(reason, []).append(str(table))
        return reasons

    def is_secret(self, table: TableId, column: str) -> bool:
        """Return whether the model has nothing over a column, since its name sounds like a secret."""
        is_chosen = column in self.choices.keys.get(table, ())
        return not is_chosen and is_secret(self.chosen[table], column)

    def type_of(self, table: TableId, column: str) -> ColumnType | None:
        """Return the type of a column's field; None where no scalar reads it, or where it is a secret."""
        if self.is_secret(table, column):
            return None
        return field_type(self.chosen[table].columns[column], table.kind, self.choices.zone)

    def annotation_of(self, table: TableId, column: Column, type_: ColumnType, owner: str) -> str:
        """Return the annotation of a column's field, and plan the enum that it needs; `owner` names it in need."""
        return type_.annotation(self.enum_of(table, column, type_, owner))

    def enum_of(self, table: TableId, column: Column, type_: ColumnType, owner: str) -> str:
        """Return the name of the enum of a column's labels; an empty text for a column without."""
        if not type_.labels:
            return ""
        is_named = "(" not in column.type
        kind = column.type.removesuffix("[]").replace('"', "")
        identity = (kind, *type_.labels) if is_named else (column.name, *type_.labels)
        if identity not in self.enums:
            short = kind.rpartition(".")[2] if is_named else column.name
            name = self.type_names.take_alone(short, f"{owner}_{short}", f"{owner}_{short}_value")
            spoken = f"`{kind}`" if is_named else f"`{column.name}` of `{table.name}`"
            self.enums[identity] = PlannedEnum(name, type_.labels, f"Values of {spoken}.")
        return self.enums[identity].name
