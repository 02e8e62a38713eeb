"""Tables with everything that narrows their rows resolved: whose rows they are, and which version of a row counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from loaders.model.databases import Everyones, Table, everyones
from loaders.model.scalars import Scalar


@dataclass(frozen=True, slots=True)
class OwnTenant:
    """The table has the tenant in a column of its own, whose values have a scalar."""

    column: str
    scalar: Scalar


@dataclass(frozen=True, slots=True)
class ParentTenant:
    """A row belongs to the tenant of the row of `parent` whose `parent_columns` equal this row's `columns`."""

    columns: tuple[str, ...]
    parent: Table
    parent_columns: tuple[str, ...]


TenantCondition = OwnTenant | ParentTenant | Everyones
"""How rows of a table are narrowed to the viewer's tenant; `everyones` narrows nothing."""


@dataclass(frozen=True, slots=True)
class LatestVersion:
    """A condition: among rows that agree in `key_columns`, the one with the greatest value of `column` counts alone."""

    column: str
    key_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BoundTable:
    """A table, the condition of its tenant, and which version of a row counts; None where each row does."""

    table: Table
    tenant: TenantCondition = everyones
    latest: LatestVersion | None = None


def with_parents(tables: Iterable[Table], bound: Mapping[Table, BoundTable]) -> list[Table]:
    """Return the tables and those that they have their tenants from, each once."""
    waiting, result = list(tables), dict[Table, None]()
    while waiting:
        table = waiting.pop(0)
        tenant = bound[table].tenant
        result[table] = None
        if isinstance(tenant, ParentTenant) and tenant.parent not in result:
            waiting.append(tenant.parent)
    return list(result)
