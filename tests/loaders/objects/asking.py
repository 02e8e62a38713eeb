"""Loading objects of a model over real databases, with every statement noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from deploy.analytics.data import make, member_id, project_id
from loaders.cache.cache import Cache
from loaders.model.databases import Database, Kind
from loaders.model.model import Model
from loaders.objects.object_record import ObjectRecord
from loaders.objects.object_statements import ObjectStatements, Store
from loaders.objects.request_loaders import RequestLoaders
from loaders.objects.schema_faults import SchemaFaults
from loaders.statements.parameters import TenantScope
from loaders.statements.section_request import SectionRequest, section_request
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.postgres import Postgres
from loaders.stores.protocols import Columns, Row, TypedColumns
from tests.conftest import Stores

DATA = make()
TENANTS = [UUID(int=1), UUID(int=2), UUID(int=3)]
MEMBERS = [str(member_id(number)) for number in range(320)]
PROJECTS = [str(project_id(number)) for number in range(12)]
NOBODY = str(UUID(int=99))


@dataclass(slots=True)
class NotedPostgres:
    """PostgreSQL, with the SQL of each statement noted."""

    store: Postgres
    sent: list[tuple[str, str]]
    described: list[str] = field(default_factory=list)

    async def rows(self, sql: str, *arguments: object) -> Sequence[Row]:
        self.sent.append(("postgresql", sql))
        return await self.store.rows(sql, *arguments)

    async def typed_columns(self, sql: str, *arguments: object) -> TypedColumns:
        self.sent.append(("postgresql", sql))
        return await self.store.typed_columns(sql, *arguments)

    async def describe(self, sql: str) -> TypedColumns:
        self.described.append(sql)
        return await self.store.describe(sql)

    async def explain(self, sql: str, *arguments: object) -> Any:
        return await self.store.explain(sql, *arguments)


@dataclass(slots=True)
class NotedClickHouse:
    """ClickHouse, with the SQL of each statement noted."""

    store: ClickHouse
    sent: list[tuple[str, str]]
    described: list[str] = field(default_factory=list)

    async def columns(self, sql: str, parameters: Mapping[str, object]) -> Columns:
        self.sent.append(("clickhouse", sql))
        return await self.store.columns(sql, parameters)

    async def typed_columns(self, sql: str, parameters: Mapping[str, object]) -> TypedColumns:
        self.sent.append(("clickhouse", sql))
        return await self.store.typed_columns(sql, parameters)

    async def describe(self, sql: str, parameters: Mapping[str, object], *, reads_little: bool = False) -> TypedColumns:
        self.described.append(sql)
        return await self.store.describe(sql, parameters, reads_little=reads_little)


@dataclass(slots=True)
class Asker:
    """Asks for objects of one tenant."""

    model: Model
    stores: Stores
    tenant: str | None = None
    cache: Cache | None = None
    sent: list[tuple[str, str]] = field(default_factory=list)
    """Store and SQL of each statement so far."""
    described: list[str] = field(default_factory=list)
    """SQL of each statement that was prepared to see whether it can be read."""
    faults: SchemaFaults | None = None
    """What is known to be missing. Loaders find it out anew without."""

    _databases: dict[Database, Store] = field(default_factory=dict)

    def databases(self) -> dict[Database, Store]:
        """Return the stores by database, the same each time."""
        if self._databases:
            return self._databases
        postgres = NotedPostgres(self.stores.postgres, self.sent, self.described)
        clickhouse = NotedClickHouse(self.stores.clickhouse, self.sent, self.described)
        for each in self.model.databases:
            self._databases[each] = postgres if each.kind is Kind.POSTGRES else clickhouse
        return self._databases

    def statements(self) -> ObjectStatements:
        """Return the source of sections, without a cache."""
        return ObjectStatements(self.databases(), self.faults or SchemaFaults(self.databases()))

    def scope(self) -> TenantScope | None:
        """Return the tenant as statements take it."""
        scalar = self.model.tenant_scalar
        return None if scalar is None else TenantScope(scalar, self.tenant)

    def request(self, name: str, **options: Any) -> SectionRequest:
        """Return a request of a section by its name."""
        return section_request(self.model.bound_sections[name], **options)

    async def records(self, keys: Sequence[Any], requests: Sequence[SectionRequest]) -> list[ObjectRecord]:
        """Return the records of some keys, loaded anew."""
        loaders = RequestLoaders.over(self.model, self.databases(), self.cache, self.scope(), self.faults)
        return await loaders.objects.load((requests[0].section.key_space, tuple(keys), frozenset(requests)))

    async def of(self, name: str, keys: Sequence[Any], **options: Any) -> dict[Any, Any]:
        """Return by key what a section answers; objects without a row are left out."""
        request = self.request(name, **options)
        records = await self.records(keys, [request])
        values = {record.key: record.get(request) for record in records}
        nothing = request.section.empty or None
        return {key: value for key, value in values.items() if value not in (None, [], nothing)}
