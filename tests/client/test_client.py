"""Both clients against a real server that answers as each test says."""

import gzip
import inspect
import json
import re
from typing import Any

import brotli
import httpx
import pytest
import zstandard
from starlette.responses import Response

from fuseway_client import (
    AsyncClient,
    Client,
    ErrorDetail,
    GraphQLErrors,
    Operation,
    ResponseError,
    Result,
)
from tests.client.conftest import (
    ANSWER,
    MUTATION,
    QUERY,
    RESULT,
    Connect,
    Serve,
    refusing,
    requests,
    saying,
)

SECRET = "s3cr3t-k3y"


async def test_a_query_goes_by_post_with_what_it_was_given(connect: Connect, serve: Serve) -> None:
    server = serve(ANSWER)
    document = "query A($a: Int) { __typename } query B { __typename }"
    assert await connect(server.url).execute(document, {"a": 1}, "A") == RESULT
    assert requests(server.asked) == [("POST", {"query": document, "operationName": "A", "variables": {"a": 1}})]


async def test_what_was_not_given_is_left_out(connect: Connect, serve: Serve) -> None:
    server = serve(ANSWER)
    await connect(server.url).execute(QUERY)
    assert requests(server.asked) == [("POST", {"query": QUERY})]


async def test_every_request_says_what_it_accepts_and_that_no_form_sent_it(connect: Connect, serve: Serve) -> None:
    server = serve(refusing("?", "PERSISTED_QUERY_NOT_FOUND"), ANSWER, saying([{"data": {}}]))
    client = connect(server.url, persisted=True, token=SECRET)
    await client.execute(QUERY)
    await client.execute_batch([Operation(QUERY)])
    assert [asked.method for asked in server.asked] == ["GET", "POST", "POST"]
    for asked in server.asked:
        assert asked.headers["accept"] == "application/graphql-response+json, application/json;q=0.9"
        assert asked.headers["graphql-require-preflight"] == "1"
        assert asked.headers["authorization"] == f"Bearer {SECRET}"
        assert asked.headers.get("content-type") == (None if asked.method == "GET" else "application/json")


@pytest.mark.parametrize("name", ["api_key", "token"])
async def test_key_and_token_are_bearers(connect: Connect, serve: Serve, name: str) -> None:
    server = serve(ANSWER)
    await connect(server.url, **{name: SECRET}).execute(QUERY)
    await connect(server.url).execute(QUERY)
    assert [asked.headers.get("authorization") for asked in server.asked] == [f"Bearer {SECRET}", None]


async def test_errors_come_beside_partial_data(connect: Connect, serve: Serve) -> None:
    error = {
        "message": "Away.",
        "path": ["fleet", 0],
        "locations": [{"line": 1, "column": 3}],
        "extensions": {"code": "AWAY"},
    }
    server = serve(saying({"data": {"fleet": [None]}, "errors": [error], "extensions": {"cost": 1}}))
    result = await connect(server.url).execute(QUERY)
    detail = ErrorDetail("Away.", ("fleet", 0), ({"line": 1, "column": 3},), {"code": "AWAY"})
    assert result == Result({"fleet": [None]}, (detail,), {"cost": 1})
    assert result.errors[0].code == "AWAY"
    with pytest.raises(GraphQLErrors, match=r"^Away\. \(AWAY, at fleet\.0\)$") as raised:
        result.raise_for_errors()
    assert raised.value.errors == (detail,)


async def test_missing_data_is_none(connect: Connect, serve: Serve) -> None:
    result = await connect(serve(refusing("No.")).url).execute(QUERY)
    assert (result.data, [error.code for error in result.errors]) == (None, [None])


async def test_a_request_that_graphql_refuses_is_a_result_whatever_its_status(connect: Connect, serve: Serve) -> None:
    body = {"errors": [{"message": "No such field."}]}
    own = "application/graphql-response+json; charset=utf-8"
    client = connect(serve(saying(body), saying(body, 400, own), saying(body, 422, own)).url)
    results = [await client.execute(QUERY) for _ in range(3)]
    assert results == [Result(None, (ErrorDetail("No such field."),))] * 3


async def test_a_batch_is_one_request_and_its_results_are_in_order(connect: Connect, serve: Serve) -> None:
    server = serve(saying([{"data": {"n": 1}}, {"errors": [{"message": "No."}]}, {"data": {"n": 3}}]))
    operations = [Operation(QUERY), Operation(MUTATION, {"a": "\ud800"}), Operation(QUERY, None, "Q")]
    results = await connect(server.url, persisted=True, by_get=True).execute_batch(operations)
    assert results == [Result({"n": 1}), Result(None, (ErrorDetail("No."),)), Result({"n": 3})]
    (asked,) = server.asked
    assert (asked.method, asked.body) == (
        "POST",
        [{"query": QUERY}, {"query": MUTATION, "variables": {"a": "\ud800"}}, {"query": QUERY, "operationName": "Q"}],
    )


async def test_a_batch_of_none_asks_nothing(connect: Connect, serve: Serve) -> None:
    server = serve(ANSWER)
    assert await connect(server.url).execute_batch([]) == []
    assert server.asked == []


@pytest.mark.parametrize("body", [[{"data": {}}], [{"data": {}}] * 3, {"data": {}}, [{"data": {}}, 5]])
async def test_a_batch_with_another_number_of_results_is_an_error(connect: Connect, serve: Serve, body: Any) -> None:
    with pytest.raises(ResponseError, match="not a result for each"):
        await connect(serve(saying(body)).url).execute_batch([Operation(QUERY)] * 2)


async def test_a_batch_that_is_refused_says_why(connect: Connect, serve: Serve) -> None:
    with pytest.raises(ResponseError, match="Too many operations"):
        await connect(serve(refusing("Too many operations.", status=400)).url).execute_batch([Operation(QUERY)])


@pytest.mark.parametrize(
    ("coding", "compress"),
    [("zstd", zstandard.ZstdCompressor().compress), ("br", brotli.compress), ("gzip", gzip.compress)],
)
async def test_answers_come_compressed(connect: Connect, serve: Serve, coding: str, compress: Any) -> None:
    large = {"data": {"ids": ["N14228"] * 10_000}}
    server = serve(lambda _asked: Response(compress(json.dumps(large).encode()), headers={"content-encoding": coding}))
    assert (await connect(server.url).execute(QUERY)).data == large["data"]
    assert coding in server.asked[0].headers["accept-encoding"].split(", ")


async def test_a_client_of_the_callers_own_is_used_and_left_open(serve: Serve) -> None:
    server = serve(ANSWER)
    http = httpx.Client(headers={"x-mine": "1"})
    with http, Client(server.url, http=http) as client:
        client.close()
        client.execute(QUERY)
        assert not http.is_closed
    asynchronous = httpx.AsyncClient(headers={"x-mine": "1"})
    async with asynchronous, AsyncClient(server.url, http=asynchronous) as looped:
        await looped.aclose()
        await looped.execute(QUERY)
        assert not asynchronous.is_closed
    assert [asked.headers["x-mine"] for asked in server.asked] == ["1", "1"]


async def test_a_closed_client_asks_nothing(serve: Serve) -> None:
    server = serve(ANSWER)
    with Client(server.url) as client:
        pass
    async with AsyncClient(server.url) as looped:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        client.execute(QUERY)
    with pytest.raises(RuntimeError, match="closed"):
        await looped.execute(QUERY)
    assert server.asked == []


def test_a_number_that_json_lacks_is_refused() -> None:
    with Client("http://gateway/graphql") as client, pytest.raises(ValueError, match="JSON"):
        client.execute(QUERY, {"a": float("nan")})


def _face(kind: type[Client | AsyncClient], name: str) -> tuple[str | None, str]:
    method = getattr(kind, name)
    shown = re.sub(r"(?:collections\.abc\.)?\b(Async)?(Iterator|Client)\b", r"\2", str(inspect.signature(method)))
    return method.__doc__, shown


@pytest.mark.parametrize("name", ["__init__", "execute", "execute_batch", "pages"])
def test_both_clients_have_one_face(name: str) -> None:
    assert _face(Client, name) == _face(AsyncClient, name)


@pytest.mark.parametrize("status", [200, 294])
async def test_a_partial_answer_is_data_with_errors_that_have_codes(
    connect: Connect, serve: Serve, status: int
) -> None:
    extensions = {"code": "STORE_UNAVAILABLE", "section": "Aircraft.record", "store": "postgresql", "affected": 500}
    error = {"message": "Not now.", "path": ["aircraftByIds", 3, "registration"], "extensions": extensions}
    data = {"aircraftByIds": [{"registration": None}]}
    server = serve(saying({"data": data, "errors": [error]}, status))
    result = await connect(server.url).execute(QUERY)
    assert result.data == data
    assert [(each.code, each.path, each.extensions["affected"]) for each in result.errors] == [
        ("STORE_UNAVAILABLE", ("aircraftByIds", 3, "registration"), 500)
    ]
    assert len(server.asked) == 1, "what the other stores answered is not asked for again"
    with pytest.raises(GraphQLErrors, match="STORE_UNAVAILABLE"):
        result.raise_for_errors()
