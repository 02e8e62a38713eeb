"""The model as the gateway works with it: checked, resolved, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from loaders.model.bound_sections import BoundSection
from loaders.model.bound_tables import BoundTable
from loaders.model.class_reader import DeclaredField
from loaders.model.column_scopes import ColumnScopes
from loaders.model.databases import Database, Relation, Table, Tenant
from loaders.model.declaration import SetUp
from loaders.model.keys import Key
from loaders.model.places import Place
from loaders.model.resolver_functions import ResolverFunction
from loaders.model.scalars import Scalar
from loaders.model.shapes import scalar_of


@dataclass(frozen=True, slots=True)
class ObjectType:
    """An object type: its table, its key, and its fields in order."""

    name: str
    description: str
    table: Table
    key: Key
    fields: tuple[DeclaredField, ...]
    column_scalars: Mapping[str, Scalar]
    """The scalars of the columns that its fields declare, arrays and links left out, by the column's name."""
    field_scopes: Mapping[str, frozenset[str]]
    """By name of a field, what it needs beside the table's scope: its own, or those of what it is computed from."""
    readable_with: tuple[str, ...] = ()
    """Scopes any one of which is enough to know an object; none where the table's is needed."""


@dataclass(frozen=True, slots=True)
class SectionType:
    """A section type: what it is over unless a field says otherwise, and its fields in order."""

    name: str
    description: str
    over: Table | Relation
    where: str
    single: bool
    fields: tuple[DeclaredField, ...]


@dataclass(frozen=True, slots=True)
class FieldsType:
    """A group, a filter or an order: its fields in order; `default` is an order's."""

    name: str
    description: str
    fields: tuple[DeclaredField, ...]
    default: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """A model without mistakes that can be found without its databases. All mappings are by name, in the order met."""

    name: str
    tenant: Tenant | None
    databases: tuple[Database, ...]
    tables: tuple[Table, ...]
    objects: Mapping[str, ObjectType]
    sections: Mapping[str, SectionType]
    groups: Mapping[str, FieldsType]
    filters: Mapping[str, FieldsType]
    orders: Mapping[str, FieldsType]
    roots: tuple[DeclaredField, ...]
    scopes: frozenset[str]
    """Every scope that a table, an object type or a field names."""
    column_scopes: ColumnScopes = field(repr=False)
    bound_tables: Mapping[Table, BoundTable] = field(repr=False)
    bound_sections: Mapping[str, BoundSection] = field(repr=False)
    """Everything that can be loaded, by name: `Customer.record`, `Customer.usage.activity`, `Query.customers.count`."""
    digest: str = ""
    """A short text that changes with the sections' digests and the fields' shapes, and not with descriptions."""
    functions: Mapping[str, ResolverFunction] = field(default_factory=dict)
    """The functions of fields that they answer, by `Owner.field`."""
    mutation: type | None = None
    query_description: str = ""
    descriptions: Mapping[str, str] = field(default_factory=dict)
    """The author's words for what the gateway would describe by itself, by schema coordinate."""
    setup: SetUp | str | None = None
    """The async function that fills empty databases, over the stores by database; or its place: `module:function`."""
    examples: tuple[Path, ...] = ()
    """Files of example documents in the order of their names."""
    place: Place = field(default_factory=lambda: Place(""))
    """The line that declares it."""
    exports: Mapping[str, str] = field(default_factory=dict)
    """Names of object types by further names under /export."""

    @property
    def file(self) -> Path:
        """The file that declares it."""
        return Path(self.place.file)

    @property
    def tenant_scalar(self) -> Scalar | None:
        """The scalar of the tenant; None for a model without tenants."""
        return scalar_of(self.tenant.type) if self.tenant is not None else None
