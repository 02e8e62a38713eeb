"""The floor's endpoint for all sections at once: the planner's statements as text, hand-written loops around them.

What a hand would write fifty times, a dict literal for each section, is written once here and compiled at import.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.endpoints.cursors import cursor_of
from benchmarks.endpoints.serving import CountedStores
from benchmarks.endpoints.statements import fetched
from deploy import SAMPLE_MODEL
from loaders.model.bound_sections import BoundSection
from loaders.model.loading import load_model
from loaders.model.names import camel
from loaders.model.shapes import Cardinality
from loaders.statements.planning import plan
from loaders.statements.section_request import section_request
from loaders.statements.statement_plan import StatementPlan
from loaders.statements.statement_text import Alignment

_SECTIONS = {
    name: section for name, section in load_model(SAMPLE_MODEL).bound_sections.items() if name.startswith("Aircraft.")
}
_MAIN = (_SECTIONS["Aircraft.operator"], _SECTIONS["Aircraft.home_base"])
_ANALYSIS = [section for name, section in _SECTIONS.items() if name.startswith("Aircraft.analysis.")]
_FLIGHT_LOG = _SECTIONS["Aircraft.analysis.flight_log"]
_AIRLINES = "select code, name from airline where code = any($1::text[])"
_AIRPORTS = """
select code, name, latitude, longitude, altitude_feet, utc_offset_hours::float8, time_zone
from airport
where code = any($1::text[])
"""

Links = Mapping[str | None, Any]
Values = Sequence[Any]
Column = Sequence[Any]
_LINKS = {"Airline": "airlines", "Airport": "airports"}


@dataclass(frozen=True, slots=True)
class LoadedObject:
    """A statement's answer: the columns of each section, and the row of each id in them (None without a row)."""

    statement: StatementPlan
    columns: Sequence[Column]
    rows: Sequence[int | None]

    def sections(self) -> list[tuple[BoundSection, Sequence[Column], Sequence[int | None]]]:
        """Each section with its columns, and the rows of the ids in them."""
        parts = []
        for each, place in zip(self.statement.requests, self.statement.text.columns, strict=True):
            there = None if place.marker is None else self.columns[place.marker]
            rows = (
                self.rows if there is None else [row if row is not None and there[row] else None for row in self.rows]
            )
            parts.append((each.section, self.columns[place.start : place.start + place.width], rows))
        return parts


def _row_of(section: BoundSection) -> tuple[str, str]:
    """The names that a row is unpacked into, and the dict of them, as Python."""
    names = [f"v{index}" for index in range(len(section.columns))]
    values = [
        f"{_LINKS[column.target]}.get({name})" if column.target else name
        for name, column in zip(names, section.columns, strict=True)
    ]
    pairs = zip(section.columns, values, strict=True)
    return ", ".join(names) + ",", "{" + ", ".join(f'"{camel(column.name)}": {value}' for column, value in pairs) + "}"


def _compiled(section: BoundSection) -> Callable[[Sequence[Column], Links, Links], Values]:
    row, literal = _row_of(section)
    rest = " *_," if section.cardinality is Cardinality.PAGE else ""
    if section.cardinality is not Cardinality.ONE:
        body = f"[[{literal} for {row}{rest} in rows] for rows in columns[0]]"
    else:
        body = f"[{literal} for {row} in zip(*columns)]"
    made: Callable[[Sequence[Column], Links, Links], Values] = eval(f"lambda columns, airlines, airports: {body}")  # noqa: S307
    return made


_BUILD = {section: _compiled(section) for section in _SECTIONS.values()}
_STATEMENTS = plan(section_request(section) for section in _SECTIONS.values())


def _empty(section: BoundSection) -> Any:
    if section.cardinality is Cardinality.PAGE:
        return _page([], [])
    if section.cardinality is Cardinality.LIST:
        return []
    pairs = zip(section.columns, section.empty, strict=False)
    return None if section.is_nullable else {camel(column.name): value for column, value in pairs}


async def everything(stores: CountedStores, ids: list[str]) -> list[Any]:
    """All statements at once, then the airlines and airports that their answers name."""
    asked = list(dict.fromkeys(ids))
    loaded = await asyncio.gather(*(_load(stores, statement, asked) for statement in _STATEMENTS))
    sections = {section: (columns, rows) for item in loaded for section, columns, rows in item.sections()}
    airlines, airports = await _links(stores, sections)
    values = {
        section: _aligned(section, _built(section, columns, airlines, airports), rows)
        for section, (columns, rows) in sections.items()
    }
    known = [row is not None for row in sections[_SECTIONS["Aircraft.record"]][1]]
    carriers, origins = (_codes(*sections[section]) for section in _MAIN)
    answers = dict(zip(asked, _aircraft(asked, known, values, carriers, origins, airlines, airports), strict=True))
    return list(map(answers.__getitem__, ids))


def _aircraft(
    ids: Sequence[str],
    known: Sequence[bool],
    values: Mapping[BoundSection, Values],
    carriers: Sequence[str | None],
    origins: Sequence[str | None],
    airlines: Links,
    airports: Links,
) -> list[Any]:
    names = [camel(section.name.rpartition(".")[2]) for section in _ANALYSIS]
    rows = zip(*(values[section] for section in _ANALYSIS), strict=True)
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
            ids,
            known,
            values[_SECTIONS["Aircraft.registration"]],
            values[_SECTIONS["Aircraft.revisions"]],
            carriers,
            origins,
            rows,
            strict=True,
        )
    ]


async def _load(stores: CountedStores, statement: StatementPlan, ids: list[str]) -> LoadedObject:
    text = statement.text
    columns, _ = await fetched(stores, statement, ids)
    columns = columns or [()] * len(text.names)  # without a row there may be no columns
    keys: Sequence[Any] = range(len(ids)) if text.alignment is Alignment.PLACE else ids
    if statement.requests[0].is_list and not text.columns[0].is_gathered:  # row by row
        lists: dict[Any, list[tuple[Any, ...]]] = {key: [] for key in keys}
        for key, *row in zip(*columns, strict=True):
            lists[key].append(tuple(row))
        return LoadedObject(statement, [(), list(lists.values()), *([()] * len(text.names))], range(len(ids)))
    row_of = {key: row for row, key in enumerate(columns[0])}
    return LoadedObject(statement, columns, [row_of.get(key) for key in keys])


def _built(section: BoundSection, columns: Sequence[Column], airlines: Links, airports: Links) -> Values:
    if section is not _FLIGHT_LOG:
        return _BUILD[section](columns, airlines, airports)
    pages = [rows[: _FLIGHT_LOG.first] for rows in columns[0]]
    built = _BUILD[section]([pages], airlines, airports)
    return [
        _page(rows, nodes, more=len(all_rows) > len(rows))
        for all_rows, rows, nodes in zip(columns[0], pages, built, strict=True)
    ]


_ORDER = len(_FLIGHT_LOG.default_order)


def _page(rows: Sequence[Any], nodes: Sequence[Any], *, more: bool = False) -> Any:
    cursors = [cursor_of(row[-_ORDER:]) for row in rows]
    return {
        "edges": [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=True)],
        "pageInfo": {
            "hasNextPage": more,
            "hasPreviousPage": False,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
    }


def _aligned(section: BoundSection, values: Values, rows: Sequence[int | None]) -> Values:
    empty = _empty(section)
    return [empty if row is None else values[row] for row in rows]


def _codes(columns: Sequence[Column], rows: Sequence[int | None]) -> list[str | None]:
    return [None if row is None else columns[0][row] for row in rows]


async def _links(
    stores: CountedStores, sections: Mapping[BoundSection, tuple[Sequence[Column], Sequence[int | None]]]
) -> tuple[Links, Links]:
    codes: dict[str, set[str | None]] = {"Airline": set(), "Airport": set()}
    for section, (columns, _) in sections.items():
        for place, column in enumerate(section.columns):
            if not column.target:
                continue
            if section.cardinality is not Cardinality.ONE:
                codes[column.target].update(row[place] for rows in columns[0] for row in rows)
            else:
                codes[column.target].update(columns[place])
    airlines, airports = await asyncio.gather(
        stores.postgres.rows(_AIRLINES, list(codes["Airline"] - {None})),
        stores.postgres.rows(_AIRPORTS, list(codes["Airport"] - {None})),
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
