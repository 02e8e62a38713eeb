"""Changes of a table's rows in the names of a model's cache: the objects that they concern, and sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loaders.cache.invalidation import Change
from loaders.model.bound_tables import with_parents
from loaders.model.change_feeds import Notifies
from loaders.model.databases import Everyones, Table, Value
from loaders.model.key_spaces import KeySpace
from loaders.model.model import Model
from loaders.model.names import column_names
from loaders.model.section_facts import rows_read
from loaders.objects.cache_names import CacheNames
from loaders.statements.parameters import TenantScope

Keys = Mapping[KeySpace, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class TableChanges:
    """Changes of one table's rows.

    `spaces` are the key spaces in which a changed row is known, each with the columns of the row that hold the key. It
    has none where something of the table is read by other columns than its changes tell: any change then concerns the
    whole table. `is_shared` says that keys read rows of other keys too.
    """

    model: Model
    table: Table
    spaces: Mapping[KeySpace, tuple[str, ...]]
    is_shared: bool
    _names: CacheNames = field(repr=False)

    @classmethod
    def of(cls, model: Model, table: Table) -> TableChanges:
        """Return what changes of a table concern that declares how they are heard."""
        return cls(model, table, _spaces(model, table), table in _shared(model), CacheNames.of(model.name, None))

    @property
    def source(self) -> str:
        """The source that is the whole table, of all tenants."""
        return self._names.table(self.table)

    @property
    def needs_tenant(self) -> bool:
        """Whether its rows belong to tenants, so that keys alone say nothing."""
        return self.model.tenant is not None and not self._is_everyones

    def whole(self) -> Change:
        """Return the change of any row, of any tenant."""
        return Change(sources=(self.source,))

    def of_rows(self, keys: Keys, tenant: TenantScope | None) -> Change:
        """Return the change of rows of a tenant, by the keys that they have in each of the spaces.

        Without a tenant, rows of a table that belongs to tenants may be anybody's: that is a change of the whole table.
        """
        if not self.spaces or (self.needs_tenant and tenant is None) or self._has_copies:
            return self.whole()
        names = CacheNames.of(self.model.name, tenant)
        texts = [text for space, some in keys.items() for text in names.keys(space, some)]
        shared = (names.table(self.table, of_rows=True, of_tenant=tenant is not None),) if self.is_shared else ()
        return Change(tuple(dict.fromkeys(texts)), shared)

    @property
    def _is_everyones(self) -> bool:
        return isinstance(self.model.bound_tables[self.table].tenant, Everyones)

    @property
    def _has_copies(self) -> bool:
        """Whether each tenant has its own copies of the table's rows, under keys that are not listed."""
        return self.model.tenant is not None and self._is_everyones


def merged(changes: Iterable[Change]) -> Change:
    """Return the union of the changes."""
    keys: dict[str, None] = {}
    sources: dict[str, None] = {}
    for change in changes:
        keys.update(dict.fromkeys(change.keys))
        sources.update(dict.fromkeys(change.sources))
    return Change(tuple(keys), tuple(sources))


def _spaces(model: Model, table: Table) -> dict[KeySpace, tuple[str, ...]]:
    """Return the key spaces in which a changed row is known; none where something is read by other columns."""
    told = _told(model, table)
    spaces: dict[KeySpace, tuple[str, ...]] = {}
    for space, columns in _readers(model, table):
        if columns not in told:
            return {}
        spaces[space] = columns
    return spaces


def _told(model: Model, table: Table) -> set[tuple[str, ...]]:
    """Return the columns whose values changes of a table tell.

    A poll tells the keys of objects alone: other columns may have had another value before, which it does not see.
    """
    changes = table.options.changes
    if isinstance(changes, Notifies) and changes.key:
        return {column_names(changes.key)}
    return {each.key.columns for each in model.objects.values() if each.table is table}


def _readers(model: Model, table: Table) -> Iterator[tuple[KeySpace, tuple[str, ...]]]:
    """Yield the key spaces that read a table's rows by a key of their own, and the columns that hold it."""
    for section in model.bound_sections.values():
        if table in section.tables and table not in section.shared_tables:
            for read, columns in rows_read(section):
                if read is table:
                    yield section.key_space, columns


def _shared(model: Model) -> set[Table]:
    """Return the tables in which a row affects more keys than its own.

    They are read by others, say whose the rows of other tables are, or have a value that a tenant's answers depend on.
    """
    tables: set[Table] = set()
    for section in model.bound_sections.values():
        parents = set(with_parents(section.tables, section.bound_tables)) - set(section.tables)
        values = {argument.default.table for argument in section.arguments if isinstance(argument.default, Value)}
        tables |= {*section.shared_tables, *parents, *values}
    zones = (table.options.zone for table in model.tables)
    return tables | {zone.table for zone in zones if isinstance(zone, Value)}
