"""What statements cost in points, and what they answer: estimates, for a price before anything is asked.

A point is about ten microseconds of CPU, of the gateway and its stores together. What a statement costs is derived from
how its sections are declared: the relations that it reads, and the kinds of their columns and lists. `make calibrate`
measures what a point of each shape of request takes; docs/api.md has the formula.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from loaders.catalogue.declaration import ListSection, Relation, Section, Store
from loaders.planning.section_request import SectionRequest
from loaders.planning.statement import Statement

_STATEMENT = {Store.POSTGRES: 25, Store.CLICKHOUSE: 60}
"""Points of a statement, whatever it asks: it is sent, parsed, planned, and its answer is read."""

RECORDS_POINTS = _STATEMENT[Store.POSTGRES]
"""Points of a statement that finds records by their codes, however many, or a page of aircraft."""


@dataclass(frozen=True, slots=True)
class _Points:
    """`fixed` points whatever the number of objects, and points for `each` of them."""

    fixed: float = 0
    each: float = 0

    def __add__(self, other: "_Points") -> "_Points":
        return _Points(self.fixed + other.fixed, self.each + other.each)

    def times(self, count: int) -> "_Points":
        """As often."""
        return _Points(self.fixed * count, self.each * count)


_PASS = {Store.POSTGRES: _Points(0, 0.3), Store.CLICKHOUSE: _Points(380, 1)}
"""One pass over a relation. ClickHouse plans each, and reads the table's granules with the objects' rows."""
_COHORT_PASS = _Points(190, 4)
"""A pass for objects that are analysed together: of few objects there may be no cohort, and then nothing is asked."""
_SUB_SELECT = _Points(30, 1.5)
_WINDOW = {Store.POSTGRES: _Points(20), Store.CLICKHOUSE: _Points(50)}
_SORTED_COLUMN = _Points(0, 2)
"""A window function, and a column that windows divide or order an object's rows by."""
_JOIN = _Points(500, 0.5)
_WHOLE_TABLE = _Points(650, 0)
"""A sub-select over all objects, whatever is asked for: all flights are read, and none for each object besides."""
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


def statement_points(statement: Statement, objects: int) -> float:
    """Return what the statement costs for so many different objects, and what it costs to read its answer."""
    points = _Points(_STATEMENT[statement.source.store])
    if statement.source.cohort is not None:
        points += _Points(_STATEMENT[Store.POSTGRES])
    for requests in statement.passes:
        points += _relation_points(requests[0].section.relation)
        for request in requests:
            points += _request_points(request)
    return points.fixed + points.each * objects


@lru_cache(maxsize=256)
def _relation_points(relation: Relation) -> _Points:
    """One pass over a relation: by its sub-selects, windows and joins."""
    text, store = f"{relation.sql} {relation.where}", relation.source.store
    inner = _SUB_SELECT.times(len(_SELECT.findall(text))) + _WINDOW[store].times(len(_OVER.findall(text)))
    inner += _SORTED_COLUMN.times(sum(1 + columns.count(",") for columns in _SORTED.findall(text)))
    inner += _JOIN.times(len(_JOINED.findall(text)))
    if "$asked" not in text:  # it is over all objects, or is no sub-select at all
        inner = _Points(inner.fixed)
    if "$period" in relation.sql:  # stands where rows are read of whatever object
        inner += _WHOLE_TABLE
    return (_PASS[store] if relation.source.cohort is None else _COHORT_PASS) + inner


@lru_cache(maxsize=1_024)
def _request_points(request: SectionRequest) -> _Points:
    """What a section adds to the pass over its relation. It is priced whole, since a cache has it loaded whole."""
    section = request.section
    columns = [_COSTLY_COLUMN if _COSTLY.search(column.sql) else _COLUMN for column in section.columns]
    read = rows_of(request) * (_ROW + _VALUE * len(columns))
    if section.relation.source.store is Store.POSTGRES:
        return _Points(0, read)
    if not issubclass(section, ListSection):
        return sum(columns, _Points(0, read))
    shape = _GROUPED_LIST if section.is_grouped() else _PICKED_LIST
    return shape + _Points(sum(column.fixed for column in columns), read)


def rows_of(request: SectionRequest) -> float:
    """Return how many rows the request has for an aircraft in busy service, about: one a day of its period at most."""
    section: type[Section] = request.section
    if not issubclass(section, ListSection):
        return 1
    rows = min(request.first, section.usual or request.first)
    period = request.period
    if period is None or period.start is None or period.end is None:
        return rows
    return min(rows, 1 + (period.end - period.start).days)
