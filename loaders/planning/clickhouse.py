"""ClickHouse's fused statement: all sections of one source and period in one round trip.

Sections that read the same relation share one pass over it, a *part*: object sections and picked rows as aggregates
side by side, and each grouping of a grouped list as a sub-select of its own. Parts are joined on the asked ids.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loaders.catalogue.declaration import ConnectionSection, ListSection, Relation
from loaders.planning.request import Period, Request
from loaders.planning.statement import Statement, fused_reader

_OWN_COLUMN = re.compile(r"\$(\w+)")
_IDS = "{ids:Array(String)}"


@dataclass(frozen=True, slots=True)
class _Part:
    """What is read in one pass: a relation, and how its rows are grouped (not at all but by the key: ())."""

    relation: Relation
    grouping: tuple[str, ...] = ()
    only: str = ""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request with the name that its columns and parameters go by."""

    request: Request
    alias: str

    def columns(self) -> list[str]:
        """The names of its columns in the answer."""
        if issubclass(self.request.section, ListSection):
            return [self.alias]
        return [f"{self.alias}__{column.name}" for column in self.request.section.columns]


def fused(requests: Sequence[Request]) -> Statement:
    """One statement for requests over one source and period. The answer has one row a key: see `read_fused`."""
    asked = _named(requests)
    parts: defaultdict[_Part, list[_Asked]] = defaultdict(list)
    for one in asked:
        parts[_part(one.request)].append(one)
    period = requests[0].period
    selects = [_select(part, members, period) for part, members in parts.items()]
    names = [[name for one in members for name in one.columns()] for members in parts.values()]
    ordered = tuple(one.request for members in parts.values() for one in members)
    return Statement(
        source=requests[0].section.relation.source,
        sql=selects[0] if len(selects) == 1 else _joined(selects, names),
        arguments=_arguments(asked, period),
        requests=ordered,
        read=fused_reader(ordered),
    )


def _named(requests: Iterable[Request]) -> list[_Asked]:
    seen: defaultdict[str, int] = defaultdict(int)
    named = []
    for request in requests:
        name = request.section.name
        seen[name] += 1
        named.append(_Asked(request, name if seen[name] == 1 else f"{name}_{seen[name]}"))
    return named


def _part(request: Request) -> _Part:
    section = request.section
    if issubclass(section, ListSection) and section.is_grouped():
        grouping = tuple(column.sql for column in section.columns if column.grouped)
        return _Part(section.relation, grouping, section.only)
    return _Part(section.relation)


def _joined(selects: Sequence[str], names: Sequence[Sequence[str]]) -> str:
    columns = ["asked.key as key"]
    joins = []
    for at, (select, part_names) in enumerate(zip(selects, names, strict=True)):
        columns += [f"p{at}.{name} as {name}" for name in part_names]
        joins.append(f"left join (\n{select}\n) as p{at} on p{at}.key = asked.key")
    listed = ",\n    ".join(columns)
    return f"select\n    {listed}\nfrom (select arrayJoin({_IDS}) as key) as asked\n" + "\n".join(joins)


def _select(part: _Part, asked: Sequence[_Asked], period: Period | None) -> str:
    source = _from(part, period)
    if part.grouping:
        return _select_groups(part, asked, source)
    columns = [f"{part.relation.key} as key"]
    for one in asked:
        section = one.request.section
        if issubclass(section, ListSection):
            row = _tuple(column.sql for column in section.columns)
            columns.append(f"{_picked(one, section, row, section.order)} as {one.alias}")
        else:
            columns += [f"{column.sql} as {one.alias}__{column.name}" for column in section.columns]
    return f"select {_lines(columns)}\nfrom {source}\ngroup by key"


def _select_groups(part: _Part, asked: Sequence[_Asked], source: str) -> str:
    """Sections that group alike share the inner select; each picks and orders its own rows in the outer one."""
    inner = [f"{part.relation.key} as key"]
    groups = {sql: f"g{at}" for at, sql in enumerate(part.grouping)}
    inner += [f"{sql} as {alias}" for sql, alias in groups.items()]
    outer = ["key"]
    for section in dict.fromkeys(one.request.section for one in asked):
        names = {c.name: groups[c.sql] if c.grouped else f"{section.name}__{c.name}" for c in section.columns}
        inner += [f"{_own(c.sql, names)} as {names[c.name]}" for c in section.columns if not c.grouped]
        for one in asked:
            if one.request.section is section and issubclass(section, ListSection):
                order = [_own(term, names) for term in section.order]
                outer.append(f"{_picked(one, section, _tuple(names.values()), order, grouped=True)} as {one.alias}")
    grouping = ", ".join(["key", *groups.values()])
    return (
        f"select {_lines(outer)}\nfrom (\nselect {_lines(inner)}\nfrom {source}\ngroup by {grouping}\n)\ngroup by key"
    )


def _picked(one: _Asked, section: type[ListSection], row: str, order: Sequence[str], *, grouped: bool = False) -> str:
    """The first rows in order, as an array of tuples. Without an order, rows order themselves by their columns."""
    limit = f"{{{one.alias}__first:UInt32}}"
    conditions = [] if grouped or not section.only else [section.only]
    if issubclass(section, ConnectionSection) and one.request.after:
        after = ", ".join(f"{{{one.alias}__after_{name}:{kind}}}" for name, kind in section.cursor)
        conditions.append(f"({', '.join(order)}) > ({after})")
    condition = " and ".join(conditions)
    call = f"groupArraySortedIf({limit})" if condition else f"groupArraySorted({limit})"
    tail = f", {condition}" if condition else ""
    if not order:
        return f"{call}({row}{tail})"
    return f"tupleElement({call}({_tuple([*order, row])}{tail}), {len(order) + 1})"


def _from(part: _Part, period: Period | None) -> str:
    relation = part.relation
    conditions = " and ".join(condition for condition in (relation.where, part.only) if condition)
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
            names = [f"{one.alias}__after_{name}" for name, _ in section.cursor]
            arguments.update(zip(names, one.request.after, strict=False))
    return arguments


def _own(sql: str, names: dict[str, str]) -> str:
    return _OWN_COLUMN.sub(lambda match: names[match.group(1)], sql)


def _tuple(columns: Iterable[str]) -> str:
    return f"tuple({', '.join(columns)})"


def _lines(columns: Sequence[str]) -> str:
    return ",\n    ".join(columns)
