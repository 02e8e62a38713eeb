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


_NODE_IDS = """query($ids: [ID!]!) { aircraftByIds(ids: $ids) {
  id nodeId n: nodeId operator { nodeId } homeBase { nodeId } analysis { carriers { airline { nodeId } } }
} }"""


async def test_node_ids_are_completed_by_columns(sample_stores: Stores) -> None:
    ColumnExecutor.left_to_graphql_core.clear()
    answer = await ask(*sample_stores, _NODE_IDS, {"ids": ["N14228", "nothing", "N725MQ"]})
    assert answer.errors == []
    aircraft, _, _ = answer.data["aircraftByIds"]
    assert aircraft["nodeId"] == aircraft["n"] == "Aircraft:N14228"
    assert aircraft["operator"] == {"nodeId": "Airline:UA"}
    assert dict(ColumnExecutor.left_to_graphql_core) == {}


@pytest.mark.parametrize("node_id", ["Aircraft:N14228", "Airport:JFK", "Airline:UA"])
async def test_an_object_of_the_interface_is_completed_by_columns(sample_stores: Stores, node_id: str) -> None:
    ColumnExecutor.left_to_graphql_core.clear()
    answer = await ask(*sample_stores, "query($id: ID!) { node(id: $id) { __typename id nodeId } }", {"id": node_id})
    type_name, _, key = node_id.partition(":")
    assert answer.data == {"node": {"__typename": type_name, "id": key, "nodeId": node_id}}
    assert dict(ColumnExecutor.left_to_graphql_core) == {}


async def test_what_is_left_to_graphql_core_is_counted_with_its_reason(sample_stores: Stores) -> None:
    ColumnExecutor.left_to_graphql_core.clear()
    answer = await ask(*sample_stores, "{ fleet(first: 2) { totalCount nodes { id } } __schema { types { name } } }")
    assert answer.errors == []
    assert ColumnExecutor.left_to_graphql_core["selection: a field that is not Strawberry's"] > 10
