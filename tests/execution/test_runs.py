"""Whole executions: chunks, time limits, cancellation, mutations, subscriptions, and what is not enabled."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from graphql import execute, parse
from strawberry.schema.config import StrawberryConfig
from strawberry.utils.await_maybe import await_maybe

from resolvers.batching import BATCH
from tests.execution.engines import Context, Counting, QuietSchema, Reference, both, exact, outcome, run
from tests.execution.positions import batched, column, list_of, object_type

_MANY = 200


def _row() -> Any:
    return object_type(
        "Row",
        {},
        number=column("number", 0, int),
        text=column("text", 1, str | None),
        double=batched(int, lambda row: row[0] * 2),
        rows=batched(list_of(object_type("Leaf", {}, number=column("number", 0, int))), lambda row: [row] * 3),
    )


def _schema(values: Any) -> strawberry.Schema:
    row = _row()

    async def resolve_never() -> Any:
        await asyncio.Event().wait()

    def field(resolve: Any, answer: Any) -> Any:
        return strawberry.field(resolver=resolve, graphql_type=answer)

    def resolve() -> Any:
        return list(values)

    query = object_type(
        "Query",
        {},
        rows=field(resolve, list_of(row | None) | None),
        strict=field(resolve, list_of(row) | None),
        never=field(resolve_never, int | None),
    )
    return QuietSchema(query=query)


def _no_rows() -> list[Any]:
    return []


def _numbered(**odd: Any) -> list[Any]:
    rows: list[Any] = [(number, f"row {number}") for number in range(_MANY)]
    for index, row in odd.items():
        rows[int(index[1:])] = row
    return rows


_ODD_ROWS: dict[str, dict[str, Any]] = {
    "clean": {},
    "a null": {"r0": None, "r120": None},
    "first is odd": {"r0": (True, "a")},
    "last is odd": {"r199": (2**31, "a")},
    "no row": {"r150": "text"},
    "a short row": {"r16": ()},
    "a lone surrogate": {"r199": (1, "\ud800")},
    "text of an integer": {"r17": (1, 12)},
}


@pytest.mark.parametrize("encode_in_chunks", [None, False, True])
@pytest.mark.parametrize("odd", _ODD_ROWS)
async def test_a_large_list_is_the_same_whole_and_in_chunks(odd: str, encode_in_chunks: bool | None) -> None:
    schema = _schema(_numbered(**_ODD_ROWS[odd]))
    for query in ("{ rows { number text double rows { number } } }", "{ strict { __typename text } rows { number } }"):
        tested, reference = await both(schema, query, context=lambda: Context(0, encode_in_chunks))
        assert tested == reference


async def test_other_tasks_run_between_the_chunks_of_a_large_list() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await run(_schema(_numbered()), Counting, "{ rows { number } }", None, Context(0, False))
    in_chunks, turns = turns, 0
    await run(_schema(_numbered()), Counting, "{ rows { number } }", None, Context(0, None))
    counting.cancel()
    assert in_chunks > turns


@pytest.mark.parametrize("encode_in_chunks", [None, False, True])
async def test_a_time_limit_around_an_execution_leaves_no_task(encode_in_chunks: bool | None) -> None:
    schema, context = _schema(_numbered()), Context(0, encode_in_chunks)
    before = asyncio.all_tasks()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await run(schema, Counting, "{ rows { number } never strict { text } }", None, context)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_a_cancelled_execution_leaves_no_task() -> None:
    schema, before = _schema(_numbered()), asyncio.all_tasks()
    for turns in range(2, 12):  # in its first turn nothing has begun, and graphql-core drops its coroutines
        running = asyncio.create_task(
            run(schema, Counting, "{ a: rows { number } b: rows { double } never }", None, Context(0, True))
        )
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before


@pytest.mark.parametrize("context", [Context(), Context(0, False)], ids=["whole", "in chunks"])
def test_a_synchronous_execution_is_the_same(context: Context) -> None:
    schema, query = _schema([(1, "a"), None, (True, "b")]), "{ rows { number text rows { number } } }"
    outcomes = []
    for engine in (Counting, Reference):
        schema.execution_context_class = engine
        result = schema.execute_sync(query, context_value=context)
        outcomes.append(outcome(result.data, result.errors))
    assert outcomes[0] == outcomes[1]


async def test_a_batch_gets_the_context_of_its_request() -> None:
    def batch(rows: Sequence[Any], _arguments: Mapping[str, Any], context: Context) -> Sequence[str]:
        return [f"{context.seed} {row[0]}" for row in rows]

    def resolve(root: Any, info: strawberry.Info[Context, None]) -> Any:
        return batch([root], {}, info.context)[0]

    greeting = strawberry.field(resolver=resolve, graphql_type=str, metadata={BATCH: batch})
    row = object_type("Row", {}, number=column("number", 0, int), greeting=greeting)
    query = object_type("Query", {}, rows=strawberry.field(resolver=lambda: [(1,), (2,)], graphql_type=list_of(row)))
    Counting.tried.clear()
    tested, reference = await both(QuietSchema(query=query), "{ rows { greeting } }", context=lambda: Context("mine"))
    assert tested == reference
    assert "mine 2" in repr(tested.data)
    assert dict(Counting.tried) == {"by columns": 1}


async def test_mutations_run_one_after_the_other() -> None:
    row, log = _row(), list[str]()

    async def add(n: int) -> Any:
        log.append(f"begin {n}")
        await asyncio.sleep(0.01 / n)
        log.append(f"end {n}")
        return [(index, None) for index in range(n)]

    mutation = object_type("Mutation", {}, add=strawberry.mutation(resolver=add, graphql_type=list_of(row)))
    query = object_type("Query", {}, rows=strawberry.field(resolver=_no_rows, graphql_type=list_of(row)))
    schema = QuietSchema(query=query, mutation=mutation)
    tested, reference = await both(
        schema, "mutation { a: add(n: 1) { number } b: add(n: 2) { double rows { number } } }"
    )
    assert tested == reference
    assert log == ["begin 1", "end 1", "begin 2", "end 2"] * 2


async def test_events_of_a_subscription_are_completed_as_by_graphql_core() -> None:
    row = _row()

    async def ticks() -> AsyncIterator[Any]:
        for number in range(3):
            yield [(number, "a"), (2**40 if number == 1 else 1, None)]

    subscription = object_type(
        "Subscription", {}, ticks=strawberry.subscription(resolver=ticks, graphql_type=list_of(row | None))
    )
    query = object_type("Query", {}, rows=strawberry.field(resolver=_no_rows, graphql_type=list_of(row)))
    schema = QuietSchema(query=query, subscription=subscription)
    outcomes = []
    for engine in (Counting, Reference):
        schema.execution_context_class = engine
        events: Any = await schema.subscribe("subscription { ticks { number double text } }", context_value=Context())
        outcomes.append([outcome(event.data, event.errors) async for event in events])
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0]) == 3


async def test_defer_and_stream_are_not_enabled() -> None:
    for query in ("{ rows { ... @defer { number } } }", "{ rows @stream { number } }"):
        tested, reference = await both(_schema([(1, "a")]), query)
        assert tested == reference
        assert tested.data == exact(None)


@pytest.mark.parametrize(
    "query",
    [
        "{ items { rows { number } ... @defer { row { text } } } }",
        "{ items { __typename row { number ... @defer { text } } } }",
        "{ ... @defer { items { rows { number double } } } }",
        "{ items { rows { number } ... @defer { rows { text } } } }",
        "{ items { rows { number } } ... @defer { items { rows { text } } } }",
        "{ items @stream(initialCount: 1) { rows { number double } } }",
        "{ items { rows @stream(initialCount: 1) { number double } } }",
        "{ items @stream { row { number } ... @defer { rows @stream { text } } } }",
    ],
)
async def test_where_it_is_enabled_a_deferred_or_streamed_part_comes_later(query: str) -> None:
    row = _row()
    item = object_type("Item", {"row": row | None, "rows": list_of(row)})
    values = [SimpleNamespace(row=(1, "a"), rows=[(1, "a"), (2, "b")]), SimpleNamespace(row=None, rows=[])]
    fields = {"items": strawberry.field(resolver=lambda: list(values), graphql_type=list_of(item))}
    config = StrawberryConfig(enable_experimental_incremental_execution=True)
    schema, parts = QuietSchema(query=object_type("Query", {}, **fields), config=config), []
    for engine in (Counting, Reference):
        schema.execution_context_class = engine
        result: Any = await schema.execute(query, context_value=Context())
        later = [part.formatted async for part in result.subsequent_results]
        parts.append([result.initial_result.formatted, *later])
    assert parts[0] == parts[1]
    assert len(parts[0]) > 1


async def test_a_deferred_list_is_completed_by_columns() -> None:
    row = _row()
    fields = {"rows": strawberry.field(resolver=lambda: [(1, "a"), (2, "b")], graphql_type=list_of(row))}
    config = StrawberryConfig(enable_experimental_incremental_execution=True)
    schema = QuietSchema(query=object_type("Query", {}, **fields), config=config, execution_context_class=Counting)
    Counting.tried.clear()
    result: Any = await schema.execute("{ ... @defer { rows { number double } } }", context_value=Context())
    (part,) = [part.formatted async for part in result.subsequent_results]
    assert part["incremental"][0]["data"] == {"rows": [{"number": 1, "double": 2}, {"number": 2, "double": 4}]}
    assert dict(Counting.tried) == {"by columns": 1}


async def test_where_errors_are_not_propagated_all_else_is_kept() -> None:
    schema = _schema([(1, "a"), (2**31, "b"), (3, "c")])
    document = parse("query @experimental_disableErrorPropagation { strict { number text double } }")
    outcomes = []
    for engine in (Counting, Reference):
        result = await await_maybe(execute(schema._schema, document, executor_class=engine, context_value=Context()))
        outcomes.append(outcome(result.data, result.errors))
    assert outcomes[0] == outcomes[1]
    assert {index for index, _ in outcomes[0].errors} == {("strict", 1, "number"), ("strict", 1, "double")}


async def test_introspection_is_graphql_cores() -> None:
    tested, reference = await both(
        _schema([]), "{ __schema { types { name fields { name type { name ofType { name } } } } } rows { number } }"
    )
    assert tested == reference
