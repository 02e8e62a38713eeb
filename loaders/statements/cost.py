"""The cost of statements in points: estimates, for a price before anything is asked.

A point is about ten microseconds of CPU, of the gateway and its stores together. A statement's cost is derived from how
its sections are declared: what they read, and the kinds of their columns and lists. `make calibrate` measures what a
point of each shape of request takes; docs/api.md has the formula.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from loaders.model.bound_sections import RECORD, BoundColumn, BoundSection
from loaders.model.databases import Kind, Relation, Rows, Table
from loaders.model.references import Fragment
from loaders.model.shapes import Cardinality
from loaders.statements.planning import plan, unified
from loaders.statements.section_request import SectionRequest, rows_of
from loaders.statements.statement_plan import RelationPlan, StatementPlan

_STATEMENT = {Kind.POSTGRES: 25, Kind.CLICKHOUSE: 60}
"""Points of a statement, whatever it asks: it is sent, parsed, planned, and its answer is read."""

RECORDS_POINTS = _STATEMENT[Kind.POSTGRES]
"""Points of a statement that finds the records of a table with few rows, however many of them."""


@dataclass(frozen=True, slots=True)
class Points:
    """`fixed` points whatever the number of objects, and points for `each` of them."""

    fixed: float = 0
    each: float = 0

    def __add__(self, other: Points) -> Points:
        return Points(self.fixed + other.fixed, self.each + other.each)

    def times(self, count: int) -> Points:
        """Return the points of so many."""
        return Points(self.fixed * count, self.each * count)

    def total(self, objects: float) -> float:
        """Return the points for so many different objects."""
        return self.fixed + self.each * objects


class LoadCost(NamedTuple):
    """The number of statements that it takes to load some requests, and their points."""

    statements: int
    points: Points


_PASS = {Kind.POSTGRES: Points(0, 0.3), Kind.CLICKHOUSE: Points(380, 1)}
"""One pass over rows. ClickHouse plans each, and reads the table's granules with the objects' rows."""
_COHORT_PASS = Points(190, 4)
"""A pass beside rows that another database sends: of few objects there may be none, and then nothing is asked."""
_KEPT = Points(10, 0.2)
"""The extra points of an aggregate in such a pass that keeps values: see _COSTLY."""
_SUB_SELECT = Points(30, 1.5)
_WINDOW = {Kind.POSTGRES: Points(20), Kind.CLICKHOUSE: Points(50)}
_SORTED_COLUMN = Points(0, 2)
"""A window function, and a column that windows divide or order an object's rows by."""
_JOIN = Points(500, 0.5)
_WHOLE_TABLE = Points(650, 0)
"""A sub-select over all objects, whatever is asked for: all rows are read, and none for each object besides."""
_COLUMN, _COSTLY_COLUMN = Points(5, 0.2), Points(15, 0.4)
_GROUPED_LIST, _PICKED_LIST = Points(20, 1.5), Points(100, 2.5)
_ROW = 0.03
"""Points of a row that is read from a list's answer, beside its values."""
_VALUE = 0.01
"""Points of a value that is read from an answer."""

_SELECT = re.compile(r"\bselect\b", re.IGNORECASE)
_SORTED = re.compile(r"\b(?:partition|order) by ((?:(?!\border by\b|\brows\b|\)).)*)", re.IGNORECASE | re.DOTALL)
_OVER = re.compile(r"\bover\b", re.IGNORECASE)
_JOINED = re.compile(r"\bjoin \(", re.IGNORECASE)
_COSTLY = re.compile(r"\b(?:quantile|median|argM|uniq|sumMap|covar|varPop|stddev)\w*\(")
"""Aggregates that keep an object's values, or compare several, where others add up."""


def load_cost(requests: Iterable[SectionRequest]) -> LoadCost:
    """Return what it costs to load some requests of objects together, and to read the answers."""
    plans = plan(unified(requests).values())
    return LoadCost(sum(each.statements() for each in plans), sum(map(_statement_points, plans), Points()))


def _statement_points(plan: StatementPlan) -> Points:
    """Return what a statement costs, with those that it needs."""
    if all(map(_is_of_few, plan.requests)):
        return Points(RECORDS_POINTS)
    points = Points(_STATEMENT[plan.database.kind]) + _needs(plan.needs)
    for requests in plan.passes:
        points += _rows_points(requests[0].section, is_cohort=bool(plan.needs))
        for request in requests:
            points += _request_points(request.section, rows_of(request))
    return points


def _is_of_few(request: SectionRequest) -> bool:
    """Return whether a request finds records of a PostgreSQL table that has few rows."""
    section = request.section
    is_few = isinstance(section.over, Table) and bool(section.over.options.rows)
    return is_few and section.name.endswith(f".{RECORD}") and section.database.kind is Kind.POSTGRES


def _needs(needs: tuple[RelationPlan, ...]) -> Points:
    points = Points()
    for each in needs:
        points += Points(_STATEMENT[each.database.kind]) + _needs(each.needs)
    return points


@lru_cache(maxsize=512)
def _rows_points(section: BoundSection, *, is_cohort: bool) -> Points:
    """Return the points of one pass over a section's rows: by its sub-selects, windows and joins."""
    kind = section.database.kind
    fragments = list(_fragments(section))
    text = " ".join(fragment.shown() for fragment in fragments)
    if is_cohort:
        return _COHORT_PASS + _KEPT.times(len(_COSTLY.findall(text)))
    inner = _SUB_SELECT.times(len(_SELECT.findall(text))) + _WINDOW[kind].times(len(_OVER.findall(text)))
    inner += _SORTED_COLUMN.times(sum(1 + columns.count(",") for columns in _SORTED.findall(text)))
    inner += _JOIN.times(len(_JOINED.findall(text)))
    rows = [each for fragment in fragments for each in fragment.references() if isinstance(each, Rows)]
    if not any(each.column is not None for each in rows):  # it is over all objects, or is no sub-select at all
        inner = Points(inner.fixed)
    if any(each.column is None and each.table.options.time for each in rows):
        inner += _WHOLE_TABLE
    return _PASS[kind] + inner


def _fragments(section: BoundSection) -> Iterator[Fragment]:
    """Yield the SQL of a section's rows, of relations of the same database too."""
    yield section.where
    waiting: list[Table | Relation] = [section.over]
    while waiting:
        over = waiting.pop()
        if isinstance(over, Relation) and over.database is section.database:
            yield over.fragment
            waiting += [each for each in over.fragment.references() if isinstance(each, Relation)]


@lru_cache(maxsize=1_024)
def _request_points(section: BoundSection, rows: float) -> Points:
    """Return what a section adds to the pass over its rows. It is priced whole, since a cache has it loaded whole."""
    columns = list(map(_column_points, section.columns))
    read = rows * (_ROW + _VALUE * len(columns))
    if section.database.kind is Kind.POSTGRES:
        return Points(0, read)
    if section.cardinality is Cardinality.ONE:
        return sum(columns, Points(0, read))
    is_grouped = any(column.is_grouped for column in section.columns)
    shape = _GROUPED_LIST if is_grouped else _PICKED_LIST
    return shape + Points(sum(column.fixed for column in columns), read)


def _column_points(column: BoundColumn) -> Points:
    return _COSTLY_COLUMN if _COSTLY.search(column.sql.shown()) else _COLUMN
