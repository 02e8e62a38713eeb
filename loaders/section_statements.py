"""What the stores answer of sections: planned, fused, asked, read."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loaders.catalogue.declaration import Cohort, Store
from loaders.keys import valid_keys
from loaders.planning import Cohorts, SectionRequest, Statement, Table, Values, plan
from loaders.request_tracker import current_request
from loaders.stores.errors import StoreError, StoreUnavailable
from loaders.stores.protocols import AnalyticalStore, RelationalStore

MANY_IDS = 200
"""Ids from which on the values of one section take a millisecond to read."""


@dataclass(frozen=True, slots=True)
class SectionStatements:
    """The stores, as the source of sections. A statement that fails fails its own requests, not the others."""

    postgres: RelationalStore
    clickhouse: AnalyticalStore

    async def load(
        self, ids: Sequence[str], requests: Sequence[SectionRequest]
    ) -> dict[SectionRequest, Values | StoreError]:
        """The values of each request, in the order of the ids. Keys that no store can hold are not sent."""
        loaded = await self.load_each(dict.fromkeys(requests, ids))
        return {request: values for request, (_, values) in loaded.items()}

    async def load_each(
        self, wanted: Mapping[SectionRequest, Sequence[str]]
    ) -> dict[SectionRequest, tuple[Sequence[str], Values | StoreError]]:
        """Requests that want different ids: each with the ids of its statement, and its values in their order.

        A statement asks all of its requests for every id that one of them wants.
        """
        statements = plan(wanted)
        together = [_ids_of(statement, wanted) for statement in statements]
        tracker = current_request()
        if tracker is not None:
            tracker.stats.fused += [[request.section.graphql_name() for request in one.requests] for one in statements]
        answers = await asyncio.gather(*map(self._answer, statements, together))
        return {
            request: (ids, values)
            for ids, answer in zip(together, answers, strict=True)
            for request, values in answer.items()
        }

    async def _answer(self, statement: Statement, ids: Sequence[str]) -> Mapping[SectionRequest, Values | StoreError]:
        try:
            if statement.source.cohort is not None:
                return await self._of_cohorts(statement, statement.source.cohort, ids)
            return await self._of_ids(statement, ids)
        except StoreError as error:
            return dict.fromkeys(statement.requests, error)

    async def _of_ids(self, statement: Statement, ids: Sequence[str]) -> dict[SectionRequest, Values]:
        asked = valid_keys(ids)
        if statement.source.store is Store.POSTGRES:
            rows = await self.postgres.rows(statement.sql, asked, *statement.arguments.values())
            return await _read(statement, list(zip(*rows, strict=True)), ids)
        table = await self._columns(statement, {"ids": asked, **statement.arguments})
        return await _read(statement, table, ids)

    async def _of_cohorts(
        self, statement: Statement, cohort: Cohort, ids: Sequence[str]
    ) -> dict[SectionRequest, Values]:
        """Two waves: which cohort each id is in, then the cohorts' answers, each given to all of its members."""
        rows = await self.postgres.rows(cohort.members, valid_keys(ids))
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
        return await _read(statement, await self._columns(statement, arguments), keys)

    async def _columns(self, statement: Statement, arguments: Mapping[str, object]) -> Table:
        """Columns are read by their place, so the answer's must be those that the statement declares, in its order."""
        answer = await self.clickhouse.columns(statement.sql, arguments)
        if answer.names not in ((), statement.names):
            raise StoreUnavailable("clickhouse", "The answer of ClickHouse has other columns than its statement.")
        return answer.columns


def _ids_of(statement: Statement, wanted: Mapping[SectionRequest, Sequence[str]]) -> Sequence[str]:
    first, *others = (wanted[request] for request in statement.requests)
    if all(ids is first for ids in others):
        return first
    return list(dict.fromkeys(key for ids in (first, *others) for key in ids))


async def _read(statement: Statement, table: Table, ids: Sequence[str]) -> dict[SectionRequest, Values]:
    """The values of each request. Where there are many ids, others get their turn on the event loop in between."""
    values: dict[SectionRequest, Values] = {}
    for read in statement.read(table, ids):
        if read is not None:
            values[read[0]] = read[1]
        if read is None or len(ids) > MANY_IDS:
            await asyncio.sleep(0)
    return values
