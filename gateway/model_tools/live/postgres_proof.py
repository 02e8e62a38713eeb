"""Proofs from plans of PostgreSQL: which tables a statement reads, and that each is narrowed to the tenant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from gateway.model_tools.live.postgres_plans import PlanNode, Side, column_of, equality, relations_named, without_number
from gateway.model_tools.live.postgres_relations import Relations
from gateway.model_tools.live.unproven import Unproven
from loaders.model.bound_tables import BoundTable, OwnTenant, ParentTenant
from loaders.model.databases import Everyones, Table

_KEEPS_BOTH = frozenset({"Inner", "Semi", "Right Semi", ""})
_KEEPS_INNER = "Left"
"""In these joins, rows of the inner side that match no outer one are not used."""
_KEEPS_OUTER = "Right"
_WORKS_ON_ALL = frozenset({"Aggregate", "Group", "WindowAgg", "Limit", "SetOp", "Recursive Union"})
"""Nodes that take all of their rows together: a condition above them comes too late."""
_APPENDS = frozenset({"Append", "Merge Append"})
_SCANS_OF_OTHERS = frozenset({"Foreign Scan", "Custom Scan"})
"""Scans by a server or an extension, which may read several relations together."""
_OF_OTHERS = (
    "which another server or an extension works out, so that the plan does not show whether the rows are narrowed to"
    " the tenant: read a copy of them in this database, or say m.everyones where they are"
)
_JOINS = frozenset({"Nested Loop", "Hash Join", "Merge Join"})


@dataclass(frozen=True, slots=True)
class PostgresProof:
    """The tables of a model in one database, and the text of the tenant's value that statements were bound with."""

    bound: Mapping[Table, BoundTable]
    relations: Relations
    tenant: str

    def read_by(self, tables: Collection[Table]) -> PostgresProof:
        """Return the proof of a statement that reads these tables."""
        return replace(self, relations=self.relations.read_by(tables))

    def unproven(self, root: PlanNode) -> Iterator[Unproven]:
        """Yield the scans of a plan that are not proven."""
        for node in root.walk():
            if not node.relation:
                if node.kind in _SCANS_OF_OTHERS and not self._is_everyones(node):
                    yield Unproven(node.relations or node.kind, None, _OF_OTHERS)
                continue
            tables = self.relations.tables_of(node.relation)
            if not tables:
                yield Unproven(node.relation, None)
            elif not any(self._is_narrowed(node, root, table) for table in tables):
                yield Unproven(node.relation, tables[0])

    def _is_everyones(self, node: PlanNode) -> bool:
        """Return whether a scan of several relations together reads those alone that are everyone's."""
        names, rest = relations_named(node.relations)
        tables = [self.relations.tables_of(name) for name in names]
        known = all(any(isinstance(self.bound[table].tenant, Everyones) for table in each) for each in tables)
        return bool(names) and known and not rest

    def _is_narrowed(self, node: PlanNode, root: PlanNode, table: Table) -> bool:
        tenant = self.bound[table].tenant
        if isinstance(tenant, Everyones):
            return True
        is_in_view = self.relations.is_in_view(node.relation, table)
        if isinstance(tenant, OwnTenant):
            return (
                self._has_view_tenant(node, root, table, tenant)
                if is_in_view
                else self._has_tenant(node, tenant.column)
            )
        return self._has_parent(node, root, tenant, table if is_in_view else None)

    def _has_tenant(self, node: PlanNode, column: str) -> bool:
        """Return whether the scan itself has the condition that its column is the tenant."""
        own, tenant = (node.alias, column), ("", self.tenant)
        return any(equality(each) in ((own, tenant), (tenant, own)) for each in node.conditions)

    def _has_view_tenant(self, node: PlanNode, root: PlanNode, view: Table, tenant: OwnTenant) -> bool:
        """Return whether the column that a view's tenant is equals it: of the scan, or of one that it is joined to."""
        used, equal, unscanned = _used(node, root)
        sides = self._sides_of_view(used, view, tenant.column, unscanned)
        return any(equal.are(side, ("", self.tenant)) for side in sides)

    def _sides_of_view(
        self, used: Iterable[PlanNode], view: Table, column: str, unscanned: Collection[str]
    ) -> list[Side]:
        """Return the columns in a plan that a view's column is."""
        origins = self.relations.origins(view, column)
        return [
            (alias, name)
            for node in used
            for relation, name in origins
            if relation == node.relation
            for alias in self._aliases(node, unscanned)
        ]

    def _has_parent(self, node: PlanNode, root: PlanNode, tenant: ParentTenant, view: Table | None) -> bool:
        """Return whether rows, or those of the view that reads them, are joined to narrowed rows of the parent."""
        used, equal, unscanned = _used(node, root)
        candidates = [each for each in used[1:] if tenant.parent in self.relations.tables_of(each.relation)]
        return any(
            self._is_narrowed(parent, root, tenant.parent)
            and all(
                any(equal.are(side, (other, theirs)) for side in own)
                for own, theirs in zip(sides, tenant.parent_columns, strict=True)
            )
            for parent in candidates
            for sides in self._own_sides(node, used, tenant, view, unscanned)
            for other in self._aliases(parent, unscanned)
        )

    def _own_sides(
        self,
        node: PlanNode,
        used: Iterable[PlanNode],
        tenant: ParentTenant,
        view: Table | None,
        unscanned: Collection[str],
    ) -> list[list[list[Side]]]:
        """Return the ways to name the columns that lead to the parent: for each column, what may stand for it."""
        if view is not None:
            return [[self._sides_of_view(used, view, name, unscanned) for name in tenant.columns]]
        return [[[(alias, name)] for name in tenant.columns] for alias in self._aliases(node, unscanned)]

    def _aliases(self, node: PlanNode, unscanned: Iterable[str]) -> list[str]:
        """Return the aliases that conditions may name a scan by: of a partition also that of its table as a whole."""
        if not self.relations.is_part(node.relation):
            return [node.alias]
        return [node.alias, *(alias for alias in unscanned if without_number(alias) == without_number(node.alias))]


class _Equal:
    """Columns and literals that are equal to each other."""

    def __init__(self) -> None:
        self._first: dict[Side, Side] = {}

    def note(self, side: Side, other: Side) -> None:
        self._first[self._find(side)] = self._find(other)

    def aliases(self) -> set[str]:
        """Return the aliases of all columns that were noted."""
        return {alias for alias, _ in self._first if alias} | {alias for alias, _ in self._first.values() if alias}

    def are(self, side: Side, other: Side) -> bool:
        return self._find(side) == self._find(other)

    def _find(self, side: Side) -> Side:
        while side in self._first and self._first[side] != side:
            side = self._first[side]
        return side


def _note(equal: _Equal, node: PlanNode) -> None:
    """Note what a node says to be equal."""
    for condition in node.conditions:
        sides = equality(condition)
        if sides is not None:
            equal.note(*sides)
    if node.kind == "Subquery Scan" and node.children:
        for column in filter(None, map(column_of, node.children[0].output)):
            equal.note((node.alias, column[1]), column)
    if node.name and node.output:  # a sub-select that is compared as a whole
        compared = column_of(node.output[0])
        if compared is not None:
            equal.note(("", f"{node.name}.col1"), compared)


def _used(node: PlanNode, root: PlanNode) -> tuple[list[PlanNode], _Equal, set[str]]:
    """Return a scan and the nodes that hold for its rows, what they say to be equal, and aliases that no node has."""
    used, equal = [node, *_used_with(node)], _Equal()
    for each in used:
        _note(equal, each)
    return used, equal, equal.aliases() - {each.alias for each in root.walk()}


def _used_with(node: PlanNode) -> Iterator[PlanNode]:
    """Yield the nodes whose conditions each row of a scan meets, from the scan upwards, and those joined to it."""
    for child in node.children:
        if child.side == "SubPlan":
            yield from _below(child)
    while (parent := node.parent) is not None and parent.kind not in _WORKS_ON_ALL and node.side != "InitPlan":
        is_used = node.side == "SubPlan" or _keeps(parent, node)  # a sub-select is for each row of what is above it
        if is_used:
            yield parent
        for child in parent.children:
            is_joined = parent.kind in _JOINS and is_used and child.side in ("Inner", "Outer")
            if child is not node and (is_joined or child.side == "SubPlan"):
                yield from _below(child)
        node = parent


def _below(node: PlanNode) -> Iterator[PlanNode]:
    """Yield a node and those below it whose conditions hold for all of its rows."""
    yield node
    for child in node.children:
        is_optional = node.kind in _JOINS and not _keeps(node, child)
        is_one_of_several = node.kind in _APPENDS and not child.name and _differ(node)
        if not is_optional and not is_one_of_several:
            yield from _below(child)


def _differ(node: PlanNode) -> bool:
    """Return whether the parts of an append are no parts of one table."""
    return len({without_number(child.alias) for child in node.children}) > 1


def _keeps(join: PlanNode, child: PlanNode) -> bool:
    """Return whether rows of a child are used only where they meet the conditions of the node above it."""
    if join.kind not in _JOINS:
        return True
    if join.join in _KEEPS_BOTH:
        return True
    return (join.join == _KEEPS_INNER and child.side == "Inner") or (
        join.join == _KEEPS_OUTER and child.side == "Outer"
    )
