"""Reading is paid before it is done, and the documents of a request share its limits."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from benchmarks.hostile import BODIES, DOCUMENTS, batch, variables
from gateway.document_scan import scan
from gateway.execution.variables import points_to_coerce
from gateway.http.request_parser import json_points
from tests.gateway.http.conftest import Gateway, NewGateway

JSON = {"content-type": "application/json"}


def _left(answer: httpx.Response) -> int:
    return int(answer.headers["ratelimit"].partition("r=")[2].partition(";")[0])


def _paid(answer: httpx.Response, points: int) -> None:
    """So many points were paid of a minute's, or up to half more for what was done with it; some may have come back."""
    minute = int(answer.headers["ratelimit-policy"].partition("q=")[2].partition(";")[0])
    assert minute < 2 * points + 1_000, "else many come back while it is answered"
    assert points * 0.8 - 2 <= minute - _left(answer) <= points * 1.5 + 100


def _limits(answer: httpx.Response) -> list[Any]:
    read = answer.json()
    answers = read if isinstance(read, list) else [read]
    return [item["errors"][0]["extensions"].get("limit") if "errors" in item else None for item in answers]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are parsed from now on."""
    from gateway.documents import Documents

    texts: list[str] = []
    read = Documents.read

    def noted(self: Documents, text: str, **options: Any) -> Any:
        texts.append(text)
        return read(self, text, **options)

    monkeypatch.setattr(Documents, "read", noted)
    return texts


@pytest.mark.parametrize("name", ["aliases below @skip", "a long comment", "commas", "escapes", "operations", "tiny"])
async def test_what_is_not_remembered_is_paid_by_what_reading_it_takes(new_gateway: NewGateway, name: str) -> None:
    points = scan(DOCUMENTS[name](1), 2_000).points
    async with new_gateway(rate_cost_per_minute=2 * points + 500) as gateway:
        answer = await gateway.post({"query": DOCUMENTS[name](1)})
    _paid(answer, points)


async def test_what_is_remembered_is_not_paid_again(new_gateway: NewGateway, reads: list[str]) -> None:
    query = "{ " + "__typename " * 20 + "}"
    async with new_gateway(rate_cost_per_minute=1_000) as gateway:
        answers = [await gateway.post({"query": query}) for _ in range(3)]
    assert reads == [query]
    points = scan(query, 2_000).points + 20 * 19 // 2 // 10 + 1
    assert points == 119
    for index, answer in enumerate(answers):
        _paid(answer, points + index * 80)


async def test_where_nothing_is_left_nothing_is_read(new_gateway: NewGateway, reads: list[str]) -> None:
    async with new_gateway(rate_cost_per_minute=300) as gateway:
        for index in range(2):
            await gateway.post({"query": DOCUMENTS["tiny"](index)})
        while (last := await gateway.post({})).status_code != 429:
            pass
        reads.clear()
        assert _left(last) < 60
        bodies = (BODIES["nothing"], BODIES["no JSON"], BODIES["deep"], b'{"query": "{ __typename }"}', b"[]")
        answers = [await gateway.client.post("/graphql", content=body, headers=JSON) for body in bodies]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) >= 3, "a request is back after 12 s"
        for answer in refused:
            assert int(answer.headers["retry-after"]) >= 1
            (error,) = answer.json()["errors"]
            assert error["extensions"]["code"] == "RATE_LIMITED"
        assert reads == []


async def test_a_document_that_is_dearer_than_what_is_left_is_not_read(
    new_gateway: NewGateway, reads: list[str]
) -> None:
    async with new_gateway(rate_cost_per_minute=6_000) as gateway:
        first, second = [await gateway.post({"query": DOCUMENTS["aliases below @skip"](index)}) for index in range(2)]
    assert (first.status_code, second.status_code) == (200, 429)
    assert reads == [DOCUMENTS["aliases below @skip"](0)]
    assert 1 <= int(second.headers["retry-after"]) <= 56


async def test_of_many_at_once_those_are_read_that_are_paid(new_gateway: NewGateway, reads: list[str]) -> None:
    async with new_gateway(rate_cost_per_minute=12_000) as gateway:
        asked = [gateway.post({"query": DOCUMENTS["aliases below @skip"](index)}) for index in range(8)]
        answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [200] * 2 + [429] * 6
    assert len(reads) == 2


async def test_values_of_variables_are_paid_before_they_are_coerced(new_gateway: NewGateway) -> None:
    async with new_gateway(rate_cost_per_minute=2_000) as gateway:
        before = _left(await gateway.post(variables(1)))
        after = _left(await gateway.post(variables(7_000)))
    assert before - after >= 1_000, "and some for the body"
    assert points_to_coerce({"ids": ["N1"] * 5_000, "first": 1}, 10_000) == 0
    assert points_to_coerce({"a": [1] * 700, "b": {"c": [{}] * 700}}, 10_000) == 1_401 // 7


async def test_what_comparing_took_is_owed_and_what_comes_next_waits(new_gateway: NewGateway) -> None:
    async with new_gateway(rate_cost_per_minute=6_000) as gateway:
        first = await gateway.post({"query": DOCUMENTS["the same leaf"](0)})
        second = await gateway.post({"query": "{ __typename }"})
    assert _limits(first) == ["comparisons"]
    assert second.status_code == 429
    assert 10 <= int(second.headers["retry-after"]) <= 20, "of 6,000 points, 7,861 were used"


async def test_the_documents_of_a_batch_share_its_limits(gateway: Gateway, reads: list[str]) -> None:
    half = "{ " + "a: __typename " * 400 + "} #%d"
    assert _limits(await gateway.post(batch([half % index for index in range(2)]))) == ["tokens"] * 2
    assert reads == []
    wide = "{ __typename } #" + "a" * 60_000
    assert _limits(await gateway.post(batch([wide + "1", wide + "2"]))) == ["characters"] * 2
    assert reads == []
    alike = "{ aircraftByIds(ids: []) { " + "id " * 150 + "} } #%d"  # 11,175 comparisons
    assert _limits(await gateway.post(batch([alike % index for index in range(3)]))) == [
        None,
        "comparisons",
        "comparisons",
    ]


async def test_a_text_that_is_sent_again_and_again_counts_once(gateway: Gateway, reads: list[str]) -> None:
    query = "{ aircraftByIds(ids: []) { " + "id " * 150 + "} }"
    for _ in range(2):
        assert _limits(await gateway.post(batch([query] * 10))) == [None] * 10
    assert reads == [query]


async def test_a_batch_is_refused_alike_whether_its_documents_are_known_or_not(gateway: Gateway) -> None:
    texts = ["{ aircraftByIds(ids: []) { " + "registration { model } " * 60 + f"}} }} #{index}" for index in range(9)]
    for text in texts:
        assert _limits(await gateway.post({"query": text})) == [None]
    assert _limits(await gateway.post(batch(texts))) == ["tokens"] * 9


async def test_a_get_is_paid_as_a_post_is(new_gateway: NewGateway) -> None:
    query = DOCUMENTS["aliases below @skip"](3)
    points = scan(query, 2_000).points
    async with new_gateway(rate_cost_per_minute=2 * points) as gateway:
        answer = await gateway.client.get("/graphql", params={"query": query})
    assert _limits(answer) == ["aliases"]
    _paid(answer, points)


async def test_to_be_told_a_price_is_paid_by_the_document(new_gateway: NewGateway) -> None:
    query = "{ " + "__typename " * 20 + "}"
    async with new_gateway(rate_cost_per_minute=1_000) as gateway:
        answer = await gateway.post({"query": query}, graphql_cost="validate")
    _paid(answer, 119)


PRICES = {"objects": 9_529, "lists": 4_869, "keys": 3_372, "numbers": 3_704, "long numbers": 2_289, "deep": 686}


@pytest.mark.parametrize(("name", "points"), PRICES.items())
async def test_a_body_that_is_no_request_is_paid_by_what_parsing_it_takes(
    new_gateway: NewGateway, name: str, points: int
) -> None:
    assert json_points(BODIES[name]) == points
    async with new_gateway(rate_cost_per_minute=2 * points) as gateway:
        answer = await gateway.client.post("/graphql", content=BODIES[name], headers=JSON)
        assert answer.status_code == 400
        _paid(answer, points)
    async with new_gateway(rate_cost_per_minute=points - 1) as poor:
        answer = await poor.client.post("/graphql", content=BODIES[name], headers=JSON)
        (error,) = answer.json()["errors"]
        assert error["extensions"]["limit"] == "cost_per_minute"


def test_a_request_of_the_usual_size_is_parsed_for_nothing() -> None:
    body = {"query": "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { id } }", "variables": {"ids": ["N14228"] * 50}}
    assert json_points(json.dumps(body).encode()) == 0
    ids = {**body, "variables": {"ids": [f"N{index:05}" for index in range(5_000)]}}
    assert json_points(json.dumps(ids).encode()) == 43


async def test_parameters_of_a_url_are_bounded(gateway: Gateway) -> None:
    index = await gateway.client.get("/graphql?query={__typename}" + "&a" * 0)
    assert index.json() == {"data": {"__typename": "Query"}}
    past = await gateway.client.get("/graphql?query={__typename}" + "".join(f"&a{index}" for index in range(100)))
    assert past.status_code == 400
    assert past.json()["errors"][0]["message"] == "A URL has at most 100 parameters, and this one has 101."


async def test_lines_of_a_document_are_bounded_and_paid(gateway: Gateway, reads: list[str]) -> None:
    for newline in ("\n", "\r"):
        assert _limits(await gateway.post({"query": newline * 4_999 + "{ __typename }"})) == [None]
        assert _limits(await gateway.post({"query": newline * 5_000 + "{ __typename }"})) == ["lines"]
    assert len(reads) == 2
    assert scan("\n" * 600 + "{ __typename }", 2_000).points == scan(" " * 600 + "{ __typename }", 2_000).points + 60
