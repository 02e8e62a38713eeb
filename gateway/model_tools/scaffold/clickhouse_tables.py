"""Facts of the definition of a table of ClickHouse: its time column, and which version of a row counts."""

from __future__ import annotations

import re

from gateway.model_tools.scaffold.choices import TableId
from gateway.model_tools.scaffold.field_types import field_type, is_secret
from gateway.model_tools.scaffold.plan import Plan, PlannedTable
from gateway.model_tools.scaffold.sql_names import column_of_term
from gateway.model_tools.scaffold.words import snake
from loaders.catalog.catalog import Column, TableCatalog
from loaders.model.databases import Kind
from loaders.model.scalars import DATE, INSTANT

_ENGINE = re.compile(r"(?:Shared|Replicated)?(\w*?)MergeTree")
_NAMES = ("event_time", "timestamp", "time", "created_at", "event_date", "date", "day", "sent_at", "inserted_at")
_VERSIONS = frozenset({"version", "_version", "ver", "row_version", "_peerdb_version"})


def describe_table(plan: Plan, planned: PlannedTable) -> None:
    """Note the time column of a table of ClickHouse, and the version of its rows that counts."""
    column = time_column(planned.table, planned.catalog)
    if column is not None:
        planned.time = column.name
        type_ = field_type(column, Kind.CLICKHOUSE)
        planned.is_instant = type_ is not None and type_.scalar is INSTANT
    _note_versions(plan, planned)


def time_column(table: TableId, catalog: TableCatalog) -> Column | None:
    """Return the column that says when a row happened: one of the sorting key rather than any other."""
    columns = [
        each for each in catalog.columns.values() if (t := field_type(each, table.kind)) and t.scalar in (DATE, INSTANT)
    ]
    candidates = [
        each
        for each in columns
        if not is_secret(catalog, each.name)
        if (t := field_type(each, table.kind)) and not (t.is_nullable or t.is_list)
    ]
    if not candidates:
        return None
    words = set(re.findall(r"\w+", " ".join([*catalog.sorting_key, catalog.partition_key])))
    places = {name: place for place, name in enumerate(_NAMES)}

    def rank(column: Column) -> tuple[bool, bool, int, int]:
        is_plain = column.name in map(column_of_term, catalog.sorting_key)
        place = places.get(snake(column.name), len(places))
        return not is_plain, column.name not in words, place, candidates.index(column)

    return min(candidates, key=rank)


def is_replacing(catalog: TableCatalog) -> bool:
    """Return whether ClickHouse replaces rows of one sorting key by later ones, at some time."""
    match = _ENGINE.fullmatch(catalog.engine)
    return match is not None and match.group(1) == "Replacing"


def sorting_columns(catalog: TableCatalog) -> tuple[str, ...]:
    """Return the columns of the sorting key; none where a part of it is an expression."""
    columns = tuple(map(column_of_term, catalog.sorting_key))
    return columns if all(name in catalog.columns for name in columns) else ()


def latest_of(planned: PlannedTable) -> str:
    """Return the column that tells rows of one object apart: the version, else the time, else the key itself."""
    return planned.catalog.version or planned.time


def _note_versions(plan: Plan, planned: PlannedTable) -> None:
    catalog, table = planned.catalog, planned.table
    kind = plan.objects.get(table)
    match = _ENGINE.fullmatch(catalog.engine)
    if kind is not None:
        planned.latest = latest_of(planned) or kind.key[0]
    elif is_replacing(catalog):
        version, columns = catalog.version, plan.tenants.without(table, sorting_columns(catalog))
        if version and columns:
            planned.latest, planned.key = version, columns
        else:
            hints = [name for name in catalog.columns if snake(name) in _VERSIONS]
            hint = f', such as latest="{hints[0]}"' if hints else ""
            planned.notes.append(
                f"A row that ClickHouse has yet to replace counts beside the later one: say latest=…, key=…{hint}."
            )
    elif match is not None and match.group(1) not in ("", "Replacing"):
        planned.notes.append(f"Its engine is {catalog.engine}: rows of one key may be counted before they are merged.")
