"""Columns of the tenant's own row, such as its time zone, that requests depend on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from loaders.model.bound_sections import BoundColumn, BoundSection
from loaders.model.bound_tables import BoundTable, OwnTenant
from loaders.model.databases import Table, Value
from loaders.model.digests import section_digest
from loaders.model.key_spaces import KeySpace
from loaders.model.keys import Key
from loaders.model.names import column_names, quoted_name
from loaders.model.references import Fragment
from loaders.model.scalars import TEXT
from loaders.model.shapes import Cardinality, Shape, ValueKind
from loaders.statements.section_request import SectionRequest

_COLUMN = "value"


def values_needed(request: SectionRequest) -> list[Value]:
    """Return the tenant's values that a request depends on: arguments that it leaves out, and zones of its period."""
    section = request.section
    if not section.arguments and request.period is None:
        return []
    received = dict(request.arguments)
    defaults = (argument.default for argument in section.arguments if argument.name not in received)
    zones = (table.options.zone for table in section.tables if table.options.time) if request.period else ()
    return list(dict.fromkeys(each for each in (*defaults, *zones) if isinstance(each, Value)))


def zones_of(request: SectionRequest) -> list[Value]:
    """Return the tenant's values that are the time zone of a request's period."""
    if request.period is None:
        return []
    zones = (table.options.zone for table in request.section.tables if table.options.time)
    return list(dict.fromkeys(zone for zone in zones if isinstance(zone, Value)))


def with_values(request: SectionRequest, values: dict[Value, Any]) -> SectionRequest:
    """Return a request with the tenant's values for the arguments that it leaves out."""
    if not request.section.arguments:
        return request
    received = dict(request.arguments)
    for argument in request.section.arguments:
        if argument.name not in received and isinstance(argument.default, Value):
            received[argument.name] = values[argument.default]
    if len(received) == len(request.arguments):
        return request
    return replace(request, arguments=tuple(sorted(received.items())))


def needed_by(requests: Iterable[SectionRequest]) -> list[Value]:
    """Return the tenant's values that any of the requests depends on."""
    return list(dict.fromkeys(value for request in requests for value in values_needed(request)))


@lru_cache(maxsize=64)
def section_of(table: Table, text: str, bound: BoundTable) -> BoundSection:
    """Return the section that answers a column of the tenant's own row, by the tenant."""
    if not isinstance(bound.tenant, OwnTenant):
        raise TypeError(f"{table.name} has no row for each tenant.")
    (column,) = column_names(text)
    kind = table.database.kind
    section = BoundSection(
        name=f"Tenant.{table.name}.{column}",
        key_space=KeySpace(f"Tenant.{table.name}", Key((bound.tenant.column,), (bound.tenant.scalar,))),
        over=table,
        where=Fragment(()),
        key_columns=(bound.tenant.column,),
        columns=(
            BoundColumn(
                _COLUMN,
                Fragment((quoted_name(column, kind),)),
                Shape(Cardinality.ONE, ValueKind.SCALAR, str, nullable=True, scalar=TEXT),
                (TEXT,),
            ),
        ),
        cardinality=Cardinality.ONE,
        is_row=True,
        is_nullable=True,
        freshness=table.options.freshness,
        tables=(table,),
        shared_tables=(table,),
        bound_tables={table: bound},
    )
    return replace(section, digest=section_digest(section))
