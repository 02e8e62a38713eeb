"""Requests that would hold the event loop, or mislead a cache, are priced or refused."""

import re

import httpx
import pytest

from tests.gateway.http.conftest import Gateway, NewGateway

PARTS = "multipart/mixed, application/json"
DAILY = "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { analysis { daily(first: 1000)"
IDS = [f"N{index}" for index in range(500)]


@pytest.mark.parametrize(
    "query",
    [
        DAILY
        + " { date "
        + " ".join(f'... @defer(label: "a{index}") {{ flights }}' for index in range(20))
        + " } } } }",
        DAILY + " @stream(initialCount: 0) { date } } } }",
    ],
    ids=["defer", "stream"],
)
async def test_parts_of_each_row_are_priced(gateway: Gateway, query: str) -> None:
    body = {"query": query, "variables": {"ids": IDS}}
    answer = (await gateway.post(body, accept=PARTS, graphql_cost="validate")).json()
    assert answer["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"


@pytest.mark.parametrize(
    ("query", "least"),
    [
        ("nodes(ids: $ids) @stream(initialCount: 0) { id ... on Airport { ... @defer { name } } }", 3.5 * 2 * 500),
        (
            'airport(code: "JFK") { ... @defer(label: "a") { name } ... @defer(label: "b") { id } } nodes(ids: $ids) { id }',
            3.5 * 2,
        ),
    ],
)
async def test_parts_of_what_is_no_aircraft_are_priced_too(gateway: Gateway, query: str, least: float) -> None:
    ids = [f"Airport:A{index}" for index in range(500)]
    body = {"query": f"query($ids: [ID!]!) {{ {query} }}", "variables": {"ids": ids}}
    plain = {**body, "query": re.sub(r"@(defer|stream)(\([^)]*\))?", "", f"query($ids: [ID!]!) {{ {query} }}")}
    points = [(await gateway.post(item, accept=PARTS, graphql_cost="validate")).json() for item in (body, plain)]
    marked, unmarked = (item["extensions"]["cost"]["estimated"]["points"] for item in points)
    assert least <= marked - unmarked < 2.5 * least + 1, "what is beside them is completed one by one"


async def test_a_count_that_cannot_be_is_the_callers_fault(gateway: Gateway) -> None:
    body = {"query": '{ aircraftByIds(ids: ["N14228"]) @stream(initialCount: -1) { id } }'}
    answer = (await gateway.post(body, accept=PARTS)).json()
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_introspection_again_and_again_is_paid_each_time(gateway: Gateway) -> None:
    item = "__schema { types { fields { name } } }"
    points = []
    for times in (1, 2, 10):
        fields = " ".join(f"a{index}: {item}" for index in range(times))
        answer = (await gateway.post({"query": f"{{ {fields} }}"}, graphql_cost="validate")).json()
        points.append(answer["extensions"]["cost"]["estimated"]["points"])
    each = points[1] - points[0]
    assert each > 300
    assert points[2] - points[0] == pytest.approx(9 * each, abs=10)


@pytest.mark.parametrize("value", [[1] * 10_001, {f"k{index}": 1 for index in range(10_001)}])
async def test_a_variable_of_too_many_items_is_refused_before_any_is_looked_at(gateway: Gateway, value: object) -> None:
    body = {"query": "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { id } }", "variables": {"ids": value}}
    answer = (await gateway.post(body)).json()
    assert answer["errors"][0]["extensions"]["limit"] == "variable_items"


async def test_a_compressed_body_is_415(gateway: Gateway) -> None:
    answer = await gateway.post({"query": "{ __typename }"}, content_encoding="gzip")
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")


async def test_an_answer_varies_by_the_cost_that_was_asked_for(gateway: Gateway) -> None:
    answer = await gateway.post({"query": "{ __typename }"})
    assert "GraphQL-Cost" in answer.headers["vary"]


async def test_to_explain_is_paid_by_what_is_looked_up(new_gateway: NewGateway) -> None:
    fields = " ".join(f"a{index}: aircraftByIds(ids: $ids) {{ registration {{ model }} }}" for index in range(20))
    body = {"query": f"query($ids: [ID!]!) {{ {fields} }}", "variables": {"ids": IDS[:50]}}
    explains = body | {"extensions": {"explain": True}}
    async with new_gateway(rate_cost_per_minute=2_000) as gateway:
        await gateway.post(body, graphql_cost="validate")
        read = await gateway.post(body, graphql_cost="validate")
        validated = await gateway.post(body, graphql_cost="validate")
        explained = await gateway.post(explains, graphql_cost="validate")
        batch = await gateway.post([explains] * 8, graphql_cost="validate")
    validating = _remaining(read) - _remaining(validated)
    assert 50 < validating < 110, "it is known by now, and some have come back"
    looking_up = _remaining(validated) - _remaining(explained) - validating
    assert looking_up == pytest.approx(20 * 2 * (5 + 0.03 * 50), abs=60), "two sections of 50 aircraft in each field"
    assert "explain" in explained.json()["extensions"]
    assert [item["errors"][0]["extensions"]["limit"] for item in batch.json()] == ["cost_per_minute"] * 8


async def test_a_mutation_by_get_is_paid_by_its_length(new_gateway: NewGateway) -> None:
    async with new_gateway(rate_cost_per_minute=1_000) as gateway:
        query = "mutation { " + "__typename " * 20 + "}"
        answer = await gateway.client.get("/graphql", params={"query": query})
    assert answer.status_code == 405
    assert 805 <= _remaining(answer) < 826, "60, 30, 3 for each of 23 tokens, 3 for 232 characters, 19 to compare, 10"


@pytest.mark.parametrize(("comments", "codes"), [(1_000, []), (1_001, ["GRAPHQL_PARSE_FAILED"])])
async def test_comments_of_a_document_are_bounded(gateway: Gateway, comments: int, codes: list[str]) -> None:
    answer = (await gateway.post({"query": "#\n" * comments + "{ __typename }"})).json()
    assert [error["extensions"]["code"] for error in answer.get("errors", [])] == codes


async def test_nginx_is_told_to_pass_on_each_part(gateway: Gateway) -> None:
    body = {"query": '{ ... @defer { aircraft(tailNumber: "N14228") { id } } }'}
    parts, whole = await gateway.post(body, accept=PARTS), await gateway.post(body)
    assert parts.headers["x-accel-buffering"] == "no"
    assert "x-accel-buffering" not in whole.headers


LONG = "__typename " * 200
LOGS = "a: flightLog(first: 500) { edges { node { date } } } b: flightLog(first: 501) { edges { node { date } } }"
INVALID = {"query": "{ " + LONG + "nothing }"}
MANY = {"query": "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { " + LONG + " } }"}
REFUSED: dict[str, tuple[object, str, int]] = {
    "an alias too many": (
        {"query": "{ " + LONG + "... @defer { " + " ".join(f"a{index}: __typename" for index in range(31)) + " } }"},
        "aliases",
        300,
    ),
    "an id too many": ({**MANY, "variables": {"ids": ["N1"] * 501}}, "ids", 200),
    "an item too many": ({**MANY, "variables": {"ids": [1] * 10_001}}, "variable_items", 200),
    "no such operation": ({**MANY, "operationName": "Other"}, "", 200),
    "no variable": (MANY, "", 200),
    "over the cost, and others not valid": (
        [
            INVALID,
            INVALID,
            {"query": "{ fleet(first: 500) { nodes { analysis { " + LOGS + " } } } }"},
        ],
        "cost",
        400,
    ),
}  # the request, the limit that it is over, and fewer tokens than it has


@pytest.mark.parametrize(("body", "limit", "tokens"), REFUSED.values(), ids=REFUSED)
async def test_what_is_read_and_not_executed_is_paid_by_its_length(
    new_gateway: NewGateway, body: object, limit: str, tokens: int
) -> None:
    async with new_gateway(rate_cost_per_minute=1_000_000) as gateway:
        answer = await gateway.post(body)
    read = answer.json()
    errors = (read[-1] if isinstance(read, list) else read)["errors"]
    assert errors[0]["extensions"].get("limit", "") == limit
    assert 3 * tokens <= 1_000_000 - _remaining(answer) < 25 * tokens


async def test_a_document_that_costs_more_than_a_minute_has_is_not_read(new_gateway: NewGateway) -> None:
    async with new_gateway(rate_cost_per_minute=600) as gateway:
        answers = [await gateway.post(INVALID) for _ in range(2)]
    for answer in answers:
        (error,) = answer.json()["errors"]
        assert error["extensions"]["limit"] == "cost_per_minute"
    assert 450 < _remaining(answers[1]) <= 480, "two requests, and the check of two operations"


def _remaining(answer: httpx.Response) -> int:
    return int(answer.headers["ratelimit"].partition("r=")[2].partition(";")[0])
