"""What deferred parts ask of objects, at any level: when it is loaded, and that it is the same answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from graphql.execution.values import VariableValues

from gateway.schema import build_schema
from loaders.objects.object_record import ObjectRecord
from loaders.statements.section_request import section_request
from loaders.stores.errors import StoreUnavailable
from resolvers.cost_estimate import estimate_cost
from resolvers.deferred_loading import DeferredLoads
from resolvers.request_context import RequestContext
from tests.models import loaded_model
from tests.parts import merged
from tests.resolvers.fake_objects import FakeLoaders, FakeObjects
from tests.resolvers.loaded_members import ANSWERS, TYPES, A, B

MODEL = loaded_model("deploy.analytics.model")
SCHEMA = build_schema(MODEL)
CORE: Any = SCHEMA._schema

SELECTIONS = [
    "id email ... @defer { activity { actions } recentEvents { kind project { name } } label }",
    "id ... @defer { invoices(first: 2) { edges { cursor node { id lines { text } plan { name } } } totalCount } }",
    "id b: invoices(first: 2) { edges { node { id } } } ... @defer { a: invoices(first: 2) { totalCount } }",
    "id lastInvoice { id ... @defer { lines { text amount } note } }",
    "id invoices { nodes { id ... @defer { lines { text } member { email } } } }",
    "id ... @defer { lastInvoice { id ... @defer { lines { text } plan { name } } } }",
    "id usage { ... @defer { activity { actions } } } ... @defer { usage { activity { slowShare } } }",
    "id activity { actions } ... @defer { activity { spent } projects { name } }",
    "id recentEvents @stream(initialCount: 1) { kind project { name } }",
]


def _context(objects: FakeObjects, *, in_parts: bool) -> RequestContext:
    return RequestContext(FakeLoaders(objects), TYPES.parts.field_scopes, in_parts=in_parts)


async def _whole(query: str, answers: Mapping[str, Any] = ANSWERS) -> Any:
    context = _context(FakeObjects(answers), in_parts=False)
    result: Any = await SCHEMA.execute(query, context_value=context)
    await context.release()
    return result


@pytest.mark.parametrize("selected", SELECTIONS)
async def test_parts_together_are_the_whole_answer(selected: str) -> None:
    query = f'{{ membersByIds(ids: ["{A}", "{B}", "x"]) {{ {selected} }} }}'
    objects = FakeObjects(ANSWERS)
    context = _context(objects, in_parts=True)
    result: Any = await SCHEMA.execute(query, context_value=context)
    parts = [result.initial_result.formatted, *[part.formatted async for part in result.subsequent_results]]
    await context.release()
    answer = merged(parts)
    whole = await _whole(query)
    assert (answer["errors"], whole.errors) == ([], None)
    assert answer["data"] == whole.data


async def test_the_first_part_does_not_wait_for_what_is_deferred() -> None:
    query = f'{{ member(id: "{A}") {{ email ... @defer {{ activity {{ actions }} lastInvoice {{ total }} }} }} }}'
    objects = FakeObjects(ANSWERS, held=asyncio.Event())
    context = _context(objects, in_parts=True)
    async with asyncio.timeout(10):
        result: Any = await SCHEMA.execute(query, context_value=context)
    assert result.initial_result.data == {"member": {"email": "a@x"}}
    assert objects.held is not None
    objects.held.set()
    parts = [result.initial_result.formatted, *[part.formatted async for part in result.subsequent_results]]
    await context.release()
    assert merged(parts)["data"]["member"]["lastInvoice"] == {"total": "3.50"}
    assert [sections for _, _, sections in objects.loads] == [
        ["Member.record"],
        ["Member.activity", "Member.last_invoice"],
    ]


async def test_what_fails_later_is_an_error_in_its_part() -> None:
    query = f'{{ member(id: "{A}") {{ email ... @defer {{ activity {{ actions }} billing: lastInvoice {{ id }} }} }} }}'
    context = _context(FakeObjects({**ANSWERS, "Member.activity": StoreUnavailable("web", "gone")}), in_parts=True)
    result: Any = await SCHEMA.execute(query, context_value=context)
    parts = [result.initial_result.formatted, *[part.formatted async for part in result.subsequent_results]]
    await context.release()
    answer = merged(parts)
    assert answer["data"]["member"] == {"email": "a@x", "activity": None, "billing": {"id": "3"}}
    assert [error["path"] for error in answer["errors"]] == [["member", "activity"]]


async def test_a_count_that_fails_later_leaves_the_page_that_did_not_ask_for_it() -> None:
    query = f'''{{ member(id: "{A}") {{ b: invoices(first: 1) {{ nodes {{ id }} }}
        ... @defer {{ a: invoices(first: 1) {{ totalCount }} }} }} }}'''
    failing = {**ANSWERS, "Member.invoices.count": StoreUnavailable("crm", "gone")}
    context = _context(FakeObjects(failing), in_parts=True)
    result: Any = await SCHEMA.execute(query, context_value=context)
    parts = [result.initial_result.formatted, *[part.formatted async for part in result.subsequent_results]]
    await context.release()
    answer = merged(parts)
    assert answer["data"]["member"] == {"b": {"nodes": [{"id": "1"}]}, "a": None}
    assert [error["path"] for error in answer["errors"]] == [["member", "a", "totalCount"]]


async def test_when_nothing_waits_any_more_no_task_is_left() -> None:
    query = f'{{ member(id: "{A}") {{ email ... @defer {{ activity {{ actions }} }} }} }}'
    before, objects = asyncio.all_tasks(), FakeObjects(ANSWERS, held=asyncio.Event())
    context = _context(objects, in_parts=True)
    result: Any = await SCHEMA.execute(query, context_value=context)
    async with asyncio.timeout(10):
        await result.subsequent_results.aclose()
        await context.release()
        while left := asyncio.all_tasks() - before:
            await asyncio.wait(left)


async def test_a_waiter_that_is_cancelled_does_not_end_the_load_of_the_others() -> None:
    asked, there = section_request(MODEL.bound_sections["Member.activity"]), asyncio.Event()

    async def load() -> list[ObjectRecord]:
        await there.wait()
        return [ObjectRecord("a", {asked: [(1,)]}, 0)]

    deferred, record = DeferredLoads(), ObjectRecord("a", {}, 0)
    deferred.begin([record], [asked], load())

    async def waits() -> Any:
        return await record.get(asked)

    waiting = [asyncio.create_task(waits()) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.wait(waiting[:1])
    there.set()
    assert await waiting[1] == (1,)
    assert record.get(asked) == (1,)
    await deferred.release()


@pytest.mark.parametrize("selected", SELECTIONS)
async def test_the_price_counts_the_waves_of_deferred_parts(selected: str) -> None:
    """Each load of the fake is a wave of one key space; the price has a statement at least for each."""
    query = f'{{ membersByIds(ids: ["{A}", "{B}"]) {{ {selected} }} }}'
    document = SCHEMA.documents.get(query)
    operation, _ = document.operation(None)
    objects = FakeObjects(ANSWERS)
    context = _context(objects, in_parts=True)
    result: Any = await SCHEMA.execute(query, context_value=context)
    assert [part async for part in result.subsequent_results]
    await context.release()
    assert SCHEMA.types is not None
    estimate = estimate_cost(
        SCHEMA.types, CORE, operation, document.fragments, VariableValues({}, {}), TYPES.parts.field_scopes
    )
    assert estimate.errors == []
    assert estimate.statements >= len(objects.loads)
