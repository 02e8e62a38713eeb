"""Binding tables: whose rows they have and which versions count, resolved from the model and its object types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from loaders.model.bound_tables import BoundTable, LatestVersion, OwnTenant, ParentTenant, TenantCondition
from loaders.model.databases import Everyones, Table, Tenant, Via, everyones
from loaders.model.names import column_names
from loaders.model.scalars import TEXT
from loaders.model.shapes import scalar_of


def bind_tables(
    tables: Iterable[Table], tenant: Tenant | None, keys: Mapping[Table, tuple[str, ...]]
) -> Mapping[Table, BoundTable]:
    """Return each table with its conditions; `keys` has the key columns of the object types over each table."""
    return MappingProxyType(
        {table: BoundTable(table, _tenant(table, tenant, keys), _latest(table, keys)) for table in tables}
    )


def _tenant(table: Table, tenant: Tenant | None, keys: Mapping[Table, tuple[str, ...]]) -> TenantCondition:
    said = table.options.tenant
    if tenant is None or isinstance(said, Everyones):
        return everyones
    if isinstance(said, Via):
        parent_columns = column_names(said.key) if said.key else keys[said.parent]
        return ParentTenant(column_names(said.column), said.parent, parent_columns)
    (column,) = column_names(said or tenant.column)
    return OwnTenant(column, scalar_of(tenant.type) or TEXT)


def _latest(table: Table, keys: Mapping[Table, tuple[str, ...]]) -> LatestVersion | None:
    options = table.options
    if not options.latest:
        return None
    (column,) = column_names(options.latest)
    return LatestVersion(column, column_names(options.key) if options.key else keys[table])
