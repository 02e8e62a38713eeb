"""From catalogs and choices to the plan of a model."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.model_tools.scaffold.choices import Choices, TableId, tables_of
from gateway.model_tools.scaffold.clickhouse_tables import describe_table
from gateway.model_tools.scaffold.links import links_of, plan_joins, plan_links, plan_lists
from gateway.model_tools.scaffold.lists import plan_filters, plan_orders, plan_roots
from gateway.model_tools.scaffold.objects import plan_columns, plan_objects
from gateway.model_tools.scaffold.plan import Plan, PlannedTable
from gateway.model_tools.scaffold.sections import plan_section, plan_uses
from gateway.model_tools.scaffold.tenants import tenants_of
from gateway.model_tools.scaffold.words import snake
from loaders.catalog.catalog import DatabaseCatalog
from loaders.model.databases import Kind


def plan_model(catalogs: Iterable[DatabaseCatalog], choices: Choices) -> Plan:
    """Return the plan of a model over the chosen tables of some databases.

    A chosen table that cannot be a part of it is noted with the reason. A foreign key to a table that is not chosen
    is a column as any other.
    """
    every = tables_of(catalogs)
    chosen = {table: catalog for table, catalog in every.items() if table in choices.tables}
    plan = Plan(choices, chosen, tenants_of(chosen, choices))
    plan.left_out.update(plan.tenants.missing)
    plan.left_out.update(
        {each: "a backslash in the name, which no model can write" for each in chosen if "\\" in each.name}
    )
    plan_objects(plan)
    _leave_out_children(plan)
    _leave_out_unused(plan)
    _plan_databases(plan)
    _plan_tables(plan)
    _plan_fields(plan)
    plan_roots(plan)
    return plan


def _leave_out_children(plan: Plan) -> None:
    """Leave out tables whose tenant is that of a row of a table that is left out."""
    while children := [
        table
        for table, tenant in plan.tenants.of_tables.items()
        if table not in plan.left_out and tenant.parent in plan.left_out
    ]:
        for table in children:
            plan.left_out[table] = "a tenant that a table says which is left out"
            plan.objects.pop(table, None)
        plan.joins = [table for table in plan.joins if table not in plan.left_out]


def _leave_out_unused(plan: Plan) -> None:
    """Leave out tables of ClickHouse that are nothing to any object."""
    used = {choice.table for choice in plan.choices.sections if choice.owner in plan.objects}
    for table in plan.chosen:
        is_used = table in plan.objects or table in plan.joins or table in used
        if not is_used and table not in plan.left_out:
            plan.left_out[table] = (
                "no objects that its rows belong to (--section TABLE.COLUMN=OTHER, --object TABLE=COLUMN)"
            )


def _plan_databases(plan: Plan) -> None:
    """Give each database a variable: `db` or `web` where it has no name, and its own name otherwise."""
    used = [table for table in plan.chosen if table not in plan.left_out]
    for kind, name in sorted(
        {(table.kind, table.database) for table in used}, key=lambda each: (each[0].value, each[1])
    ):
        usual = "db" if kind is Kind.POSTGRES else "events_db"
        plan.databases[kind, name] = plan.variables.take(f"{name}_db" if name else usual)


def _plan_tables(plan: Plan) -> None:
    """Declare the used tables, those first whose rows say the tenant of others."""
    waiting = sorted(
        plan.chosen.keys() - plan.left_out.keys(), key=lambda each: (each.kind.value, each.database, each.name)
    )
    declared: set[TableId] = set()
    while waiting:
        for table in list(waiting):
            parent = plan.tenants.of_tables[table].parent if table in plan.tenants.of_tables else None
            if parent is None or parent in declared or parent not in waiting:
                waiting.remove(table)
                declared.add(table)
                _plan_table(plan, table)


def _plan_table(plan: Plan, table: TableId) -> None:
    short = snake(table.name.rpartition(".")[2])
    planned = PlannedTable(table, plan.chosen[table], plan.variables.take(short, snake(table.name)))
    plan.tables[table] = planned
    others = plan.tenants.others(table, plan.chosen[table])
    if others:
        named = "; ".join(f"{', '.join(key.columns)} of {key.table}" for key in others)
        planned.notes.append(
            f"Whose rows these are: tenant= says it. Other foreign keys lead to a tenant too: {named}."
        )
    if table.kind is Kind.CLICKHOUSE:
        describe_table(plan, planned)


def _plan_fields(plan: Plan) -> None:
    links = links_of(plan)
    for kind in plan.objects.values():
        own = [link.columns for link in links if link.owner == kind.table]
        plan_columns(plan, kind, {columns[0] for columns in own if len(columns) == 1})
    plan_links(plan, links)
    plan_lists(plan, links)
    plan_joins(plan)
    sections = [
        choice for choice in plan.choices.sections if choice.owner in plan.objects and choice.table in plan.tables
    ]
    for table in dict.fromkeys(choice.table for choice in sections):
        plan_section(plan, table)
    for choice in sections:
        plan_uses(plan, choice)
    for kind in plan.objects.values():
        plan_orders(plan, kind)
        plan_filters(plan, kind)
