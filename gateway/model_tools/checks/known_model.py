"""A model beside the catalogs of its tables, and the sections that its fields are answered from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loaders.catalog.table_names import catalog_name
from loaders.model.bound_tables import OwnTenant
from loaders.model.model import Model
from loaders.model.section_binding import ROOT
from loaders.model.shapes import ValueKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from loaders.catalog.catalog import Column, DatabaseCatalog, TableCatalog
    from loaders.model.bound_sections import BoundSection
    from loaders.model.class_reader import DeclaredField
    from loaders.model.databases import Table


@dataclass(frozen=True, slots=True)
class Use:
    """A field, the section that it is answered from, and the object type that it belongs to; None for a way in."""

    field: DeclaredField
    section: BoundSection
    owner: str | None


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model and the catalogs of those of its tables that the databases have."""

    model: Model
    tables: Mapping[Table, TableCatalog]
    neighbours: Mapping[Table, tuple[str, ...]]
    """The names of the tables in the same database, for suggestions."""
    is_live: bool
    """Whether the catalogs were just read, and not taken from a lock file."""

    @classmethod
    def of(cls, model: Model, catalogs: Iterable[DatabaseCatalog], *, is_live: bool) -> KnownModel:
        """Put the tables of a model beside the catalogs of databases of the same kind and name."""
        by_name = {(catalog.kind, catalog.name): catalog.tables for catalog in catalogs}
        of_databases = {table: by_name.get((table.database.kind, table.database.name), {}) for table in model.tables}
        names = {table: catalog_name(table) for table in model.tables}
        tables = {table: known[names[table]] for table, known in of_databases.items() if names[table] in known}
        return cls(model, tables, {table: tuple(known) for table, known in of_databases.items()}, is_live)

    def column(self, table: Table, name: str) -> Column | None:
        """Return a column of a table; None where the table or the column is not there."""
        return self.tables[table].columns.get(name) if table in self.tables else None

    def tenant_column(self, table: Table) -> str | None:
        """Return the column that a table has the tenant in; None where it has none of its own."""
        condition = self.model.bound_tables[table].tenant
        return condition.column if isinstance(condition, OwnTenant) else None

    def uses(self) -> Iterator[Use]:
        """Yield each field of an object, a group or the query that is answered from a section of its own."""
        for owner in self.model.objects.values():
            for field in owner.fields:
                if field.shape is not None and field.shape.kind is ValueKind.GROUP:
                    inner = self.model.groups[field.shape.type.__name__].fields
                    yield from self._use(
                        ((f"{owner.name}.{field.name}.{each.name}", each) for each in inner), owner.name
                    )
                else:
                    yield from self._use([(f"{owner.name}.{field.name}", field)], owner.name)
        yield from self._use(((f"{ROOT}.{root.name}", root) for root in self.model.roots), None)

    def _use(self, fields: Iterable[tuple[str, DeclaredField]], owner: str | None) -> Iterator[Use]:
        for name, field in fields:
            if name in self.model.bound_sections:
                yield Use(field, self.model.bound_sections[name], owner)
