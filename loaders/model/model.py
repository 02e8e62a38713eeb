"""The model as the gateway works with it: checked, resolved, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from loaders.model.checks import CHECKS
from loaders.model.class_reader import DeclaredField
from loaders.model.classes import Declared, Filter, Group, Object, Order, Section, options_of
from loaders.model.databases import Database, Relation, Table, Tenant
from loaders.model.declaration import ModelDeclaration, ModelParts, parts_of
from loaders.model.keys import Key
from loaders.model.names import column_names
from loaders.model.problems import Problems


@dataclass(frozen=True, slots=True)
class ObjectType:
    """An object type: its table, its key, and its fields in order."""

    name: str
    description: str
    table: Table
    key: Key
    fields: tuple[DeclaredField, ...]


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
    mutation: type | None = None


def compile_model(model: ModelDeclaration) -> Model:
    """Return the model checked and resolved. Raises ModelError with all that is wrong."""
    problems = Problems()
    parts = parts_of(model, problems)
    for check in CHECKS:
        check(model, parts, problems)
    problems.raise_if_any()
    return Model(
        name=model.name,
        tenant=model.tenant,
        databases=tuple(parts.databases),
        tables=tuple(parts.tables),
        objects=MappingProxyType({cls.__name__: _object(cls, parts) for cls in parts.classes(Object)}),
        sections=MappingProxyType({cls.__name__: _section(cls, parts) for cls in parts.classes(Section)}),
        groups=_by_name(Group, parts),
        filters=_by_name(Filter, parts),
        orders=_by_name(Order, parts),
        roots=tuple(parts.fields[model.query]),
        scopes=_scopes(parts),
        mutation=model.mutation,
    )


def _object(cls: type[Declared], parts: ModelParts) -> ObjectType:
    fields = tuple(parts.fields[cls])
    keys = [one for one in fields if one.word is not None and one.word.name == "key"]
    scalars = tuple(one.shape.scalar for one in keys if one.shape is not None and one.shape.scalar is not None)
    key = Key(tuple(name for one in keys for name in column_names(one.column_text)), scalars)
    return ObjectType(cls.__name__, _description(cls), options_of(cls)["table"], key, fields)


def _section(cls: type[Declared], parts: ModelParts) -> SectionType:
    options = options_of(cls)
    return SectionType(
        cls.__name__,
        _description(cls),
        options["over"],
        options["where"],
        options["single"],
        tuple(parts.fields[cls]),
    )


def _by_name(base: type[Declared], parts: ModelParts) -> Mapping[str, FieldsType]:
    return MappingProxyType({cls.__name__: _fields_type(cls, parts) for cls in parts.classes(base)})


def _fields_type(cls: type[Declared], parts: ModelParts) -> FieldsType:
    default: Any = options_of(cls).get("default", "")
    return FieldsType(cls.__name__, _description(cls), tuple(parts.fields[cls]), default)


def _description(cls: type[Declared]) -> str:
    return " ".join((vars(cls).get("__doc__") or "").split())


def _scopes(parts: ModelParts) -> frozenset[str]:
    """Every scope that a table, a section's field or a column names."""
    of_tables = {table.options.scope for table in parts.tables}
    of_fields = {str(declared.given("scope", "")) for declared in parts.all_fields()}
    return frozenset(of_tables | of_fields) - {""}
