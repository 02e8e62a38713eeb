"""Check a model against its databases: prepare and explain every statement that it can produce, and answer none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.model_tools.every_statement import Addition, PossibleStatement, every_statement, statements_of
from gateway.model_tools.live.clickhouse_trees import columns_of, query_tree
from gateway.model_tools.live.costs import Costs
from gateway.model_tools.live.databases import read_databases
from gateway.model_tools.live.places import ModelPlaces
from gateway.model_tools.live.postgres_plans import plan_tree
from gateway.model_tools.live.proofs import Proofs
from gateway.model_tools.live.refusals import Refusals
from gateway.model_tools.live.samples import read_samples
from gateway.model_tools.live.statements import LiveStatements, RefusedStatementError, Store
from gateway.model_tools.live.types import type_problems
from loaders.concurrency import gather
from loaders.model.bound_sections import BoundSection
from loaders.model.databases import Database, Kind
from loaders.model.model import Model
from loaders.model.problems import Problem
from loaders.statements.statement_plan import StatementPlan


async def live_problems(model: Model, stores: Mapping[Database, Store]) -> list[Problem]:
    """Return what is wrong with a model's statements in its databases, in the order of the model's files.

    Raises StoreUnavailable or StoreTimeout where a database cannot be asked.
    """
    every, samples, databases = await asyncio.gather(
        asyncio.to_thread(every_statement, model), read_samples(model, stores), read_databases(model, stores)
    )
    statements, places = LiveStatements(stores, samples.tenant, samples.keys), ModelPlaces(model)
    proofs = Proofs(statements, places, model, databases.proofs(model, samples.tenant))
    costs = Costs(statements, places, model.bound_tables, databases.relations, databases.rows)
    check = _Check(statements, places, proofs, costs)
    await check.sections([each for each in every if each.addition is Addition.NOTHING])
    await check.others([each for each in every if each.addition is not Addition.NOTHING])
    return sorted(set(check.problems))


@dataclass(slots=True)
class _Check:
    statements: LiveStatements
    places: ModelPlaces
    proofs: Proofs
    costs: Costs
    problems: list[Problem] = field(default_factory=list)
    _broken: set[BoundSection] = field(default_factory=set)

    async def sections(self, every: Sequence[PossibleStatement]) -> None:
        """Check each section alone; what is added to a broken one is tried with what is good of it."""
        await gather([self._section(each) for each in every])

    async def others(self, every: Iterable[PossibleStatement]) -> None:
        """Check statements that have something beyond a section that is good."""
        good = [each for each in every if not self._broken & set(_sections_of(each))]
        await gather([self._statement(each) for each in good])

    async def _section(self, statement: PossibleStatement) -> None:
        try:
            await self._look(statement)
        except RefusedStatementError:
            self._broken.add(statement.section)
            problems, rest = await Refusals(self.statements, self.places).of(statement)
            self.problems += problems
            if rest is not None:
                added = [each for each in statements_of(rest) if each.addition is not Addition.NOTHING]
                await gather([self._statement(each) for each in added])

    async def _statement(self, statement: PossibleStatement) -> None:
        try:
            await self._look(statement)
        except RefusedStatementError as refused:
            refusals = Refusals(self.statements, self.places)
            if statement.addition is Addition.OTHERS:
                self.problems += await refusals.of_fused(statement, refused)
            else:
                self.problems.append(refusals.of_addition(statement, refused))

    async def _look(self, statement: PossibleStatement) -> None:
        if statement.database.kind is Kind.POSTGRES:
            await self._look_at_plan(statement)
        else:
            await self._look_at_tree(statement)

    async def _look_at_plan(self, statement: PossibleStatement) -> None:
        plan, section = statement.plan, statement.section
        if statement.addition is Addition.NOTHING and isinstance(plan, StatementPlan):
            described = await self.statements.described(plan, section)
            self.problems += type_problems(plan, described, self.places)
        tree = plan_tree(await self.statements.explained(plan, section))
        self.problems += self.proofs.of_plan(statement, tree)
        if statement.addition is not Addition.OTHERS:
            self.problems += await self.costs.of_plan(statement, tree)

    async def _look_at_tree(self, statement: PossibleStatement) -> None:
        plan, section = statement.plan, statement.section
        tree = query_tree(await self.statements.query_tree(plan, section))
        if statement.addition is Addition.NOTHING and isinstance(plan, StatementPlan):
            self.problems += type_problems(plan, columns_of(tree), self.places)
        self.problems += self.proofs.of_tree(statement, tree)
        if statement.addition is not Addition.OTHERS:
            self.problems += self.costs.of_explained(statement, await self.statements.explained(plan, section))


def _sections_of(statement: PossibleStatement) -> list[BoundSection]:
    return [request.section for request in statement.plan.requests]
