"""ClickHouse's fused statement: all sections of one source and period in one round trip.

Sections that read the same relation share one pass over it, a *part*: object sections as aggregates side by side, lists
that group alike as one sub-select. A list of picked rows is a part of its own, cut to its first rows before they are
gathered (six times as fast as gathering first). Parts are joined on the asked ids.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from loaders.catalogue.declaration import ConnectionSection, ListSection, Relation
from loaders.planning.section_request import Period, SectionRequest
from loaders.planning.statement import Statement, fused_reader, read_rows
from loaders.stores.protocols import ANSWER_ROWS, with_row_count

_COUNTED = f"count() over () as {ANSWER_ROWS}"
_OWN_COLUMN = re.compile(r"\$(\w+)")
_IDS = "{ids:Array(String)}"
_ASKED = f"select {_IDS}[number + 1] as key from numbers(length({_IDS})) settings max_block_size = 256"
"""The asked ids as rows, in blocks of so many: an answer is joined, sent and decoded block by block. The driver decodes
a block in calls that let no other thread run, which are long where a block is 5,000 ids with all of their lists."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What is read in one pass: a relation, how its rows are grouped beyond the key, or whose rows are picked."""

    relation: Relation
    only: str = ""
    grouping: tuple[str, ...] = ()
    picked: SectionRequest | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request with the name that its columns and parameters go by."""

    request: SectionRequest
    alias: str

    def columns(self) -> list[str]:
        """The names of its columns in the answer."""
        if issubclass(self.request.section, ListSection):
            return [self.alias]
        return [f"{self.alias}__{c.name}" for c in self.request.section.columns if self.request.wants(c)]


def fused(requests: Sequence[SectionRequest]) -> Statement:
    """One statement for requests over one source and period. The answer has one row a key: see `read_fused`."""
    asked = _named(requests)
    parts: defaultdict[_Part, list[_Asked]] = defaultdict(list)
    for one in asked:
        parts[_part(one.request)].append(one)
    period = requests[0].period
    selects = [_select(part, members, period) for part, members in parts.items()]
    names = [[name for one in members for name in one.columns()] for members in parts.values()]
    sql = _with_count(selects[0]) if len(selects) == 1 else _joined(selects, names)
    ordered = tuple(one.request for members in parts.values() for one in members)
    return Statement(
        source=requests[0].section.relation.source,
        sql=sql,
        arguments=_arguments(asked, period),
        requests=ordered,
        read=fused_reader(ordered),
        passes=tuple(tuple(one.request for one in members) for members in parts.values()),
        names=("key", *(name for part_names in names for name in part_names)),
    )


def rows(request: SectionRequest) -> Statement:
    """One statement for a list section on its own: its rows, those of a key together, in the order of the list.

    Without the arrays that a fused statement gathers them in, it takes a quarter less time.
    """
    (one,) = _named([request])
    part, section = _part(request), cast("type[ListSection]", request.section)
    names = {column.name: f"{one.alias}__{column.name}" for column in section.columns}
    columns = [f"{part.relation.key} as key", *(f"{_own(c.sql, names)} as {names[c.name]}" for c in section.columns)]
    source = _from(part, request.period, _after(one, section))
    groups = [names[column.name] for column in section.columns if column.grouped]
    order = dict.fromkeys(["key", *(_own(term, names) for term in section.order), *groups])
    cut = f"select {_lines(columns)}\nfrom {source}\n"
    cut += f"group by {', '.join(['key', *groups])}\n" if groups else ""
    cut += f"order by {', '.join(order)}\nlimit {{{one.alias}__first:UInt32}} by key"
    sql = with_row_count(cut)
    if section.in_order:
        sql += "\nsettings optimize_aggregation_in_order = 1"
    arguments = _arguments([one], request.period)
    read, declared = partial(read_rows, request), ("key", *names.values())
    return Statement(part.relation.source, sql, arguments, (request,), read, ((request,),), declared)


def _named(requests: Iterable[SectionRequest]) -> list[_Asked]:
    seen: defaultdict[str, int] = defaultdict(int)
    named = []
    for request in requests:
        name = request.section.name
        seen[name] += 1
        named.append(_Asked(request, name if seen[name] == 1 else f"{name}_{seen[name]}"))
    return named


def _part(request: SectionRequest) -> _Part:
    section = request.section
    if not issubclass(section, ListSection):
        return _Part(section.relation)
    if not section.is_grouped():
        return _Part(section.relation, section.only, picked=request)
    return _Part(section.relation, section.only, tuple(column.sql for column in section.columns if column.grouped))


def _joined(selects: Sequence[str], names: Sequence[Sequence[str]]) -> str:
    columns = ["asked.key as key", f"length({_IDS}) as {ANSWER_ROWS}"]
    joins = []
    for at, (select, part_names) in enumerate(zip(selects, names, strict=True)):
        columns += [f"p{at}.{name} as {name}" for name in part_names]
        joins.append(f"left join (\n{select}\n) as p{at} on p{at}.key = asked.key")
    return f"select {_lines(columns)}\nfrom (\n{_ASKED}\n) as asked\n" + "\n".join(joins)


def _with_count(select: str) -> str:
    """The select with the number of its rows beside them: of keys without a row it has none."""
    return f"select {_COUNTED},\n    {select.removeprefix('select ')}"


def _select(part: _Part, asked: Sequence[_Asked], period: Period | None) -> str:
    if part.picked is not None:
        return _select_picked(part, asked[0], period)
    if part.grouping:
        return _select_groups(part, asked, period)
    columns = [f"{part.relation.key} as key"]
    for one in asked:
        wanted = (column for column in one.request.section.columns if one.request.wants(column))
        columns += [f"{column.sql} as {one.alias}__{column.name}" for column in wanted]
    return f"select {_lines(columns)}\nfrom {_from(part, period)}\ngroup by key"


def _select_picked(part: _Part, one: _Asked, period: Period | None) -> str:
    """The first rows of each key, each with what it is ordered by: an aggregate promises no order of its own."""
    section = cast("type[ListSection]", one.request.section)
    order = [f"o{at}" for at in range(len(section.order))]
    columns = [f"{part.relation.key} as key", *(f"{sql} as {o}" for sql, o in zip(section.order, order, strict=True))]
    columns.append(f"tuple({', '.join(column.sql for column in section.columns)}) as row")
    limit = f"order by key, {', '.join(order)}\nlimit {{{one.alias}__first:UInt32}} by key"
    source = _from(part, period, _after(one, section))
    rows = f"arraySort(groupArray(tuple({', '.join(order)}, row)))"
    picked = f"tupleElement({rows}, {len(order) + 1}) as {one.alias}"
    return f"select key, {picked}\nfrom (\nselect {_lines(columns)}\nfrom {source}\n{limit}\n)\ngroup by key"


def _after(one: _Asked, section: type[ListSection]) -> str:
    if not issubclass(section, ConnectionSection) or not one.request.after:
        return ""
    after = ", ".join(f"{{{one.alias}__after_{name}:{kind}}}" for name, kind in section.cursor)
    return f"({', '.join(section.order)}) > ({after})"


def _select_groups(part: _Part, asked: Sequence[_Asked], period: Period | None) -> str:
    """Sections that group alike share the inner select; each orders and cuts its own rows in the outer one."""
    inner = [f"{part.relation.key} as key"]
    groups = {sql: f"g{at}" for at, sql in enumerate(part.grouping)}
    inner += [f"{sql} as {alias}" for sql, alias in groups.items()]
    outer = ["key"]
    for section in dict.fromkeys(cast("type[ListSection]", one.request.section) for one in asked):
        names = {c.name: groups[c.sql] if c.grouped else f"{section.name}__{c.name}" for c in section.columns}
        inner += [f"{_own(c.sql, names)} as {names[c.name]}" for c in section.columns if not c.grouped]
        order = [_own(term, names) for term in section.order]
        row = f"tuple({', '.join(names.values())})"
        rows = f"arraySort(groupArray({row}))"
        if order:
            rows = f"tupleElement(arraySort(groupArray(tuple({', '.join(order)}, {row}))), {len(order) + 1})"
        aliases = [one.alias for one in asked if one.request.section is section]
        outer += [f"arraySlice({rows}, 1, {{{alias}__first:UInt32}}) as {alias}" for alias in aliases]
    grouping = ", ".join(["key", *groups.values()])
    grouped = f"select {_lines(inner)}\nfrom {_from(part, period)}\ngroup by {grouping}"
    return f"select {_lines(outer)}\nfrom (\n{grouped}\n)\ngroup by key"


def _from(part: _Part, period: Period | None, after: str = "") -> str:
    relation = part.relation
    conditions = " and ".join(condition for condition in (relation.where, part.only, after) if condition)
    sql = f"{relation.sql} where {conditions}" if conditions else relation.sql
    dates = _dates(period)
    return sql.replace("$asked", f"tail_number in {_IDS}{dates}").replace("$period", dates)


def _dates(period: Period | None) -> str:
    if period is None:
        return ""
    start = " and date >= {period_start:Date}" if period.start else ""
    end = " and date <= {period_end:Date}" if period.end else ""
    return start + end


def _arguments(asked: Iterable[_Asked], period: Period | None) -> dict[str, object]:
    arguments: dict[str, object] = {}
    if period is not None and period.start:
        arguments["period_start"] = period.start
    if period is not None and period.end:
        arguments["period_end"] = period.end
    for one in asked:
        section = one.request.section
        if not issubclass(section, ListSection):
            continue
        arguments[f"{one.alias}__first"] = one.request.first
        if issubclass(section, ConnectionSection):
            arguments[f"{one.alias}__first"] = one.request.first + 1  # one more tells whether a page follows
            for (name, kind), value in zip(section.cursor, one.request.after, strict=False):
                # ClickHouse reads up to four digits as a year, and takes more for seconds.
                is_time = kind.startswith("DateTime")
                arguments[f"{one.alias}__after_{name}"] = f"{value:010d}" if is_time else value
    return arguments


def _own(sql: str, names: dict[str, str]) -> str:
    return _OWN_COLUMN.sub(lambda match: names[match.group(1)], sql)


def _lines(columns: Sequence[str]) -> str:
    return ",\n    ".join(columns)
