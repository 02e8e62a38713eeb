"""Errors in answers and in the log."""

import asyncio
import json
import logging
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import GraphQLError

from deploy.embedded.engines import StoreUrls
from gateway.auth.api_keys import new_key, text_of
from gateway.errors import masked
from loaders.stores.errors import ColumnUnavailable, StoreUnavailable
from tests.conftest import Stores
from tests.gateway.conftest import served
from tests.gateway.http.conftest import Gateway, NewGateway
from tests.loaders.stores.relay import relay

OWN = "application/graphql-response+json"
DRAFT_PARTIAL, DRAFT_INVALID = 294, 422
ASKED = "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { id analysis { punctuality { flights } } } }"
AIRLINE = '{ airline(code: "UA") { name } }'
MASKED = "Something went wrong on our side."


def extensions(error: dict[str, Any]) -> Any:
    assert error["message"] == MASKED
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    return error["extensions"]


def failure(error: dict[str, Any]) -> Any:
    assert error["message"] == "The data of this field is not available at the moment. Try again later."
    assert error["extensions"]["code"] == "STORE_UNAVAILABLE"
    return error["extensions"]


async def test_a_stores_fault_is_masked_by_an_id_that_is_in_the_gateways_log(
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001 - loaded before it serves
    tmp_path: Path,
) -> None:
    body = {"query": ASKED, "variables": {"ids": ["N14228"] * 40}}
    settings = {"GATEWAY_CACHE": "false", "GATEWAY_ACQUIRE_TIMEOUT_S": "1"}
    async with relay(store_urls.clickhouse_url) as between:
        with ExitStack() as stack:
            log = stack.enter_context((tmp_path / "log").open("wb"))
            block = served(replace(store_urls, clickhouse_url=between.url), log, **settings)
            url = await asyncio.to_thread(stack.enter_context, block)
            await between.cut()
            async with httpx.AsyncClient(base_url=url, timeout=30) as client:
                answer = await client.post("/graphql", json=body, headers={"accept": OWN})
                other = await client.post("/graphql", json={"query": AIRLINE})
            await asyncio.to_thread(stack.close)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["data"] == {"aircraftByIds": [{"id": "N14228", "analysis": {"punctuality": None}}] * 40}
    (error,) = answer.json()["errors"]
    assert error["path"] == ["aircraftByIds", 0, "analysis", "punctuality"]
    assert "extensions" not in answer.json()
    failed = failure(error)
    assert failed == {
        "code": "STORE_UNAVAILABLE",
        "id": failed["id"],
        "section": "Aircraft.analysis.punctuality",
        "store": "clickhouse",
        "affected": 40,
    }
    (logged,) = [line for line in (tmp_path / "log").read_text().splitlines() if "StoreUnavailable" in line]
    assert failed["id"] in logged
    assert "(40 places)" in logged
    assert str(between.port) not in answer.text
    assert "errors" not in other.json()


async def test_each_cause_has_an_id_of_its_own(
    new_gateway: NewGateway, store_urls: StoreUrls, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"query": ASKED, "variables": {"ids": ["N14228"]}}
    async with AsyncExitStack() as stack:
        between = await stack.enter_async_context(relay(store_urls.clickhouse_url))
        item = await stack.enter_async_context(new_gateway(clickhouse_url=between.url, acquire_timeout_s=1.0))
        await between.cut()
        with caplog.at_level(logging.WARNING, "gateway"):
            batch = (await item.post([body, {"query": AIRLINE}])).json()
            again = (await item.post(body)).json()
    first, second = batch[0]["errors"][0], again["errors"][0]
    assert "errors" not in batch[1]
    assert failure(first)["id"] != failure(second)["id"]
    ids = {record.getMessage().partition(":")[0] for record in caplog.records if record.module == "errors"}
    assert ids == {failure(first)["id"], failure(second)["id"]}


async def test_a_partial_answer_is_not_cached_and_explained_and_counted_as_any_other(
    new_gateway: NewGateway, store_urls: StoreUrls
) -> None:
    variables = {"ids": ["N14228", "N725MQ"]}
    extras = {"extensions": {"accounting": True, "explain": True}}
    async with AsyncExitStack() as stack:
        between = await stack.enter_async_context(relay(store_urls.clickhouse_url))
        settings: dict[str, Any] = {"clickhouse_url": between.url, "acquire_timeout_s": 1.0, "draft_statuses": True}
        item = await stack.enter_async_context(new_gateway(**settings))
        await between.cut()
        url = {"query": ASKED, "variables": json.dumps(variables)}
        answers = [await item.client.get("/graphql", params=url, headers={"accept": OWN}) for _ in range(2)]
        told = (await item.post({"query": ASKED, "variables": variables, **extras})).json()
    for answer in answers:
        assert (answer.status_code, answer.headers["cache-control"]) == (DRAFT_PARTIAL, "no-store")
        assert "age" not in answer.headers
        assert failure(answer.json()["errors"][0])["affected"] == 2
    assert told["extensions"]["accounting"]["statements"]["postgresql"] == 1
    assert told["extensions"]["explain"]["fields"]
    assert [error["path"] for error in told["errors"]] == [["aircraftByIds", 0, "analysis", "punctuality"]]


async def test_where_keys_cannot_be_looked_up_the_fault_is_the_gateways(
    new_gateway: NewGateway, store_urls: StoreUrls
) -> None:
    async with AsyncExitStack() as stack:
        between = await stack.enter_async_context(relay(store_urls.database_url))
        item = await stack.enter_async_context(new_gateway(database_url=between.url, acquire_timeout_s=1.0))
        await between.cut()
        answer = await item.post({"query": AIRLINE}, x_api_key=text_of(*new_key()))
        bad = await item.post({"query": AIRLINE}, x_api_key="fgk_")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["errors"][0]["extensions"] == {"code": "STORE_UNAVAILABLE"}
    assert (bad.status_code, bad.json()["errors"][0]["extensions"]) == (401, {"code": "UNAUTHENTICATED"})


async def test_a_fault_of_the_gateway_itself_is_masked_too(
    new_gateway: NewGateway, caplog: pytest.LogCaptureFixture
) -> None:
    async with new_gateway() as item:
        item.app.state.stores = None
        answer = await item.post({"query": AIRLINE})
    assert answer.status_code == 500
    (error,) = answer.json()["errors"]
    assert extensions(error)["id"] in caplog.text
    assert "NoneType" in caplog.text
    assert "NoneType" not in answer.text


@pytest.mark.parametrize("errors", [5, 6])
async def test_an_answer_has_five_errors_in_full(gateway: Gateway, errors: int) -> None:
    answer = await gateway.ask(
        "{ "
        + " ".join(f'a{n}: aircraft(tailNumber: "x") {{ revisions(first: -1) {{ revision }} }}' for n in range(errors))
        + " }"
    )
    assert [error["path"] for error in answer["errors"]] == [[f"a{n}"] for n in range(5)]
    assert answer.get("extensions") == (None if errors == 5 else {"furtherErrors": 1})
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}


async def test_validation_is_given_up_after_some_errors(gateway: Gateway) -> None:
    answer = await gateway.ask("{ " + " ".join(f"nothing{n}" for n in range(100)) + " }")
    assert len(answer["errors"]) == 5
    assert answer["extensions"] == {"furtherErrors": 1}
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("fragment A on Query { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($n: Int!) { fleet(first: $n) { edges { cursor } } }", "BAD_USER_INPUT"),
        ("mutation { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_what_cannot_be_executed_is_400_in_graphqls_own_type(gateway: Gateway, query: str, code: str) -> None:
    own = await gateway.post({"query": query}, accept=OWN)
    plain = await gateway.post({"query": query}, accept="application/json")
    assert (own.status_code, plain.status_code) == (400, 200)
    assert own.json() == plain.json()
    assert own.json()["errors"][0]["extensions"]["code"] == code
    assert "data" not in own.json()
    assert own.headers["cache-control"] == plain.headers["cache-control"] == "no-store"


async def test_the_schema_is_kept_to_oneself_where_it_is_set(new_gateway: NewGateway, gateway: Gateway) -> None:
    typo, asked = "{ aircrafts { id } }", "{ __schema { queryType { name } } }"
    async with new_gateway(introspection=False, suggestions=False) as silent:
        for query in (asked, '{ __type(name: "Aircraft") { name } }'):
            refused = await silent.ask(query)
            assert {error["extensions"]["code"] for error in refused["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}
            assert "data" not in refused
        assert await silent.ask("{ __typename }") == {"data": {"__typename": "Query"}}
        (error,) = (await silent.ask(typo))["errors"]
        assert error["message"] == "Cannot query field 'aircrafts' on type 'Query'."
        wrong = await silent.ask("query($f: FleetFilter) { fleet(filter: $f) { totalCount } }", f={"manufacturers": 1})
        assert "Did you mean" not in str(wrong["errors"])
    assert "Did you mean 'aircraft'" in (await gateway.ask(typo))["errors"][0]["message"]
    assert (await gateway.ask(asked))["data"]["__schema"]["queryType"] == {"name": "Query"}


PARTIAL = '{ aircraft(tailNumber: "x") { revisions(first: -1) { revision } } airline(code: "UA") { name } }'


@pytest.mark.parametrize(
    ("query", "status", "draft"),
    [
        (AIRLINE, 200, 200),
        (PARTIAL, 200, DRAFT_PARTIAL),
        ("{ nothing }", 400, DRAFT_INVALID),
        ("{", 400, 400),
        ("query($n: Int!) { fleet(first: $n) { edges { cursor } } }", 400, 400),
    ],
)
async def test_the_drafts_statuses_are_a_setting(
    new_gateway: NewGateway, gateway: Gateway, query: str, status: int, draft: int
) -> None:
    async with new_gateway(draft_statuses=True) as drafts:
        answers = [await item.post({"query": query}, accept=OWN) for item in (gateway, drafts)]
        assert [answer.status_code for answer in answers] == [status, draft]
        assert answers[0].json() == answers[1].json()
        assert (await drafts.post({"query": query}, accept="application/json")).status_code == 200


@pytest.mark.parametrize(
    ("query", "column"),
    [
        ('{ aircraft(tailNumber: "N1") { analysis(period: {from: "2013-13-01"}) { punctuality { flights } } } }', 56),
        ('{ aircraft(tailNumber: "N1") { analysis(period: {to: 5}) { punctuality { flights } } } }', 54),
        ('{ aircraft(tailNumber: "N1") { analysis(period: {to: [TODAY]}) { punctuality { flights } } } }', 54),
        (
            'query($p: Period = {from: ""}) { aircraft(tailNumber: "N1") { analysis(period: $p) { delays { flights } } } }',
            27,
        ),
        ("{ fleet(first: 2147483648) { totalCount } }", 16),
        ("{ fleet(orderBy: {field: SIZE}) { totalCount } }", 26),
        ('{ fleet(filter: {registered: "yes"}) { totalCount } }', 30),
        ("{ airport(code: 1.5) { code } }", 17),
    ],
)
async def test_a_literal_that_is_no_value_is_shown_where_it_stands(gateway: Gateway, query: str, column: int) -> None:
    errors = (await gateway.ask(query))["errors"]
    assert {"line": 1, "column": column} in [place for error in errors for place in error["locations"]]
    assert all(error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"} for error in errors)


def test_what_a_store_is_known_to_lack_is_not_a_warning_of_each_request(caplog: pytest.LogCaptureFixture) -> None:
    causes = [ColumnUnavailable("postgresql", "it is missing"), StoreUnavailable("postgresql", "it is away")]
    with caplog.at_level(logging.DEBUG, "gateway"):
        masked([GraphQLError(str(cause), original_error=cause) for cause in causes])
    assert [record.levelno for record in caplog.records] == [logging.DEBUG, logging.WARNING]
