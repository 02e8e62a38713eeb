"""Load objects from the databases, with arguments that default to columns of the tenant's own row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from loaders.concurrency import SharedTask
from loaders.model.databases import STORE_NAMES, Table, Value
from loaders.model.key_spaces import KeySpace
from loaders.model.model import Model
from loaders.objects.object_record import Values
from loaders.objects.object_statements import ObjectStatements
from loaders.objects.tenant_values import needed_by, section_of, values_needed, with_values
from loaders.statements.parameters import StatementScope, TenantScope
from loaders.statements.section_request import SectionRequest, merged, section_request
from loaders.stores.errors import StatementFailed, StoreError

TenantValues = Mapping[Value, Any]
RequestValues = Mapping[SectionRequest, Values | StoreError]


class SectionSource(Protocol):
    """A source of sections, for requests with all values that they depend on."""

    async def load(
        self, space: KeySpace, keys: Sequence[Any], requests: Sequence[SectionRequest], values: TenantValues
    ) -> RequestValues:
        """Return the values of each request in the order of the keys, or the error that kept them from being loaded."""
        ...


@dataclass(frozen=True, slots=True)
class StoredSections:
    """Sections from the databases alone."""

    statements: ObjectStatements
    tenant: TenantScope | None

    async def load(
        self, _space: KeySpace, keys: Sequence[Any], requests: Sequence[SectionRequest], values: TenantValues
    ) -> RequestValues:
        """Return the values of each request in the order of the keys, or the error that kept them from being loaded."""
        scope = StatementScope((), self.tenant, values)
        loaded = await self.statements.load(dict.fromkeys(requests, keys), scope)
        return {request: items for request, (_, items) in loaded.items()}


@dataclass(slots=True)
class TenantSource:
    """Sections of one tenant. What they take from the tenant's own row is loaded before, once for a request."""

    model: Model
    sections: SectionSource
    tenant: TenantScope | None
    _values: dict[Value, Any] = field(default_factory=dict)
    _loading: dict[tuple[Table, str], SharedTask[Any]] = field(default_factory=dict)

    async def load(self, space: KeySpace, keys: Sequence[Any], requests: Sequence[SectionRequest]) -> RequestValues:
        """Return the values of each request in the order of the keys, or the error that kept them from being loaded."""
        needed = needed_by(requests)
        if not needed:
            return await self.sections.load(space, keys, requests, self._values)
        failure = await self._load_values(needed)
        ready = self._ready(requests)
        loaded = await self.sections.load(space, keys, merged(ready.values()), self._values) if ready else {}
        answers: dict[SectionRequest, Values | StoreError] = {}
        for request in requests:
            if request in ready:
                answers[request] = loaded[ready[request]]
            elif failure is not None:
                answers[request] = failure
        return answers

    def _ready(self, requests: Sequence[SectionRequest]) -> dict[SectionRequest, SectionRequest]:
        return {
            request: with_values(request, self._values)
            for request in requests
            if all(value in self._values for value in values_needed(request))
        }

    async def _load_values(self, needed: Sequence[Value]) -> StoreError | None:
        """Load the tenant's values that are missing, and return the error that kept any from being loaded."""
        for value in needed:
            if value in self._values:
                continue
            answer = await self._loading_of(value).result()
            if isinstance(answer, StoreError):
                self._loading.pop((value.table, value.column), None)
                return answer
            self._values[value] = answer
        return None

    def _loading_of(self, value: Value) -> SharedTask[Any]:
        """Return the load of a column: other key spaces, and other values of the same column, wait for the same."""
        column = (value.table, value.column)
        loading = self._loading.get(column)
        if loading is None or loading.is_abandoned:
            loading = self._loading[column] = SharedTask(self._load_value(value))
        return loading

    async def _load_value(self, value: Value) -> Any:
        """Return the value, or the error that kept it from being loaded."""
        if self.tenant is None:
            raise TypeError(f"The tenant's own {value.column} is needed, and the request is for no tenant.")
        section = section_of(value.table, value.column, self.model.bound_tables[value.table])
        request = section_request(section)
        loaded = await self.sections.load(section.key_space, [self.tenant.value], [request], {})
        answer = loaded[request]
        if isinstance(answer, StoreError):
            return answer
        (row,) = answer
        if row is None or row[0] is None:
            store = STORE_NAMES[value.table.database.kind]
            return StatementFailed(store, f"The tenant has no {value.column} in {value.table.name}.")
        return row[0]
