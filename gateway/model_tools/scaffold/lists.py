"""Filters, orders and ways in of a scaffolded model, by what is indexed."""

from __future__ import annotations

from gateway.model_tools.scaffold.field_types import can_be_key, is_ordered
from gateway.model_tools.scaffold.indexes import indexed_columns
from gateway.model_tools.scaffold.names import FieldNames
from gateway.model_tools.scaffold.plan import Plan, PlannedField, PlannedObject
from gateway.model_tools.scaffold.python_text import literal
from gateway.model_tools.scaffold.sql_names import named, named_all, term
from gateway.model_tools.scaffold.words import plural, snake
from loaders.catalog.column_types import ColumnType
from loaders.model.scalars import BIG_INTEGER, DATE, DECIMAL, FLOAT, INSTANT, INTEGER

_NUMBERS = (INTEGER, BIG_INTEGER, DECIMAL, FLOAT)


def plan_orders(plan: Plan, kind: PlannedObject) -> None:
    """Plan what all objects can be ordered by: their key first, then each column that an index begins with."""
    names = FieldNames()
    leading = [index[0] for index in indexed_columns(plan, kind.table)]
    for column in dict.fromkeys([kind.key[0], *leading]):
        type_ = plan.type_of(kind.table, column)
        if type_ is None or not is_ordered(type_):
            continue
        arguments = [literal(term(column))]
        if column not in kind.columns:
            enum = plan.enum_of(kind.table, kind.catalog.columns[column], type_, kind.name)
            arguments.append(f"type={ColumnType(type_.scalar, labels=type_.labels).annotation(enum)}")
        member = names.take(_field_name(kind, column))
        kind.orders.append(PlannedField(member, "", word="by", arguments=tuple(arguments), column=column))


def plan_filters(plan: Plan, kind: PlannedObject) -> None:
    """Plan conditions on the columns that indexes begin with, and on arrays that one can search."""
    names = FieldNames()
    leading = [index[0] for index in indexed_columns(plan, kind.table)]
    for column in dict.fromkeys(leading):
        type_ = plan.type_of(kind.table, column)
        if type_ is not None and not type_.is_list and (column,) != kind.key:
            _plan_conditions(plan, kind, column, type_, names)
    for index in indexed_columns(plan, kind.table, "gin"):
        type_ = plan.type_of(kind.table, index[0])
        if type_ is not None and type_.is_list:
            _plan_condition(plan, kind, index[0], ColumnType(type_.scalar, labels=type_.labels), "contains", names)


def plan_roots(plan: Plan) -> None:
    """Plan the root fields: each object by its key, several, by each unique column, and a page of all."""
    names = FieldNames(reserved=("node", "nodes"))
    for kind in plan.objects.values():
        noun, many = kind.noun, plural(kind.noun)
        answer = f"{kind.name} | None"
        by_key = names.take(noun, f"{noun}_by_key")
        plan.roots.append(PlannedField(by_key, answer, word="by_key", target=kind.name))
        by_ids = names.take(f"{many}_by_ids")
        plan.roots.append(PlannedField(by_ids, f"list[{answer}]", word="by_key", target=kind.name))
        for columns in _unique_columns(plan, kind):
            fields = "_and_".join(_field_name(kind, each) for each in columns)
            name = names.take(f"{noun}_by_{fields}")
            argument = literal(named_all(columns))
            plan.roots.append(PlannedField(name, answer, word="by_key", arguments=(argument,), target=kind.name))
        arguments = [f"order={kind.name}Order", *([f"filter={kind.name}Filter"] if kind.filters else [])]
        page = names.take(many if many != noun else f"all_{many}", f"all_{many}")
        plan.roots.append(
            PlannedField(page, f"m.Page[{kind.name}]", word="page", arguments=tuple(arguments), target=kind.name)
        )
    if plan.tenants.own in plan.objects:
        kind = plan.objects[plan.tenants.own]
        name = names.take(f"current_{kind.noun}")
        plan.roots.insert(0, PlannedField(name, f"{kind.name} | None", word="current", target=kind.name))


def _plan_conditions(plan: Plan, kind: PlannedObject, column: str, type_: ColumnType, names: FieldNames) -> None:
    value = ColumnType(type_.scalar, labels=type_.labels)
    if type_.labels:
        _plan_condition(plan, kind, column, ColumnType(type_.scalar, True, labels=type_.labels), "one_of", names)
    elif type_.scalar in (DATE, INSTANT):
        _plan_condition(plan, kind, column, value, "at_least", names, "_from")
        _plan_condition(plan, kind, column, value, "less_than", names, "_before")
    elif type_.scalar in _NUMBERS and column in kind.columns and column not in kind.key:
        _plan_condition(plan, kind, column, value, "between", names)
    elif is_ordered(type_) or type_.scalar.name == "Boolean":
        _plan_condition(plan, kind, column, value, "equals", names)


def _plan_condition(
    plan: Plan,
    kind: PlannedObject,
    column: str,
    type_: ColumnType,
    word: str,
    names: FieldNames,
    suffix: str = "",
) -> None:
    name = names.take(f"{_field_name(kind, column).rstrip('_')}{suffix}")
    annotation = plan.annotation_of(kind.table, kind.catalog.columns[column], type_, kind.name)
    kind.filters.append(PlannedField(name, annotation, word=word, arguments=(literal(named(column)),), column=column))


def _unique_columns(plan: Plan, kind: PlannedObject) -> list[tuple[str, ...]]:
    """Return what else identifies one object: sets of columns that its fields read, each of a type of keys."""
    sets = dict.fromkeys(plan.tenants.without(kind.table, each) for each in kind.catalog.unique)
    return [
        columns
        for columns in sets
        if set(columns) != set(kind.key)
        and set(columns) <= kind.columns.keys()
        and all((type_ := plan.type_of(kind.table, each)) is not None and can_be_key(type_) for each in columns)
    ]


def _field_name(kind: PlannedObject, column: str) -> str:
    field = kind.columns.get(column)
    return field.name if field is not None else snake(column) or "value"
