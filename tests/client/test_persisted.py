"""Queries by hash and by GET, against a server that answers as each test says."""

import hashlib

import pytest

from fuseway_client import (
    ResponseError,
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
)

HASH = hashlib.sha256(QUERY.encode()).hexdigest()
EXTENSIONS = {"persistedQuery": {"version": 1, "sha256Hash": HASH}}
BY_HASH = {"extensions": EXTENSIONS}


async def test_a_known_query_goes_by_get_without_its_text(connect: Connect, serve: Serve) -> None:
    server = serve(ANSWER)
    client = connect(server.url + "?tenant=1", persisted=True)
    document = "query Q($b: Int, $a: String) { __typename }"
    assert await client.execute(document, {"b": 1, "a": "ä&="}, "Q") == RESULT
    assert await client.execute(document, {"a": "ä&=", "b": 1}, "Q") == RESULT
    digest = hashlib.sha256(document.encode()).hexdigest()
    assert requests(server.asked[:1]) == [
        (
            "GET",
            {
                "tenant": 1,
                "operationName": "Q",
                "variables": {"a": "ä&=", "b": 1},
                "extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}},
            },
        )
    ]
    assert server.asked[0].url == server.asked[1].url  # or a cache on the way would never meet it again


@pytest.mark.parametrize("status", [200, 400, 404])
@pytest.mark.parametrize(("message", "code"), [("Who?", "PERSISTED_QUERY_NOT_FOUND"), ("PersistedQueryNotFound", None)])
async def test_an_unknown_query_is_told_once_by_post(
    connect: Connect, serve: Serve, message: str, code: str | None, status: int
) -> None:
    server = serve(refusing(message, code, status), ANSWER)
    client = connect(server.url, persisted=True, by_get=True)
    assert await client.execute(QUERY) == RESULT
    assert await client.execute(QUERY) == RESULT
    told = ("POST", {"query": QUERY, "extensions": EXTENSIONS})
    assert requests(server.asked) == [("GET", BY_HASH), told, ("GET", BY_HASH)]


async def test_a_query_that_stays_unknown_is_not_told_for_ever(connect: Connect, serve: Serve) -> None:
    server = serve(refusing("PersistedQueryNotFound"))
    result = await connect(server.url, persisted=True).execute(QUERY)
    assert [error.message for error in result.errors] == ["PersistedQueryNotFound"]
    assert [asked.method for asked in server.asked] == ["GET", "POST"]


@pytest.mark.parametrize(
    ("message", "code"), [("No.", "PERSISTED_QUERY_NOT_SUPPORTED"), ("PersistedQueryNotSupported", None)]
)
@pytest.mark.parametrize("status", [200, 400])
async def test_a_gateway_without_hashes_is_not_asked_by_them_again(
    connect: Connect, serve: Serve, message: str, code: str | None, status: int
) -> None:
    server = serve(refusing(message, code, status), ANSWER)
    client = connect(server.url, persisted=True)
    assert await client.execute(QUERY) == RESULT
    assert await client.execute(QUERY) == RESULT
    assert requests(server.asked) == [("GET", BY_HASH), ("POST", {"query": QUERY}), ("POST", {"query": QUERY})]


async def test_another_refusal_of_a_hash_is_told(connect: Connect, serve: Serve) -> None:
    server = serve(refusing("Forbidden.", "FORBIDDEN", 403))
    with pytest.raises(ResponseError, match="Forbidden"):
        await connect(server.url, persisted=True).execute(QUERY)
    assert len(server.asked) == 1


async def test_a_long_url_is_a_post_instead(connect: Connect, serve: Serve) -> None:
    server = serve(ANSWER)
    long = {"ids": ["N14228"] * 1_000}
    await connect(server.url, persisted=True).execute(QUERY, long)
    await connect(server.url, by_get=True).execute(QUERY, long)
    await connect(server.url, by_get=True).execute(QUERY, {"ids": ["N14228"] * 400})
    assert requests(server.asked[:2]) == [
        ("POST", {"variables": long} | BY_HASH),
        ("POST", {"query": QUERY, "variables": long}),
    ]
    assert server.asked[2].method == "GET"


@pytest.mark.parametrize(
    ("document", "name"), [(MUTATION, None), (f"query Q {QUERY} {MUTATION}", None), ('{ a(b: "\ud800") }', None)]
)
async def test_what_is_not_surely_a_query_goes_whole_by_post(
    connect: Connect, serve: Serve, document: str, name: str | None
) -> None:
    server = serve(ANSWER)
    await connect(server.url, persisted=True, by_get=True).execute(document, None, name)
    assert requests(server.asked) == [("POST", {"query": document})]


async def test_queries_go_by_get_where_wanted(connect: Connect, serve: Serve) -> None:
    server = serve(ANSWER)
    await connect(server.url, by_get=True).execute(QUERY, {"a": "\ud800"})
    assert requests(server.asked) == [("GET", {"query": QUERY, "variables": {"a": "\ud800"}})]
