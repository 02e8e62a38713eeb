"""PostgreSQL's statements: the sections of one row over the same rows fused, a list on its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from loaders.model.databases import Relation, Table
from loaders.model.references import Fragment
from loaders.statements.request_shape import RequestShape
from loaders.statements.row_sources import RowsWriter, StatementRules
from loaders.statements.section_sql import (
    SOURCE,
    NamedRequest,
    after_rows,
    from_rows,
    inlined,
    key_names,
    limit,
    lines,
    named,
    order_sql,
    order_suffixes,
    selected,
    selected_keys,
)
from loaders.statements.statement_text import Alignment, AnswerColumns, StatementText, alignment_of

_PLACE = "fw_place"
_PartKey = tuple[Table | Relation, tuple[str, ...], Fragment, int, tuple[object, ...], bool]


def fused(shapes: Sequence[RequestShape], rules: StatementRules) -> StatementText:
    """Return one statement for sections of one row; those over the same rows share one pass."""
    writer = RowsWriter(shapes[0].section.database, rules)
    parts: defaultdict[_PartKey, list[NamedRequest]] = defaultdict(list)
    for request in named(shapes):
        parts[_part(request)].append(request)
    is_joined = len(parts) > 1
    keys = [f"fw_key_{place}" for place in range(len(rules.key.columns))]
    selects = [_objects(writer, members, is_joined=is_joined) for members in parts.values()]
    first = [_PLACE] if is_joined else keys
    names = [*first, *(name for _, columns in selects for name in columns)]
    sql = _joined(writer, [(select, columns) for select, columns in selects], keys) if is_joined else selects[0][0]
    members = [request for part in parts.values() for request in part]
    return StatementText(
        database=shapes[0].section.database,
        key=rules.key,
        sql=writer.statement(sql),
        parameters=writer.parameters.all(),
        needed=writer.needed,
        rules=rules,
        order=tuple(request.scope.place for request in members),
        passes=tuple(tuple(request.scope.place for request in part) for part in parts.values()),
        columns=tuple(_answer_columns(request, names, part) for part in parts.values() for request in part),
        alignment=Alignment.PLACE if is_joined else alignment_of(rules),
        names=tuple(names),
    )


def rows(shape: RequestShape, rules: StatementRules) -> StatementText:
    """Return one statement for the first rows of each key, in the order of the list."""
    writer = RowsWriter(shape.section.database, rules)
    (request,) = named([shape])
    order_names = request.order_names()
    columns = [request.column(column) for column in shape.section.columns]
    columns += order_names if shape.is_page else []
    keys = key_names(shape)
    if not keys:
        sql, first, alignment = _without_key(writer, request, columns), [], Alignment.NONE
    elif shape.section.is_row and (isinstance(shape.section.over, Table) or shape.section.target):
        sql, first, alignment = _along_index(writer, request, columns), [_PLACE], Alignment.PLACE
    else:
        sql, first, alignment = _numbered(writer, request, columns), keys, Alignment.KEY
    return StatementText(
        database=shape.section.database,
        key=rules.key,
        sql=writer.statement(sql),
        parameters=writer.parameters.all(),
        needed=writer.needed,
        rules=rules,
        order=(0,),
        passes=((0,),),
        columns=(AnswerColumns(len(first), len(columns)),),
        alignment=alignment,
        names=(*first, *columns),
    )


def _part(request: NamedRequest) -> _PartKey:
    """Rows of one condition; the conditions of sections whose columns are a row's own become columns."""
    shape, section = request.shape, request.shape.section
    where = Fragment(()) if section.is_row else section.where
    return (section.over, section.key_columns, where, shape.source, shape.picks, section.is_row)


def _objects(writer: RowsWriter, members: Sequence[NamedRequest], *, is_joined: bool) -> tuple[str, list[str]]:
    """Return the select of one part, and its columns behind the key."""
    first = members[0].shape
    columns = selected_keys(writer, first)
    names: list[str] = []
    for request in members:
        columns += selected(writer, inlined(writer, request))
        names += request.names()
        where = request.shape.section.where
        if first.section.is_row and where.parts:
            names.append(_marker(request))
            columns.append(f"({writer.fragment(where, request.scope)}) as {names[-1]}")
    if is_joined:
        names.append(_part_marker(members[0]))
        columns.append(f"true as {names[-1]}")
    keys = key_names(first)
    group = "" if first.section.is_row or not keys else f"\ngroup by {', '.join(keys)}"
    rows_of_all = from_rows(writer, members[0], has_where=not first.section.is_row)
    return f"select {lines(columns)}\n{rows_of_all}{group}", names


def _joined(writer: RowsWriter, selects: Sequence[tuple[str, list[str]]], keys: Sequence[str]) -> str:
    columns, joins = [f"fw_asked.{_PLACE} - 1 as {_PLACE}"], []
    for place, (select, names) in enumerate(selects):
        columns += [f"p{place}.{name} as {name}" for name in names]
        matched = " and ".join(f"p{place}.{key} = fw_asked.{key}" for key in keys)
        joins.append(f"left join (\n{select}\n) as p{place} on {matched}")
    return f"select {lines(columns)}\nfrom {_asked(writer, keys)}\n" + "\n".join(joins)


def _asked(writer: RowsWriter, keys: Sequence[str]) -> str:
    arrays = ", ".join(writer.key_arrays())
    return f"unnest({arrays}) with ordinality as fw_asked({', '.join([*keys, _PLACE])})"


def _along_index(writer: RowsWriter, request: NamedRequest, columns: Sequence[str]) -> str:
    """The rows of each key are read on their own, on the index that their order runs along."""
    keys, order = key_names(request.shape), request.order_names()
    section = request.shape.section
    pairs = enumerate(zip(section.key_columns, keys, strict=True))
    matched = " and ".join(
        f"{writer.key_column(column, place, SOURCE)} = fw_asked.{key}" for place, (column, key) in pairs
    )
    terms = order_sql(writer, inlined(writer, request))
    inner = [*selected(writer, inlined(writer, request), section.columns), *_order_columns(terms, order)]
    rows_of_key = from_rows(writer, request, [after_rows(writer, request, terms)], by_key=matched)
    listed = (
        f"select {lines(inner)}\n{rows_of_key}\norder by {_directed(request, terms)}\nlimit {limit(writer, request)}"
    )
    outer = [f"fw_asked.{_PLACE} - 1 as {_PLACE}", *(f"fw_listed.{name}" for name in columns)]
    placed = ", ".join([f"fw_asked.{_PLACE}", _directed(request, [f"fw_listed.{name}" for name in order])])
    asked = _asked(writer, keys)
    return f"select {', '.join(outer)}\nfrom {asked}\ncross join lateral (\n{listed}\n) as fw_listed\norder by {placed}"


def _numbered(writer: RowsWriter, request: NamedRequest, columns: Sequence[str]) -> str:
    """Rows of a relation, or groups of rows, are numbered: the relation is read once for all keys."""
    keys = key_names(request.shape)
    inner, further, order = _ordered(writer, request)
    partition = f"partition by {', '.join(keys)} order by {_directed(request, order)}"
    numbered = f"select *, row_number() over ({partition}) as fw_number\nfrom (\n{inner}\n) as fw_listed{further}"
    cut = f"where fw_number <= {limit(writer, request)}\norder by {', '.join(keys)}, fw_number"
    return f"select {', '.join([*keys, *columns])}\nfrom (\n{numbered}\n) as fw_numbered\n{cut}"


def _without_key(writer: RowsWriter, request: NamedRequest, columns: Sequence[str]) -> str:
    """The first rows of all that there are."""
    if request.shape.section.is_row:
        terms = order_sql(writer, inlined(writer, request))
        inner = [*selected(writer, inlined(writer, request), request.shape.section.columns)]
        inner += _order_columns(terms, request.order_names()) if request.shape.is_page else []
        all_rows = from_rows(writer, request, [after_rows(writer, request, terms)])
        return (
            f"select {lines(inner)}\n{all_rows}\norder by {_directed(request, terms)}\nlimit {limit(writer, request)}"
        )
    inner_sql, further, order = _ordered(writer, request)
    cut = f"order by {_directed(request, order)}\nlimit {limit(writer, request)}"
    return f"select {', '.join(columns)}\nfrom (\n{inner_sql}\n) as fw_listed{further}\n{cut}"


def _ordered(writer: RowsWriter, request: NamedRequest) -> tuple[str, str, list[str]]:
    """Return the select of rows or groups with the terms of the order behind them, the condition over it, the terms."""
    shape, section = request.shape, request.shape.section
    keys, order = key_names(shape), request.order_names()
    whole = inlined(writer, request)
    terms = order_sql(writer, whole)
    inner = [*selected_keys(writer, shape), *selected(writer, whole, section.columns), *_order_columns(terms, order)]
    grouped = [str(place) for place, column in enumerate(section.columns, len(keys) + 1) if column.is_grouped]
    group = "" if section.is_row else f"\ngroup by {', '.join([*keys, *grouped])}"
    after = after_rows(writer, request, order)
    condition = f"\nwhere {after}" if after else ""
    return f"select {lines(inner)}\n{from_rows(writer, request)}{group}", condition, order


def _order_columns(terms: Sequence[str], names: Sequence[str]) -> list[str]:
    return [f"{term} as {name}" for term, name in zip(terms, names, strict=True)]


def _directed(request: NamedRequest, terms: Sequence[str]) -> str:
    return ", ".join(f"{term}{suffix}" for term, suffix in zip(terms, order_suffixes(request), strict=True))


def _marker(request: NamedRequest) -> str:
    return f"{request.alias}__there"


def _part_marker(request: NamedRequest) -> str:
    return f"{request.alias}__there_at_all"


def _answer_columns(request: NamedRequest, names: Sequence[str], part: Sequence[NamedRequest]) -> AnswerColumns:
    columns = request.names()
    marker = next((name for name in (_marker(request), _part_marker(part[0])) if name in names), None)
    start = names.index(columns[0]) if columns else 0
    return AnswerColumns(start, len(columns), None if marker is None else names.index(marker))
