"""Proofs from query trees of ClickHouse: which tables a statement reads, and that each is narrowed to the tenant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gateway.model_tools.live.clickhouse_trees import TreeNode, arguments_of, conditions_of, sources_of
from gateway.model_tools.live.unproven import Unproven
from loaders.model.bound_tables import BoundTable, OwnTenant, ParentTenant
from loaders.model.databases import Everyones, Table
from loaders.model.names import table_parts

_ROW_MAKERS = frozenset({"numbers", "zeros", "generateSeries", "generate_series", "values", "null"})
"""Functions that answer tables and read none."""
_READS_ELSEWHERE = re.compile(r"(?:dict(?:Get|Has|Is)|joinGet|hasColumnInTable|file$)", re.IGNORECASE)
"""Functions that read what their arguments name."""
_SUB_SELECT = "__getScalar"
"""The function that stands for a scalar sub-select whose value is no plain constant, such as an array."""
_OF_SUB_SELECT = (
    "whose value is an array or the like, so that ClickHouse does not show what it reads: join its rows, or read them"
    " in a relation of their own"
)
_OF_TYPE = re.compile(r"[A-Z]\w*_")


@dataclass(frozen=True, slots=True)
class ClickHouseProof:
    """The tables of a model by `database.table`, and the text of the tenant's value that statements were bound with."""

    bound: Mapping[Table, BoundTable]
    tables: Mapping[str, list[Table]]
    tenant: str

    def unproven(self, root: TreeNode) -> Iterator[Unproven]:
        """Yield what a statement reads and is not proven."""
        for node in root.walk():
            if node.kind == "query":
                yield from self._of_query(node)
            elif node.attributes.get("function_name") == _SUB_SELECT:
                yield Unproven("a scalar sub-select", None, _OF_SUB_SELECT)
            elif node.kind == "function" and _READS_ELSEWHERE.match(node.attributes.get("function_name", "")):
                yield Unproven(f"{node.attributes['function_name']}(…)", None)

    def _of_query(self, query: TreeNode) -> Iterator[Unproven]:
        for source in sources_of(query):
            if source.kind == "table_function":
                name = source.attributes.get("table_function_name", "")
                if name not in _ROW_MAKERS:
                    yield Unproven(f"{name}(…)", None)
            elif source.kind == "table":
                name = source.attributes.get("table_name", "")
                tables = self.tables.get(name, [])
                if not tables:
                    yield from [] if name == "system.one" else [Unproven(name, None)]
                elif not any(self._is_narrowed(source, query, table) for table in tables):
                    yield Unproven(name, tables[0])

    def _is_narrowed(self, source: TreeNode, query: TreeNode, table: Table) -> bool:
        tenant = self.bound[table].tenant
        if isinstance(tenant, Everyones):
            return True
        if isinstance(tenant, OwnTenant):
            return any(self._is_tenant(each, source, tenant) for each in conditions_of(query))
        return any(self._is_of_parent(each, source, tenant) for each in conditions_of(query))

    def _is_tenant(self, condition: TreeNode, source: TreeNode, tenant: OwnTenant) -> bool:
        """Return whether a condition says that the source's own column is the tenant."""
        if condition.attributes.get("function_name") != "equals":
            return False
        sides = arguments_of(condition)
        return any(_is_column(side, source, tenant.column) for side in sides) and any(
            side.kind == "constant" and self._has_tenant(side) for side in sides
        )

    def _has_tenant(self, constant: TreeNode) -> bool:
        """Return whether a constant is the tenant, or is made of its text; the value of a sub-select is none."""
        nodes = list(constant.walk())
        if any(node.kind in ("query", "union") for node in nodes):
            return False
        values = (node.attributes.get("constant_value", "") for node in nodes if node.kind == "constant")
        return any(_plain(value) == self.tenant for value in values)

    def _is_of_parent(self, condition: TreeNode, source: TreeNode, tenant: ParentTenant) -> bool:
        """Return whether a condition says that the source's columns are in a row of the parent of the tenant."""
        if condition.attributes.get("function_name") not in ("in", "globalIn"):
            return False
        row, *others = arguments_of(condition)
        columns = arguments_of(row) if row.attributes.get("function_name") == "tuple" else [row]
        if len(columns) != len(tenant.columns) or len(others) != 1:
            return False
        are_own = all(_is_column(each, source, name) for each, name in zip(columns, tenant.columns, strict=True))
        return are_own and self._answers(others[0], tenant)

    def _answers(self, query: TreeNode, tenant: ParentTenant) -> bool:
        """Return whether a select answers the parent's columns of rows that are narrowed."""
        selected = [each.attributes.get("column_name") for node in query.below("projection") for each in node.children]
        if tuple(selected) != tenant.parent_columns:
            return False
        while query.kind == "query":
            sources = list(sources_of(query))
            if len(sources) != 1:
                return False
            (source,) = sources
            if source.kind == "table":
                is_parent = tenant.parent in self.tables.get(source.attributes.get("table_name", ""), [])
                return is_parent and self._is_narrowed(source, query, tenant.parent)
            query = source
        return False


def declared_tables(tables: Iterable[Table], database: str) -> dict[str, list[Table]]:
    """Return tables by `database.table`; those that the model names without a database are in that of the URL."""
    by_name: dict[str, list[Table]] = {}
    for table in tables:
        parts = table_parts(table.name)
        by_name.setdefault(".".join(parts if len(parts) == 2 else (database, *parts)), []).append(table)
    return by_name


def _is_column(node: TreeNode, source: TreeNode, name: str) -> bool:
    attributes = node.attributes
    is_own = attributes.get("source_id") == source.id and attributes.get("column_name") == name
    return node.kind == "column" and is_own


def _plain(value: str) -> str:
    """Return a constant's text without its type and quotes."""
    match = _OF_TYPE.match(value)
    text = value[match.end() :] if match is not None else value
    return text[1:-1] if text.startswith("'") and text.endswith("'") else text
