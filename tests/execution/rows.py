"""Lists of small rows, asked of both engines."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import strawberry

from gateway.execution.executor import ColumnExecutor
from resolvers.batching import BATCH
from tests.execution.engines import Counting, ExecutionOutcome, QuietSchema, both, difference
from tests.execution.positions import column, list_of, object_type

ROWS = [(1, "a", True), None, (2, None, False)]


def row_type(**more: Any) -> Any:
    """A type of a number and a text, read of rows by their columns, and of more fields."""
    return object_type("Row", {}, number=column("number", 0, int), text=column("text", 1, str | None), **more)


def echoing() -> Any:
    """A field that answers its arguments."""

    def batch(parents: Sequence[Any], arguments: Mapping[str, Any], _context: Any) -> Sequence[str]:
        return [f"{arguments.get('n')} {arguments.get('text') or None}" for _ in parents]

    def resolve(root: Any, n: int | None = 7, text: str | None = strawberry.UNSET) -> Any:
        return batch([root], {"n": n, "text": text or None}, None)[0]

    return strawberry.field(resolver=resolve, graphql_type=str, metadata={BATCH: batch})


def schema_of(item: Any, values: Any, **options: Any) -> strawberry.Schema:
    """Lists of items; every value is found under `items`."""

    def resolve() -> Any:
        return values() if callable(values) else values

    items = strawberry.field(resolver=resolve, graphql_type=list_of(item | None) | None)
    strict = strawberry.field(resolver=resolve, graphql_type=list_of(item) | None)
    return QuietSchema(query=object_type("Query", {}, items=items, strict=strict), **options)


async def equal(schema: strawberry.Schema, query: str, variables: Mapping[str, Any] | None = None) -> ExecutionOutcome:
    """The answer, which both engines give."""
    tested, reference = await both(schema, query, variables)
    if tested != reference:
        pytest.fail(difference(tested, reference))
    return tested


async def by_columns(
    schema: strawberry.Schema, query: str, variables: Mapping[str, Any] | None = None
) -> ExecutionOutcome:
    """Equal, and nothing was left to graphql-core."""
    Counting.tried.clear()
    result = await equal(schema, query, variables)
    assert Counting.tried["left"] == 0, dict(ColumnExecutor.left_to_graphql_core)
    assert Counting.tried["by columns"] > 0
    return result


def shown(result: ExecutionOutcome) -> str:
    """The data as text, in the order of their fields."""
    return repr(result.data)
