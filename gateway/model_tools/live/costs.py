"""Warnings about statements that read or sort many rows for few, as their plans estimate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.model_tools.checks.ddl import add_projection, create_index, ddl_name, order_terms, prefix_term
from gateway.model_tools.every_statement import Addition, PossibleStatement
from gateway.model_tools.live.places import ModelPlaces
from gateway.model_tools.live.postgres_plans import PlanNode, conjuncts, plan_tree
from gateway.model_tools.live.postgres_relations import Relations
from gateway.model_tools.live.statements import LiveStatements, RefusedStatementError
from gateway.model_tools.many_rows import MANY_ROWS, MANY_ROWS_OF_CLICKHOUSE
from gateway.model_tools.warning_codes import WarningCode, warning
from loaders.model.bound_tables import BoundTable, OwnTenant
from loaders.model.databases import Database, Kind, Table
from loaders.model.filter_conditions import FilterCondition, FilterOperator
from loaders.model.names import columns_in, quoted_name, table_parts
from loaders.model.problems import Problem
from loaders.model.section_facts import rows_read
from loaders.statements.request_shape import shape_of

_FEW = 0.1
"""The share of rows up to which an index is faster than to read all of them one after the other."""
_ALIAS = re.compile(r'((?:"(?:[^"]|"")+"|[^\W\d][\w$]*))\.(?:"|[^\W\d])')
_OF_SUB_SELECT = re.compile(r"\$\d|\b(?:Sub|Init)Plan ")
"""The value of a sub-select in a condition, as PostgreSQL 15, and as later ones write it."""
_BY_INDEX = frozenset({"Index Scan", "Index Only Scan", "Bitmap Heap Scan"})
_WITH_INDEX = frozenset(
    {
        FilterOperator.EQUALS,
        FilterOperator.ONE_OF,
        FilterOperator.BETWEEN,
        FilterOperator.AT_LEAST,
        FilterOperator.AT_MOST,
        FilterOperator.LESS_THAN,
        FilterOperator.PREFIX,
    }
)
"""The conditions whose rows an index of their column finds."""


@dataclass(slots=True)
class Costs:
    """Tells which statements cost more than their rows, each section's cost once."""

    statements: LiveStatements
    places: ModelPlaces
    bound: Mapping[Table, BoundTable]
    relations: Mapping[Database, Relations]
    """Relations in PostgreSQL alone."""
    rows: Mapping[str, int]
    """The rows of ClickHouse's tables, by `database.table`."""
    _told: set[tuple[str, Table]] = field(default_factory=set)

    async def of_plan(self, statement: PossibleStatement, root: PlanNode) -> list[Problem]:
        """Return the warnings of a statement of PostgreSQL, by its plan."""
        problems = []
        for node in root.walk():
            if node.relation:
                problems += await self._of_scan(statement, node)
            elif node.kind == "Sort" and node.parent is not None and node.parent.kind == "Limit":
                problems += self._of_sort(statement, node)
        return problems

    def of_explained(self, statement: PossibleStatement, plan: Mapping[str, Any]) -> list[Problem]:
        """Return the warnings of a statement of ClickHouse, by its plan."""
        problems = []
        for name, keys, share in _reads(plan):
            rows = round(self.rows.get(name, 0) * share)
            whole = {table for table, columns in rows_read(statement.section) if not columns}
            for table, columns in rows_read(statement.section):
                is_read = (
                    table not in whole
                    and name.endswith(table_parts(table.name)[-1])
                    and rows >= MANY_ROWS_OF_CLICKHOUSE
                )
                if is_read and not set(columns) & set(keys):
                    what = "all granules" if share == 1 else "many granules"
                    message = (
                        f"ClickHouse reads {what} of {table.name} for one object, since its sorting key does not lead"
                        f" to {', '.join(columns)}."
                    )
                    ddl = add_projection(name, [*self._tenant(table), *columns])
                    problems += self._problem(statement, table, message, rows, ddl)
        return problems

    async def _of_scan(self, statement: PossibleStatement, node: PlanNode) -> list[Problem]:
        relations = self.relations[statement.database]
        tables = relations.tables_of(node.relation)
        total = relations.rows(node.relation)
        if not tables or total < MANY_ROWS:
            return []
        read = total
        if node.kind in _BY_INDEX:
            read = await self._rows_by_index(statement.database, node)
        elif node.kind != "Seq Scan":
            return []
        if read < MANY_ROWS or node.rows > read * _FEW or _is_without_index(statement):
            return []
        wanted = f"of which about {round(node.rows):,} are wanted"
        if node.kind == "Seq Scan":
            message = f"PostgreSQL reads all rows of {tables[0].name}, {wanted}: no index leads to them."
        else:
            message = f"PostgreSQL reads rows of {tables[0].name} by an index, {wanted}: none leads to them alone."
        return self._problem(statement, tables[0], message, round(read), self._index(statement, tables[0]))

    async def _rows_by_index(self, database: Database, node: PlanNode) -> float:
        """Return about how many rows an index finds, of which the scan's other conditions leave some; 0 if unknown."""
        others = [each for each in _ALIAS.findall(node.indexed) if each.strip('"') != node.alias]
        if others or _OF_SUB_SELECT.search(node.indexed) or not set(node.conditions) - set(conjuncts(node.indexed)):
            return 0
        if not node.indexed:
            return 0
        schema, name = (quoted_name(part, Kind.POSTGRES) for part in node.relation.split(".", 1))
        alias = quoted_name(node.alias, Kind.POSTGRES)
        sql = f"select from {schema}.{name} as {alias} where {node.indexed}"
        try:
            return plan_tree(await self.statements.explained_text(sql, database)).rows
        except RefusedStatementError:  # PostgreSQL writes some conditions in a way that it does not read
            return 0

    def _of_sort(self, statement: PossibleStatement, node: PlanNode) -> list[Problem]:
        rows = max((child.rows for child in node.children), default=0)
        over = statement.section.over
        if rows < MANY_ROWS or not isinstance(over, Table) or node.parent is None or node.parent.rows > rows * _FEW:
            return []
        first = round(node.parent.rows)
        message = f"PostgreSQL sorts rows of {over.name} to answer the first {first:,}: no index has this order."
        return self._problem(statement, over, message, round(rows), self._index(statement, over), is_sorted=True)

    def _index(self, statement: PossibleStatement, table: Table) -> str:
        """Return the DDL of an index that would serve a statement; empty where none is known to."""
        condition = _condition(statement) if table is statement.section.over else None
        if condition is not None and condition.is_array_search:
            return create_index(table, map(ddl_name, columns_in(condition.sql.shown())), "gin")
        return create_index(table, self._terms(statement, table))

    def _terms(self, statement: PossibleStatement, table: Table) -> list[str]:
        """Return the terms of an index that would serve a statement; none where that is not known."""
        section = statement.section
        columns = [ddl_name(name) for read, names in rows_read(section) if read is table for name in names]
        terms = [*map(ddl_name, self._tenant(table)), *columns]
        if table is not section.over:
            return terms if columns else []
        condition = _condition(statement)
        if condition is not None:
            (column,) = columns_in(condition.sql.shown()) if condition.operator in _WITH_INDEX else ("",)
            is_prefix = condition.operator is FilterOperator.PREFIX
            return [*terms, prefix_term(column) if is_prefix else ddl_name(column)] if column else []
        if not section.is_row:
            return terms
        request = statement.plan.requests[0]
        return [*terms, *order_terms(section, shape_of(request, 0).order)]

    def _tenant(self, table: Table) -> list[str]:
        tenant = self.bound[table].tenant
        return [tenant.column] if isinstance(tenant, OwnTenant) else []

    def _problem(
        self,
        statement: PossibleStatement,
        table: Table,
        message: str,
        rows: int,
        ddl: str,
        *,
        is_sorted: bool = False,
    ) -> list[Problem]:
        """Return the warning about a table, unless it was told of the section or its author knows it to be small.

        A condition, which needs an index of its own, is told of besides.
        """
        subject = self.places.of_statement(statement)
        is_condition = statement.addition is Addition.FILTER and not is_sorted
        told = (subject.name if is_condition else statement.section.name, table)
        if told in self._told or table.options.rows:
            return []
        self._told.add(told)
        is_clickhouse = statement.database.kind is Kind.CLICKHOUSE
        code = WarningCode.SORTING_KEY if is_clickhouse else WarningCode.MISSING_INDEX
        return [warning(subject.place, subject.name, message, code, ddl, rows)]


def _condition(statement: PossibleStatement) -> FilterCondition | None:
    """Return the condition that a statement adds to its section; None for one that adds anything else."""
    return statement.section.filters[statement.name] if statement.addition is Addition.FILTER else None


def _is_without_index(statement: PossibleStatement) -> bool:
    """Return whether no index serves a condition: the catalog's checks tell of one in its place that has one."""
    condition = _condition(statement)
    return condition is not None and condition.operator is FilterOperator.CONTAINS and not condition.is_array_search


def _reads(plan: Mapping[str, Any]) -> Iterator[tuple[str, list[str], float]]:
    """Yield the tables that a plan reads, the columns of the sorting key that are used, and the share that is read."""
    if plan["Node Type"] == "ReadFromMergeTree":
        indexes = plan.get("Indexes", [])
        keys = [key for each in indexes for key in each.get("Keys", [])]
        initial = next((each["Initial Granules"] for each in indexes if "Initial Granules" in each), 0)
        selected = next((each["Selected Granules"] for each in reversed(indexes) if "Selected Granules" in each), 0)
        yield plan.get("Description", ""), keys, selected / initial if initial else 1.0
    for child in plan.get("Plans", []):
        yield from _reads(child)
