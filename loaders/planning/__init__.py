"""From what is asked to the statements that answer it. Pure: no I/O, the same requests give the same statements."""

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from loaders.catalogue import SECTIONS
from loaders.catalogue.declaration import ListSection, Source, Store
from loaders.planning import clickhouse, postgres
from loaders.planning.section_request import Period, SectionRequest, merged
from loaders.planning.statement import Cohorts, Statement, Table, Values

__all__ = ["Cohorts", "Period", "SectionRequest", "Statement", "Table", "Values", "plan"]

_ORDER = {name: place for place, name in enumerate(SECTIONS)}

_MAX_PLANS = 256
"""Sets of requests whose statements are kept; a frontend's documents ask for some dozens."""


def plan(requests: Iterable[SectionRequest]) -> tuple[Statement, ...]:
    """The statements that answer the requests, remembered for the next time: see `_planned`."""
    return _planned(frozenset((one, one.columns) for one in merged(requests)))


@lru_cache(maxsize=_MAX_PLANS)
def _planned(asked: frozenset[tuple[SectionRequest, frozenset[str] | None]]) -> tuple[Statement, ...]:
    """The fewest statements that lose no time: one a source and period for objects, one for lists.

    ClickHouse reads the sides of a join one after the other, and two statements at the same time: both in one would
    take half as long again. A list that is alone is answered row by row. PostgreSQL's lists are a statement each. The
    order is that of the catalogue, then of the arguments, so that the same set of requests is always the same text:
    stores cache what they have parsed and planned by text.
    """
    by_filter: defaultdict[tuple[Source, Period | None], list[SectionRequest]] = defaultdict(list)
    for request in sorted((one for one, _ in asked), key=_place):
        by_filter[request.section.relation.source, request.period].append(request)
    statements: list[Statement] = []
    for (source, _), together in by_filter.items():
        objects = [request for request in together if not issubclass(request.section, ListSection)]
        lists = [request for request in together if issubclass(request.section, ListSection)]
        if source.store is Store.CLICKHOUSE:
            statements += [clickhouse.fused(objects)] if objects else []
            statements += [clickhouse.rows(lists[0]) if len(lists) == 1 else clickhouse.fused(lists)] if lists else []
        else:
            statements += [postgres.fused(objects)] if objects else []
            statements += [postgres.rows(request) for request in lists]
    return tuple(statements)


def _place(request: SectionRequest) -> tuple[int, str, str, int]:
    return (_ORDER[request.section.name], str(request.period), str(request.after), request.first)
