"""ClickHouse's statements: all sections over the same rows and period in one round trip.

Sections that read the same rows share one pass over them, and so one select (`clickhouse_selects`). The selects are
joined on the asked keys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from loaders.model.databases import Table
from loaders.statements.clickhouse_selects import Part, Select, listed, part_of, row_columns, select_part
from loaders.statements.request_shape import RequestShape
from loaders.statements.row_sources import RowsWriter, StatementRules
from loaders.statements.section_sql import NamedRequest, key_names, lines, named
from loaders.statements.statement_text import Alignment, AnswerColumns, StatementText, alignment_of
from loaders.stores.protocols import ANSWER_ROWS, with_row_count

_COUNTED = f"count() over () as {ANSWER_ROWS}"
_IN_ORDER = "optimize_aggregation_in_order = 1"
_SMALL_BLOCKS = "max_block_size = 256"
"""The asked keys come in blocks of so many: an answer is joined, sent and decoded block by block. The driver decodes
a block in calls that let no other thread run, which are long where a block is 5,000 keys with all of their lists."""
_PLACE = "fw_place"


def fused(shapes: Sequence[RequestShape], rules: StatementRules) -> StatementText:
    """Return one statement for requests over the same rows and period. The answer has one row for each key."""
    writer = RowsWriter(shapes[0].section.database, rules)
    parts: defaultdict[Part, list[NamedRequest]] = defaultdict(list)
    for request in named(shapes):
        parts[part_of(request)].append(request)
    is_joined = len(parts) > 1
    selects = [select_part(writer, part, members, is_joined=is_joined) for part, members in parts.items()]
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
    keys, columns = key_names(shape), row_columns(request)
    sql = with_row_count(listed(writer, request))
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


def _joined(writer: RowsWriter, selects: Sequence[Select], rules: StatementRules) -> str:
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


def _answer_columns(select: Select, names: Sequence[str]) -> list[AnswerColumns]:
    return [
        AnswerColumns(
            names.index(columns[0]) if columns else 0,
            len(columns),
            names.index(marker) if marker else None,
            select.is_gathered,
        )
        for columns, marker in zip(select.columns, select.markers, strict=True)
    ]
