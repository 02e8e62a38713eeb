"""ClickHouse's statements: all sections over the same rows and period in one round trip.

Sections that read the same rows share one pass over them, a *part*: sections of one row as aggregates side by side,
lists that group alike as one sub-select. A list of single rows is a part of its own, cut to its first rows before they
are gathered (six times as fast as gathering first). Parts are joined on the asked keys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from loaders.model.bound_sections import BoundSection
from loaders.model.databases import Relation, Table
from loaders.model.references import Fragment
from loaders.model.scalars import BIG_INTEGER, FLOAT, INTEGER
from loaders.statements.list_conditions import term_scalar
from loaders.statements.request_shape import RequestShape, never_null
from loaders.statements.row_sources import RowsWriter, StatementRules
from loaders.statements.section_sql import (
    NamedRequest,
    after_rows,
    column_sql,
    from_rows,
    having,
    inlined,
    key_names,
    limit,
    lines,
    named,
    order_sql,
    order_suffixes,
    selected,
    selected_keys,
    with_fields,
)
from loaders.statements.statement_text import Alignment, AnswerColumns, StatementText, alignment_of
from loaders.stores.protocols import ANSWER_ROWS, with_row_count

_COUNTED = f"count() over () as {ANSWER_ROWS}"
_IN_ORDER = "optimize_aggregation_in_order = 1"
_SMALL_BLOCKS = "max_block_size = 256"
"""The asked keys come in blocks of so many: an answer is joined, sent and decoded block by block. The driver decodes
a block in calls that let no other thread run, which are long where a block is 5,000 keys with all of their lists."""
_PLACE = "fw_place"


@dataclass(frozen=True, slots=True)
class _Part:
    """One pass over rows under one condition; `grouping` is how they are grouped beyond the key.

    `alone` is the place of a list that shares the pass with no other request.
    """

    over: Table | Relation
    key_columns: tuple[str, ...]
    where: Fragment
    source: int
    picks: tuple[tuple[str, Any], ...]
    is_row: bool
    grouping: tuple[Fragment, ...] = ()
    alone: int | None = None


@dataclass(frozen=True, slots=True)
class _Select:
    """The select of one part: its columns behind the key, those of each request, and the one that rows are told by."""

    sql: str
    members: Sequence[NamedRequest]
    columns: Sequence[Sequence[str]]
    markers: Sequence[str]
    is_gathered: bool

    def names(self) -> list[str]:
        """Return all columns behind the key, each once."""
        return list(
            dict.fromkeys([name for columns in self.columns for name in columns] + list(filter(None, self.markers)))
        )


def fused(shapes: Sequence[RequestShape], rules: StatementRules) -> StatementText:
    """Return one statement for requests over the same rows and period. The answer has one row for each key."""
    writer = RowsWriter(shapes[0].section.database, rules)
    parts: defaultdict[_Part, list[NamedRequest]] = defaultdict(list)
    for request in named(shapes):
        parts[_part(request)].append(request)
    is_joined = len(parts) > 1
    selects = [_select(writer, part, members, is_joined=is_joined) for part, members in parts.items()]
    if is_joined:
        sql, alignment, first = _joined(writer, selects, rules), Alignment.PLACE, [_PLACE]
    else:
        sql, alignment, first = _counted(selects[0].sql), alignment_of(rules), key_names(shapes[0])
    names = [*first, *(name for select in selects for name in select.names())]
    return StatementText(
        database=shapes[0].section.database,
        key=rules.key,
        sql=writer.statement(sql),
        parameters=writer.parameters.all(),
        needed=writer.needed,
        rules=rules,
        order=tuple(each.scope.place for select in selects for each in select.members),
        passes=tuple(tuple(each.scope.place for each in select.members) for select in selects),
        columns=tuple(each for select in selects for each in _answer_columns(select, names)),
        alignment=alignment,
        names=tuple(names),
    )


def rows(shape: RequestShape, rules: StatementRules) -> StatementText:
    """Return one statement for a list on its own: its rows, those of a key together, in the order of the list.

    Without the arrays that a fused statement gathers them in, it takes a quarter less time.
    """
    writer = RowsWriter(shape.section.database, rules)
    (request,) = named([shape])
    keys, columns = key_names(shape), _row_columns(request)
    sql = with_row_count(_listed(writer, request))
    is_in_order = not shape.section.is_row and isinstance(shape.section.over, Table)
    return StatementText(
        database=shape.section.database,
        key=rules.key,
        sql=writer.statement(sql, [_IN_ORDER] if is_in_order else []),
        parameters=writer.parameters.all(),
        needed=writer.needed,
        rules=rules,
        order=(0,),
        passes=((0,),),
        columns=(AnswerColumns(len(keys), len(columns)),),
        alignment=alignment_of(rules),
        names=(*keys, *columns),
    )


def _part(request: NamedRequest) -> _Part:
    shape, section = request.shape, request.shape.section
    is_marked = section.is_row and not shape.is_list
    part = _Part(
        section.over,
        section.key_columns,
        Fragment(()) if is_marked else section.where,
        shape.source,
        shape.picks,
        section.is_row,
    )
    if not shape.is_list:
        return part
    if section.is_row or shape.is_page:
        return replace(part, alone=request.scope.place)
    return replace(part, grouping=tuple(column.sql for column in section.columns if column.is_grouped))


def _select(writer: RowsWriter, part: _Part, members: Sequence[NamedRequest], *, is_joined: bool) -> _Select:
    if part.alone is not None:
        return _gathered(writer, members[0])
    return _groups(writer, members) if members[0].shape.is_list else _objects(writer, members, is_joined=is_joined)


def _objects(writer: RowsWriter, members: Sequence[NamedRequest], *, is_joined: bool) -> _Select:
    """Sections of one row side by side. Keys without a row are told by a column, since a join makes zeros of them."""
    first = members[0].shape
    columns = selected_keys(writer, first)
    markers: list[str] = []
    for request in members:
        columns += selected(writer, inlined(writer, request))
        where = request.shape.section.where
        if first.section.is_row and where.parts:
            markers.append(f"{request.alias}__there")
            columns.append(f"({writer.fragment(where, request.scope)}) as {markers[-1]}")
        else:
            markers.append(f"{members[0].alias}__there_at_all" if is_joined else "")
            if markers[-1] and markers[-1] not in markers[:-1]:
                columns.append(f"1 as {markers[-1]}")
    rows = from_rows(writer, members[0], has_where=not first.section.is_row)
    group = ""
    if not first.section.is_row and key_names(first):
        group = f"\ngroup by {', '.join(key_names(first))}{having(writer, first)}"
    return _Select(
        f"select {lines(columns)}\n{rows}{group}",
        members,
        [each.names() for each in members],
        markers,
        is_gathered=False,
    )


def _listed(writer: RowsWriter, request: NamedRequest) -> str:
    """Return the select of a list's first rows of each key, in order; groups are made of rows where it has them."""
    shape, section = request.shape, request.shape.section
    keys, terms = key_names(shape), order_sql(writer, request)
    columns = [*selected_keys(writer, shape), *selected(writer, request, section.columns)]
    if shape.is_page:
        scalars = (term_scalar(term) for term in shape.order)
        values = (scalar.select_clickhouse(term) for scalar, term in zip(scalars, terms, strict=True))
        columns += [f"{value} as {name}" for value, name in zip(values, request.order_names(), strict=True)]
    after = after_rows(writer, request, terms)
    grouping = ""
    if not section.is_row:
        grouped = [*keys, *(request.column(column) for column in section.columns if column.is_grouped)]
        grouping = f"\ngroup by {', '.join(grouped)}{having(writer, shape, after)}"
    rows = from_rows(writer, request, [after] if section.is_row else [])
    order = [*keys, *(f"{term}{suffix}" for term, suffix in zip(terms, order_suffixes(request), strict=True))]
    by = f" by {', '.join(keys)}" if keys else ""
    return f"select {lines(columns)}\n{rows}{grouping}\norder by {', '.join(order)}\nlimit {limit(writer, request)}{by}"


def _gathered(writer: RowsWriter, request: NamedRequest) -> _Select:
    """The first rows of each key, each with its place: an aggregate promises no order of its own."""
    keys = key_names(request.shape)
    listed = ", ".join([*keys, f"tuple({', '.join(_row_columns(request))}) as fw_row"])
    numbered = f"select {listed}, rowNumberInAllBlocks() as fw_number\nfrom (\n{_listed(writer, request)}\n)"
    ordered = "tupleElement(arraySort(groupArray(tuple(fw_number, fw_row))), 2)"
    sql = f"select {', '.join([*keys, f'{ordered} as {request.alias}'])}\nfrom (\n{numbered}\n)"
    group = f"\ngroup by {', '.join(keys)}" if keys else ""
    return _Select(sql + group, [request], [[request.alias]], [""], is_gathered=True)


def _groups(writer: RowsWriter, members: Sequence[NamedRequest]) -> _Select:
    """Lists that group alike share the inner select; each orders and cuts its own rows further out."""
    first = members[0].shape
    keys = key_names(first)
    grouped = [column for column in first.section.columns if column.is_grouped]
    groups = {column.sql: f"fw_group_{place}" for place, column in enumerate(grouped)}
    inner = selected_keys(writer, first)
    inner += [f"{column_sql(writer, column, members[0].scope)} as {groups[column.sql]}" for column in grouped]
    written: dict[tuple[BoundSection, int], NamedRequest] = {}
    windows: list[str] = []
    outer: list[str] = []
    for request in members:
        section = request.shape.section
        of_whom = (section, request.scope.place if section.arguments else -1)
        if of_whom not in written:
            names = {c.name: groups[c.sql] if c.is_grouped else request.column(c) for c in section.columns}
            written[of_whom] = with_fields(request, names)
            inner += selected(writer, written[of_whom], [c for c in section.columns if not c.is_grouped])
        own = replace(request, scope=replace(request.scope, fields=written[of_whom].scope.fields))
        order = sort_keys(writer, own)
        if order is None:
            order = [f"{request.alias}__number"]
            windows.append(f"{_row_number(writer, own, keys)} as {order[0]}")
        rows = f"groupArray(tuple({', '.join(order)}, tuple({', '.join(own.scope.fields.values())})))"
        ordered = f"tupleElement(arraySort({rows}), {len(order) + 1})"
        outer.append(f"arraySlice({ordered}, 1, {limit(writer, request)}) as {request.alias}")
    group = ", ".join([*keys, *groups.values()])
    source = f"select {lines(inner)}\n{from_rows(writer, members[0])}\ngroup by {group}{having(writer, first)}"
    if windows:
        source = f"select {lines(['*', *windows])}\nfrom (\n{source}\n)"
    sql = f"select {lines([*keys, *outer])}\nfrom (\n{source}\n)\ngroup by {', '.join(keys)}"
    return _Select(sql, members, [[each.alias] for each in members], [""] * len(members), is_gathered=True)


def sort_keys(writer: RowsWriter, request: NamedRequest) -> list[str] | None:
    """Return expressions whose ascending order is that of the list; None where there are none.

    Arrays are sorted in ascending order alone. Numbers that descend are negated; of what may be null, another
    expression says first whether it is.
    """
    keys: list[str] = []
    for term, sql in zip(request.shape.order, order_sql(writer, request), strict=True):
        if not never_null(request.shape.section, term):
            keys.append(f"{'isNotNull' if term.nulls_first else 'isNull'}({sql})")
        if term.is_descending:
            negated = _NEGATED.get(term.scalar.name) if term.scalar is not None else None
            if negated is None:
                return None
            keys.append(negated.format(sql=sql))
        else:
            keys.append(sql)
    return keys


_NEGATED = {INTEGER.name: "-toInt64({sql})", BIG_INTEGER.name: "-toInt128({sql})", FLOAT.name: "-toFloat64({sql})"}
"""Expressions that ascend where a number descends, exactly."""


def _row_number(writer: RowsWriter, request: NamedRequest, keys: Sequence[str]) -> str:
    """Return the number of a row among those of its key, in the order of the list."""
    terms = zip(order_sql(writer, request), order_suffixes(request), strict=True)
    order = ", ".join(f"{term}{suffix}" for term, suffix in terms)
    return f"row_number() over (partition by {', '.join(keys)} order by {order})"


def _joined(writer: RowsWriter, selects: Sequence[_Select], rules: StatementRules) -> str:
    arrays, keys = writer.key_arrays(), [f"fw_key_{place}" for place in range(len(rules.key.scalars))]
    asked = [f"{array}[number + 1] as {key}" for array, key in zip(arrays, keys, strict=True)]
    numbers = f"numbers(length({arrays[0]})) settings {_SMALL_BLOCKS}"
    columns = [f"fw_asked.{_PLACE} as {_PLACE}", f"length({arrays[0]}) as {ANSWER_ROWS}"]
    joins = []
    for place, select in enumerate(selects):
        columns += [f"p{place}.{name} as {name}" for name in select.names()]
        matched = " and ".join(f"p{place}.{key} = fw_asked.{key}" for key in keys)
        joins.append(f"left join (\n{select.sql}\n) as p{place} on {matched}")
    asked_sql = f"select {', '.join([f'number as {_PLACE}', *asked])} from {numbers}"
    return f"select {lines(columns)}\nfrom (\n{asked_sql}\n) as fw_asked\n" + "\n".join(joins)


def _counted(select: str) -> str:
    """Return the select with the number of its rows beside them: of keys without a row it has none."""
    return f"select {_COUNTED},\n    {select.removeprefix('select ')}"


def _answer_columns(select: _Select, names: Sequence[str]) -> list[AnswerColumns]:
    return [
        AnswerColumns(
            names.index(columns[0]) if columns else 0,
            len(columns),
            names.index(marker) if marker else None,
            select.is_gathered,
        )
        for columns, marker in zip(select.columns, select.markers, strict=True)
    ]


def _row_columns(request: NamedRequest) -> list[str]:
    """Return the columns of a list's rows, those of the order of a page behind them."""
    names = [request.column(column) for column in request.shape.section.columns]
    return [*names, *(request.order_names() if request.shape.is_page else ())]
