"""Ask the databases whether they can read what statements name, without running any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from loaders.model.bound_sections import BoundSection
from loaders.model.databases import STORE_NAMES, Database, Kind
from loaders.model.example_values import example_value
from loaders.model.scalars import TEXT
from loaders.statements.example_requests import example_scope
from loaders.statements.needed_rows import SentRows, sent_rows
from loaders.statements.parameters import StatementScope, TenantScope
from loaders.statements.partial_sections import WHOLE, Part, parts_of, reduced
from loaders.statements.planning import plan
from loaders.statements.section_request import SectionRequest
from loaders.statements.statement_plan import BoundStatement, RelationPlan, StatementPlan
from loaders.stores.errors import AccessDenied, SchemaMismatch, StatementFailed
from loaders.stores.protocols import TypedAnalyticalStore, TypedColumns, TypedRelationalStore

Store = TypedRelationalStore | TypedAnalyticalStore
Mismatches = dict[Part, SchemaMismatch]


@dataclass(frozen=True, slots=True)
class StatementCheck:
    """Checks of statements with example values: what a client sent may be why a statement fails, for its request alone.

    Raises other errors of stores than SchemaMismatch, since nothing is known then.
    """

    stores: Mapping[Database, Store]
    scope: StatementScope

    @classmethod
    def of(cls, stores: Mapping[Database, Store], section: BoundSection, tenant: TenantScope | None) -> StatementCheck:
        """Return checks of a section and of others with its keys, of tenants if there is one."""
        if tenant is not None:
            tenant = replace(tenant, value=example_value(tenant.scalar))
        return cls(stores, example_scope(section, tenant))

    async def mismatch(self, requests: Sequence[SectionRequest]) -> SchemaMismatch | None:
        """Return why a database cannot read the statements of some requests; None where it can."""
        try:
            for each in plan(requests):
                await self._describe_plan(each)
        except SchemaMismatch as error:
            return error
        return None

    async def failing(self, requests: Sequence[SectionRequest]) -> list[SectionRequest]:
        """Return those of the requests that cannot be read, which halving finds in few checks."""
        if await self.mismatch(requests) is None:
            return []
        if len(requests) == 1:
            return list(requests)
        middle = len(requests) // 2
        return [*await self.failing(requests[:middle]), *await self.failing(requests[middle:])]

    async def parts(self, request: SectionRequest) -> Mismatches:
        """Return the parts of a request that cannot be read, each with the reason; none where all can be."""
        error = await self.part(request, WHOLE)
        if error is not None:
            return {WHOLE: error}
        return await self._parts(request, parts_of(request))

    async def part(self, request: SectionRequest, part: Part) -> SchemaMismatch | None:
        """Return why a part of a request cannot be read; None where it can, and where only the value may be at fault.

        Of filters, texts of keys and tenants no value is known that is good.
        """
        error = await self.mismatch([reduced(request, [] if part == WHOLE else [part])])
        return None if error is None or (error.may_be_of_value and self._has_value(request, part)) else error

    async def _parts(self, request: SectionRequest, parts: Sequence[Part]) -> Mismatches:
        error = await self.mismatch([reduced(request, parts)])
        if error is None:
            return {}
        if len(parts) == 1:
            return {} if error.may_be_of_value and self._has_value(request, parts[0]) else {parts[0]: error}
        middle = len(parts) // 2
        return {**await self._parts(request, parts[:middle]), **await self._parts(request, parts[middle:])}

    def _has_value(self, request: SectionRequest, part: Part) -> bool:
        tenant = self.scope.tenant
        scalars = [*request.section.key.scalars, *([tenant.scalar] if tenant is not None else [])]
        return part.kind == "filter" or (part == WHOLE and TEXT in scalars)

    async def _describe_plan(self, each: StatementPlan) -> None:
        statement = each.bind(self.scope, await self._sent(each.needs, each.database))
        await self._describe(each.database, statement)

    async def _sent(self, needs: Sequence[RelationPlan], database: Database) -> Sequence[SentRows]:
        """Return relations of other databases as they would be sent along, without a row."""
        sent = []
        for each in needs:
            statement = each.bind(self.scope, await self._sent(each.needs, each.database))
            described = await self._describe(each.database, statement)
            sent.append(sent_rows(described, each.database.kind, database.kind, STORE_NAMES[database.kind]))
        return sent

    async def _describe(self, database: Database, statement: BoundStatement) -> TypedColumns:
        store = self.stores[database]
        if database.kind is Kind.POSTGRES:
            return await self._describe_allowed(cast("TypedRelationalStore", store), statement)
        return await cast("TypedAnalyticalStore", store).describe(statement.sql, statement.values, reads_little=True)

    async def _describe_allowed(self, store: TypedRelationalStore, statement: BoundStatement) -> TypedColumns:
        """Describe a statement, and have it explained: PostgreSQL looks at the account's rights no earlier."""
        described = await store.describe(statement.sql)
        try:
            await store.explain(statement.sql, *statement.values.values())
        except AccessDenied:
            raise
        except StatementFailed:  # an example value may be why, and the statement can be prepared
            pass
        return described
