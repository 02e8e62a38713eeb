"""Keys of a few rows of a table, for an example that runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from loaders.model.databases import Kind
from loaders.model.names import quoted_name
from loaders.stores.protocols import AnalyticalStore, RelationalStore

SAMPLE_SIZE = 5
_ROWS_READ = 1_000
"""Rows of ClickHouse that keys are taken from: grouping a whole table may take minutes."""
_IN_ORDER = "settings max_threads = 1"
"""Several threads would read further granules at once, and the first rows be others each time."""


@dataclass(frozen=True, slots=True)
class SampleKeys:
    """Columns of the keys of some rows, as the driver has them, and the tenant whose rows they are, as text."""

    columns: tuple[Sequence[Any], ...]
    tenant: str | None = None


async def sample_postgres_keys(store: RelationalStore, table: str, key: Sequence[str], tenant: str = "") -> SampleKeys:
    """Return keys of rows of a table of PostgreSQL, those of one tenant where a column holds it; none of an empty one.

    `table` is named as in the catalog. Raises StoreError.
    """
    names, source = _names(key, Kind.POSTGRES), _source(table, Kind.POSTGRES)
    column = quoted_name(tenant, Kind.POSTGRES) if tenant else ""
    narrowed = f"where {column} = (select {column} from {source} order by {names} limit 1)" if tenant else ""  # noqa: S608 (names)
    sql = f"select {names}, {column or 'null'}::text as fw_tenant from {source} {narrowed}"  # noqa: S608 (names)
    rows = await store.rows(f"{sql} order by {names} limit {SAMPLE_SIZE}")
    return SampleKeys(
        tuple([row[name] for row in rows] for name in key), next((row["fw_tenant"] for row in rows), None)
    )


async def sample_clickhouse_keys(
    store: AnalyticalStore, table: str, key: Sequence[str], tenant: str = ""
) -> SampleKeys:
    """Return keys of rows of a table of ClickHouse, as `sample_postgres_keys` does, from the first that it reads."""
    names, source = _names(key, Kind.CLICKHOUSE), _source(table, Kind.CLICKHOUSE)
    column = quoted_name(tenant, Kind.CLICKHOUSE) if tenant else ""
    narrowed = f"where {column} = (select {column} from {source} limit 1)" if tenant else ""  # noqa: S608 (names)
    said = f"toString(any({column}))" if tenant else "''"
    columns_read = f"{names}, {column}" if tenant and tenant not in key else names
    rows = f"select {columns_read} from {source} {narrowed} limit {_ROWS_READ}"  # noqa: S608 (names)
    sql = f"select {names}, {said} as fw_tenant from ({rows}) group by {names}"  # noqa: S608 (names)
    answer = await store.columns(f"{sql} order by {names} limit {SAMPLE_SIZE} {_IN_ORDER}", {})
    *columns, tenants = answer.columns or ([],) * (len(key) + 1)
    return SampleKeys(tuple(columns), tenants[0] if tenant and tenants else None)


def _names(columns: Sequence[str], kind: Kind) -> str:
    return ", ".join(quoted_name(each, kind) for each in columns)


def _source(table: str, kind: Kind) -> str:
    schema, separator, name = table.partition(".")
    if separator:
        return f"{quoted_name(schema, kind)}.{quoted_name(name, kind)}"
    return f"{{fw_database:Identifier}}.{quoted_name(table, kind)}"
