"""The text of a scaffolded model's module."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TypeVar

from gateway.model_tools.scaffold.choices import TableId
from gateway.model_tools.scaffold.field_types import IMPORTS
from gateway.model_tools.scaffold.indexes import CREATE_INDEX
from gateway.model_tools.scaffold.names import member_names
from gateway.model_tools.scaffold.plan import (
    Plan,
    PlannedEnum,
    PlannedField,
    PlannedObject,
    PlannedSection,
    PlannedTable,
)
from gateway.model_tools.scaffold.python_text import annotation, assignment, call, comment, docstring, listed, literal
from gateway.model_tools.scaffold.sections import ZONE, month_fields
from gateway.model_tools.scaffold.sql_names import named_all, table_text
from gateway.model_tools.scaffold.words import sentence, spoken
from loaders.model.databases import ClickHouse, Database, Kind, Postgres

_CLASSES: dict[Kind, type[Database]] = {Kind.POSTGRES: Postgres, Kind.CLICKHOUSE: ClickHouse}
_FRESHNESS = {
    Kind.POSTGRES: ("RECORDS", "fresh_s=60, stale_while_revalidate_s=600, stale_if_error_s=86_400"),
    Kind.CLICKHOUSE: ("EVENTS", "fresh_s=300, stale_while_revalidate_s=3_600, stale_if_error_s=86_400"),
}
_INDENT = "    "
Lines = list[str]
_Named = TypeVar("_Named", PlannedEnum, PlannedObject, PlannedSection)


def model_text(plan: Plan, *, examples: str) -> str:
    """Return the module; `examples` is the folder of GraphQL documents beside it."""
    blocks = [
        *(_enum(each) for each in _sorted(plan.enums.values())),
        *(block for section in _sorted(plan.sections.values()) for block in _section(plan, section)),
        *(block for kind in _sorted(plan.objects.values()) for block in _object(plan, kind)),
        _class("Query", ["m.Query"], "Where every query begins.", _query(plan)),
    ]
    body = "\n\n\n".join("\n".join(block) for block in blocks)
    head = "\n".join(_declarations(plan))
    model = "\n".join(_model(plan, examples))
    return f"{_top(plan, head + body)}\n{head}\n\n\n{body}\n\n\n{model}\n"


def _top(plan: Plan, text: str) -> str:
    """Return the module's docstring and the imports that its text needs."""
    annotations = {
        "Decimal": r"\bDecimal\b",
        "UUID": r"\bUUID\b",
    }
    froms = [IMPORTS[name] for name, pattern in annotations.items() if re.search(pattern, text)]
    froms += ["from enum import Enum"] if plan.enums else []
    dates = ["import datetime as dt"] if re.search(r"\bdt\.date", text) else []
    imports = [*dates, *sorted(froms)]
    lines = docstring(f"The model {plan.choices.name}: begun by `gateway model new`, and yours to change.", indent=0)
    lines += [
        "",
        "from __future__ import annotations",
        "",
        *imports,
        *([""] if imports else []),
        "import fuseway as m",
        "",
    ]
    return "\n".join(lines)


def _declarations(plan: Plan) -> Lines:
    kinds = sorted({table.kind for table in plan.tables}, key=lambda kind: kind.value)
    lines = comment("How long an answer is fresh, served while it is refreshed, and served where that fails.")
    for kind in kinds:
        name, seconds = _FRESHNESS[kind]
        lines += call(f"{name} = m.Freshness", seconds.split(", "))
    lines += [""]
    for (kind, name), variable in plan.databases.items():
        cls = _CLASSES[kind]
        arguments = [literal(name)] if name else []
        if kind is Kind.POSTGRES and plan.choices.zone:
            arguments.append(f"zone={literal(plan.choices.zone)}")
        lines.append(f"{variable} = m.{cls.__name__}({', '.join(arguments)})  # {cls(name).variable}")
    lines += ["", *_tenant(plan)]
    lines += comment(
        'Scopes: a table with scope="…" is shown to viewers who have that scope, and a field with'
        ' m.column(scope="…") needs its own too. Without any, whoever may ask sees all of it.'
    )
    if any(planned.is_instant for planned in plan.tables.values()):
        lines += comment(
            "Periods: their days begin at midnight in zone=, which may be a column of the tenant's own row too:"
            f' zone=table.value("column"). Months are those of {ZONE}.'
        )
        lines.append(f'{ZONE} = "UTC"')
    for planned in plan.tables.values():
        lines += _table(plan, planned)
    return [*lines, *_left_out(plan)]


def _tenant(plan: Plan) -> Lines:
    choice, type_ = plan.choices.tenant, plan.tenants.type
    if choice is None or type_ is None:
        return []
    arguments = [f"claim={literal(choice.claim)}", f"column={literal(named_all([choice.column]))}"]
    lines = comment("Whose rows a viewer sees: the claim of the token says it, the column of each table holds it.")
    return [*lines, *call("tenant = m.Tenant", [*arguments, f"type={type_.annotation()}"]), ""]


def _table(plan: Plan, planned: PlannedTable) -> Lines:
    freshness = _FRESHNESS[planned.table.kind][0]
    options = [literal(table_text(planned.table)), *_tenant_option(plan, planned.table)]
    if planned.time:
        options.append(f"time={literal(named_all([planned.time]))}")
        options += [f"zone={ZONE}"] if planned.is_instant else []
    if planned.latest:
        options.append(f"latest={literal(named_all([planned.latest]))}")
        options += [f"key={literal(named_all(planned.key))}"] if planned.key else []
    database = plan.databases[planned.table.kind, planned.table.database]
    notes = [line for note in planned.notes for line in comment(note)]
    return [*notes, *call(f"{planned.variable} = {database}.table", [*options, f"freshness={freshness}"])]


def _tenant_option(plan: Plan, table: TableId) -> list[str]:
    tenant = plan.tenants.of_tables.get(table)
    if tenant is None or plan.choices.tenant is None:
        return []
    if tenant.parent is not None and tenant.foreign_key is not None:
        parent, key = plan.tables[tenant.parent], tenant.foreign_key
        arguments = [literal(named_all(key.columns))]
        kind = plan.objects.get(tenant.parent)
        if kind is None or kind.key != key.referenced_columns:
            arguments.append(f"key={literal(named_all(key.referenced_columns))}")
        return [f"tenant={parent.variable}.via({', '.join(arguments)})"]
    if not tenant.column:
        return ["tenant=m.everyones"]
    return [] if tenant.column == plan.choices.tenant.column else [f"tenant={literal(named_all([tenant.column]))}"]


def _left_out(plan: Plan) -> Lines:
    if not plan.left_out:
        return []
    lines = ["", "# Chosen, and left out, since they have"]
    for reason, tables in plan.reasons().items():
        lines += comment(f"- {reason}: {', '.join(tables)}")
    return lines


def _enum(enum: PlannedEnum) -> Lines:
    members = [f"{_INDENT}{name} = {literal(label)}" for label, name in member_names(enum.labels).items()]
    return _class(enum.name, ["Enum"], enum.description, members)


def _section(plan: Plan, section: PlannedSection) -> Iterator[Lines]:
    planned = plan.tables[section.table]
    over = ["m.Section", f"over={planned.variable}"]
    rows = f"rows of {section.table.name}"
    about = sentence(planned.catalog.comment) or f"{rows[0].upper()}{rows[1:]}, in sum."
    yield _class(section.name, over, about, _fields(section.fields))
    if section.month:
        yield _class(section.month, over, f"A month's {rows}.", _fields(month_fields(planned)))


def _object(plan: Plan, kind: PlannedObject) -> Iterator[Lines]:
    about = sentence(kind.catalog.comment) or f"A row of {kind.table.name}."
    notes = [line for note in kind.notes for line in comment(note, indent=1)]
    fields = _fields(kind.fields)
    yield _class(kind.name, ["m.Object", f"table={plan.tables[kind.table].variable}"], about, [*fields, *notes])
    many = spoken(kind.noun)
    if kind.filters:
        yield _class(f"{kind.name}Filter", ["m.Filter"], f"Conditions on {many} objects.", _fields(kind.filters))
    default = f"default={literal(kind.orders[0].name)}"
    yield _class(f"{kind.name}Order", ["m.Order", default], f"Orders of {many} objects.", _fields(kind.orders))


def _query(plan: Plan) -> Lines:
    nodes = ["", f"{_INDENT}node: m.Node | None = m.by_key()", f"{_INDENT}nodes: list[m.Node | None] = m.by_key()"]
    return [*_fields(plan.roots), *nodes[1:]]


def _class(name: str, bases: list[str], about: str, body: Lines) -> Lines:
    return [*call(f"class {name}", bases, tail=":"), *docstring(about), "", *body]


def _fields(fields: Iterable[PlannedField]) -> Lines:
    lines: Lines = []
    for field in fields:
        for note in field.notes:
            lines += comment(note, indent=1, is_whole=note.startswith(CREATE_INDEX))
        typed = f"{field.name}: {field.annotation}" if field.annotation else field.name
        lines += assignment(typed, f"m.{field.word}", field.arguments) if field.word else annotation(typed)
    return lines


def _model(plan: Plan, examples: str) -> Lines:
    types = ", ".join(kind.name for kind in _sorted(plan.objects.values()))
    arguments = [literal(plan.choices.name), "query=Query", f"types=[{types}]"]
    arguments += ["tenant=tenant"] if plan.choices.tenant is not None else []
    arguments.append(f"examples={literal(examples)}")
    line = call("model = m.Model", arguments)
    if len(line) == 1:
        return line
    lines = ["model = m.Model("]
    for argument in arguments:
        is_types = argument.startswith("types=")
        every = (
            listed("types=", (kind.name for kind in _sorted(plan.objects.values())), indent=1)
            if is_types
            else [f"{_INDENT}{argument}"]
        )
        lines += [*every[:-1], f"{every[-1]},"]
    return [*lines, ")"]


def _sorted(items: Iterable[_Named]) -> list[_Named]:
    return sorted(items, key=lambda item: item.name)
