"""The gateway's own queries are completed by columns throughout: what is left to graphql-core is counted."""

import pytest

from gateway.execution.executor import ColumnExecutor
from tests.asking import SCHEMA, ask
from tests.conftest import Stores
from tests.queries import DASHBOARD, TRENDS, everything


@pytest.mark.parametrize(
    "query", [DASHBOARD, TRENDS, everything(SCHEMA._schema)], ids=["dashboard", "trends", "everything"]
)
async def test_nothing_of_our_queries_is_left_to_graphql_core(sample_stores: Stores, query: str) -> None:
    ColumnExecutor.left_to_graphql_core.clear()
    answer = await ask(*sample_stores, query, {"ids": ["N14228", "nothing", "N725MQ", "N804JB", "N865DA"]})
    assert answer.errors == []
    assert dict(ColumnExecutor.left_to_graphql_core) == {}


async def test_what_is_left_to_graphql_core_is_counted_with_its_reason(sample_stores: Stores) -> None:
    ColumnExecutor.left_to_graphql_core.clear()
    answer = await ask(*sample_stores, "{ fleet(first: 2) { totalCount nodes { id } } __schema { types { name } } }")
    assert answer.errors == []
    assert ColumnExecutor.left_to_graphql_core["selection: a field that is not Strawberry's"] > 10
