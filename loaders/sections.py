"""Sections of aircraft: few statements for all that is asked in one tick."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

from aiodataloader import DataLoader

from loaders.catalogue.declaration import Cohort, Store
from loaders.keys import storable
from loaders.planning import Cohorts, Request, Statement, Table, Values, plan
from loaders.planning.request import merged
from loaders.stores.errors import CallerError, SystemFault
from loaders.stores.protocols import AnalyticalStore, RelationalStore

Key = tuple[tuple[str, ...], frozenset[Request]]
"""Tail numbers that are asked for together, and what is asked of each of them.

One key, and so one future, for all aircraft of a field: a future each costs more than all else that is done for it.
"""

MOST_IDS = 10_000
"""Different aircraft in one statement. ClickHouse refuses a parameter over 128 KiB, some 10,000 of the longest keys."""


_MANY_IDS = 200
"""Ids from which on the values of one section take a millisecond to read."""


class Loaded(NamedTuple):
    """The sections of one aircraft: its place in what was loaded together. Thousands are made at once."""

    tail_number: str
    values: Mapping[Request, Values | SystemFault]
    place: int

    def get(self, request: Request) -> Any:
        """The request's value for this aircraft (see Values). Raises the SystemFault that kept it from being loaded."""
        return self.column(request)[self.place]

    def column(self, request: Request) -> Values:
        """The request's values for all that was loaded together; this aircraft's is at `place`. Raises like `get`."""
        values = self.values[request]
        if isinstance(values, SystemFault):
            raise values
        return values


def values_of(aircraft: Sequence[Loaded], request: Request) -> list[Any]:
    """The request's value of each aircraft, in order: looked up once for those that were loaded together.

    Raises the SystemFault that kept it from being loaded.
    """
    values: list[Any] = []
    together: object = None
    for loaded in aircraft:
        _, sections, place = loaded
        if sections is not together:
            column, together = loaded.column(request), sections
        values.append(column[place])
    return values


class SectionLoader(DataLoader[Key, list[Loaded]]):
    """Loads what all keys of the tick ask for, fused: each statement binds the ids once.

    Every id of the tick is asked all requests of the tick, since one statement for all is cheaper than one for each
    different set. A statement that fails fails its own requests, not the others. Keys that no store can hold are
    answered without being sent.
    """

    def __init__(self, postgres: RelationalStore, clickhouse: AnalyticalStore) -> None:
        super().__init__()
        self._postgres = postgres
        self._clickhouse = clickhouse
        self._loaded: list[tuple[int, dict[Request, Values | SystemFault]]] = []

    async def release(self) -> None:
        """Forget what was loaded; where it is much, others get their turn in between."""
        self.clear_all()
        for ids, values in self._loaded:
            while values:
                values.popitem()
                if ids > _MANY_IDS:
                    await asyncio.sleep(0)
        self._loaded.clear()

    def get_cache_key(self, key: Key) -> Any:
        """Keys that want different columns of equal requests are different keys."""
        together, asked = key
        return together, frozenset((request, request.columns) for request in asked)

    async def batch_load_fn(self, keys: list[Key]) -> list[list[Loaded]]:
        """The sections of each key's aircraft, in the order of the keys and of their tail numbers."""
        ids = list(dict.fromkeys(tail_number for together, _ in keys for tail_number in together))
        if len(ids) > MOST_IDS:
            raise CallerError(
                f"A request can be for {MOST_IDS:,} different aircraft, and this one is for {len(ids):,}."
            )
        requests = merged(request for _, asked in keys for request in asked)
        values = await self._load(ids, requests)
        self._loaded.append((len(ids), values))
        places = {tail_number: place for place, tail_number in enumerate(ids)}
        return [
            list(map(Loaded._make, zip(together, repeat(values), map(places.__getitem__, together), strict=False)))
            for together, _ in keys
        ]

    async def _load(self, ids: Sequence[str], requests: Sequence[Request]) -> dict[Request, Values | SystemFault]:
        values: dict[Request, Values | SystemFault] = {}
        statements = plan(requests)
        answers = await asyncio.gather(*(self._answer(statement, ids) for statement in statements))
        for answer in answers:
            values.update(answer)
        return values

    async def _answer(self, statement: Statement, ids: Sequence[str]) -> Mapping[Request, Values | SystemFault]:
        try:
            if statement.source.cohort is not None:
                return await self._of_cohorts(statement, statement.source.cohort, ids)
            return await self._of_ids(statement, ids)
        except SystemFault as fault:
            return dict.fromkeys(statement.requests, fault)

    async def _of_ids(self, statement: Statement, ids: Sequence[str]) -> dict[Request, Values]:
        asked = storable(ids)
        if statement.source.store is Store.POSTGRES:
            rows = await self._postgres.rows(statement.sql, asked, *statement.arguments.values())
            return await _read(statement, list(zip(*rows, strict=True)), ids)
        answer = await self._clickhouse.columns(statement.sql, {"ids": asked, **statement.arguments})
        return await _read(statement, answer.columns, ids)

    async def _of_cohorts(self, statement: Statement, cohort: Cohort, ids: Sequence[str]) -> dict[Request, Values]:
        """Two waves: which cohort each id is in, then the cohorts' answers, each given to all of its members."""
        rows = await self._postgres.rows(cohort.members, storable(ids))
        cohorts: Cohorts = {row["cohort"]: row["members"] for row in rows}
        cohort_of = {member: name for name, members in cohorts.items() for member in members}
        arguments = {
            "ids": list(cohorts),
            "members": list(cohort_of),
            "cohorts": list(cohort_of.values()),
            **statement.arguments,
        }
        keys = [cohort_of.get(key, "") for key in ids]
        if not cohorts:
            return await _read(statement, [], keys)
        answer = await self._clickhouse.columns(statement.sql, arguments)
        return await _read(statement, answer.columns, keys)


async def _read(statement: Statement, table: Table, ids: Sequence[str]) -> dict[Request, Values]:
    """The values of each request. Where there are many ids, others get their turn on the event loop in between."""
    values: dict[Request, Values] = {}
    for request, of_ids in statement.read(table, ids):
        values[request] = of_ids
        if len(ids) > _MANY_IDS:
            await asyncio.sleep(0)
    return values
