"""A few keys that tables hold, so that plans are made for values that there are."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.model_tools.live.statements import AT_ONCE, Store, example_tenant
from loaders.concurrency import gather
from loaders.model.bound_sections import BoundSection
from loaders.model.bound_tables import OwnTenant
from loaders.model.canonical import ScalarError
from loaders.model.databases import Database, Table
from loaders.model.model import Model
from loaders.model.names import quoted_name
from loaders.model.scalars import Scalar
from loaders.statements.parameters import TenantScope
from loaders.statements.row_sources import table_name
from loaders.stores.errors import StatementFailed, StoreTimeout
from loaders.stores.postgres import Postgres

_ROWS = 3
"""Rows that are read of each table: a plan for few keys uses each index that there is for them."""
_PLAIN = re.compile(r"[\w:.@-]{1,100}", re.ASCII)
_Columns = tuple[Table, tuple[str, ...], tuple[Scalar, ...]]


@dataclass(frozen=True, slots=True)
class Samples:
    """A tenant that has rows, and keys of sections by the sections' names; those without rows are missing."""

    tenant: TenantScope | None
    keys: Mapping[str, list[Any]]


async def read_samples(model: Model, stores: Mapping[Database, Store]) -> Samples:
    """Return keys of one tenant, from the first rows that each database answers.

    A table that fails, or a view that does not answer in time, has none.
    """
    named = {section.name: _key_columns(section, model) for section in model.bound_sections.values()}
    wanted = {name: each for name, each in named.items() if each is not None}
    unique = list(dict.fromkeys(wanted.values()))
    turns = asyncio.Semaphore(AT_ONCE)
    answers = await gather([_rows(each, model, stores, turns) for each in unique]) if unique else []
    rows = dict(zip(unique, answers, strict=True))
    tenant = _tenant(model.tenant_scalar, [row[0] for some in rows.values() for row in some if row[0] is not None])
    value = tenant.value if tenant is not None else None
    keys = {columns: [key for owner, key in some if owner in (None, value)] for columns, some in rows.items()}
    return Samples(tenant, {name: keys[columns] for name, columns in wanted.items() if keys[columns]})


def _tenant(scalar: Scalar | None, tenants: Iterable[Any]) -> TenantScope | None:
    """Return a tenant that a plan writes as it is, so that it is recognized there: the first of some, or an example."""
    if scalar is None:
        return None
    plain = (tenant for tenant in tenants if _PLAIN.fullmatch(scalar.write_key(tenant)))
    first = next(plain, None)
    return example_tenant(scalar) if first is None else TenantScope(scalar, first)


def _key_columns(section: BoundSection, model: Model) -> _Columns | None:
    """Return the table that holds the keys of a section, and its columns; None for a section without a key."""
    if not section.key_columns:
        return None
    owner = model.objects.get(section.key_space.name)
    if owner is not None:
        return owner.table, owner.key.columns, owner.key.scalars
    return None if not isinstance(section.over, Table) else (section.over, section.key_columns, section.key.scalars)


async def _rows(
    wanted: _Columns, model: Model, stores: Mapping[Database, Store], turns: asyncio.Semaphore
) -> list[tuple[Any, Any]]:
    """Return tenant and key of a few rows; the tenant is None where the table itself does not say it."""
    table, columns, scalars = wanted
    bound = model.bound_tables[table].tenant
    kind, store = table.database.kind, stores[table.database]
    own, own_scalar = ([bound.column], [bound.scalar]) if isinstance(bound, OwnTenant) else ([], [])
    names = ", ".join(f"{quoted_name(name, kind)} as c{place}" for place, name in enumerate([*own, *columns]))
    sql = f"select {names} from {table_name(table)} limit {_ROWS}"  # noqa: S608 names of the model alone
    try:
        async with turns:
            if isinstance(store, Postgres):
                raw = list(map(list, zip(*await store.rows(sql), strict=True)))
            else:
                raw = [list(column) for column in (await store.columns(sql, {})).columns]
    except (StatementFailed, StoreTimeout):  # a refusal is told where statements are prepared, which a slow view is not
        return []
    decoded = [scalar.decode(values) for scalar, values in zip([*own_scalar, *scalars], raw, strict=False)]
    good = [row for row in zip(*decoded, strict=True) if not any(_is_missing(value) for value in row)]
    first = len(own)
    return [(row[0] if own else None, row[first] if len(columns) == 1 else tuple(row[first:])) for row in good]


def _is_missing(value: Any) -> bool:
    return value is None or isinstance(value, ScalarError)
