"""Both clients against the real gateway, for what it has."""

import pytest

from fuseway_client import ResponseError
from tests.client.conftest import Connect
from tests.queries import DASHBOARD

FLEET = """query Fleet($first: Int, $after: String, $filter: FleetFilter) {
  fleet(first: $first, after: $after, filter: $filter) {
    totalCount nodes { id } edges { node { id } } pageInfo { hasNextPage endCursor }
  }
}"""
BY_EDGES = FLEET.replace("nodes { id }", "")


@pytest.mark.parametrize("by_get", [False, True])
async def test_a_query_with_variables_is_answered(connect: Connect, gateway: str, by_get: bool) -> None:
    result = await connect(gateway, by_get=by_get).execute(DASHBOARD, {"ids": ["N14228", "\ud800", "é&=+ #"]})
    result.raise_for_errors()
    assert result.data is not None
    aircraft, *unknown = result.data["aircraftByIds"]
    assert aircraft["analysis"]["punctuality"]["flights"] == 111
    assert unknown == [None, None]


@pytest.mark.parametrize("by_get", [False, True])
async def test_the_named_operation_runs(connect: Connect, gateway: str, by_get: bool) -> None:
    document = 'query A { a: airline(code: "UA") { code } } query B { b: airline(code: "AA") { code } }'
    result = await connect(gateway, by_get=by_get).execute(document, None, "B")
    assert result.data == {"b": {"code": "AA"}}


async def test_a_query_that_cannot_run_is_a_result_with_errors(connect: Connect, gateway: str) -> None:
    client = connect(gateway)
    refused = await client.execute("{ nothing }")
    failed = await client.execute('{ aircraft(tailNumber: "x") { revisions(first: -1) { revision } } }')
    assert refused.data is None
    assert "nothing" in refused.errors[0].message
    assert failed.data == {"aircraft": None}
    assert failed.errors[0].path == ("aircraft",)


@pytest.mark.parametrize("document", [FLEET, BY_EDGES])
async def test_the_fleet_is_walked_to_its_end(connect: Connect, gateway: str, document: str) -> None:
    client = connect(gateway)
    wanted = {"filter": {"manufacturer": "CESSNA"}}
    whole = await client.execute(document, wanted | {"first": 1_000})
    assert whole.data is not None
    nodes = await client.pages(document, "fleet", wanted, max_items=1_000, page_size=4)
    assert [edge["node"] for edge in whole.data["fleet"]["edges"]] == nodes
    assert len(nodes) == whole.data["fleet"]["totalCount"] > 4
    assert await client.pages(document, "fleet", wanted, max_items=5, page_size=4) == nodes[:5]


async def test_what_the_gateway_refuses_is_an_error(connect: Connect, gateway: str) -> None:
    with pytest.raises(ResponseError, match=r"^The gateway answered 404"):
        await connect(gateway + "/elsewhere").execute("{ __typename }")
