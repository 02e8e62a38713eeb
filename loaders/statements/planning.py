"""Plan the statements for requests. Pure: no I/O, the same requests give the same statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from loaders.model.bound_sections import BoundSection
from loaders.model.databases import Database, Kind
from loaders.model.key_spaces import KeySpace
from loaders.statements import clickhouse, postgres
from loaders.statements.request_shape import RequestShape, RowsRead, rows_read, shape_of, source_values
from loaders.statements.row_sources import StatementRules
from loaders.statements.section_request import Period, SectionRequest, merged
from loaders.statements.statement_plan import StatementPlan, relation_plans
from loaders.statements.statement_text import StatementText

_MAX_PLANS = 128
"""Sets of requests whose statements are kept; a frontend's documents ask for some dozens."""
_MAX_TEXTS = 256
"""Statements whose text is kept, of all sets of requests that differ in values alone."""

_Together = tuple[Database, KeySpace, RowsRead, Period | None, bool, int]


def plan(requests: Iterable[SectionRequest]) -> tuple[StatementPlan, ...]:
    """Return the statements that answer the requests, remembered unless their values are long: see `_planned`."""
    asked = frozenset((request, request.columns) for request in merged(requests))
    is_remembered = not any(request.has_long_values for request, _ in asked)
    return _planned(asked) if is_remembered else _planned.__wrapped__(asked)


@lru_cache(maxsize=_MAX_PLANS)
def _planned(asked: frozenset[tuple[SectionRequest, frozenset[str] | None]]) -> tuple[StatementPlan, ...]:
    """Return the fewest statements that lose no time.

    Sections of one row over the same rows and period are one statement, and so are ClickHouse's lists. It reads the
    sides of a join one after the other, and two statements at the same time: both in one would take half as long again.
    A list that is alone is answered row by row. PostgreSQL's lists are a statement each, and so is what has no key. The
    order is that of the names of the sections, then of their values, so that the same set of requests is always the
    same text: stores cache what they have parsed and planned by text.
    """
    together: defaultdict[_Together, list[SectionRequest]] = defaultdict(list)
    for number, request in enumerate(sorted((request for request, _ in asked), key=_place)):
        together[_statement_of(request, number)].append(request)
    return tuple(_plan_together(group) for group in together.values())


def _statement_of(request: SectionRequest, number: int) -> _Together:
    section = request.section
    is_alone = not section.key_columns or (request.is_list and section.database.kind is Kind.POSTGRES)
    own = number if is_alone else -1
    return (section.database, section.key_space, rows_read(section), request.period, request.is_list, own)


def _plan_together(requests: Sequence[SectionRequest]) -> StatementPlan:
    numbers: dict[Any, int] = {}
    shapes = tuple(shape_of(request, numbers.setdefault(source_values(request), len(numbers))) for request in requests)
    period = requests[0].period
    has_start = period is not None and period.start is not None
    has_end = period is not None and period.end is not None
    text = _text(shapes, has_start, has_end)
    asked = tuple(requests)
    needs = relation_plans(text.needed, asked, text.rules)
    return StatementPlan(tuple(requests[place] for place in text.order), text, asked, needs)


@lru_cache(maxsize=_MAX_TEXTS)
def _text(shapes: tuple[RequestShape, ...], has_start: bool, has_end: bool) -> StatementText:
    """Return the text for requests of these shapes, which are all of one statement."""
    section = shapes[0].section
    rules = StatementRules(section.key, section.bound_tables, has_start, has_end)
    is_postgres = section.database.kind is Kind.POSTGRES
    if shapes[0].is_list and len(shapes) == 1:
        return (postgres.rows if is_postgres else clickhouse.rows)(shapes[0], rules)
    return (postgres.fused if is_postgres else clickhouse.fused)(shapes, rules)


def _place(request: SectionRequest) -> tuple[str, ...]:
    order = [f"{term.expression.shown()}{term.suffix}" for term in request.order]
    values = (request.period, request.first, request.after, order, request.filters, request.arguments)
    return (request.section.name, *map(repr, values))


def unified(requests: Iterable[SectionRequest]) -> Mapping[SectionRequest, SectionRequest]:
    """Map each request to the one loaded for it: among sections with the same digest, the first by name."""
    every = list(requests)
    first: dict[tuple[str, str], BoundSection] = {}
    for request in every:
        section = request.section
        same = first.setdefault((section.key_space.name, section.digest), section)
        if section.name < same.name:
            first[section.key_space.name, section.digest] = section
    result: dict[SectionRequest, SectionRequest] = {}
    for request in every:
        section = first[request.section.key_space.name, request.section.digest]
        result[request] = request if section is request.section else replace(request, section=section)
    return result
