"""The cost of statements in points: estimates, for a price before anything is asked.

A point is about ten microseconds of CPU, of the gateway and its stores together. A statement's cost is derived from how
its sections are declared: what they read, and the kinds of their columns and lists. `make calibrate` measures what a
point of each shape of request takes; docs/api.md has the formula.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from loaders.model.bound_sections import RECORD, BoundColumn, BoundSection
from loaders.model.databases import Kind, Relation, Rows, Table
from loaders.model.references import Fragment
from loaders.model.shapes import Cardinality
from loaders.statements.section_request import SectionRequest, rows_of
from loaders.statements.statement_plan import RelationPlan, StatementPlan

_STATEMENT = {Kind.POSTGRES: 25, Kind.CLICKHOUSE: 60}
"""Points of a statement, whatever it asks: it is sent, parsed, planned, and its answer is read."""

RECORDS_POINTS = _STATEMENT[Kind.POSTGRES]
"""Points of a statement that finds the records of a table with few rows, however many of them."""


@dataclass(frozen=True, slots=True)
class _Points:
    """`fixed` points whatever the number of objects, and points for `each` of them."""

    fixed: float = 0
    each: float = 0

    def __add__(self, other: _Points) -> _Points:
        return _Points(self.fixed + other.fixed, self.each + other.each)

    def times(self, count: int) -> _Points:
        """Return the points of so many."""
        return _Points(self.fixed * count, self.each * count)


_PASS = {Kind.POSTGRES: _Points(0, 0.3), Kind.CLICKHOUSE: _Points(380, 1)}
"""One pass over rows. ClickHouse plans each, and reads the table's granules with the objects' rows."""
_COHORT_PASS = _Points(190, 4)
"""A pass beside rows that another database sends: of few objects there may be none, and then nothing is asked."""
_KEPT = _Points(10, 0.2)
"""The extra points of an aggregate in such a pass that keeps values: see _COSTLY."""
_SUB_SELECT = _Points(30, 1.5)
_WINDOW = {Kind.POSTGRES: _Points(20), Kind.CLICKHOUSE: _Points(50)}
_SORTED_COLUMN = _Points(0, 2)
"""A window function, and a column that windows divide or order an object's rows by."""
_JOIN = _Points(500, 0.5)
_WHOLE_TABLE = _Points(650, 0)
"""A sub-select over all objects, whatever is asked for: all rows are read, and none for each object besides."""
_COLUMN, _COSTLY_COLUMN = _Points(5, 0.2), _Points(15, 0.4)
_GROUPED_LIST, _PICKED_LIST = _Points(20, 1.5), _Points(100, 2.5)
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


def statement_points(plan: StatementPlan, objects: float) -> float:
    """Return what a statement costs for so many different objects, with those that it needs, and to read its answer."""
    if all(map(_is_of_few, plan.requests)):
        return RECORDS_POINTS
    points = _Points(_STATEMENT[plan.database.kind]) + _needs(plan.needs)
    for requests in plan.passes:
        points += _rows_points(requests[0].section, is_cohort=bool(plan.needs))
        for request in requests:
            points += _request_points(request.section, rows_of(request))
    return points.fixed + points.each * objects


def _is_of_few(request: SectionRequest) -> bool:
    """Whether a request finds records of a PostgreSQL table that has few rows."""
    section = request.section
    is_few = isinstance(section.over, Table) and bool(section.over.options.rows)
    return is_few and section.name.endswith(f".{RECORD}") and section.database.kind is Kind.POSTGRES


def _needs(needs: tuple[RelationPlan, ...]) -> _Points:
    points = _Points()
    for each in needs:
        points += _Points(_STATEMENT[each.database.kind]) + _needs(each.needs)
    return points


@lru_cache(maxsize=512)
def _rows_points(section: BoundSection, *, is_cohort: bool) -> _Points:
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
        inner = _Points(inner.fixed)
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
def _request_points(section: BoundSection, rows: float) -> _Points:
    """Return what a section adds to the pass over its rows. It is priced whole, since a cache has it loaded whole."""
    columns = list(map(_column_points, section.columns))
    read = rows * (_ROW + _VALUE * len(columns))
    if section.database.kind is Kind.POSTGRES:
        return _Points(0, read)
    if section.cardinality is Cardinality.ONE:
        return sum(columns, _Points(0, read))
    is_grouped = any(column.is_grouped for column in section.columns)
    shape = _GROUPED_LIST if is_grouped else _PICKED_LIST
    return shape + _Points(sum(column.fixed for column in columns), read)


def _column_points(column: BoundColumn) -> _Points:
    return _COSTLY_COLUMN if _COSTLY.search(column.sql.shown()) else _COLUMN
