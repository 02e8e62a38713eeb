"""Compiling a model: from its author's declarations to what the gateway works with, or all that is wrong with them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from loaders.model.checks import CHECKS
from loaders.model.class_reader import DeclaredField
from loaders.model.classes import Declared, Filter, Group, Object, Order, Section, options_of
from loaders.model.column_scopes import ColumnScopes, column_scopes, scopes_of_columns
from loaders.model.databases import Table
from loaders.model.declaration import ModelDeclaration, ModelParts, parts_of
from loaders.model.digests import model_digest
from loaders.model.keys import Key
from loaders.model.model import FieldsType, Model, ObjectType, SectionType
from loaders.model.names import column_names
from loaders.model.problems import Problems
from loaders.model.scalars import Scalar
from loaders.model.section_binding import bind_sections
from loaders.model.shapes import Cardinality
from loaders.model.table_binding import bind_tables


def compile_model(declaration: ModelDeclaration) -> Model:
    """Return the model checked and resolved. Raises ModelError with all that is wrong."""
    problems = Problems()
    parts = parts_of(declaration, problems)
    for check in CHECKS:
        check(declaration, parts, problems)
    problems.raise_if_any()
    model = _unbound(declaration, parts)
    bound = replace(model, bound_sections=MappingProxyType(bind_sections(model)))
    return replace(bound, digest=model_digest(bound))


def _unbound(declaration: ModelDeclaration, parts: ModelParts) -> Model:
    """Return the model without its bound sections."""
    columns = ((options_of(cls)["table"], column) for cls in parts.classes(Object) for column in parts.fields[cls])
    scopes = column_scopes(columns)
    objects = {cls.__name__: _object(cls, parts, scopes) for cls in parts.classes(Object)}
    return Model(
        name=declaration.name,
        tenant=declaration.tenant,
        databases=tuple(parts.databases),
        tables=tuple(parts.tables),
        objects=MappingProxyType(objects),
        sections=MappingProxyType({cls.__name__: _section(cls, parts) for cls in parts.classes(Section)}),
        groups=_by_name(Group, parts),
        filters=_by_name(Filter, parts),
        orders=_by_name(Order, parts),
        roots=tuple(parts.fields[declaration.query]),
        scopes=_scopes(parts),
        column_scopes=scopes,
        bound_tables=bind_tables(parts.tables, declaration.tenant, _keys(objects.values())),
        bound_sections=MappingProxyType({}),
        functions=MappingProxyType(parts.functions),
        mutation=declaration.mutation,
        query_description=_description(declaration.query),
        descriptions=MappingProxyType(declaration.descriptions),
        setup=declaration.setup,
        place=declaration.place,
        examples=_examples(declaration),
        exports={name: cls.__name__ for name, cls in declaration.exports.items()},
    )


def _examples(declaration: ModelDeclaration) -> tuple[Path, ...]:
    if not declaration.examples:
        return ()
    path = declaration.path(declaration.examples)
    return tuple(sorted(path.glob("*.graphql"))) if path.is_dir() else (path,)


def _keys(objects: Iterable[ObjectType]) -> Mapping[Table, tuple[str, ...]]:
    """Return the key columns of the object types over each table, which agree where a table is narrowed by them."""
    return {each.table: each.key.columns for each in objects}


def _object(cls: type[Declared], parts: ModelParts, scopes: ColumnScopes) -> ObjectType:
    table, fields = options_of(cls)["table"], tuple(parts.fields[cls])
    keys = [field for field in fields if field.is_key]
    scalars = tuple(field.shape.scalar for field in keys if field.shape is not None and field.shape.scalar is not None)
    key = Key(tuple(name for field in keys for name in column_names(field.column_text)), scalars)
    return ObjectType(
        cls.__name__,
        _description(cls),
        table,
        key,
        fields,
        _column_scalars(fields),
        MappingProxyType({**_scopes_of(fields, parts), **_scopes_of_links(fields, table, scopes)}),
        tuple(options_of(cls).get("readable_with", ())),
    )


def _column_scalars(fields: Iterable[DeclaredField]) -> Mapping[str, Scalar]:
    return MappingProxyType(
        {
            column_names(field.column_text)[0]: field.shape.scalar
            for field in fields
            if field.is_own_column and field.shape is not None and field.shape.scalar is not None
            if field.shape.cardinality is Cardinality.ONE
        }
    )


def _scopes_of(fields: Iterable[DeclaredField], parts: ModelParts) -> Mapping[str, frozenset[str]]:
    own = {field.name: frozenset({str(field.option("scope"))} - {"", "None"}) for field in fields}
    answered = {
        field.name: parts.functions[field.subject].columns for field in fields if field.subject in parts.functions
    }
    computed = {
        field.name: inspect.signature(field.option("function")).parameters for field in fields if field.is_computed
    }
    touched = {
        name: frozenset(scope for column in columns for scope in own[column])
        for name, columns in {**answered, **computed}.items()
    }
    return {**own, **touched}


def _scopes_of_links(
    fields: Iterable[DeclaredField], table: Table, scopes: ColumnScopes
) -> Mapping[str, frozenset[str]]:
    """Return the scopes of the columns that links are, by the link's name: its object's key is the column's value."""
    return {
        field.name: scopes_of_columns(column_names(field.column_text), table, scopes)
        for field in fields
        if field.word_name == "one" and not field.has_sql_link
    }


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
    of_tables = {table.options.scope for table in parts.tables}
    of_fields = {str(declared.option("scope", "")) for declared in parts.all_fields()}
    said = {scope for declared in parts.all_fields() for scope in declared.option("readable_with", ())}
    of_objects = {scope for cls in parts.classes(Object) for scope in options_of(cls).get("readable_with", ())}
    return frozenset(of_tables | of_fields | said | of_objects) - {""}
