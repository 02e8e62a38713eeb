"""Batches that break their promise, and errors within them: answered as by the resolvers, one parent at a time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import strawberry

from resolvers.batching import BATCH
from tests.execution.positions import batched
from tests.execution.rows import by_columns, equal, row_type, schema_of
from tests.execution.values import Boom


def _answering(answer: Callable[[Sequence[Any]], Any]) -> Any:
    """A row with a field whose batch and resolver are this function."""

    def batch(parents: Sequence[Any], _arguments: Mapping[str, Any], _context: Any) -> Any:
        return answer(parents)

    def resolve(root: Any) -> Any:
        return batch([root], {}, None)[0]

    return row_type(odd=strawberry.field(resolver=resolve, graphql_type=int, metadata={BATCH: batch}))


def _raising(error: BaseException) -> Any:
    def answer(_parents: Sequence[Any]) -> Any:
        raise error

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        lambda parents: [1] * len(parents) if len(parents) == 1 else [1] * (len(parents) - 1),
        lambda parents: [1] * (len(parents) + 1),
        lambda _parents: [],
        lambda _parents: None,
        lambda parents: (1 for _ in parents),
        lambda _parents: 3,
        _raising(Boom("batch")),
        _raising(StopIteration()),
        _raising(RecursionError("deep")),
    ],
    ids=["short", "long", "empty", "none", "generator", "number", "raises", "stops", "recursion"],
)
async def test_a_batch_that_breaks_its_promise_fails_where_its_resolver_would(answer: Any) -> None:
    result = await equal(schema_of(_answering(answer), [(1, "a"), (2, "b"), (3, "c")]), "{ items { number odd } }")
    assert all(index[:2] == ("items", index[1]) for index, _ in result.errors)


async def test_a_batch_may_answer_any_sequence() -> None:
    schema = schema_of(_answering(lambda parents: tuple(range(len(parents)))), [(1, "a")])
    await by_columns(schema, "{ items { number odd } }")


async def test_one_failing_parent_fails_alone() -> None:
    def value_of(row: Any) -> int:
        if row[0] == 2:
            raise Boom("two")
        return int(row[0])

    schema = schema_of(row_type(odd=batched(int, value_of)), [(1, "a"), (2, "b"), (3, "c")])
    result = await equal(schema, "{ items { number odd } }")
    assert [index for index, _ in result.errors] == [("items", 1)]


async def test_an_error_of_a_batch_nulls_what_is_above_it_and_no_more() -> None:
    def value_of(_row: Any) -> int:
        raise Boom("all")

    schema = schema_of(row_type(odd=batched(int | None, value_of)), [(1, "a"), (2, "b")])
    result = await equal(schema, "{ items { number odd } }")
    assert [index for index, _ in result.errors] == [("items", 0, "odd"), ("items", 1, "odd")]
