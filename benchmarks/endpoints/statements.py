"""A planned statement's answer, column by column, fetched with no more than the stores' clients."""

from collections.abc import Sequence
from typing import Any

from benchmarks.endpoints.serving import CountedStores
from loaders.model.databases import Kind
from loaders.statements.needed_rows import SentRows, sent_rows
from loaders.statements.parameters import StatementScope
from loaders.statements.statement_plan import RelationPlan, StatementPlan

Columns = Sequence[Sequence[Any]]


async def fetched(stores: CountedStores, statement: StatementPlan, ids: list[str]) -> tuple[Columns, Sequence[str]]:
    """Return the columns of the answer, none at all without a row, and their types where the store knows them."""
    scope = StatementScope(ids, None)
    sent = [await _sent(stores, each, statement.database.kind, scope) for each in statement.needs]
    bound = statement.bind(scope, sent)
    if statement.database.kind is Kind.POSTGRES:
        return list(zip(*await stores.postgres.rows(bound.sql, *bound.values.values()), strict=True)), ()
    answer = await stores.clickhouse.columns(bound.sql, bound.values)
    return answer.columns, answer.types


async def _sent(stores: CountedStores, plan: RelationPlan, target: Kind, scope: StatementScope) -> SentRows:
    """The rows of a relation of PostgreSQL, as a statement of ClickHouse takes them."""
    bound = plan.bind(scope)
    answer = await stores.postgres.typed_columns(bound.sql, *bound.values.values())
    return sent_rows(answer, plan.database.kind, target, "clickhouse")
