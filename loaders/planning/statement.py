"""A statement, and how its answer becomes the values of each request, aligned with the ids that were asked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice
from typing import Any

from loaders.catalogue.declaration import ListSection, Section, Source
from loaders.planning.section_request import SectionRequest

Values = Sequence[Any]
"""A request's values, one for each asked id, in the order of the ids.

An object section's value is a tuple in the order of its columns, or None; a list section's is a list of such tuples.
"""
Cohorts = Mapping[str, Sequence[str]]
"""Members by cohort."""
Table = Sequence[Sequence[Any]]
"""An answer column by column, the key first."""
Read = Callable[[Table, Sequence[str]], Iterator[tuple[SectionRequest, Values] | None]]
"""(answer, ids) to each request with its values, and None in between where much has been read without a pause."""
_ROWS = 10_000
"""Rows that are read without a pause: a millisecond."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One round trip: what to send, and how to read the answer.

    ClickHouse's `sql` has `{name:Type}` for `arguments`; PostgreSQL's has $1 for the ids, then the arguments in order.
    `read(table, ids)` gives each request with its values, one by one, so that a reader of much can pause in between.
    `passes` are the requests that are answered from one pass over a relation each.
    `names` are those of the columns in ClickHouse's answer, where it has rows.
    """

    source: Source
    sql: str
    arguments: dict[str, object]
    requests: tuple[SectionRequest, ...]
    read: Read
    passes: tuple[tuple[SectionRequest, ...], ...]
    names: tuple[str, ...] = ()


def read_fused(
    requests: Sequence[SectionRequest], widths: Sequence[int], table: Table, ids: Sequence[str]
) -> Iterator[tuple[SectionRequest, Values] | None]:
    """One row a key: after the key, each request has `widths[i]` columns (a list section one, of whole rows).

    Columns that an object section was not asked for are not there, and read as None. A table without rows may lack its
    columns.
    """
    table = table or [()] * (1 + sum(widths))
    places = {key: place for place, key in enumerate(table[0])}
    aligned = [places.get(key) for key in ids]
    at = 1
    for request, width in zip(requests, widths, strict=True):
        columns = table[at : at + width]
        at += width
        if issubclass(request.section, ListSection):
            rows = columns[0]
            yield request, [[] if place is None else rows[place] for place in aligned]
        else:
            yield request, _objects(request.section, list(zip(*_whole(request, columns), strict=True)), aligned)


def _whole(request: SectionRequest, columns: Table) -> Table:
    """The section's columns in order, those that were not asked for full of None."""
    asked = iter(columns)
    missing = [None] * len(columns[0]) if columns else []
    return [next(asked) if request.wants(column) else missing for column in request.section.columns]


def read_rows(
    request: SectionRequest, table: Table, ids: Sequence[str]
) -> Iterator[tuple[SectionRequest, Values] | None]:
    """Any number of rows a key, those of a key together and in the order of the list: the key, then the columns."""
    lists: dict[str, list[tuple[Any, ...]]] = {}
    rows = zip(*table[1:], strict=True)
    since = 0
    for key, together in groupby(table[0] if table else ()):
        lists[key] = list(islice(rows, len(list(together))))
        since += len(lists[key])
        if since > _ROWS:
            since = 0
            yield None
    yield request, [lists.get(key, []) for key in ids]


def _objects(
    section: type[Section], rows: Sequence[tuple[Any, ...]], aligned: Sequence[int | None]
) -> list[tuple[Any, ...] | None]:
    if not section.present_by:
        empty = tuple(column.empty for column in section.columns)
        return [empty if place is None else rows[place] for place in aligned]
    marker = next(at for at, column in enumerate(section.columns) if column.name == section.present_by)
    return [None if place is None or rows[place][marker] is None else rows[place] for place in aligned]


def fused_reader(requests: Sequence[SectionRequest]) -> Read:
    """The reader of a statement that answers one row a key."""
    widths = [1 if issubclass(r.section, ListSection) else sum(map(r.wants, r.section.columns)) for r in requests]
    return partial(read_fused, requests, widths)
