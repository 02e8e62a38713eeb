"""Responses for a missing scope, as RFC 6750 has it, and what each denied place costs."""

from typing import Any

import pytest
from graphql import Source

from tests.gateway.auth.issuing import AUDIENCE, ISSUER, SECRET, signed
from tests.gateway.http.conftest import NewGateway

TOKENS = {"jwt_secret": SECRET, "jwt_audience": AUDIENCE, "jwt_issuer": ISSUER}
FLEET = {"query": "{ fleet(first: 1) { totalCount } }"}
PLAN = {"query": "{ __typename }", "extensions": {"explain": True}}
IDS = [f"N{index}" for index in range(500)]
DENIED = " ".join(f"r{index}: registration {{ model }}" for index in range(30))


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
@pytest.mark.parametrize(("body", "scope"), [(FLEET, "register:read"), (PLAN, "explain")])
async def test_a_refusal_for_a_scope_says_which(
    new_gateway: NewGateway, accept: str, body: dict[str, Any], scope: str
) -> None:
    bearer = f"Bearer {signed(SECRET, 'HS256', scope='analysis:read')}"
    async with new_gateway(**TOKENS, anonymous="analysis:read") as item:
        named = await item.post(body, accept=accept, authorization=bearer)
        anonymous = await item.post(body, accept=accept)
    assert (named.status_code, anonymous.status_code) == (403, 403)
    assert named.headers["www-authenticate"] == f'Bearer error="insufficient_scope", scope="{scope}"'
    assert anonymous.headers["www-authenticate"] == f'Bearer scope="{scope}"'


async def test_a_refusal_of_the_export_names_all_that_it_needs(new_gateway: NewGateway) -> None:
    bearer = f"Bearer {signed(SECRET, 'HS256', scope='register:read analysis:read')}"
    needed = 'scope="analysis:read export register:read"'
    async with new_gateway(**TOKENS, anonymous="analysis:read") as item:
        named = await item.client.get("/export/analysis?ids=N1", headers={"authorization": bearer})
        anonymous = await item.client.get("/export/analysis?ids=N1")
    assert (named.status_code, anonymous.status_code) == (403, 403)
    assert named.headers["www-authenticate"] == f'Bearer error="insufficient_scope", {needed}'
    assert anonymous.headers["www-authenticate"] == f"Bearer {needed}"


async def test_what_is_answered_but_for_a_field_challenges_nobody(new_gateway: NewGateway) -> None:
    async with new_gateway(anonymous="analysis:read") as item:
        answer = await item.post({"query": '{ aircraft(tailNumber: "N14228") { id registration { model } } }'})
    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (answer.status_code, "www-authenticate" in answer.headers) == (200, False)


@pytest.mark.parametrize(
    ("query", "ids", "points"),
    [
        (f"aircraftByIds(ids: $ids) {{ id {DENIED} }}", IDS, 5 * 500 * 30),
        (
            f"nodes(ids: $ids) {{ id ... on Aircraft {{ {DENIED} }} }}",
            [f"Aircraft:{item}" for item in IDS],
            5 * 500 * 30,
        ),
        ("nodes(ids: $ids) { id }", [f"Airport:{item}" for item in IDS], 5 * 500),
        ("aircraftByIds(ids: $ids) { analysis { airportsServed(first: 9) { airport { name } } } }", IDS, 5 * 500 * 9),
        ('aircraftByIds(ids: $ids) { id } airline(code: "UA") { name }', IDS[:1], 5),
    ],
    ids=["aircraft", "nodes of aircraft", "nodes", "rows of a list", "root field"],
)
async def test_each_place_that_is_denied_is_paid(
    new_gateway: NewGateway, query: str, ids: list[str], points: int
) -> None:
    body = {"query": f"query($ids: [ID!]!) {{ {query} }}", "variables": {"ids": ids}}
    async with new_gateway(anonymous="analysis:read", max_cost=1 << 20) as item:
        answer = (await item.post(body, graphql_cost="validate")).json()
    estimated = answer["extensions"]["cost"]["estimated"]["points"]
    assert points <= estimated < 1.5 * points + 3_000, "what is beside them is completed one by one"


async def test_the_place_of_an_error_is_looked_for_once_however_many_objects_have_it(
    new_gateway: NewGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    get_location = Source.get_location

    def counted(self: Source, position: int) -> Any:
        looked.append(position)
        return get_location(self, position)

    monkeypatch.setattr(Source, "get_location", counted)
    query = "query ($ids: [ID!]!) {" + "\n" * 100 + "aircraftByIds(ids: $ids) { id registration { model } } }"
    async with new_gateway(anonymous="analysis:read") as gateway:
        answer = await gateway.ask(query, ids=["N14228"] * 40)
    assert answer["data"]["aircraftByIds"] == [{"id": "N14228", "registration": None}] * 40
    assert answer["errors"][0]["locations"] == [{"line": 101, "column": 31}]
    assert len(looked) == 1
