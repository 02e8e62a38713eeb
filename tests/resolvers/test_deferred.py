"""What deferred parts ask: when it is loaded, in how many statements, and what is left when nobody waits any more."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from graphql import ExperimentalIncrementalExecutionResults

from gateway.execution.executor import ColumnExecutor
from gateway.execution.variables import coerced
from loaders.catalogue.schedule import Punctuality
from loaders.planning.section_request import section_request
from loaders.request_loaders import RequestLoaders
from loaders.sections import Loaded
from loaders.stores.protocols import AnalyticalStore, Columns
from resolvers.context import RequestContext
from resolvers.deferred import Deferred
from resolvers.pricing import estimate_cost
from resolvers.scopes import ALL_SCOPES
from tests.asking import SCHEMA, Recorder
from tests.conftest import Stores

LATER = """
query($ids: [ID!]!) {
  aircraftByIds(ids: $ids) {
    id registration { model }
    ... @defer { operator { name } analysis { punctuality { flights } monthly(first: 1) { month } } }
  }
}
"""
IDS = ["N14228", "N725MQ", "nothing"]


@dataclass(slots=True)
class Held:
    """A ClickHouse that answers when it is let go."""

    store: AnalyticalStore
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0
    answered: int = 0

    async def columns(self, sql: str, parameters: Mapping[str, object]) -> Columns:
        self.asked += 1
        await self.let_go.wait()
        columns = await self.store.columns(sql, parameters)
        self.answered += 1
        return columns


async def _begun(stores: Stores, held: Held) -> tuple[RequestContext, ExperimentalIncrementalExecutionResults]:
    context = RequestContext.of(RequestLoaders.over(stores.postgres, held), in_parts=True)
    async with asyncio.timeout(10):
        result: Any = await SCHEMA.execute(LATER, variable_values={"ids": IDS}, context_value=context)
    assert result.initial_result.data["aircraftByIds"][0] == {"id": "N14228", "registration": {"model": "737-824"}}
    return context, result


@pytest.mark.parametrize(("turns", "sent"), [(0, 0), (1, 2), (2, 2), (5, 2)])
async def test_when_nobody_waits_any_more_no_task_is_left_and_no_statement_is_cancelled(
    sample_stores: Stores, turns: int, sent: int
) -> None:
    before, held = asyncio.all_tasks(), Held(sample_stores.clickhouse)
    context, result = await _begun(sample_stores, held)
    if turns:
        waiting = asyncio.ensure_future(anext(result.subsequent_results))
        for _ in range(turns):
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    async with asyncio.timeout(10):
        await result.subsequent_results.aclose()
        await context.release()
        held.let_go.set()
        while left := asyncio.all_tasks() - before:
            await asyncio.wait(left)
    assert (held.asked, held.answered) == (sent, sent)


async def test_parts_that_are_there_when_they_are_asked_for_come_at_once(sample_stores: Stores) -> None:
    held, left = Held(sample_stores.clickhouse), ColumnExecutor.left_to_graphql_core.copy()
    context, result = await _begun(sample_stores, held)
    held.let_go.set()
    (part,) = [part async for part in result.subsequent_results]
    await context.release()
    unclean = ColumnExecutor.left_to_graphql_core - left
    assert not any(reason.startswith("value:") for reason in unclean), "what was there was completed by columns"
    assert [one.data["operator"] for one in part.incremental or ()] == [  # type: ignore[union-attr]
        {"name": "United Air Lines Inc."},
        {"name": "Envoy Air"},
    ]


async def test_one_that_does_not_wait_any_more_does_not_end_the_load_of_the_others() -> None:
    asked, there = section_request(Punctuality), asyncio.Event()

    async def load() -> list[Loaded]:
        await there.wait()
        return [Loaded("a", {asked: [(1,)]}, 0)]

    deferred = Deferred()
    (one,) = deferred.begin([Loaded("a", {}, 0)], [asked], load())

    async def waits() -> Any:
        return await one.get(asked)

    waiting = [asyncio.create_task(waits()) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.wait(waiting[:1])
    there.set()
    assert await waiting[1] == (1,)
    assert one.get(asked) == (1,)
    await deferred.release()


async def test_a_price_counts_the_wave_of_deferred_parts(sample_stores: Stores) -> None:
    recorder = Recorder()
    loaders = RequestLoaders.over(
        recorder.relational(sample_stores.postgres), recorder.analytical(sample_stores.clickhouse)
    )
    context = RequestContext.of(loaders, in_parts=True)
    query = LATER.replace("registration { model }", "homeBase { name } analysis { utilization { flights } }")
    result: Any = await SCHEMA.execute(query, variable_values={"ids": IDS}, context_value=context)
    assert len([part async for part in result.subsequent_results]) == 1
    await context.release()
    document = SCHEMA.documents.get(query)
    operation, _ = document.operation(None)
    values = coerced(SCHEMA._schema, document.node, operation, {"ids": IDS})  # type: ignore[arg-type]
    assert not isinstance(values, list)
    priced = estimate_cost(SCHEMA._schema, operation, document.fragments, values, ALL_SCOPES)
    assert (recorder.count("postgresql"), recorder.count("clickhouse")) == (3, 3)
    assert priced.statements == 6
    whole = estimate_cost(
        SCHEMA._schema, document.executed(in_parts=False).operation(None)[0], document.fragments, values, ALL_SCOPES
    )
    assert whole.statements == 5
