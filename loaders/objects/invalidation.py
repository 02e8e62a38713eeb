"""Changes of objects, sections, tables, a tenant or everything, in the names of the cache."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loaders.cache.invalidation import Change
from loaders.errors import CallerError
from loaders.model.bound_sections import RECORD, BoundSection
from loaders.model.databases import Everyones, Table
from loaders.model.model import Model
from loaders.model.problems import suggestion
from loaders.objects.cache_names import CacheNames
from loaders.statements.parameters import TenantScope


@dataclass(frozen=True, slots=True)
class Invalidation:
    """Changes of one model's data, as its cache knows them."""

    model: Model

    def change_of(
        self,
        keys: Mapping[str, Sequence[str]] | None = None,
        *,
        sections: Iterable[str] = (),
        tables: Iterable[str] = (),
        tenant: str | None = None,
        everything: bool = False,
    ) -> Change:
        """Return the change that these objects, sections and tables have seen.

        `keys` are texts of keys by object type: a change of an object concerns what is cached of it and what others
        read of its table. Sections are named `Customer.usage`, tables as the model declares them. With a tenant, only
        what is cached for it is concerned; alone, all of that. A text that cannot be a key is no object, and left out.
        Raises CallerError for a name that the model does not have.
        """
        names = CacheNames.of(self.model.name, self._tenant(tenant))
        sources: dict[str, None] = {}
        if everything or (tenant is not None and not keys and not sections and not tables):
            sources[names.everything()] = None
        for table in [*map(self._table, tables), *self._tables_of(sections)]:
            sources[names.table(table, of_tenant=tenant is not None)] = None
        objects: list[str] = []
        for name, texts in (keys or {}).items():
            objects += self._objects(names, name, texts, tenant, sources)
        return Change(tuple(dict.fromkeys(objects)), tuple(sources))

    def _objects(
        self, names: CacheNames, name: str, texts: Sequence[str], tenant: str | None, sources: dict[str, None]
    ) -> list[str]:
        """Return the names of objects, and add the sources that their change concerns."""
        record = self.model.bound_sections.get(f"{name}.{RECORD}")
        if record is None:
            raise CallerError(_unknown("object type", name, self.model.objects))
        table = self.model.objects[name].table
        if self.model.tenant is not None and isinstance(self.model.bound_tables[table].tenant, Everyones):
            sources[names.table(table)] = None  # each tenant has its own copies of them
            return []
        if self.model.tenant is not None and tenant is None:
            raise CallerError(f"{name}: say whose objects have changed; each tenant has keys of its own.")
        sources[names.table(table, of_rows=True, of_tenant=tenant is not None)] = None
        keys = [key for key in map(record.key.read, texts) if key is not None]
        return names.keys(record.key_space, keys)

    def _tenant(self, text: str | None) -> TenantScope | None:
        scalar = self.model.tenant_scalar
        if text is None:
            return None
        if scalar is None or scalar.read_key is None:
            raise CallerError(f"The model {self.model.name} has no tenants.")
        value: Any = scalar.read_key(text)
        if value is None:
            raise CallerError(f"{text[:40]!r} cannot be a tenant: it is no {scalar.name}.")
        return TenantScope(scalar, value)

    def _tables_of(self, sections: Iterable[str]) -> Iterator[Table]:
        for name in sections:
            section: BoundSection | None = self.model.bound_sections.get(name)
            if section is None:
                raise CallerError(_unknown("section", name, self.model.bound_sections))
            yield from section.tables

    def _table(self, name: str) -> Table:
        tables = {table.name: table for table in self.model.tables}
        if name not in tables:
            raise CallerError(_unknown("table", name, tables))
        return tables[name]


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    hint = suggestion(name, list(known)) or f" There are {', '.join(sorted(known))}."
    return f"The model has no {kind} {name[:100]}.{hint}"
