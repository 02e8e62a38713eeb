"""The loaders of one request, over the databases of the process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loaders.cache.cache import Cache
from loaders.model.databases import Database
from loaders.model.model import Model
from loaders.objects.cache_names import CacheNames
from loaders.objects.cached_sections import CachedSections
from loaders.objects.object_loader import ObjectLoader
from loaders.objects.object_source import StoredSections, TenantSource
from loaders.objects.object_statements import ObjectStatements, Store
from loaders.objects.partial_sections import PartialSections
from loaders.objects.schema_faults import SchemaFaults
from loaders.statements.parameters import TenantScope


@dataclass(frozen=True, slots=True)
class RequestLoaders:
    """Built per request inside the running loop, so that what one request loaded is never another's.

    All of them load for one tenant. It is None for a model without tenants alone.
    """

    objects: ObjectLoader
    model: Model
    tenant: TenantScope | None
    statements: ObjectStatements
    cached: CachedSections | None = None
    """The source of sections, if there is a cache before the databases."""

    async def release(self) -> None:
        """Forget what was loaded."""
        await self.objects.release()

    @classmethod
    def over(
        cls,
        model: Model,
        stores: Mapping[Database, Store],
        cache: Cache | None = None,
        tenant: TenantScope | None = None,
        faults: SchemaFaults | None = None,
    ) -> RequestLoaders:
        """Return new loaders with nothing loaded; without a cache, everything is asked of the databases.

        `faults` are those of the process; without them, the loaders find out anew what is missing.
        """
        statements = ObjectStatements(stores, SchemaFaults(stores) if faults is None else faults)
        cached = None
        if cache is not None:
            cached = CachedSections(cache, statements, tenant, CacheNames.of(model.name, tenant))
        sections = PartialSections(cached or StoredSections(statements, tenant), statements.faults)
        source = TenantSource(model, sections, tenant)
        return cls(ObjectLoader(source), model, tenant, statements, cached)

    def uncached(self) -> RequestLoaders:
        """Return loaders for the same tenant with nothing loaded and without a cache, so that they see every change."""
        sections = PartialSections(StoredSections(self.statements, self.tenant), self.statements.faults)
        source = TenantSource(self.model, sections, self.tenant)
        return RequestLoaders(ObjectLoader(source), self.model, self.tenant, self.statements)
