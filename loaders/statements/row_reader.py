"""Reading answers: from the columns of a statement's answer to the values of each request, in the order of the keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain, groupby, islice
from operator import itemgetter
from types import NoneType
from typing import Any

from loaders.model.bound_sections import BoundColumn, BoundSection
from loaders.model.canonical import REFUSALS, conversion_of, same
from loaders.model.keys import Key
from loaders.model.scalars import BIG_INTEGER, FLOAT, INTEGER, Scalar
from loaders.statements.answer_types import are_canonical, are_canonical_scalars, undecoded_places
from loaders.statements.list_conditions import order_scalars
from loaders.statements.section_request import SectionRequest
from loaders.statements.statement_plan import StatementPlan
from loaders.statements.statement_text import Alignment, AnswerColumns

Column = Sequence[Any]
Values = list[Any]
Decode = Callable[[Column], Column]
"""Returns values in their canonical form."""
_NUMBERS = {INTEGER: {int}, BIG_INTEGER: {int}, FLOAT: {float}}
"""The types of canonical numbers. The executor tests whether they are within their bits and finite."""
_MAX_LAYOUTS = 1_024
"""Sections with the columns that are wanted of them; a frontend's documents ask for some dozens."""
_ROWS = 10_000
"""Rows that are read without a pause: a millisecond."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer of a statement: its columns with their types, and the row of each key; None for one without a row."""

    plan: StatementPlan
    columns: Sequence[Column]
    types: Sequence[str]
    keys: Sequence[Any]
    places: Sequence[Any]
    is_aligned: bool
    """Whether the rows are those of the keys, one for each, in order."""
    is_whole: bool
    """Whether each key has a row."""

    def decoded(self, column: BoundColumn, decode: Decode, place: int) -> Column:
        """Return the canonical values of a column."""
        values = self.columns[place]
        return values if are_canonical(column, self.types[place], values) else decode(values)

    def aligned(self, values: Sequence[Any], missing: Any) -> Values:
        """Return the values of rows in the order of the keys, and `missing()` for a key without a row."""
        if self.is_aligned:
            return list(values)
        if self.is_whole:
            return list(map(values.__getitem__, self.places))
        return [missing() if place is None else values[place] for place in self.places]


def read(
    plan: StatementPlan, answer: Sequence[Column], keys: Sequence[Any], types: Sequence[str] = ()
) -> Iterator[tuple[SectionRequest, Values] | None]:
    """Yield each request with its values, and None in between where much has been read without a pause.

    An answer without rows may lack its columns. `types` are those of the columns where the store knows them: columns
    that are canonical by their type are passed on as they are.
    """
    width = len(plan.text.names)
    columns: Sequence[Column] = answer or [()] * width
    places = [] if plan.is_by_row else _places(plan, columns, keys)
    is_aligned = places == list(range(len(columns[0]))) if columns else False
    is_whole = None not in places
    table = _Answer(plan, columns, types or ("",) * width, keys, places, is_aligned, is_whole)
    for request, part in plan.parts:
        if not request.is_list:
            yield request, _objects(table, request, part)
        elif part.is_gathered:
            lists = _decoded_lists(request, columns[part.start], table.types[part.start])
            yield request, table.aligned(lists, list)
        else:
            yield from _rows(table, request, part)


def _objects(table: _Answer, request: SectionRequest, part: AnswerColumns) -> Values:
    columns, empty = _layout(request.section, request.columns, part.start)
    nothing = [None] * len(table.columns[0])
    decoded = [nothing if each is None else table.decoded(*each) for each in columns]
    rows: list[Any] = list(zip(*decoded, strict=True))
    if part.marker is not None and not all(table.columns[part.marker]):
        rows = [row if is_there else empty for row, is_there in zip(rows, table.columns[part.marker], strict=True)]
    return table.aligned(rows, lambda: empty)


@lru_cache(maxsize=_MAX_LAYOUTS)
def _layout(
    section: BoundSection, names: frozenset[str] | None, start: int
) -> tuple[tuple[tuple[BoundColumn, Decode, int] | None, ...], tuple[Any, ...] | None]:
    """Return how to read each column of a section of one row from an answer, and the value of an object without rows.

    None stands for a column that is not wanted. Those that are come one after the other, from `start` on.
    """
    places = iter(range(start, start + len(section.columns)))
    wanted = [names is None or column.name in names for column in section.columns]
    columns = tuple(
        (column, _decoder(column), next(places)) if is_wanted else None
        for column, is_wanted in zip(section.columns, wanted, strict=True)
    )
    if section.is_nullable:
        return columns, None
    return columns, tuple(value if is_wanted else None for value, is_wanted in zip(section.empty, wanted, strict=True))


def _rows(
    table: _Answer, request: SectionRequest, part: AnswerColumns
) -> Iterator[tuple[SectionRequest, Values] | None]:
    """Any number of rows for each key, those of a key together and in the order of the list."""
    plan, keys, some = table.plan, table.keys, slice(part.start, part.start + part.width)
    rows = zip(*_decoded_columns(request, table.columns[some], table.types[some]), strict=True)
    if plan.text.alignment is Alignment.NONE:
        yield request, [list(rows) for _ in keys]
        return
    lists: dict[Any, list[Any]] = {}
    since = 0
    for key, together in groupby(_raw_keys(plan, table.columns)):
        lists[key] = list(islice(rows, len(list(together))))
        since += len(lists[key])
        if since > _ROWS:
            since = 0
            yield None
    if plan.text.alignment is Alignment.KEY:
        lists = dict(zip(_decoded_keys(plan.text.key, list(lists)), lists.values(), strict=True))
        yield request, [lists.get(key, []) for key in keys]
    else:
        yield request, [lists.get(place, []) for place in range(len(keys))]


def _places(plan: StatementPlan, table: Sequence[Column], keys: Sequence[Any]) -> list[int | None]:
    """Return for each key the row of the answer that is its own; None where it has none."""
    if plan.text.alignment is Alignment.NONE:
        return [0 if table and table[0] else None for _ in keys]
    if plan.text.alignment is Alignment.PLACE:
        return list(map(_row_numbers(table[0]).get, range(len(keys))))
    raw = list(_raw_keys(plan, table))
    return list(map(_row_numbers(_decoded_keys(plan.text.key, raw)).get, keys))


def _row_numbers(keys: Sequence[Any]) -> dict[Any, int]:
    """Return the number of the row that each key has, the last one where it has several."""
    return dict(zip(keys, range(len(keys)), strict=True))


def _raw_keys(plan: StatementPlan, table: Sequence[Column]) -> Sequence[Any]:
    """Return the key of each row as the driver has it, or its place."""
    width = len(plan.text.key.columns) if plan.text.alignment is Alignment.KEY else 1
    return table[0] if width == 1 else list(zip(*table[:width], strict=True))


def _decoded_keys(key: Key, raw: Sequence[Any]) -> list[Any]:
    """Return keys in their canonical form, by which they are compared with those that were asked."""
    if len(key.scalars) == 1:
        return key.scalars[0].decode(raw)
    parts = zip(*raw, strict=True) if raw else ()
    return list(zip(*(scalar.decode(part) for scalar, part in zip(key.scalars, parts, strict=False)), strict=True))


def _decoded_columns(request: SectionRequest, columns: Sequence[Column], types: Sequence[str]) -> list[Column]:
    """Return the columns of a list's rows decoded, those of a page's order too; a column that is canonical as it is."""
    own = len(request.section.columns)
    decoded = [
        values if are_canonical(column, type_name, values) else decode_column(column, values)
        for column, values, type_name in zip(request.section.columns, columns, types, strict=False)
    ]
    order = zip(_order_scalars(request), columns[own:], types[own:], strict=True)
    decoded += [
        values if are_canonical_scalars(scalar, type_name, values) else _decoded(scalar, values)
        for scalar, values, type_name in order
    ]
    return decoded


def _order_scalars(request: SectionRequest) -> tuple[Scalar, ...]:
    """Return the scalars of the values behind the columns of a page's rows."""
    return () if request.limit == request.first else tuple(order_scalars(request))


def _decoded_lists(request: SectionRequest, lists: Column, type_name: str) -> Sequence[Any]:
    """Return arrays of rows with their values decoded: the same arrays where all of them are canonical by their type.

    Otherwise, the columns that are not are decoded over the rows of all arrays at once.
    """
    section, order = request.section, _order_scalars(request)
    places = undecoded_places(section, order, type_name)
    if not places:
        return lists
    rows: list[tuple[Any, ...]] = list(chain.from_iterable(lists))
    own = len(section.columns)
    changed: dict[int, Column] = {}
    for place in places:
        values = list(map(itemgetter(place), rows))
        is_own = place < own
        decoded = decode_column(section.columns[place], values) if is_own else _decoded(order[place - own], values)
        if decoded is not values:
            changed[place] = decoded
    if not changed or not rows:
        return lists
    columns = [changed.get(place, values) for place, values in enumerate(zip(*rows, strict=True))]
    whole = zip(*columns, strict=True)
    return [list(islice(whole, len(each))) for each in lists]


def decode_column(column: BoundColumn, values: Column) -> Column:
    """Return a column's values in their canonical form; of a link to a key of several parts its tuples."""
    return _decoder(column)(values)


def _decoder(column: BoundColumn) -> Decode:
    if len(column.scalars) > 1:
        return partial(_decode_tuples, column.scalars)
    return column.scalar.decode_lists if column.is_list else partial(_decoded, column.scalar)


def _decoded(scalar: Scalar, values: Column) -> Column:
    """Return values in their canonical form: the same sequence where they are in it, as most are."""
    kinds = set(map(type, values))
    has_null = NoneType in kinds
    kinds.discard(NoneType)
    if not kinds:
        return values
    if kinds == _NUMBERS.get(scalar):
        return values
    conversion = conversion_of(scalar.conversions, kinds.pop()) if len(kinds) == 1 else None
    if conversion is same:
        return values
    if conversion is None:
        return scalar.decode(values)
    present = [value for value in values if value is not None] if has_null else values
    try:
        converted = conversion(present)
    except REFUSALS:
        return scalar.decode(values)
    if converted is present:
        return values
    rest = iter(converted)
    return [None if value is None else next(rest) for value in values] if has_null else converted


def _decode_tuples(scalars: Sequence[Scalar], values: Column) -> list[Any]:
    """Return keys of several parts; None where any of them is null."""
    there = [value is not None and None not in tuple(value) for value in values]
    parts = zip(*(tuple(value) for value, is_there in zip(values, there, strict=True) if is_there), strict=True)
    decoded = [scalar.decode(part) for scalar, part in zip(scalars, parts, strict=False)]
    keys = iter(list(zip(*decoded, strict=True)))
    return [next(keys) if is_there else None for is_there in there]
