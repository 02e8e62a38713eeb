"""The selects of ClickHouse's statements, one for each part: a pass over rows that some sections share.

Sections of one row are aggregates side by side, and lists that group alike are one sub-select. A list of single rows is
a part of its own, cut to its first rows before they are gathered (six times as fast as gathering first).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from loaders.model.bound_sections import BoundSection
from loaders.model.databases import Relation, Table
from loaders.model.references import Fragment
from loaders.model.scalars import BIG_INTEGER, FLOAT, INTEGER
from loaders.statements.list_conditions import term_scalar
from loaders.statements.request_shape import never_null
from loaders.statements.row_sources import RowsWriter
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
    order_sql,
    order_suffixes,
    selected,
    selected_keys,
    with_fields,
)

_NEGATED = {INTEGER.name: "-toInt64({sql})", BIG_INTEGER.name: "-toInt128({sql})", FLOAT.name: "-toFloat64({sql})"}
"""Expressions that ascend where a number descends, exactly."""


@dataclass(frozen=True, slots=True)
class Part:
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
class Select:
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


def part_of(request: NamedRequest) -> Part:
    """Return the part that answers a request."""
    shape, section = request.shape, request.shape.section
    is_marked = section.is_row and not shape.is_list
    part = Part(
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


def select_part(writer: RowsWriter, part: Part, members: Sequence[NamedRequest], *, is_joined: bool) -> Select:
    """Return the select of a part for its requests; with `is_joined`, one that tells keys without a row."""
    if part.alone is not None:
        return _gathered(writer, members[0])
    return _groups(writer, members) if members[0].shape.is_list else _objects(writer, members, is_joined=is_joined)


def _objects(writer: RowsWriter, members: Sequence[NamedRequest], *, is_joined: bool) -> Select:
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
    return Select(
        f"select {lines(columns)}\n{rows}{group}",
        members,
        [each.names() for each in members],
        markers,
        is_gathered=False,
    )


def listed(writer: RowsWriter, request: NamedRequest) -> str:
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


def _gathered(writer: RowsWriter, request: NamedRequest) -> Select:
    """The first rows of each key, each with its place: an aggregate promises no order of its own."""
    keys = key_names(request.shape)
    columns = ", ".join([*keys, f"tuple({', '.join(row_columns(request))}) as fw_row"])
    numbered = f"select {columns}, rowNumberInAllBlocks() as fw_number\nfrom (\n{listed(writer, request)}\n)"
    ordered = "tupleElement(arraySort(groupArray(tuple(fw_number, fw_row))), 2)"
    sql = f"select {', '.join([*keys, f'{ordered} as {request.alias}'])}\nfrom (\n{numbered}\n)"
    group = f"\ngroup by {', '.join(keys)}" if keys else ""
    return Select(sql + group, [request], [[request.alias]], [""], is_gathered=True)


def _groups(writer: RowsWriter, members: Sequence[NamedRequest]) -> Select:
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
        order = _sort_keys(writer, own)
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
    return Select(sql, members, [[each.alias] for each in members], [""] * len(members), is_gathered=True)


def _sort_keys(writer: RowsWriter, request: NamedRequest) -> list[str] | None:
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


def _row_number(writer: RowsWriter, request: NamedRequest, keys: Sequence[str]) -> str:
    """Return the number of a row among those of its key, in the order of the list."""
    terms = zip(order_sql(writer, request), order_suffixes(request), strict=True)
    order = ", ".join(f"{term}{suffix}" for term, suffix in terms)
    return f"row_number() over (partition by {', '.join(keys)} order by {order})"


def row_columns(request: NamedRequest) -> list[str]:
    """Return the columns of a list's rows, those of the order of a page behind them."""
    names = [request.column(column) for column in request.shape.section.columns]
    return [*names, *(request.order_names() if request.shape.is_page else ())]
