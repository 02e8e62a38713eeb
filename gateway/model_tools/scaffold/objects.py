"""Object types of a scaffolded model: their keys, and their own columns."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from gateway.model_tools.scaffold.choices import TableId
from gateway.model_tools.scaffold.field_types import can_be_key
from gateway.model_tools.scaffold.joins import is_join
from gateway.model_tools.scaffold.plan import FieldKind, Plan, PlannedField, PlannedObject
from gateway.model_tools.scaffold.python_text import literal
from gateway.model_tools.scaffold.sql_names import named
from gateway.model_tools.scaffold.words import sentence, singular, snake
from loaders.catalog.catalog import Column, TableCatalog
from loaders.model.databases import Kind


def plan_objects(plan: Plan) -> None:
    """Plan the object types, and the tables that only join two of them; leave out what has no key."""
    keys: dict[TableId, tuple[str, ...]] = {}
    for table, catalog in plan.chosen.items():
        if table in plan.left_out:
            continue
        key = _key_of(plan, table, catalog)
        if isinstance(key, str):
            if table.kind is Kind.POSTGRES:
                plan.left_out[table] = key
        elif key:
            keys[table] = key
    plan.joins = [table for table in keys if is_join(plan, table, keys)]
    schemas = Counter(_short(table) for table in keys)
    for table in sorted(keys.keys() - set(plan.joins), key=lambda table: (_short(table), table.name, table.database)):
        short = singular(_short(table))
        full = singular(snake(table.name))
        noun = short if schemas[_short(table)] == 1 else full
        name = plan.type_names.take(noun, f"{noun}_row")
        plan.objects[table] = PlannedObject(table, plan.chosen[table], name, noun or "row", keys[table])


def plan_columns(plan: Plan, kind: PlannedObject, links: set[str]) -> None:
    """Plan the fields of an object's own columns, those of its key first; `links` are columns that are links alone."""
    for name in kind.key:
        _plan_column(plan, kind, kind.catalog.columns[name])
    for column in kind.catalog.columns.values():
        is_tenant = plan.tenants.is_tenant(kind.table, column.name)
        if column.name not in kind.key and column.name not in links and not is_tenant:
            _plan_column(plan, kind, column)


def _plan_column(plan: Plan, kind: PlannedObject, column: Column) -> None:
    type_ = plan.type_of(kind.table, column.name)
    is_key = column.name in kind.key
    if plan.is_secret(kind.table, column.name):
        kind.notes.append(f"{column.name} is left out: its name sounds like a secret.")
        return
    if type_ is None:
        hint = ", unless m.Postgres(zone=…) says its time zone" if column.type.endswith("without time zone") else ""
        kind.notes.append(f"{column.name} is left out: no scalar reads {column.type}{hint}.")
        return
    if is_key:
        type_ = replace(type_, is_nullable=False)
        if plan.tenants.is_tenant(kind.table, column.name) and plan.tenants.type is not None:
            type_ = replace(type_, scalar=plan.tenants.type.scalar)
    text = snake(column.name)
    own = f"{kind.noun}_{text}"
    is_own_id = text == "id" and kind.key == (column.name,)
    name = kind.names.take(own if text == "id" and not is_own_id else text, own, f"{own}_value")
    arguments = _arguments(column, name, is_key=is_key)
    kind.fields.append(
        PlannedField(
            name,
            plan.annotation_of(kind.table, column, type_, kind.name),
            FieldKind.KEY if is_key else FieldKind.COLUMN,
            "key" if is_key else "column" if arguments else "",
            tuple(arguments),
            column=column.name,
        )
    )


def _arguments(column: Column, name: str, *, is_key: bool) -> list[str]:
    """Return what a word says of a column: its name where the field has another, and its comment."""
    comment = sentence(column.comment)
    described = [literal(comment)] if comment else []
    if name == column.name:
        return described if is_key or not described else [f"description={described[0]}"]
    named_column = literal(named(column.name))
    return [*described, f"column={named_column}"] if is_key else [named_column, *described]


def _key_of(plan: Plan, table: TableId, catalog: TableCatalog) -> tuple[str, ...] | str:
    """Return the columns that a table's objects are known by, or why there are none."""
    said = plan.choices.keys.get(table)
    hint = "--object TABLE=COLUMN says which columns its rows are known by"
    if said is None and table.kind is Kind.CLICKHOUSE:
        return ()
    complete = [
        each
        for each in catalog.unique
        if not any(catalog.columns[name].is_nullable or plan.is_secret(table, name) for name in each)
    ]
    columns = said or catalog.primary_key or next(iter(sorted(complete, key=len)), ())
    if not columns:
        return f"no primary key ({hint})"
    key = plan.tenants.without(table, columns)
    for name in key:
        if plan.is_secret(table, name):
            return f"a key whose name sounds like a secret ({hint})"
        type_ = plan.type_of(table, name)
        if type_ is None or not can_be_key(type_):
            kind = catalog.columns[name].type
            return f"a key of type {kind}, which no object can have ({hint})"
    return key


def _short(table: TableId) -> str:
    return snake(table.name.rpartition(".")[2])
