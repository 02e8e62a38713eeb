"""The explanation of an operation: as clients ask for it, and held against what is then sent."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.embedded.engines import StoreUrls
from gateway.documents import Documents
from gateway.execution.variables import coerced
from gateway.explain import explain
from loaders.cache.factory import open_cache
from loaders.stores.redis import Redis
from resolvers.request_context import RequestContext
from tests.asking import SCHEMA, Recorder, Sent
from tests.conftest import Stores
from tests.fleet.served import ALL_SCOPES, context_over
from tests.gateway.conftest import invalidate, served
from tests.patience import PATIENCE_S
from tests.queries import DASHBOARD, TRENDS, everything

VALIDATE = {"GraphQL-Cost": "validate"}
EXPLAIN = {"explain": True}
IDS = ["N14228", "N725MQ", "N804JB", "N14228"]
SHARED = """
    query($ids: [ID!]!, $all: Boolean = false) {
      first: aircraft(tailNumber: "N14228") { analysis { punctuality { flights } } }
      rest: aircraftByIds(ids: $ids) {
        registration { seats }
        analysis { cancellations { share } monthly(first: 2) { month } airTime @include(if: $all) { meanMinutes } }
        march: analysis(period: { from: "2013-03-01", to: "2013-03-31" }) { punctuality { onTimeShare } }
      }
      nodes(ids: ["Aircraft:N865DA", "Airport:JFK"]) { id ... on Aircraft { registration { year } } }
    }
"""


@pytest.fixture
def client(gateway_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway_url, timeout=60) as client:
        yield client


async def _explained(query: str, variables: dict[str, Any], context: RequestContext) -> dict[str, Any]:
    document = Documents(SCHEMA._schema).get(query)
    assert (document.errors, document.node is None) == ([], False)
    operation, _ = document.operation(None)
    values = coerced(SCHEMA._schema, document.node, operation, variables)  # type: ignore[arg-type]
    assert not isinstance(values, list)
    return await explain(SCHEMA.estimate(operation, document.fragments, values, ALL_SCOPES), context)


def _told(explanation: Mapping[str, Any]) -> Counter[tuple[str, str]]:
    """What is shown, each statement once: store and text."""
    told = [item for each in explanation["fields"] for item in each["statements"]]
    return _whole({(item["store"], item["sql"]) for item in told})


def _seen(sent: list[Sent]) -> Counter[tuple[str, str]]:
    """What was sent, but for the records that links lead to, which are not known before."""
    linked = ("from public.airline as", "from public.airport as")
    return _whole((item.store, item.sql) for item in sent if not any(name in item.sql for name in linked))


def _whole(statements: Iterable[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """Statements without the text of those that rows of another database are sent with: their types are in it."""
    return Counter((store, "" if "fw_sent" in sql else sql) for store, sql in statements)


@pytest.mark.parametrize("is_cached", [True, False])
@pytest.mark.parametrize("query", [DASHBOARD, TRENDS, everything(SCHEMA._schema)])
async def test_the_statements_that_are_shown_are_those_that_are_then_sent(
    sample_stores: Stores, store_urls: StoreUrls, query: str, is_cached: bool
) -> None:
    recorder, version = Recorder(), uuid4().hex[:8]
    relational, analytical = recorder.relational(sample_stores.postgres), recorder.analytical(sample_stores.clickhouse)
    redis = await Redis.connect(
        store_urls.redis_url, max_connections=8, acquire_timeout_s=5, command_timeout_s=PATIENCE_S
    )
    async with open_cache(
        redis, version, max_entries=10_000, max_bytes=1 << 26, timeout_s=PATIENCE_S, lease_s=60
    ) as cache:
        for again in (False, True):
            context = context_over(relational, analytical, cache if is_cached else None)
            explanation = await _explained(query, {"ids": IDS}, context)
            assert recorder.sent == []
            result = await SCHEMA.execute(query, variable_values={"ids": IDS}, context_value=context)
            assert result.errors is None
            assert _told(explanation) == _seen(recorder.sent)
            assert bool(_told(explanation)) == (not again or not is_cached)
            recorder.sent.clear()
            await cache.settle()
    await redis.close()


async def test_each_root_field_says_what_it_loads_and_what_that_leads_to(sample_stores: Stores) -> None:
    first, rest, nodes = (await _explained(SHARED, {"ids": IDS}, context_over(*sample_stores)))["fields"]
    assert (first["field"], first["objects"], rest["field"], rest["objects"]) == ("first", 1, "rest", 4)
    assert [item["name"] for item in first["sections"]] == ["Aircraft.analysis.punctuality", "Aircraft.record"]
    names = ["Aircraft.record", "Aircraft.registration", "Airport.record"]
    assert [item["name"] for item in nodes["sections"]] == names
    assert {item["store"] for item in nodes["statements"]} == {"postgresql"}


async def test_a_page_says_what_its_objects_lead_to(sample_stores: Stores) -> None:
    query = "{ fleet(first: 5) { totalCount nodes { registration { seats } operator { name } } } }"
    (fleet,) = (await _explained(query, {}, context_over(*sample_stores)))["fields"]
    assert (fleet["pages"], fleet["objects"]) == (1, 5)
    assert "Airline.record" in fleet["follows"]
    assert "Aircraft.registration" in fleet["follows"]


def test_who_asks_has_the_plan_beside_the_answer_and_nobody_else_gets_it(
    client: httpx.Client, store_urls: StoreUrls
) -> None:
    assert invalidate(store_urls, "Aircraft:N14228").returncode == 0  # what other tests had cached may be stale by now
    body = {"query": DASHBOARD, "variables": {"ids": ["N14228"]}, "extensions": EXPLAIN}
    answers = [client.post("/graphql", json=body) for _ in range(3)]
    assert answers[0].json()["data"]["aircraftByIds"][0]["id"] == "N14228"
    assert [item.headers["cache-control"] for item in answers] == ["no-cache"] * 3
    assert not any("age" in item.headers for item in answers)
    (field,) = answers[2].json()["extensions"]["explain"]["fields"]
    assert field["statements"] == []
    assert {(item["fresh"], item["missing"]) for item in field["sections"]} == {(1, 0)}
    assert "extensions" not in client.post("/graphql", json=body | {"extensions": {}}).json()


def test_to_validate_is_to_execute_nothing(client: httpx.Client) -> None:
    query = '{ aircraft(tailNumber: "N999ZZ") { registration { seats } } }'
    for _ in range(2):
        answer = client.post("/graphql", json={"query": query, "extensions": EXPLAIN}, headers=VALIDATE)
        assert "age" not in answer.headers
        told = answer.json()["extensions"]
        assert told["cost"]["estimated"] == told["explain"]["estimated"]
        (field,) = told["explain"]["fields"]
        registration = field["sections"][1]
        assert (registration["name"], registration["fusedWith"]) == ("Aircraft.registration", ["Aircraft.record"])
        assert (registration["fresh"], registration["stale"], registration["missing"]) == (0, 0, 1)
        (statement,) = field["statements"]
        assert statement["sql"].startswith("select")


@pytest.mark.parametrize(
    ("query", "variables", "message"),
    [
        ("query($ids: [ID!]!) { aircraftByIds(ids: $ids) { id } }", {}, "Variable '$ids' has invalid value"),
        (
            "query($ids: [ID!] = []) { aircraftByIds(ids: $ids) { id } }",
            {"ids": None},
            "Argument 'ids' has invalid value",
        ),
        ('{ aircraft(tailNumber: "N3") { analysis { monthly(first: -1) { month } } } }', {}, "monthly: first must be"),
        ("{ nothing }", {}, "Cannot query field 'nothing'"),
    ],
)
def test_what_cannot_be_executed_is_said_without_executing_it(
    client: httpx.Client, query: str, variables: dict[str, Any], message: str
) -> None:
    body = {"query": query, "variables": variables, "extensions": EXPLAIN}
    answer = client.post("/graphql", json=body, headers=VALIDATE).json()
    (error,) = answer["errors"]
    assert error["message"].startswith(message)
    assert error["extensions"]["code"]
    assert "data" not in answer
    assert client.post("/graphql", json=body).json()["errors"][0]["message"] == error["message"], (
        "execution says it too"
    )


def test_who_lacks_the_scope_is_refused(store_urls: StoreUrls, sample_stores: Stores) -> None:  # noqa: ARG001
    body = {"query": '{ aircraft(tailNumber: "N14228") { id } }', "extensions": EXPLAIN}
    with served(store_urls, GATEWAY_ANONYMOUS="register:read analysis:read") as url:
        answer = httpx.post(f"{url}/graphql", json=body, timeout=60)
        allowed = httpx.post(f"{url}/graphql", json={**body, "extensions": {}}, timeout=60)
    assert answer.status_code == 403
    (error,) = answer.json()["errors"]
    assert error["message"] == "The extension 'explain' needs the scope explain."
    assert error["extensions"] == {"code": "FORBIDDEN"}
    assert "data" not in answer.json()
    assert allowed.json() == {"data": {"aircraft": {"id": "N14228"}}}
