"""The fleet's queries on its model answer what they did, in no more statements."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.schema import build_schema
from loaders.model.loading import load_model
from loaders.objects.request_loaders import RequestLoaders
from resolvers.request_context import RequestContext
from tests.asking import ask as ask_as_before
from tests.conftest import Stores
from tests.loaders.objects.asking import Asker
from tests.queries import DASHBOARD, TRENDS, everything

MODEL = load_model("deploy.fleet.model")
SCHEMA = build_schema(MODEL)
CORE: Any = SCHEMA._schema
IDS = ["N14228", "N725MQ", "nothing", "N328AA", "N14228", "N0EGMQ"]

PAGE = "edges { node { id registration { seats year } } } pageInfo { hasNextPage hasPreviousPage endCursor } totalCount"
QUERIES = [
    DASHBOARD,
    TRENDS,
    everything(CORE),
    '{ aircraft(tailNumber: "N14228") { __typename id nodeId tailNumber } nothing: aircraft(tailNumber: "") { id } }',
    '{ airport(code: "JFK") { id nodeId name latitude altitudeFeet timeZone } airline(code: "UA") { name } none: airline(code: "??") { id } }',
    '{ nodes(ids: ["Airport:JFK", "Airline:UA", "Aircraft:N14228", "x", "Nothing:1", "Aircraft:?"]) { __typename id nodeId } }',
    '{ node(id: "Aircraft:N14228") { ... on Aircraft { operator { name } homeBase { name } registration { model } } } }',
    'query($ids: [ID!]!) { aircraftByIds(ids: $ids) { a: analysis(period: {from: "2013-03-01", to: "2013-03-31"}) {'
    " punctuality { flights meanArrivalDelay } daily(first: 5) { date flights } airportsServed(first: 2) { airport { name } departures } }"
    " b: analysis { monthly(first: 2) { month } recentFlights(first: 3) { scheduledDeparture status } } revisions { recordedAt reason } } }",
]  # fmt: skip


def differences(now: Any, before: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Where two answers differ. Floats may differ in their last digits: stores add up in any order. Cursors are opaque."""
    if path.lower().endswith("cursor"):
        return [] if type(now) is type(before) else [(path, now, before)]
    if isinstance(now, dict) and isinstance(before, dict) and now.keys() == before.keys():
        return [each for key in now for each in differences(now[key], before[key], f"{path}.{key}")]
    if isinstance(now, list) and isinstance(before, list) and len(now) == len(before):
        pairs = enumerate(zip(now, before, strict=True))
        return [each for place, pair in pairs for each in differences(*pair, f"{path}[{place}]")]
    if isinstance(now, float) and isinstance(before, float):
        return [] if now == pytest.approx(before, rel=1e-12) else [(path, now, before)]
    return [] if now == before else [(path, now, before)]


async def ask(stores: Stores, query: str, variables: dict[str, Any] | None = None) -> tuple[Any, list[tuple[str, str]]]:
    asker = Asker(MODEL, stores)
    context = RequestContext(RequestLoaders.over(MODEL, asker.databases()), MODEL.scopes)
    result = await SCHEMA.execute(query, variable_values=variables, context_value=context)
    await context.release()
    return result, asker.sent


@pytest.mark.parametrize("query", QUERIES)
async def test_answers_and_statements_are_as_before(sample_stores: Stores, query: str) -> None:
    variables = {"ids": IDS} if "$ids" in query else {}
    before = await ask_as_before(*sample_stores, query, variables)
    now, sent = await ask(sample_stores, query, variables)
    assert (now.errors, before.errors) == (None, [])
    assert differences(now.data, before.data) == []
    assert sorted(store for store, _ in sent) == sorted(each.store for each in before.recorder.sent)


@pytest.mark.parametrize(
    "arguments",
    [
        "first: 7",
        "first: 5, orderBy: {field: SEATS, direction: DESC}",
        "first: 5, orderBy: {field: YEAR}",
        "first: 9, orderBy: {field: REVISED_AT, direction: DESC}",
        'first: 40, filter: {manufacturer: "BOEING", seats: {from: 100, to: 200}, tailNumberPrefix: "N1"}',
        "first: 3, filter: {registered: false}",
        'filter: {model: "737-824", year: {from: 2000}}, orderBy: {field: YEAR, direction: DESC}',
    ],
)
async def test_the_fleet_is_paged_as_before(sample_stores: Stores, arguments: str) -> None:
    after_then = after_now = ""
    for _ in range(3):
        before = await ask_as_before(*sample_stores, f"{{ fleet({arguments}{after_then}) {{ {PAGE} }} }}")
        now, sent = await ask(sample_stores, f"{{ fleet({arguments}{after_now}) {{ {PAGE} }} }}")
        assert (now.errors, before.errors) == (None, [])
        then, here = before.data["fleet"], now.data["fleet"]
        assert differences(here, then, "fleet") == []
        assert len(sent) == 3, "the page, its count, and the sections of its aircraft"
        after_then, after_now = (f', after: "{each["pageInfo"]["endCursor"]}"' for each in (then, here))
        if not here["pageInfo"]["hasNextPage"]:
            break


async def test_flights_are_paged_as_before(sample_stores: Stores) -> None:
    after_then = after_now = ""
    for _ in range(3):
        query = '{ aircraft(tailNumber: "N14228") { analysis { flightLog(first: 50ARGS) { edges { cursor node { date carrier status } } pageInfo { hasNextPage endCursor } } } } }'
        before = await ask_as_before(*sample_stores, query.replace("ARGS", after_then))
        now, _ = await ask(sample_stores, query.replace("ARGS", after_now))
        assert (now.errors, before.errors) == (None, [])
        then, here = (each["aircraft"]["analysis"]["flightLog"] for each in (before.data, now.data))
        assert [edge["node"] for edge in here["edges"]] == [edge["node"] for edge in then["edges"]]
        assert here["pageInfo"]["hasNextPage"] == then["pageInfo"]["hasNextPage"]
        after_then, after_now = (f', after: "{each["pageInfo"]["endCursor"]}"' for each in (then, here))
