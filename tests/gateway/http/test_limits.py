"""Each limit: what is at it is answered, what is one past it is refused before any store is asked."""

import json
from typing import Any

import pytest
from graphql import get_introspection_query

from tests.gateway.http.conftest import Gateway, NewGateway
from tests.parts import parts_of

OWN = "application/graphql-response+json"
QUERY = """
query($ids: [ID!]!, $yes: Boolean! = true) {
  one: aircraftByIds(ids: $ids) { ...Names @include(if: $yes) ...Names analysis { punctuality { flights } } }
  two: aircraft(tailNumber: "N14228") @skip(if: false) { registration @include(if: $yes) { model } revisions { reason } }
}
fragment Names on Aircraft { name: id }
"""
IDS = ["N14228", "N725MQ", "N0FLY"]
BODY = {"query": QUERY, "variables": {"ids": IDS}}

MEASURES = {
    "max_tokens": ("tokens", 92),
    "max_depth": ("depth", 4),
    "max_aliases": ("aliases", 4),  # one, two, and name in each of the two spreads
    "max_directives": ("directives", 3),
    "max_root_fields": ("root_fields", 2),
    "max_ids": ("ids", 3),
    "max_statements": ("statements", 3),
}


def refusal(error: dict[str, Any]) -> tuple[str, int, int]:
    """Return what the error of a refused operation says: the limit, its maximum, the value."""
    extensions = error["extensions"]
    assert extensions["code"] == "LIMIT_EXCEEDED"
    assert f"{extensions['max']:,}" in error["message"]
    assert set(extensions) == {"code", "limit", "max", "value"}
    return extensions["limit"], extensions["max"], extensions["value"]


async def estimate(gateway: Gateway, body: object) -> Any:
    """Return the estimate of a request, which asks no store."""
    before = len(gateway.recorder.sent)
    answer = (await gateway.post(body, graphql_cost="validate")).json()
    assert len(gateway.recorder.sent) == before
    return answer["extensions"]["cost"]["estimated"]


@pytest.mark.parametrize(("setting", "limit", "value"), [(name, *measure) for name, measure in MEASURES.items()])
async def test_at_a_limit_an_operation_is_answered_and_past_it_refused(
    new_gateway: NewGateway, setting: str, limit: str, value: int
) -> None:
    async with new_gateway(**{setting: value}) as index:
        answer = (await index.post(BODY)).json()
        assert "errors" not in answer
        assert [item and item["name"] for item in answer["data"]["one"]] == ["N14228", "N725MQ", None]
    async with new_gateway(**{setting: value - 1}) as past:
        refused = await past.post(BODY)
        (error,) = refused.json()["errors"]
        assert refusal(error) == (limit, value - 1, value)
        assert "data" not in refused.json()
        assert past.recorder.sent == []
        assert refused.headers["cache-control"] == "no-store"
        own = await past.post(BODY, accept="application/graphql-response+json")
        assert own.status_code == 400


async def test_the_cost_is_bounded(new_gateway: NewGateway, gateway: Gateway) -> None:
    points = (await estimate(gateway, BODY))["points"]
    async with new_gateway(max_cost=points) as index:
        assert "errors" not in (await index.post(BODY)).json()
    async with new_gateway(max_cost=points - 1) as past:
        (error,) = (await past.post(BODY)).json()["errors"]
        assert refusal(error) == ("cost", points - 1, points)
        assert past.recorder.sent == []


async def test_the_sum_of_a_batch_is_bounded(new_gateway: NewGateway, gateway: Gateway) -> None:
    """Not of its statements, which they share where they can: of those that are sent."""
    flights = {"query": '{ aircraft(tailNumber: "N14228") { analysis { punctuality { flights } } } }'}
    register = {"query": '{ aircraft(tailNumber: "N14228") { analysis { peers { count } } } }'}
    airline = {"query": '{ airline(code: "UA") { name } }'}
    alone = [(await estimate(gateway, item))["statements"] for item in (flights, register, airline)]
    async with new_gateway(max_statements=max(alone)) as few:
        for body in (flights, register, airline, [flights] * 10):
            assert "errors" not in (await few.post(body)).text
        sent = len(few.recorder.sent)
        bad = {"query": "{ nothing }"}
        first, second, third, fourth = (await few.post([flights, bad, register, airline])).json()
        for refused in (first, third, fourth):
            limit, most, value = refusal(*refused["errors"])
            assert (limit, most) == ("statements", max(alone))
            assert value > most
        assert second["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        assert len(few.recorder.sent) == sent


async def test_the_cost_of_a_batch_is_that_of_all(new_gateway: NewGateway, gateway: Gateway) -> None:
    points = (await estimate(gateway, BODY))["points"]
    async with new_gateway(max_cost=points) as item:
        assert "errors" not in (await item.post([BODY])).text
        sent = len(item.recorder.sent)
        both = (await item.post([BODY, BODY])).json()
        for refused in both:
            limit, most, value = refusal(*refused["errors"])
            assert (limit, most) == ("cost", points)
            assert points < value < 2 * points  # the statements are shared, the objects are twice as many
        assert len(item.recorder.sent) == sent


async def test_a_body_is_bounded(new_gateway: NewGateway) -> None:
    body = json.dumps({**BODY, "extensions": {"x": ""}}).encode()
    full = body.replace(b'"x": ""', b'"x": "' + b"x" * (1024 - len(body)) + b'"')
    headers = {"content-type": "application/json"}
    async with new_gateway(max_body_kib=1) as small:
        assert len(full) == 1024
        assert "errors" not in (await small.client.post("/graphql", content=full, headers=headers)).json()
        sent = len(small.recorder.sent)
        refused = await small.client.post("/graphql", content=full + b" ", headers=headers)
        assert refused.status_code == 413
        assert refusal(*refused.json()["errors"]) == ("body_bytes", 1024, 1025)
        assert len(small.recorder.sent) == sent


async def test_a_batch_is_bounded(new_gateway: NewGateway) -> None:
    async with new_gateway(max_batch=2) as two:
        assert "errors" not in (await two.post([BODY] * 2)).text
        sent = len(two.recorder.sent)
        refused = await two.post([BODY] * 3)
        assert refusal(*refused.json()["errors"]) == ("operations", 2, 3)
        assert len(two.recorder.sent) == sent


async def test_an_answer_that_would_be_too_large_is_not_begun(new_gateway: NewGateway, gateway: Gateway) -> None:
    def days(first: int) -> dict[str, Any]:
        document = f'{{ aircraft(tailNumber: "N725MQ") {{ analysis {{ daily(first: {first}) {{ date flights }} }} }} }}'
        return {"query": document}

    size = (await estimate(gateway, days(1)))["bytes"]
    ids = [f"N{number}" for number in range(500)]
    query = "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { analysis { daily { date flights } flightLog { edges { node { date scheduledDeparture status } } } } } }"
    large = {"query": query, "variables": {"ids": ids}}
    assert size < 1 << 20
    async with new_gateway(max_response_mib=1) as small:
        assert "errors" not in (await small.post(days(1))).json()
        small.recorder.sent.clear()
        limit, most, value = refusal(*(await small.post(large)).json()["errors"])
        assert (limit, most) == ("response_bytes", 1 << 20)
        assert value == (await estimate(gateway, large))["bytes"] > most
        assert small.recorder.sent == []


SCHEMA = "__schema { types { name description fields { name description args { name description } type { name } } } }"
LONG_ALIASES = " ".join(f"{letter * 190}: name" for letter in "abcdefghijklmno")
MUCH = f"much: __schema {{ types {{ fields {{ {LONG_ALIASES} }} }} }}"
"""1.3 MB, which is not foreseen: of introspection, the places of the answer are, and not its bytes."""


async def test_an_answer_that_came_to_be_too_large_is_not_sent(new_gateway: NewGateway) -> None:
    whole = f"query {{ {MUCH} }}"
    async with new_gateway(max_cost=1 << 20) as large, new_gateway(max_cost=1 << 20, max_response_mib=1) as small:
        size = len((await large.post({"query": whole})).content)
        assert size > 1 << 20
        refused = await small.post({"query": whole}, accept="application/graphql-response+json")
        assert refused.status_code == 400
        assert refusal(*refused.json()["errors"]) == ("response_bytes", 1 << 20, size)
        assert refused.headers["cache-control"] == "no-store"
        batch = (await small.post([{"query": whole}, {"query": "{ __typename }"}])).json()
        assert [refusal(*item["errors"])[0] for item in batch] == ["response_bytes"] * 2
        assert "errors" not in (await small.post({"query": "{ " + SCHEMA + " }"})).json()


async def test_parts_that_came_to_be_too_large_are_not_sent(new_gateway: NewGateway) -> None:
    small, much = "s: __schema { types { name } }", MUCH
    accept = "multipart/mixed, application/graphql-response+json"
    async with new_gateway(max_cost=1 << 20, max_response_mib=1) as item:
        first = await item.post({"query": f"{{ {much} ... @defer {{ later: __typename }} }}"}, accept=accept)
        assert (first.status_code, first.headers["content-type"]) == (400, f"{OWN}; charset=utf-8")
        limit, most, value = refusal(*first.json()["errors"])
        assert (limit, most) == ("response_bytes", 1 << 20)
        assert value > most
        query = f'{{ {small} ... @defer(label: "much") {{ {much} }} }}'
        later = await item.post({"query": query}, accept=accept)
        assert later.headers["content-type"].startswith("multipart/mixed")
        begun, ending = [part async for part in parts_of(later.aiter_bytes())]
        assert begun["data"]["s"]["types"]
        assert begun["pending"] == [{"id": "0", "path": [], "label": "much"}]
        (failed,) = ending.pop("completed")
        assert ending == {"hasNext": False}
        assert failed.pop("id") == "0"
        assert refusal(*failed["errors"])[0] == "response_bytes"
        assert await item.ask("{ __typename }") == {"data": {"__typename": "Query"}}


BAD_FIELDS = [
    'aircraft(tailNumber: "a") { analysis { daily(first: 100000) { date } } }',
    'aircraft(tailNumber: "a") { analysis(period: {from: "2014-01-01", to: "2013-01-01"}) { daily { date } } }',
    'aircraft(tailNumber: "a") { analysis { flightLog(after: "nonsense") { edges { cursor } } } }',
    "aircraft(tailNumber: $null) { id }",
    'aircraft(tailNumber: "a") { id @include(if: $nothing) }',
    'node(id: "Aircraft:a") { ... on Aircraft { revisions(first: -1) { revision } } }',
]


@pytest.mark.parametrize("bad", BAD_FIELDS)
async def test_a_field_that_cannot_be_answered_hides_no_other_from_the_limits(
    new_gateway: NewGateway, bad: str
) -> None:
    may_be_null = {"$null": 'ID = "a"', "$nothing": "Boolean = true"}
    declared = " ".join(f"{name}: {kind}" for name, kind in may_be_null.items() if name in bad)
    good = "one: aircraftByIds(ids: $ids) { id analysis { punctuality { flights } } }"
    document = f"query({declared} $ids: [ID!]!) {{ bad: {bad} {good} }}"
    variables = {name[1:]: None for name in may_be_null}
    async with new_gateway(max_ids=2, max_statements=4) as small:
        answer = await small.ask(document, ids=["N14228", "N0FLY"], **variables)
        assert [error["path"][0] for error in answer["errors"]] == ["bad"]
        assert answer["data"]["one"] == [{"id": "N14228", "analysis": {"punctuality": {"flights": 111}}}, None]
        small.recorder.sent.clear()
        refused = await small.ask(document, ids=["N14228", "N0FLY", "N725MQ"], **variables)
        assert refusal(*refused["errors"]) == ("ids", 2, 3)
        assert small.recorder.sent == []


# How the measures count


@pytest.mark.parametrize("spreads", [1, 2, 7])
async def test_a_fragment_counts_as_often_as_it_is_spread(new_gateway: NewGateway, spreads: int) -> None:
    document = "{ " + "...Two " * spreads + "} fragment Two on Query { a: __typename b: __typename @skip(if: false) }"
    fields, aliases, directives = 2 * spreads, 2 * spreads, spreads
    limits = {"max_aliases": aliases, "max_root_fields": fields, "max_directives": directives}
    async with new_gateway(**limits) as index:
        assert await index.ask(document) == {"data": {"a": "Query", "b": "Query"}}
    for name, most in limits.items():
        async with new_gateway(**{name: most - 1}) as past:
            (error,) = (await past.ask(document))["errors"]
            assert refusal(error) == (name.removeprefix("max_"), most - 1, most)


async def test_a_bomb_of_fragments_is_refused_at_once(gateway: Gateway) -> None:
    bomb = "{ ...F0 } " + "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(30))
    sent = len(gateway.recorder.sent)
    (error,) = (await gateway.ask(bomb + "fragment F30 on Query { a: __typename }"))["errors"]
    assert refusal(error) == ("aliases", 30, 2**30)
    assert len(gateway.recorder.sent) == sent


async def test_fragments_in_a_circle_are_no_document(gateway: Gateway) -> None:
    document = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"
    (error,) = (await gateway.ask(document))["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_each_operation_of_a_document_is_measured_alone(new_gateway: NewGateway) -> None:
    document = "query A { __typename } query B { a: __typename b: __typename }"
    async with new_gateway(max_aliases=1) as item:
        small = await item.post({"query": document, "operationName": "A"})
        assert small.json() == {"data": {"__typename": "Query"}}
        large = await item.post({"query": document, "operationName": "B"})
        assert refusal(*large.json()["errors"]) == ("aliases", 1, 2)


async def test_introspection_is_as_deep_as_its_own_rule_allows(gateway: Gateway) -> None:
    kind = "name " + "ofType { name " * 9 + "}" * 9
    answer = await gateway.ask("{ __schema { types { fields { type { " + kind + " } } } } }")
    assert "errors" not in answer
    deep = "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }"
    (error,) = (await gateway.ask(deep))["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize("below", ["__schema { types { ALIAS: name } }", 'airline(code: "UA") { ALIAS: name }'])
async def test_an_alias_has_at_most_200_characters(gateway: Gateway, below: str) -> None:
    query = f"query {{ ...All }} fragment All on Query {{ {below} }}"
    assert "data" in await gateway.ask(query.replace("ALIAS", "a" * 200))
    (error,) = (await gateway.ask(query.replace("ALIAS", "a" * 201)))["errors"]
    assert refusal(error) == ("alias_characters", 200, 201)


@pytest.mark.parametrize(
    ("query", "again"),
    [
        ("fleet(first: 20) { nodes { analysis { AGAIN } } }", "flightLog(first: 100) { edges { node { origin } } }"),
        ("fleet(first: 20) { edges { node { AGAIN } } }", "analysis { daily(first: 100) { date flights } }"),
        ("fleet(first: 20) { nodes { analysis { flightLog(first: 100) { AGAIN } } } }", "edges { node { origin } }"),
        ("fleet(first: 20) { nodes { analysis { flightLog(first: 100) { edges { node { AGAIN } } } } } }", "date"),
        ("fleet(first: 20) { nodes { analysis { punctuality { AGAIN } } } }", "meanArrivalDelay"),
        ("fleet(first: 20) { nodes { AGAIN } }", "id"),
        ('nodes(ids: ["Airport:JFK", "Airport:LGA"]) { ... on Airport { AGAIN } }', "name"),
    ],
)
async def test_what_aliases_repeat_counts_for_the_size_of_an_answer(gateway: Gateway, query: str, again: str) -> None:
    aliased = " ".join(f"{'a' * 150}{index}: {again}" for index in range(30))
    asked = {"query": f"{{ {query.replace('AGAIN', aliased)} }}"}
    estimated = (await estimate(gateway, asked))["bytes"]
    answer = await gateway.post(asked)
    assert "errors" not in answer.json()
    assert estimated > len(answer.content) / 2


async def test_a_document_is_bounded_in_characters_whatever_its_tokens(gateway: Gateway) -> None:
    query = '{ __type(name: "%s") { name } }'
    most = 100_000 - len(query) + 2
    assert (await gateway.ask(query % ("a" * most)))["data"] == {"__type": None}
    (error,) = (await gateway.ask(query % ("a" * (most + 1))))["errors"]
    assert refusal(error) == ("characters", 100_000, 100_001)


async def test_introspection_is_bounded_for_a_request_and_leaves_room_for_what_tools_ask(gateway: Gateway) -> None:
    tools = get_introspection_query(input_value_deprecation=True, directive_is_repeatable=True, specified_by_url=True)
    assert "errors" not in await gateway.ask(tools)
    many = (
        "{ "
        + " ".join(f"a{index}: __schema {{ types {{ fields {{ name description }} }} }}" for index in range(12))
        + " }"
    )
    for body in ({"query": many}, [{"query": tools}, {"query": f"{tools} #"}]):
        read = (await gateway.post(body)).json()
        for answer in read if isinstance(read, list) else [read]:
            limit, most, value = refusal(answer["errors"][0])
            assert (limit, most) == ("introspection", 12_000)
            assert 12_000 < value < 24_000
