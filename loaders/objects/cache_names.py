"""Names in the cache: of objects, of what is cached of them, and of the sources that invalidate it.

All of them begin with the name of the model, so that two models meet nowhere in one Redis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from loaders.cache.fields import CacheField
from loaders.model.arguments import Argument
from loaders.model.bound_sections import BoundColumn, BoundSection
from loaders.model.bound_tables import with_parents
from loaders.model.databases import STORE_NAMES, Freshness, Table
from loaders.model.key_spaces import KeySpace
from loaders.model.order_terms import OrderTerm
from loaders.model.references import OwnField
from loaders.model.scalars import Scalar
from loaders.statements.list_conditions import term_scalar
from loaders.statements.parameters import TenantScope
from loaders.statements.request_shape import shape_of
from loaders.statements.section_request import SectionRequest

_MAX_FIELDS = 16_384
"""Requests whose fields are remembered: tenants, periods, limits and cursors make ever new ones."""

ReadValue = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class CacheNames:
    """The names of one tenant of a model; the tenant is empty for a model without tenants."""

    model: str
    tenant: str = ""

    @classmethod
    def of(cls, model: str, tenant: TenantScope | None) -> CacheNames:
        """Return the names for a tenant."""
        return cls(_escaped(model), "" if tenant is None else _escaped(tenant.text))

    def keys(self, space: KeySpace, keys: Sequence[Any]) -> list[str]:
        """Return the names of objects, in order."""
        prefix = self.prefix(space)
        return [prefix + text for text in space.key.write_all(keys)]

    def prefix(self, space: KeySpace) -> str:
        """Return what stands before an object's key."""
        return f"{self.model}:{_escaped(space.name)}:{self.tenant}:"

    def table(self, table: Table, *, of_rows: bool = False, of_tenant: bool = False) -> str:
        """Return the source that is a table, or its rows as they are read by other keys; of the tenant's rows alone."""
        return f"{self.model}:{table.database.name}:{table.name}{'*' * of_rows}{self._of_tenant(of_tenant)}"

    def everything(self) -> str:
        """Return the source that is all of the tenant, or all of the model where it has no tenants."""
        return f"{self.model}{self._of_tenant(is_tenants=True)}"

    def sources(self, section: BoundSection) -> tuple[str, ...]:
        """Return the sources that a section depends on."""
        sources = [f"{self.model}", self.everything()]
        for table in with_parents(section.tables, section.bound_tables):
            # A row of a parent decides whose rows many keys have.
            is_shared = table in section.shared_tables or table not in section.tables
            for of_rows in (False, True) if is_shared else (False,):
                sources += [self.table(table, of_rows=of_rows, of_tenant=of_tenant) for of_tenant in (False, True)]
        return tuple(dict.fromkeys(sources))

    def _of_tenant(self, is_tenants: bool) -> str:
        return f"@{self.tenant}" if is_tenants and self.tenant else ""


def label_of(request: SectionRequest, zones: tuple[str, ...] = ()) -> str:
    """Return what statistics and explanations call a request: the section's name, and what its values depend on."""
    return " ".join([request.section.name, *_arguments(request, zones)])


def is_cacheable(request: SectionRequest) -> bool:
    """Return whether a request may be cached: it has a freshness, and its values fit into the name of a field."""
    return request.section.freshness is not None and not request.has_long_values


@lru_cache(maxsize=_MAX_FIELDS)
def field_of(request: SectionRequest, names: CacheNames, zones: tuple[str, ...]) -> CacheField:
    """Return what is cached of an object for a request, which has all columns and the tenant's values.

    `zones` are the tenant's time zones that its period depends on. The request must be cacheable. Sections that are
    equal but for their names share what is cached.
    """
    section, arguments = request.section, _arguments(request, zones)
    if section.freshness is None:
        raise TypeError(f"{section.name} is never cached: one of its tables has no freshness.")
    return CacheField(
        name=" ".join([section.digest, *arguments]),
        sources=names.sources(section),
        freshness=_told_apart(section.freshness) if _has_feed(section) else section.freshness,
        read=_reader(request),
        of=request,
        label=label_of(request, zones),
        store=STORE_NAMES[section.over.database.kind],
    )


def _has_feed(section: BoundSection) -> bool:
    return any(table.options.changes is not None for table in section.tables)


def _told_apart(freshness: Freshness) -> Freshness:
    """Return a freshness of the same length that has a time to be served stale.

    Without one, an entry could not be told from those that are kept for a short time while changes are not heard, and
    would be served then.
    """
    if freshness.stale_while_revalidate_s or not freshness.fresh_s:
        return freshness
    return Freshness(freshness.fresh_s - 1, 1, freshness.stale_if_error_s and freshness.stale_if_error_s + 1)


def _arguments(request: SectionRequest, zones: tuple[str, ...]) -> list[str]:
    """Return everything that the values of a section depend on beside the key."""
    period = request.period
    parts = {
        "period": f"{period.start}/{period.end}" if period is not None else "",
        "zone": ",".join(zones),
        "first": request.first or "",
        "after": _json(request.after) if request.after else "",
        "order": ",".join(map(_term, request.order)),
        "filters": _json(request.filters) if request.filters else "",
    }
    shown = [f"{name}={value}" for name, value in parts.items() if value]
    return [*shown, *(f"argument.{name}={_json(value)}" for name, value in request.arguments)]


def _term(term: OrderTerm) -> str:
    parts = (
        part if isinstance(part, str) else part.name if isinstance(part, OwnField | Argument) else type(part).__name__
        for part in term.expression.parts
    )
    return f"{''.join(parts)}{term.suffix}"


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace(":", "%3A").replace("@", "%40").replace("*", "%2A")


def _reader(request: SectionRequest) -> ReadValue:
    """Return the function that makes the request's value of what JSON holds. It raises ValueError for anything else."""
    readers = [_column_reader(column) for column in request.section.columns]
    if request.limit != request.first:
        readers += [_scalar_reader(term_scalar(term)) for term in shape_of(request, 0).order]
    converted = [(place, read) for place, read in enumerate(readers) if read is not None]
    width = len(readers)

    def row(values: Any) -> tuple[Any, ...]:
        if type(values) is not list or len(values) != width:
            raise ValueError("not a row of this section")
        for place, read in converted:
            if values[place] is not None:
                values[place] = read(values[place])
        return tuple(values)

    if request.is_list:
        return lambda values: list(map(row, values))
    return lambda values: None if values is None else row(values)


def _column_reader(column: BoundColumn) -> ReadValue | None:
    if len(column.scalars) > 1:
        parts = [scalar.from_json or _same for scalar in column.scalars]
        return lambda values: tuple(read(value) for read, value in zip(parts, values, strict=True))
    read = _scalar_reader(column.scalar)
    if read is None or not column.is_list:
        return read
    return lambda values: [None if value is None else read(value) for value in values]


def _scalar_reader(scalar: Scalar) -> ReadValue | None:
    return scalar.from_json


def _same(value: Any) -> Any:
    return value
