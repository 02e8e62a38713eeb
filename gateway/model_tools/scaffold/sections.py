"""Sections of a scaffolded model: what the rows of a table of ClickHouse are in sum, and by months."""

from __future__ import annotations

import re
from dataclasses import replace

from gateway.model_tools.scaffold.choices import SectionChoice, TableId
from gateway.model_tools.scaffold.field_types import field_type
from gateway.model_tools.scaffold.matches import is_sorted_by
from gateway.model_tools.scaffold.names import FieldNames
from gateway.model_tools.scaffold.plan import FieldKind, Plan, PlannedField, PlannedSection, PlannedTable
from gateway.model_tools.scaffold.python_text import formatted, literal
from gateway.model_tools.scaffold.sql_names import expression, named_all, table_text
from gateway.model_tools.scaffold.words import plural, sentence, singular, snake, spoken
from loaders.catalog.catalog import Column
from loaders.catalog.column_types import ColumnType
from loaders.model.scalars import BIG_INTEGER, DECIMAL, FLOAT, INTEGER

MAX_NUMBERS = 12
"""Numeric columns of one table that a section sums up; a table may have hundreds."""
ZONE = "ZONE"
"""The constant of a model that says the time zone of its days and months."""
_NO_NUMBER = re.compile(
    r"(?:^|_)(?:id|ids|key|code|hash|sign|version|year|month|day|hour|minute|week|quarter|number|num|zip|port|flags?|gid)$"
)
"""Ends of the names of columns whose numbers say nothing when they are added up or averaged."""
_NO_SUM = re.compile(
    r"(?:^|_)(?:lat|lon|lng|latitude|longitude|rate|ratio|share|percent|temperature|age|level|price|score|rating|indent)$"
)
"""Ends of the names of columns of which a mean says something, and a sum nothing."""


def plan_section(plan: Plan, table: TableId) -> PlannedSection:
    """Plan the section of a table's rows: how many, sums and means of numbers, first and last time."""
    planned, short = plan.tables[table], singular(snake(table.name.rpartition(".")[2]))
    full = singular(snake(table.name))
    name = plan.type_names.take_alone(f"{short}_totals", f"{full}_totals")
    names = FieldNames()
    fields = [_count(names)]
    numbers = [each for each in planned.catalog.columns.values() if _is_number(plan, table, each)]
    for column in numbers[:MAX_NUMBERS]:
        fields += _sums(column, field_type(column, table.kind), names)
    if planned.time:
        fields += _times(planned, names)
    fields[-1] = replace(fields[-1], notes=_notes(plan, table, numbers[MAX_NUMBERS:]))
    month = plan.type_names.take_alone(f"{short}_month", f"{full}_month") if planned.time else ""
    section = PlannedSection(table, name, fields, month)
    plan.sections[table] = section
    return section


def plan_uses(plan: Plan, choice: SectionChoice) -> None:
    """Plan the fields of an object type that a table's rows are summed up for."""
    section, owner = plan.sections[choice.table], plan.objects[choice.owner]
    planned = plan.tables[choice.table]
    many = plural(snake(choice.table.name.rpartition(".")[2]))
    role = re.sub(r"_(?:id|uuid|key)$", "", snake(choice.columns[0]))
    name = owner.names.take(many, f"{role}_{many}", f"{role}_{many}_totals")
    period = ["period=True"] if planned.time else []
    columns = literal(named_all(choice.columns))
    remark = _remark(plan, choice)
    owner.fields.append(
        PlannedField(name, section.name, FieldKind.SECTION, "section", (columns, *period), remark, section.name)
    )
    if section.month:
        arguments = (columns, 'order="month desc"', "first=12", "max=120", *period)
        by_month = owner.names.take(f"{name}_by_month")
        owner.fields.append(
            PlannedField(
                by_month, f"list[{section.month}]", FieldKind.MONTHS, "section", arguments, target=section.month
            )
        )


def month_fields(planned: PlannedTable) -> list[PlannedField]:
    """Return the fields of a list by months."""
    column = expression(planned.time)
    before, after = f"toStartOfMonth(toTimeZone({column}, '", "'))"
    sql = formatted(before, ZONE, after) if planned.is_instant else literal(f"toStartOfMonth({column})")
    month = (sql, literal("Its first day."))
    return [PlannedField("month", "dt.date", word="group_by", arguments=month), _count(FieldNames())]


def _remark(plan: Plan, choice: SectionChoice) -> tuple[str, ...]:
    catalog = plan.chosen[choice.table]
    if is_sorted_by(choice, catalog, plan.tenants.column):
        return ()
    name, columns = table_text(choice.table), named_all(choice.columns)
    return (f"{name} is not sorted by {columns} first: a request reads all rows of its period.",)


def _notes(plan: Plan, table: TableId, rest: list[Column]) -> tuple[str, ...]:
    """Return what a section leaves out: `rest` are numbers beyond those that it has."""
    secrets = [name for name in plan.chosen[table].columns if plan.is_secret(table, name)]
    return (
        *([f"Further numbers: {', '.join(each.name for each in rest)}."] if rest else []),
        *([f"Left out, since their names sound like secrets: {', '.join(secrets)}."] if secrets else []),
    )


def _count(names: FieldNames) -> PlannedField:
    return PlannedField(names.take("count"), "m.BigInt", word="sql", arguments=('"count()"', '"Rows."', 'unit="rows"'))


def _is_number(plan: Plan, table: TableId, column: Column) -> bool:
    type_ = plan.type_of(table, column.name)
    if type_ is None or type_.is_list or type_.scalar not in (INTEGER, BIG_INTEGER, DECIMAL, FLOAT):
        return False
    is_key = any(column.name in choice.columns for choice in plan.choices.sections if choice.table == table)
    return not is_key and _NO_NUMBER.search(snake(column.name)) is None


def _sums(column: Column, type_: ColumnType | None, names: FieldNames) -> list[PlannedField]:
    if type_ is None:
        return []
    text, sql, nullable = snake(column.name) or "value", expression(column.name), " | None" if type_.is_nullable else ""
    whole = {INTEGER: "m.BigInt", BIG_INTEGER: "m.BigInt", DECIMAL: "Decimal", FLOAT: "float"}[type_.scalar]
    comment = sentence(column.comment)
    described = [f"Sum of {spoken(text)}.", f"Mean of {spoken(text)}."]
    sums, means = [f"{text} {comment}".strip() if comment else text for text in described]
    fields = []
    if _NO_SUM.search(text) is None:
        arguments = (literal(f"sum({sql})"), literal(sums))
        fields.append(PlannedField(names.take(f"{text}_sum"), f"{whole}{nullable}", word="sql", arguments=arguments))
    arguments = (literal(f"avg({sql})"), literal(means))
    fields.append(PlannedField(names.take(f"{text}_mean"), "float | None", word="sql", arguments=arguments))
    return fields


def _times(planned: PlannedTable, names: FieldNames) -> list[PlannedField]:
    annotation, sql = "dt.datetime | None" if planned.is_instant else "dt.date | None", expression(planned.time)
    what = spoken(snake(planned.time))
    return [
        PlannedField(names.take(name), annotation, word="sql", arguments=(literal(f"{function}({sql})"), literal(text)))
        for name, function, text in (
            ("first_at" if planned.is_instant else "first_on", "min", f"Earliest {what}."),
            ("last_at" if planned.is_instant else "last_on", "max", f"Latest {what}."),
        )
    ]
