"""Sorting keys of ClickHouse: that the rows of a tenant and an object lie together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model_tools.many_rows import MANY_ROWS_OF_CLICKHOUSE
from gateway.model_tools.warning_codes import WarningCode, warning
from loaders.model.databases import Kind
from loaders.model.names import columns_in
from loaders.model.section_facts import rows_read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.model_tools.checks.known_model import KnownModel, Use
    from loaders.model.databases import Table
    from loaders.model.problems import Problem


def check_sorting_keys(known: KnownModel) -> Iterator[Problem]:
    """Yield fields for whose rows a table of ClickHouse is read from one end to the other."""
    for use in known.uses():
        for table, columns in rows_read(use.section):
            catalog = known.tables.get(table)
            is_sorted = catalog is not None and catalog.engine.endswith("MergeTree")
            if columns and is_sorted and table.database.kind is Kind.CLICKHOUSE and not table.options.rows:
                yield from _rows(use, table, columns, known)


def _rows(use: Use, table: Table, columns: Sequence[str], known: KnownModel) -> Iterator[Problem]:
    """Yield that the sorting key does not begin with an object's key, behind the tenant's column or without it."""
    catalog, tenant = known.tables[table], known.tenant_column(table)
    is_small = catalog.rows is not None and catalog.rows < MANY_ROWS_OF_CLICKHOUSE
    if is_small or not set(columns) <= set(catalog.columns):
        return
    led: list[str] = []
    for text in catalog.sorting_key:
        names = columns_in(text.replace("`", '"'))
        if len(names) != 1 or names[0] not in {*columns, tenant}:
            break
        led.append(names[0])
    if set(led) & set(columns):
        return
    key = f"sorted by ({', '.join(catalog.sorting_key)})" if catalog.sorting_key else "not sorted"
    read = "reads all rows of its tenant" if led else "reads every granule"
    wanted = [*([tenant] if tenant else []), *columns]
    owner = use.owner or use.section.target or "request"
    message = (
        f"{table.name} is {key}, so that one {owner} {read}. Sort it by ({', '.join(wanted)}, …), or fill a copy in"
        " this order by a materialized view and say over= that one."
    )
    yield warning(use.field.place, use.field.subject, message, WarningCode.SORTING_KEY, rows=catalog.rows)
