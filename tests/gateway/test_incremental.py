"""Answers in parts, as clients of @defer and @stream meet them: a gateway of its own over the real stores."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.embedded.engines import StoreUrls
from tests.conftest import Stores
from tests.gateway.conftest import served
from tests.loaders.stores.relay import Relay, relay
from tests.loaders.stores.waiting import until
from tests.parts import merged, parts_of

PARTS = "multipart/mixed;incrementalSpec=v0.2,application/graphql-response+json,application/json;q=0.9"
IDS = ["N14228", "N725MQ", "nothing", "N14228"]


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway without a cache, whose ClickHouse is behind a relay."""

    client: httpx.AsyncClient
    clickhouse: Relay
    log: Path

    async def parts(self, query: str, **variables: Any) -> AsyncGenerator[dict[str, Any]]:
        """The parts of an answer as they come, after checking its head."""
        body = {"query": query, "variables": {"ids": IDS, **variables}, "extensions": {"accounting": True}}
        async with self.client.stream("POST", "/graphql", json=body, headers={"Accept": PARTS}) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"] == 'multipart/mixed; boundary="-"; incrementalSpec=v0.2'
            assert answer.headers["cache-control"] == "no-store"
            assert "content-encoding" not in answer.headers
            async for part in parts_of(answer.aiter_raw()):
                yield part

    async def all(self, query: str, **variables: Any) -> list[dict[str, Any]]:
        return [part async for part in self.parts(query, **variables)]

    async def whole(self, query: str, *, accept: str = "application/json", **variables: Any) -> Any:
        """The answer in one part."""
        body = {"query": query, "variables": {"ids": IDS, **variables}}
        answer = await self.client.post("/graphql", json=body, headers={"Accept": accept})
        assert answer.headers["content-type"].startswith("application/")
        return answer.json()

    async def explained(self, query: str, accept: str) -> Any:
        """How it would be answered, as it is told with nothing executed."""
        body = {"query": query, "variables": {"ids": IDS}, "extensions": {"explain": True}}
        answer = await self.client.post("/graphql", json=body, headers={"Accept": accept, "GraphQL-Cost": "validate"})
        return answer.json()["extensions"]["explain"]


@pytest.fixture(scope="module")
async def gateway(
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001 - loaded before it serves
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Gateway]:
    log = tmp_path_factory.mktemp("gateway") / "log"
    async with relay(store_urls.clickhouse_url) as between:
        urls = replace(store_urls, clickhouse_url=between.url)
        with ExitStack() as stack:
            written = stack.enter_context(log.open("wb"))
            gateway = served(urls, written, GATEWAY_CACHE="false")
            url = await asyncio.to_thread(stack.enter_context, gateway)
            async with httpx.AsyncClient(base_url=url, timeout=30) as client:
                yield Gateway(client, between, log)
            await asyncio.to_thread(stack.close)


def _without(query: str) -> str:
    return re.sub(r"@(defer|stream)(\([^)]*\))?", "", query).replace("$later: Boolean!, ", "")


LATER = """
query($ids: [ID!]!) {
  aircraftByIds(ids: $ids) {
    id registration { model }
    ... @defer(label: "analysis") { analysis { punctuality { flights } carriers { airline { name } } } }
  }
}
"""


async def test_the_first_part_is_there_before_the_deferred_statement_is_answered(gateway: Gateway) -> None:
    async with aclosing(gateway.parts(LATER)) as parts:
        gateway.clickhouse.silence()
        try:
            first = await anext(parts)
        finally:
            gateway.clickhouse.resume()
        rest = [part async for part in parts]
    assert first["data"]["aircraftByIds"][0] == {"id": "N14228", "registration": {"model": "737-824"}}
    assert {item["label"] for item in first["pending"]} == {"analysis"}
    assert merged([first, *rest])["data"]["aircraftByIds"][0]["analysis"]["punctuality"] == {"flights": 111}


SECTIONS = " fragment S on Analysis { punctuality { flights meanArrivalDelay } monthly(first: 2) { month flights } }"
DOCUMENTS = [
    LATER,
    "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { ... @defer(label: \"a\") { operator { name }"
    " analysis { utilization { flights } ... @defer(label: \"b\") { ...S } } } } }" + SECTIONS,
    "query($ids: [ID!]!) { ... @defer { aircraftByIds(ids: $ids) { id analysis { ...S } } } }" + SECTIONS,
    "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { id } ... @defer { aircraftByIds(ids: $ids)"
    " { id homeBase { name } analysis { ...S } } } }" + SECTIONS,
    "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { ...Now ...Later @defer analysis { ...Shared } } }"
    " fragment Now on Aircraft { analysis { punctuality { flights } } }"
    " fragment Later on Aircraft { revisions { recordedAt } analysis { ...Shared monthly(first: 1) { month } } }"
    " fragment Shared on Analysis { punctuality { onTimeShare } utilization { flights } }",
    "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { id analysis { punctuality { flights"
    " ... @defer { onTimeShare } } flightLog(first: 2) { pageInfo { endCursor } } } } }",
    "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { id ... @defer { analysis { flightLog(first: 2)"
    " { edges { cursor node { destination } } pageInfo { endCursor } } } } } }",
    "query($ids: [ID!]!) { aircraftByIds(ids: $ids) @stream(initialCount: 1) { id analysis { ...S } } }" + SECTIONS,
    "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { id analysis { monthly @stream(initialCount: 2, label: \"m\")"
    " { month flights } } } }",
    "query($ids: [ID!]!) { aircraftByIds(ids: $ids) @stream { id ... @defer { analysis"
    " { monthly @stream(initialCount: 3) { month } } } } }",
    "query($ids: [ID!]!) { a: aircraftByIds(ids: $ids) { id ... @defer { analysis { punctuality { flights } } } }"
    " b: aircraft(tailNumber: \"N725MQ\") { analysis { punctuality { onTimeShare } } } }",
    "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { id } fleet(first: 2) { pageInfo { hasNextPage }"
    " ... @defer { edges { node { id analysis { utilization { flights } } } } } } }",
]  # fmt: skip


@pytest.mark.parametrize("query", DOCUMENTS)
async def test_all_parts_together_are_the_answer_without_the_directives(gateway: Gateway, query: str) -> None:
    parts, whole = await gateway.all(query), await gateway.whole(_without(query))
    assert len(parts) > 1
    assert merged(parts) == {**whole, "errors": []}


@pytest.mark.parametrize("later", [True, False])
async def test_a_variable_says_whether_a_part_comes_later(gateway: Gateway, later: bool) -> None:
    query = LATER.replace("query(", "query($later: Boolean!, ").replace("label:", "if: $later, label:")
    whole = await gateway.whole(_without(query))
    assert await gateway.whole(query, later=later) == whole
    if later:
        assert merged(await gateway.all(query, later=True))["data"] == whole["data"]
    else:
        assert await gateway.whole(query, accept=PARTS, later=False) == whole


@pytest.mark.parametrize("parts_first", [True, False])
async def test_a_part_within_a_fragment_comes_later_for_who_takes_parts(gateway: Gateway, parts_first: bool) -> None:
    query = f"query P{parts_first:d}($ids: [ID!]!) {{ aircraftByIds(ids: $ids) {{ ...F }} }}" + (
        " fragment F on Aircraft { id ... @defer { analysis { punctuality { flights } } } }"
    )
    for in_parts in (parts_first, not parts_first):
        price: Any = (await gateway.explained(query, PARTS if in_parts else "application/json"))["fields"][0]
        assert ("deferred" in price) is in_parts
        if in_parts:
            assert "analysis" not in (await gateway.all(query))[0]["data"]["aircraftByIds"][0]
        else:
            assert "analysis" in (await gateway.whole(query))["data"]["aircraftByIds"][0]


@pytest.mark.parametrize("ids", [1, 50])
async def test_deferred_parts_take_one_wave_more(gateway: Gateway, ids: int) -> None:
    query = """
    query($ids: [ID!]!) {
      a: aircraftByIds(ids: $ids) { id registration { model } ... @defer { analysis { punctuality { flights } } } }
      b: aircraftByIds(ids: $ids) { id ... @defer { operator { name } analysis { cancellations { share } } } }
    }
    """
    parts = await gateway.all(query, ids=["N14228", *(f"N{index}" for index in range(1, ids))])
    accounting = parts[-1]["extensions"]["accounting"]
    assert accounting["statements"] == {"postgresql": 2, "clickhouse": 1}
    assert not any("extensions" in part for part in parts[:-1])


async def test_what_is_asked_at_once_too_is_not_loaded_again(gateway: Gateway) -> None:
    query = """
    query($ids: [ID!]!) {
      aircraftByIds(ids: $ids) {
        analysis { now: punctuality { flights } carriers { code } }
        ... @defer { analysis { later: punctuality { onTimeShare } named: carriers { airline { name } } } }
      }
    }
    """
    parts = await gateway.all(query)
    analysis = merged(parts)["data"]["aircraftByIds"][0]["analysis"]
    assert (analysis["now"], analysis["later"]) == ({"flights": 111}, {"onTimeShare": 0.7747747747747747})
    assert parts[-1]["extensions"]["accounting"]["statements"] == {"postgresql": 2, "clickhouse": 2}


async def test_a_deferred_field_of_the_operation_is_loaded_in_one_wave(gateway: Gateway) -> None:
    query = """
    {
      ... @defer { aircraftByIds(ids: ["N14228"]) { registration { model } analysis { punctuality { flights } } } }
    }
    """
    parts = await gateway.all(query)
    assert parts[-1]["extensions"]["accounting"]["statements"] == {"postgresql": 1, "clickhouse": 1}


async def test_a_client_that_leaves_leaves_nothing_behind(gateway: Gateway) -> None:
    logged = gateway.log.read_text()
    for _ in range(5):
        gateway.clickhouse.silence()
        try:
            async with aclosing(gateway.parts(LATER)) as parts:
                await anext(parts)
        finally:
            gateway.clickhouse.resume()
    assert await gateway.all(LATER) == await gateway.all(LATER)
    assert gateway.log.read_text() == logged


async def test_an_error_in_a_deferred_part_nulls_its_section_and_tells_nothing(gateway: Gateway) -> None:
    async with aclosing(gateway.parts(LATER, ids=["N14228"] * 20)) as parts:
        await gateway.clickhouse.cut()
        try:
            collected = [part async for part in parts]
        finally:
            await gateway.clickhouse.listen()
            async with asyncio.timeout(60):  # its circuit breaker closes after the next probe
                while "errors" in await gateway.whole(_without(LATER)):
                    pass
    answer = merged(collected)
    aircraft = {"id": "N14228", "registration": {"model": "737-824"}}
    assert answer["data"]["aircraftByIds"] == [{**aircraft, "analysis": {"punctuality": None, "carriers": None}}] * 20
    assert {item["extensions"]["code"] for item in answer["errors"]} == {"STORE_UNAVAILABLE"}
    assert len({item["extensions"]["id"] for item in answer["errors"]}) == 2, "one a statement that failed"
    affected = {(item["path"][-1], item["path"][1]): item["extensions"]["affected"] for item in answer["errors"]}
    assert affected == {("punctuality", 0): 20, ("carriers", 0): 20}, "one error for each field"

    async def is_back() -> bool:
        return "errors" not in await gateway.whole(_without(LATER))

    await until(is_back)  # for the tests after this one


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/json",
        "multipart/mixed;deferSpec=20220824, application/json",
        'multipart/mixed;boundary="graphql";subscriptionSpec=1.0, application/json',
        "multipart/mixed;q=0, application/json",
    ],
)
async def test_who_takes_no_such_parts_gets_it_whole(gateway: Gateway, accept: str) -> None:
    assert await gateway.whole(LATER, accept=accept) == await gateway.whole(_without(LATER))


async def test_batches_and_gets_are_answered_whole(gateway: Gateway) -> None:
    whole = await gateway.whole(_without(LATER))
    body = {"query": LATER, "variables": {"ids": IDS}}
    headers = {"Accept": f"{PARTS}, application/json"}
    batch = await gateway.client.post("/graphql", json=[body, body], headers=headers)
    assert batch.json() == [whole, whole]
    query = LATER.replace("$ids)", '["N14228"])').replace("query($ids: [ID!]!)", "")
    got = await gateway.client.get("/graphql", params={"query": query}, headers=headers)
    assert got.json()["data"]["aircraftByIds"] == whole["data"]["aircraftByIds"][:1]


async def test_what_is_not_answered_with_data_comes_in_one_part(gateway: Gateway) -> None:
    answer = await gateway.whole(LATER.replace("punctuality", "nothing"), accept=PARTS)
    assert "nothing" in answer["errors"][0]["message"]
