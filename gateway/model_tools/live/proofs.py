"""Problems of statements that read a table which the model does not declare, or rows of other tenants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.model_tools.every_statement import Addition, PossibleStatement
from gateway.model_tools.live.clickhouse_proof import ClickHouseProof
from gateway.model_tools.live.clickhouse_trees import TreeNode
from gateway.model_tools.live.places import ModelPlaces
from gateway.model_tools.live.postgres_plans import PlanNode
from gateway.model_tools.live.postgres_proof import PostgresProof
from gateway.model_tools.live.statements import LiveStatements
from gateway.model_tools.live.unproven import Unproven
from loaders.model.bound_tables import ParentTenant, with_parents
from loaders.model.databases import Database
from loaders.model.model import Model
from loaders.model.names import table_parts
from loaders.model.problems import Problem


@dataclass(slots=True)
class Proofs:
    """Proves from what databases say of statements that each table they read is the model's, and narrowed."""

    statements: LiveStatements
    places: ModelPlaces
    model: Model
    by_database: Mapping[Database, PostgresProof | ClickHouseProof]
    _told: set[tuple[str, str]] = field(default_factory=set)

    def of_plan(self, statement: PossibleStatement, plan: PlanNode) -> list[Problem]:
        """Return the problems of a statement of PostgreSQL, by its plan."""
        proof = self.by_database[statement.database]
        if not isinstance(proof, PostgresProof):
            return []
        sections = [statement.section, *(request.section for request in statement.plan.requests)]
        tables = with_parents([table for section in sections for table in section.tables], self.model.bound_tables)
        return self._problems(statement, proof.read_by(tables).unproven(plan))

    def of_tree(self, statement: PossibleStatement, tree: TreeNode) -> list[Problem]:
        """Return the problems of a statement of ClickHouse, by its query tree."""
        proof = self.by_database[statement.database]
        return self._problems(statement, proof.unproven(tree)) if isinstance(proof, ClickHouseProof) else []

    def _problems(self, statement: PossibleStatement, unproven: Iterable[Unproven]) -> list[Problem]:
        """Return the problems of a statement, those left out that its sections have without what it adds."""
        names = {request.section.name for request in statement.plan.requests}
        problems = []
        for each in unproven:
            what = each.relation if each.table is None else each.table.name
            if not any((name, what) in self._told for name in names):
                problems.append(self._problem(statement, each))
                self._told |= {(name, what) for name in names}
        return problems

    def _problem(self, statement: PossibleStatement, unproven: Unproven) -> Problem:
        subject = self.places.of_statement(statement)
        about = f" ({statement.name})" if statement.addition is Addition.OTHERS else ""
        statements = f"its statement {statement.addition.value}{about} reads"
        table = unproven.table
        if table is None:
            advice = unproven.advice or "which the model does not declare: read declared tables alone"
            message = f"{statements} {unproven.relation}, {advice}."
            return Problem(subject.place, subject.name, message)
        is_parent = isinstance(self.model.bound_tables[table].tenant, ParentTenant)
        how = "by a row of its parent" if is_parent else "by its tenant's column"
        is_itself = table_parts(table.name)[-1] == unproven.relation.rpartition(".")[2]
        relation = table.name if is_itself else f"{unproven.relation} for {table.name}"
        message = f"{statements} {relation}, and its plan has no condition that narrows the rows to the tenant, {how}."
        return Problem(subject.place, subject.name, f"{message} Other tenants' rows may be answered.")
