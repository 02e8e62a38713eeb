"""Which columns of tables a column of a view is, as PostgreSQL's plan of the view says."""

from __future__ import annotations

from gateway.model_tools.live.postgres_plans import PlanNode, column_of, plan_tree, without_number
from loaders.model.databases import Table
from loaders.statements.row_sources import table_name
from loaders.stores.errors import StatementFailed, StoreTimeout
from loaders.stores.postgres import Postgres

Origin = tuple[str, str]
"""A relation, as `schema.table`, and its column."""


async def read_origins(view: Table, column: str, postgres: Postgres) -> frozenset[Origin]:
    """Return the columns that a view's column is; none where it is worked out, or where the view fails."""
    sql = f"select * from {table_name(view)}"  # noqa: S608 all columns: of fewer, PostgreSQL hides which they are
    try:
        described = await postgres.describe(sql)
        tree = plan_tree(await postgres.explain(sql))
    except (StatementFailed, StoreTimeout):  # told of where the statements that need it are prepared
        return frozenset()
    return frozenset(origins(tree, described.names.index(column)) if column in described.names else ())


def origins(node: PlanNode, place: int) -> set[Origin]:
    """Return the columns that a column of a plan's answer is, by its place; of each part of an append its own."""
    if not node.output:
        parts = [child for child in node.children if child.side not in ("InitPlan", "SubPlan")]
        return {origin for part in parts for origin in origins(part, place)}
    side = column_of(node.output[place]) if place < len(node.output) else None
    if side is None:
        return set()
    alias, column = side
    scans = [each for each in node.walk() if each.alias == alias]
    scans = scans or [each for each in node.walk() if without_number(each.alias) == without_number(alias)]
    result: set[Origin] = set()
    for scan in scans:
        if scan.relation:
            result.add((scan.relation, column))
        elif scan.kind == "Subquery Scan" and scan.children:
            result |= _within(scan, node.output[place])
    return result


def _within(scan: PlanNode, expression: str) -> set[Origin]:
    """Return what a column of a sub-select is, where the scan answers all columns of it as they are."""
    (child, *_) = scan.children
    is_whole = expression in scan.output and len(scan.output) == len(child.output)
    return origins(child, scan.output.index(expression)) if is_whole else set()
