"""Sections by way of the cache: what is cached of each, and how the databases are asked for the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from loaders.cache.cache import Cache
from loaders.cache.fields import CacheField
from loaders.cache.in_flight_load import KeysByField, LoadedValues
from loaders.concurrency import gather
from loaders.model.databases import Value
from loaders.model.key_spaces import KeySpace
from loaders.model.key_texts import MAX_KEY_CHARACTERS
from loaders.objects.cache_names import CacheNames, field_of, is_cacheable
from loaders.objects.object_record import Values, section_error
from loaders.objects.object_source import RequestValues, StoredSections, TenantValues
from loaders.objects.object_statements import ObjectStatements
from loaders.objects.tenant_values import zones_of
from loaders.request_tracker import forbid_caching
from loaders.statements.parameters import StatementScope, TenantScope
from loaders.statements.section_request import SectionRequest, merged
from loaders.stores.errors import StoreError


@dataclass(frozen=True, slots=True)
class CachedSections:
    """Sections from the cache, and from the databases what it lacks; whole, since the next query may want others.

    Sections of tables without a freshness are asked of the databases each time, and so are keys and values that are too
    long.
    """

    cache: Cache
    statements: ObjectStatements
    tenant: TenantScope | None
    names: CacheNames

    async def load(
        self, space: KeySpace, keys: Sequence[Any], requests: Sequence[SectionRequest], values: TenantValues
    ) -> RequestValues:
        """Return the values of each request in the order of the keys, or the error that kept them from being loaded."""
        texts = self.names.keys(space, keys)
        is_too_long = any(len(text) > MAX_KEY_CHARACTERS for text in texts)
        cached = [each for each in requests if not is_too_long and is_cacheable(each)]
        direct = [each for each in requests if is_too_long or not is_cacheable(each)]
        if direct:
            forbid_caching()
        stored = StoredSections(self.statements, self.tenant)
        loads = [stored.load(space, keys, direct, values)] if direct else []
        loads += [self._fetch(space, texts, cached, values)] if cached else []
        return {request: column for loaded in await gather(loads) for request, column in loaded.items()}

    async def states(
        self, space: KeySpace, keys: Sequence[Any], requests: Sequence[SectionRequest], values: TenantValues
    ) -> dict[SectionRequest, list[str]]:
        """Return for each request what is cached for each key: see `loaders.cache.states`."""
        fields = [self.field(request, values) for request in requests]
        states = await self.cache.states(self.names.keys(space, keys), fields)
        return {request: states[field] for request, field in zip(requests, fields, strict=True)}

    def field(self, request: SectionRequest, values: TenantValues) -> CacheField:
        """Return what is cached for a request, whatever columns it wants."""
        zones = tuple(str(values[zone]) for zone in zones_of(request))
        return field_of(request.whole(), self.names, zones)

    async def _fetch(
        self, space: KeySpace, texts: Sequence[str], requests: Sequence[SectionRequest], values: TenantValues
    ) -> RequestValues:
        wanted = {request: self.field(request, values) for request in merged(requests)}
        needed = {zone: values[zone] for request in requests for zone in zones_of(request)}
        load = _StoresOf(self.statements, self.tenant, space, self.names, tuple(needed.items()))
        fetched = await self.cache.fetch(texts, tuple(wanted.values()), load)
        answers: dict[SectionRequest, Values | StoreError] = {}
        for request, field in wanted.items():
            column = fetched.values.get(field, [])
            answers[request] = _with_errors(request, column) if field in fetched.errors else column
        return answers


@dataclass(frozen=True, slots=True)
class _StoresOf:
    """Loads fields that are missing. Two are equal if requests of one tenant can share their statements."""

    statements: ObjectStatements
    tenant: TenantScope | None
    space: KeySpace
    names: CacheNames
    values: tuple[tuple[Value, Any], ...]

    async def __call__(self, keys_by_field: KeysByField) -> LoadedValues:
        prefix, key = self.names.prefix(self.space), self.space.key

        def canonical(text: str) -> Any:
            return key.read(text.removeprefix(prefix)) if key.scalars else ()

        known = {text: canonical(text) for texts in keys_by_field.values() for text in texts}
        by_request = {field.of: [known[text] for text in texts] for field, texts in keys_by_field.items()}
        loaded = await self.statements.load(by_request, StatementScope((), self.tenant, dict(self.values)))
        answers: dict[CacheField, Mapping[str, Any] | StoreError] = {}
        for field in keys_by_field:
            keys, values = loaded[field.of]
            if isinstance(values, StoreError):
                answers[field] = values
            else:
                answers[field] = dict(zip(self.names.keys(self.space, keys), values, strict=True))
        return answers


def _with_errors(request: SectionRequest, values: Values) -> Values | StoreError:
    """Return the values of a request: its error where none could be loaded, otherwise in the places of those alone."""
    causes = {id(value): value for value in values if isinstance(value, StoreError)}
    if values and all(id(value) in causes for value in values):
        return cast("StoreError", values[0])
    errors = {number: section_error(request, cause) for number, cause in causes.items()}
    return [errors.get(id(value), value) for value in values]
