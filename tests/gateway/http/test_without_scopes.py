"""Without a scope to read, nothing tells whether something exists: no answer, price, plan, header, or cached response."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx
import pytest

from resolvers.scopes import Scope
from tests.asking import SCHEMA, Recorder
from tests.conftest import Stores
from tests.execution.engines import Counting, Reference, run
from tests.fleet.served import ALL_SCOPES, READ_SCOPES, REGISTER, context_over
from tests.gateway.auth.issuing import SECRET, signed
from tests.gateway.http.conftest import Gateway, NewGateway
from tests.gateway.http.test_scopes import TOKENS

PLAIN = "{ __typename id nodeId }"
AIRCRAFT = (
    "{ __typename id nodeId tailNumber registration { model } revisions { reason } operator { name } homeBase { name }"
    " analysis { punctuality { flights } flightLog(first: 1) { pageInfo { endCursor hasNextPage } } } }"
)
"""With fields that are not null, for which an operation is refused whatever is above them; PLAIN has none."""
NODE = f"{{ __typename id nodeId ... on Aircraft {AIRCRAFT} ... on Airport {{ name }} ... on Airline {{ name }} }}"
PAGE = f"{{ totalCount nodes {AIRCRAFT} edges {{ cursor }} pageInfo {{ hasNextPage startCursor endCursor }} }}"
NODE_IDS = [("Aircraft:N14228", "Aircraft:N99999"), ("Airport:JFK", "Airport:QQQ"), ("Airline:UA", "Airline:QQ")]
TAIL_NUMBERS = [("N14228", "N99999")]
CASES = [
    ("aircraft", "query($id: ID!) { found: aircraft(tailNumber: $id) %s }", (PLAIN, AIRCRAFT), TAIL_NUMBERS),
    ("aircraftByIds", "query($id: ID!) { found: aircraftByIds(ids: [$id]) %s }", (PLAIN, AIRCRAFT), TAIL_NUMBERS),
    (
        "fleet",
        "query($id: String!) { found: fleet(filter: {tailNumberPrefix: $id}) %s }",
        ("{ totalCount }", PAGE),
        TAIL_NUMBERS,
    ),
    ("airport", "query($id: ID!) { found: airport(code: $id) %s }", (PLAIN,), [("JFK", "QQQ")]),
    ("airline", "query($id: ID!) { found: airline(code: $id) %s }", (PLAIN,), [("UA", "QQ")]),
    ("node", "query($id: ID!) { found: node(id: $id) %s }", (PLAIN, NODE), NODE_IDS),
    ("nodes", "query($id: ID!) { found: nodes(ids: [$id]) %s }", (PLAIN, NODE), NODE_IDS),
]
"""A root field, a query of it, selections, and ids: one that exists, and one that does not and is as long."""
ALL = [
    (field, query % selection, *pair)
    for field, query, selections, pairs in CASES
    for selection in selections
    for pair in pairs
]
EACH = pytest.mark.parametrize(
    ("field", "query", "existing", "missing"),
    ALL,
    ids=[f"{index} {item[0]} {item[2]}" for index, item in enumerate(ALL)],
)
ASKED: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"accounting": True, "explain": True}, ""),
    ({"accounting": True}, "report"),
    ({"explain": True}, "validate"),
]
"""Extensions of a request, and its `GraphQL-Cost`."""


@pytest.fixture(scope="module")
async def cold(new_gateway: NewGateway) -> AsyncIterator[Gateway]:
    async with new_gateway(**TOKENS, anonymous="none", rate_cost_per_minute=10_000_000) as item:
        yield item


@pytest.fixture(scope="module")
async def cached(new_gateway: NewGateway) -> AsyncIterator[Gateway]:
    async with new_gateway(**TOKENS, anonymous="none", rate_cost_per_minute=10_000_000, cache=True) as item:
        yield item


def _bearer(*scopes: str) -> dict[str, str]:
    return {"authorization": f"Bearer {signed(SECRET, 'HS256', scope=' '.join(scopes))}"}


def test_every_root_field_is_tested() -> None:
    query = SCHEMA._schema.query_type
    assert query is not None
    assert [field for field, *_ in CASES] == list(query.fields)


Ask = Callable[[Gateway, dict[str, Any], dict[str, str]], Any]


async def _post(gateway: Gateway, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    return await gateway.client.post("/graphql", json=body, headers=headers)


async def _batch(gateway: Gateway, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    return await gateway.client.post("/graphql", json=[body, {"query": "{ __typename }"}, body], headers=headers)


async def _get(gateway: Gateway, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    parameters = {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}
    return await gateway.client.get("/graphql", params=parameters, headers=headers)


async def _head(gateway: Gateway, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    parameters = {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}
    return await gateway.client.head("/graphql", params=parameters, headers=headers)


async def _defer(gateway: Gateway, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    head, _, rest = body["query"].partition("{ found")
    deferred = {**body, "query": f"{head}{{ __typename ... @defer {{ found{rest} }}"}
    return await gateway.client.post("/graphql", json=deferred, headers={**headers, "accept": "multipart/mixed"})


def _comparable(answer: httpx.Response, key: str) -> tuple[int, list[tuple[str, str]], str]:
    """Its status, headers, and body, without what is left of the budget, which is less each time."""
    headers = [(name, value) for name, value in answer.headers.multi_items() if name != "ratelimit"]
    return answer.status_code, headers, answer.text.replace(key, "the id")


@EACH
@pytest.mark.parametrize(
    ("ask", "scopes"),
    [(_post, ()), (_batch, ()), (_head, ()), *((ask, (Scope.EXPLAIN, Scope.EXPORT)) for ask in (_post, _get, _defer))],
)
async def test_what_exists_and_what_does_not_are_answered_alike(
    cold: Gateway, cached: Gateway, ask: Ask, scopes: Sequence[str], field: str, query: str, existing: str, missing: str
) -> None:
    for key in (existing, missing):  # what those who may read it are answered is cached
        read = await ask(cached, {"query": query, "variables": {"id": key}}, _bearer(*ALL_SCOPES))
        assert "needs the scope" not in read.text
    for gateway in (cold, cached):
        gateway.recorder.sent.clear()
        for extensions, cost in ASKED:
            headers = _bearer(*scopes) | ({"graphql-cost": cost} if cost else {})
            answers = []
            for key in (existing, missing):
                body = {"query": query, "variables": {"id": key}, "extensions": extensions}
                answers.append(_comparable(await ask(gateway, body, headers), key))
            assert answers[0] == answers[1], field
        assert gateway.recorder.sent == []


@EACH
async def test_a_root_field_that_is_denied_is_an_error_of_its_own(
    cold: Gateway, field: str, query: str, existing: str, missing: str
) -> None:
    needed = "register:read" if field in ("fleet", "airport", "airline") else "register:read or analysis:read"
    error = {"message": f"{field} needs the scope {needed}.", "extensions": {"code": "FORBIDDEN"}}
    for key in (existing, missing):
        headers = {**_bearer("explain"), "accept": "application/graphql-response+json"}
        answer = await _post(cold, {"query": query, "variables": {"id": key}}, headers)
        (result,) = answer.json()["errors"]
        assert {name: result[name] for name in error} == error
        if field in ("aircraftByIds", "fleet", "nodes"):
            assert (answer.status_code, "data" in answer.json(), result.get("path")) == (403, False, None)
            scopes = " ".join(sorted(needed.split(" or ")))
            assert answer.headers["www-authenticate"] == f'Bearer error="insufficient_scope", scope="{scopes}"'
        else:
            assert (answer.status_code, answer.json()["data"], result["path"]) == (200, {"found": None}, ["found"])


@pytest.mark.parametrize(
    ("field", "query", "existing", "missing"),
    [(field, query % selections[0], *pair) for field, query, selections, pairs in CASES for pair in pairs],
)
@pytest.mark.parametrize("scope", READ_SCOPES)
async def test_one_scope_to_read_is_enough_to_learn_which_aircraft_exist(
    cold: Gateway, scope: str, field: str, query: str, existing: str, missing: str
) -> None:
    is_allowed = scope == REGISTER or (field != "fleet" and "N14228" in existing)
    answers = []
    for key in (existing, missing):
        answer = await _post(cold, {"query": query, "variables": {"id": key}}, _bearer(scope))
        answers.append(answer.text.replace(key, "the id"))
    assert (answers[0] != answers[1]) is is_allowed
    assert ("needs the scope" in answers[0]) is not is_allowed


@EACH
@pytest.mark.parametrize("engine", [Counting, Reference])
async def test_both_engines_deny_alike_and_ask_no_store(
    sample_stores: Stores, engine: Any, field: str, query: str, existing: str, missing: str
) -> None:
    recorder, outcomes = Recorder(), []
    for key in (existing, missing):
        stores = recorder.relational(sample_stores.postgres), recorder.analytical(sample_stores.clickhouse)
        context = context_over(*stores, scopes=frozenset({Scope.EXPLAIN.value}))
        outcomes.append(await run(SCHEMA, engine, query, {"id": key}, context))
    assert outcomes[0] == outcomes[1]
    ((_, messages),) = outcomes[0].errors
    assert [message.partition(" needs the scope ")[0] for message in messages] == [field]
    assert recorder.sent == []


@pytest.mark.parametrize("path", ["?ids=N14228", "?ids=N99999", "?after=N14228", "?after=N99999", ""])
async def test_the_export_tells_nothing_either(cold: Gateway, path: str) -> None:
    cold.recorder.sent.clear()
    for method in ("GET", "HEAD"):
        answer = await cold.client.request(method, f"/export/analysis{path}", headers=_bearer("export", "explain"))
        assert answer.status_code == 403
        assert "N14228" not in answer.text
        assert cold.recorder.sent == []
