"""The floor's endpoint for all sections at once: the planner's statements as text, hand-written loops around them.

What a hand would write fifty times, a dict literal for each section, is written once here and compiled at import.
"""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import orjson

from benchmarks.endpoints.serving import CountedStores
from benchmarks.endpoints.statements import fetched
from loaders.catalogue import ANALYSIS, SECTIONS
from loaders.catalogue.declaration import ConnectionSection, Kind, ListSection, Section
from loaders.catalogue.flights import FlightLog
from loaders.catalogue.network import MainCarrier, MainOrigin
from loaders.catalogue.register import Known, Registration, Revisions
from loaders.planning import Statement, plan
from loaders.planning.section_request import section_request

_AIRLINES = "select code, name from airline where code = any($1::text[])"
_AIRPORTS = """
select code, name, latitude, longitude, altitude_feet, utc_offset_hours::float8, time_zone
from airport
where code = any($1::text[])
"""

Links = Mapping[str | None, Any]
Values = Sequence[Any]
Column = Sequence[Any]
_LINKS = {Kind.AIRLINE: "airlines", Kind.AIRPORT: "airports"}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A statement's answer: the columns of each section, and the row of each id in them (None without a row)."""

    statement: Statement
    columns: Sequence[Column]
    rows: Sequence[int | None]

    def sections(self) -> list[tuple[type[Section], Sequence[Column]]]:
        """Each section with its columns, the key left out."""
        parts, at = [], 1
        for each in self.statement.requests:
            width = 1 if issubclass(each.section, ListSection) else len(each.section.columns)
            parts.append((each.section, self.columns[at : at + width]))
            at += width
        return parts


def _row_of(section: type[Section]) -> tuple[str, str]:
    """The names that a row is unpacked into, and the dict of them, as Python."""
    names = [f"v{at}" for at in range(len(section.columns))]
    values = [
        f"{_LINKS[column.kind]}.get({name})" if column.kind in _LINKS else name
        for name, column in zip(names, section.columns, strict=True)
    ]
    pairs = zip(section.columns, values, strict=True)
    return ", ".join(names) + ",", "{" + ", ".join(f'"{column.graphql_name}": {value}' for column, value in pairs) + "}"


def _compiled(section: type[Section]) -> Callable[[Sequence[Column], Links, Links], Values]:
    row, literal = _row_of(section)
    if issubclass(section, ListSection):
        body = f"[[{literal} for {row} in rows] for rows in columns[0]]"
    else:
        marker = [column.name for column in section.columns].index(section.present_by) if section.present_by else None
        kept = literal if marker is None else f"None if v{marker} is None else {literal}"
        body = f"[{kept} for {row} in zip(*columns)]"
    made: Callable[[Sequence[Column], Links, Links], Values] = eval(f"lambda columns, airlines, airports: {body}")  # noqa: S307
    return made


_BUILD = {section: _compiled(section) for section in SECTIONS.values()}
_STATEMENTS = plan(section_request(section) for section in SECTIONS.values())
_MOST_COLUMNS = 1 + max(sum(len(each.section.columns) for each in statement.requests) for statement in _STATEMENTS)


def _empty(section: type[Section]) -> Any:
    if issubclass(section, ConnectionSection):
        return _page([], [])
    if issubclass(section, ListSection):
        return []
    return None if section.present_by else {column.graphql_name: column.empty for column in section.columns}


async def everything(stores: CountedStores, ids: list[str]) -> list[Any]:
    """All statements at once, then the airlines and airports that their answers name."""
    asked = list(dict.fromkeys(ids))
    loaded = await asyncio.gather(*(_load(stores, statement, asked) for statement in _STATEMENTS))
    sections = {section: (columns, one.rows) for one in loaded for section, columns in one.sections()}
    airlines, airports = await _links(stores, sections)
    values = {
        section: _aligned(section, _built(section, columns, airlines, airports), rows)
        for section, (columns, rows) in sections.items()
    }
    known = [row is not None for row in sections[Known][1]]
    carriers, origins = (_codes(*sections[section]) for section in (MainCarrier, MainOrigin))
    answers = dict(zip(asked, _aircraft(asked, known, values, carriers, origins, airlines, airports), strict=True))
    return list(map(answers.__getitem__, ids))


def _aircraft(
    ids: Sequence[str],
    known: Sequence[bool],
    values: Mapping[type[Section], Values],
    carriers: Sequence[str | None],
    origins: Sequence[str | None],
    airlines: Links,
    airports: Links,
) -> list[Any]:
    names = [section.graphql_name() for section in ANALYSIS]
    rows = zip(*(values[section] for section in ANALYSIS), strict=True)
    return [
        {
            "id": key,
            "registration": registration,
            "revisions": revisions,
            "tailNumber": key,
            "operator": airlines.get(carrier),
            "homeBase": airports.get(origin),
            "analysis": dict(zip(names, row, strict=True)),
        }
        if is_known
        else None
        for key, is_known, registration, revisions, carrier, origin, row in zip(
            ids, known, values[Registration], values[Revisions], carriers, origins, rows, strict=True
        )
    ]


async def _load(stores: CountedStores, statement: Statement, ids: list[str]) -> Loaded:
    columns, keys = await fetched(stores, statement, ids)
    columns = columns or [()] * _MOST_COLUMNS  # without a row there may be no columns
    if len(statement.requests) == 1 and issubclass(statement.requests[0].section, ListSection):  # row by row
        lists: dict[str, list[tuple[Any, ...]]] = {key: [] for key in ids}
        for key, *row in zip(*columns, strict=True):
            lists[key].append(tuple(row))
        return Loaded(statement, [ids, list(lists.values())], range(len(ids)))
    row_of = {key: row for row, key in enumerate(columns[0])}
    return Loaded(statement, columns, list(map(row_of.get, keys)))


def _built(section: type[Section], columns: Sequence[Column], airlines: Links, airports: Links) -> Values:
    if section is not FlightLog:
        return _BUILD[section](columns, airlines, airports)
    pages = [rows[: FlightLog.first] for rows in columns[0]]
    built = _BUILD[section]([pages], airlines, airports)
    return [
        _page(rows, nodes, more=len(all_rows) > len(rows))
        for all_rows, rows, nodes in zip(columns[0], pages, built, strict=True)
    ]


_PLACE = itemgetter(*([column.name for column in FlightLog.columns].index(name) for name, _ in FlightLog.cursor))


def _page(rows: Sequence[Any], nodes: Sequence[Any], *, more: bool = False) -> Any:
    cursors = []
    for departure, carrier, number, origin in map(_PLACE, rows):
        place = orjson.dumps([int(departure.timestamp()), carrier, number, origin])
        cursors.append(urlsafe_b64encode(place).decode().rstrip("="))
    return {
        "edges": [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=True)],
        "pageInfo": {
            "hasNextPage": more,
            "hasPreviousPage": False,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
    }


def _aligned(section: type[Section], values: Values, rows: Sequence[int | None]) -> Values:
    empty = _empty(section)
    return [empty if row is None else values[row] for row in rows]


def _codes(columns: Sequence[Column], rows: Sequence[int | None]) -> list[str | None]:
    return [None if row is None else columns[0][row] for row in rows]


async def _links(
    stores: CountedStores, sections: Mapping[type[Section], tuple[Sequence[Column], Sequence[int | None]]]
) -> tuple[Links, Links]:
    codes: dict[Kind, set[str | None]] = {Kind.AIRLINE: set(), Kind.AIRPORT: set()}
    for section, (columns, _) in sections.items():
        for place, column in section.links():
            if issubclass(section, ListSection):
                codes[column.kind].update(row[place] for rows in columns[0] for row in rows)
            else:
                codes[column.kind].update(columns[place])
    airlines, airports = await asyncio.gather(
        stores.postgres.rows(_AIRLINES, list(codes[Kind.AIRLINE] - {None})),
        stores.postgres.rows(_AIRPORTS, list(codes[Kind.AIRPORT] - {None})),
    )
    return (
        {code: {"id": code, "code": code, "name": name} for code, name in airlines},
        {code: _airport(code, *rest) for code, *rest in airports},
    )


def _airport(code: str, name: str, latitude: float, longitude: float, feet: int, offset: float, zone: str) -> Any:
    return {
        "id": code,
        "code": code,
        "name": name,
        "latitude": latitude,
        "longitude": longitude,
        "altitudeFeet": feet,
        "utcOffsetHours": offset,
        "timeZone": zone,
    }
