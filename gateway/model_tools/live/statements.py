"""Statements with example values, in the stores that would answer them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from loaders.concurrency import gather
from loaders.errors import GatewayError
from loaders.model.bound_sections import BoundSection
from loaders.model.databases import STORE_NAMES, Database, Kind
from loaders.model.example_values import example_value
from loaders.statements.example_requests import example_scope
from loaders.statements.needed_rows import SentRows, sent_rows
from loaders.statements.parameters import StatementScope, TenantScope
from loaders.statements.statement_plan import BoundStatement, RelationPlan, StatementPlan
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.errors import StatementFailed
from loaders.stores.postgres import Postgres
from loaders.stores.protocols import TypedColumns

Store = Postgres | ClickHouse
AT_ONCE = 4
"""Statements that a database is asked about at once: it serves others meanwhile."""


class RefusedStatementError(GatewayError):
    """A statement that its store refused, with its SQL as it was sent."""

    def __init__(self, error: StatementFailed, sql: str, kind: Kind) -> None:
        super().__init__(str(error))
        self.error = error
        self.sql = sql
        self.kind = kind


@dataclass(slots=True)
class LiveStatements:
    """The stores, and the values that statements are bound with there.

    `keys` are keys of sections by their names, `tenant` is a tenant's key. A statement that the store refuses raises
    RefusedStatementError, that of rows which are sent along among them, and anything else that fails a StoreError.
    """

    stores: Mapping[Database, Store]
    tenant: TenantScope | None
    keys: Mapping[str, list[Any]] = field(default_factory=dict)
    _sent: dict[tuple[Database, Database, str], SentRows] = field(default_factory=dict)
    _turns: dict[Database, asyncio.Semaphore] = field(default_factory=dict)

    async def described(self, plan: StatementPlan | RelationPlan, section: BoundSection) -> TypedColumns:
        """Return the columns that a statement would answer."""
        bound = await self.bound(plan, section)
        store = self.stores[plan.database]
        async with self._turn(plan.database, bound.sql):
            if isinstance(store, Postgres):
                return await store.describe(bound.sql)
            return await store.describe(bound.sql, bound.values)

    async def explained(self, plan: StatementPlan | RelationPlan, section: BoundSection) -> Any:
        """Return the plan of a statement as its database writes it."""
        bound = await self.bound(plan, section)
        store = self.stores[plan.database]
        async with self._turn(plan.database, bound.sql):
            if isinstance(store, Postgres):
                return await store.explain(bound.sql, *bound.values.values())
            return await store.explain(bound.sql, bound.values)

    async def explained_text(self, sql: str, database: Database) -> Any:
        """Return the plan of a statement that is none of the model's, as PostgreSQL writes it."""
        store = self.stores[database]
        if not isinstance(store, Postgres):
            raise TypeError("Only PostgreSQL explains statements by their text.")
        async with self._turn(database, sql):
            return await store.explain(sql)

    async def query_tree(self, plan: StatementPlan | RelationPlan, section: BoundSection) -> list[str]:
        """Return the lines of a statement's tree in ClickHouse."""
        bound = await self.bound(plan, section)
        store = self.stores[plan.database]
        if not isinstance(store, ClickHouse):
            raise TypeError("Only ClickHouse has query trees.")
        async with self._turn(plan.database, bound.sql):
            return await store.query_tree(bound.sql, bound.values)

    async def bound(self, plan: StatementPlan | RelationPlan, section: BoundSection) -> BoundStatement:
        """Return a statement with its values. Rows that are sent along are none, of the types that they would have."""
        sent = await gather([self._rows(need, section, plan.database) for need in plan.needs]) if plan.needs else ()
        return plan.bind(self._scope(section), sent)

    def _scope(self, section: BoundSection) -> StatementScope:
        scope = example_scope(section, self.tenant)
        return replace(scope, keys=self.keys.get(section.name) or scope.keys)

    async def _rows(self, need: RelationPlan, section: BoundSection, target: Database) -> SentRows:
        key = (need.database, target, need.text)
        if key not in self._sent:
            columns = await self.described(need, section)
            self._sent[key] = sent_rows(columns, need.database.kind, target.kind, STORE_NAMES[target.kind])
        return self._sent[key]

    @asynccontextmanager
    async def _turn(self, database: Database, sql: str) -> AsyncIterator[None]:
        async with self._turns.setdefault(database, asyncio.Semaphore(AT_ONCE)):
            try:
                yield
            except StatementFailed as error:
                raise RefusedStatementError(error, sql, database.kind) from error


def example_tenant(scalar: Any) -> TenantScope | None:
    """Return a tenant that no database needs to know; None for a model without tenants."""
    return None if scalar is None else TenantScope(scalar, example_value(scalar))
