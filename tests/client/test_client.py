"""Both clients against a real server that answers as each test says."""

import gzip
import hashlib
import json
import pickle
import socket
import threading
import time
from typing import Any

import brotli  # type: ignore[import-untyped]
import httpx
import pytest
import zstandard
from starlette.responses import Response

from fleet_gateway_client import (
    AsyncClient,
    Client,
    ErrorDetail,
    GatewayError,
    GraphQLErrors,
    Operation,
    ResponseError,
    Result,
    TransportError,
)
from tests.client.conftest import (
    ANSWER,
    MUTATION,
    QUERY,
    RESULT,
    Asked,
    Connect,
    Hole,
    Serve,
    refusing,
    saying,
)

SECRET = "s3cr3t-k3y"
HASH = hashlib.sha256(QUERY.encode()).hexdigest()
EXTENSIONS = {"persistedQuery": {"version": 1, "sha256Hash": HASH}}
BY_HASH = {"extensions": EXTENSIONS}


def _decoded(asked: Asked) -> dict[str, Any]:
    """The request, whether it is in the URL or in the body."""
    if asked.method == "POST":
        return dict(asked.body)
    texts = ("query", "operationName")
    return {name: value if name in texts else json.loads(value) for name, value in asked.query.items()}


def _requests(asked: list[Asked]) -> list[tuple[str, dict[str, Any]]]:
    return [(one.method, _decoded(one)) for one in asked]


async def test_a_query_goes_by_post_with_what_it_was_given(connect: Connect, serve: Serve) -> None:
    server = serve(ANSWER)
    document = "query A($a: Int) { __typename } query B { __typename }"
    assert await connect(server.url).execute(document, {"a": 1}, "A") == RESULT
    assert _requests(server.asked) == [("POST", {"query": document, "operationName": "A", "variables": {"a": 1}})]


async def test_what_was_not_given_is_left_out(connect: Connect, serve: Serve) -> None:
    server = serve(ANSWER)
    await connect(server.url).execute(QUERY)
    assert _requests(server.asked) == [("POST", {"query": QUERY})]


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
    with pytest.raises(GraphQLErrors, match=r"^Away\. \(at fleet\.0\)$") as raised:
        result.raise_for_errors()
    assert raised.value.errors == (detail,)


async def test_missing_data_is_none(connect: Connect, serve: Serve) -> None:
    result = await connect(serve(refusing("No.")).url).execute(QUERY)
    assert (result.data, [error.code for error in result.errors]) == (None, [None])


async def test_a_request_that_graphql_refuses_is_a_result_with_either_status(connect: Connect, serve: Serve) -> None:
    body = {"errors": [{"message": "No such field."}]}
    server = serve(saying(body), saying(body, 400, "application/graphql-response+json; charset=utf-8"))
    client = connect(server.url)
    assert await client.execute(QUERY) == await client.execute(QUERY) == Result(None, (ErrorDetail("No such field."),))


@pytest.mark.parametrize("status", [400, 401, 403, 413, 500, 502])
async def test_another_status_is_an_error_with_what_the_body_says(connect: Connect, serve: Serve, status: int) -> None:
    server = serve(refusing("Not so.", "WHY", status))
    with pytest.raises(ResponseError, match=rf"^The gateway answered {status} .+: Not so\.$") as raised:
        await connect(server.url).execute(QUERY)
    assert (raised.value.status, raised.value.errors[0].code) == (status, "WHY")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"data": []}',
        b'{"data": null}',
        b'{"data": null, "errors": []}',
        b'{"errors": {}}',
        b'{"data": {}, "errors": [1]}',
        b'{"errors": [{"message": 1}]}',
        b"\xff",
        b"[" * 100_000,
    ],
)
async def test_a_body_that_is_no_result_is_an_error(connect: Connect, serve: Serve, body: bytes) -> None:
    client = connect(serve(lambda _asked: Response(body, media_type="application/json")).url)
    with pytest.raises(ResponseError, match=r"^The gateway answered 200 OK: its body is no GraphQL result$"):
        await client.execute(QUERY)
    with pytest.raises(ResponseError, match="its body is not a result for each operation"):
        await client.execute_batch([Operation(QUERY)])


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


async def test_a_batch_with_a_mutation_is_asked_again_like_a_mutation(connect: Connect, serve: Serve) -> None:
    results = saying([{"data": {}}] * 2)
    server = serve(saying({}, 503), results)
    with pytest.raises(ResponseError):
        await connect(server.url).execute_batch([Operation(QUERY), Operation(MUTATION)])
    server = serve(saying({}, 503), results)
    await connect(server.url, retry_backoff_s=0.0).execute_batch([Operation(QUERY), Operation(QUERY)])
    assert len(server.asked) == 2


async def test_a_known_query_goes_by_get_without_its_text(connect: Connect, serve: Serve) -> None:
    server = serve(ANSWER)
    client = connect(server.url + "?tenant=1", persisted=True)
    document = "query Q($b: Int, $a: String) { __typename }"
    assert await client.execute(document, {"b": 1, "a": "ä&="}, "Q") == RESULT
    assert await client.execute(document, {"a": "ä&=", "b": 1}, "Q") == RESULT
    digest = hashlib.sha256(document.encode()).hexdigest()
    assert _requests(server.asked[:1]) == [
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
    assert _requests(server.asked) == [("GET", BY_HASH), told, ("GET", BY_HASH)]


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
    assert _requests(server.asked) == [("GET", BY_HASH), ("POST", {"query": QUERY}), ("POST", {"query": QUERY})]


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
    assert _requests(server.asked[:2]) == [
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
    assert _requests(server.asked) == [("POST", {"query": document})]


async def test_queries_go_by_get_where_wanted(connect: Connect, serve: Serve) -> None:
    server = serve(ANSWER)
    await connect(server.url, by_get=True).execute(QUERY, {"a": "\ud800"})
    assert _requests(server.asked) == [("GET", {"query": QUERY, "variables": {"a": "\ud800"}})]


async def test_a_busy_gateway_is_asked_again_until_it_answers(connect: Connect, serve: Serve) -> None:
    server = serve(saying({}, 429), saying({}, 503), ANSWER)
    assert await connect(server.url, retry_backoff_s=0.01).execute(QUERY) == RESULT
    assert len(server.asked) == 3


async def test_retry_after_is_waited_for(connect: Connect, serve: Serve) -> None:
    server = serve(saying({}, 503, retry_after="1"), ANSWER)
    begun = time.monotonic()
    assert await connect(server.url, retry_backoff_s=0.0).execute(MUTATION) == RESULT
    assert time.monotonic() - begun >= 1.0


async def test_the_last_refusal_is_told_with_its_retry_after(connect: Connect, serve: Serve) -> None:
    server = serve(refusing("Slower.", "RATE_LIMITED", 429), saying({}, 429, retry_after="90"))
    with pytest.raises(ResponseError, match=r"^The gateway answered 429 Too Many Requests\.$") as raised:
        await connect(server.url, retry_backoff_s=0.0).execute(QUERY)
    assert (raised.value.retry_after_s, len(server.asked)) == (90.0, 2)


@pytest.mark.parametrize(("document", "sent"), [(QUERY, 3), (MUTATION, 1)])
async def test_a_connection_lost_after_sending_repeats_queries_only(
    connect: Connect, losing: Hole, document: str, sent: int
) -> None:
    client = connect(losing.url, retry_attempts=3, retry_backoff_s=0.0)
    with pytest.raises(TransportError) as raised:
        await client.execute(document)
    assert isinstance(raised.value.__cause__, httpx.TransportError)
    assert losing.requests == sent


@pytest.mark.parametrize(("document", "sent"), [(QUERY, 2), (MUTATION, 1)])
async def test_a_silent_gateway_is_given_up_and_repeats_queries_only(
    connect: Connect, silent: Hole, document: str, sent: int
) -> None:
    client = connect(silent.url, timeout_s=0.2, retry_attempts=2, retry_backoff_s=0.0)
    with pytest.raises(TransportError, match=r"^The gateway did not answer: ReadTimeout\.$"):
        await client.execute(document)
    assert silent.requests == sent


async def test_a_gateway_that_does_not_listen_yet_is_asked_again(connect: Connect) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        client = connect(f"http://127.0.0.1:{listening.getsockname()[1]}/graphql", retry_attempts=50)
        starting = threading.Timer(0.1, _answer_once, [listening])
        starting.start()
        assert await client.execute(MUTATION) == RESULT
        starting.join()


def _answer_once(listening: socket.socket) -> None:
    listening.listen()
    connection, _ = listening.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(
            b'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 33\r\n\r\n{"data":{"__typename":"Query"  }}'
        )


@pytest.mark.parametrize(
    ("coding", "compress"),
    [("zstd", zstandard.ZstdCompressor().compress), ("br", brotli.compress), ("gzip", gzip.compress)],
)
async def test_answers_come_compressed(connect: Connect, serve: Serve, coding: str, compress: Any) -> None:
    large = {"data": {"ids": ["N14228"] * 10_000}}
    server = serve(lambda _asked: Response(compress(json.dumps(large).encode()), headers={"content-encoding": coding}))
    assert (await connect(server.url).execute(QUERY)).data == large["data"]
    assert coding in server.asked[0].headers["accept-encoding"].split(", ")


async def test_an_answer_that_cannot_be_unpacked_is_none(connect: Connect, serve: Serve) -> None:
    server = serve(lambda _asked: Response(b"not gzip", headers={"content-encoding": "gzip"}))
    with pytest.raises(TransportError, match="DecodingError"):
        await connect(server.url).execute(QUERY)
    assert len(server.asked) == 1


async def test_a_redirect_is_not_followed_with_the_key(connect: Connect, serve: Serve) -> None:
    elsewhere = serve(ANSWER)
    server = serve(saying({}, 307, location=elsewhere.url))
    with pytest.raises(ResponseError, match="307"):
        await connect(server.url, api_key=SECRET).execute(QUERY)
    assert elsewhere.asked == []


def _connection(first: int, last: int, *, more: bool, **selected: Any) -> dict[str, Any]:
    nodes = [{"id": number} for number in range(first, last + 1)]
    page = {"pageInfo": {"hasNextPage": more, "endCursor": f"c{last}"}}
    return {"data": {"fleet": page | (selected or {"nodes": nodes})}}


async def test_pages_go_on_from_cursor_to_cursor(connect: Connect, serve: Serve) -> None:
    server = serve(saying(_connection(1, 2, more=True)), saying(_connection(3, 3, more=False)))
    nodes = await connect(server.url).pages(QUERY, "fleet", {"a": 1}, most=10, page_size=2)
    assert [node["id"] for node in nodes] == [1, 2, 3]
    assert [asked.body["variables"] for asked in server.asked] == [
        {"a": 1, "first": 2},
        {"a": 1, "first": 2, "after": "c2"},
    ]


async def test_no_more_is_asked_than_wanted(connect: Connect, serve: Serve) -> None:
    server = serve(saying(_connection(1, 2, more=True)), saying(_connection(3, 4, more=True)))
    nodes = await connect(server.url).pages(QUERY, "fleet", most=3, page_size=2)
    assert [node["id"] for node in nodes] == [1, 2, 3]
    assert [asked.body["variables"]["first"] for asked in server.asked] == [2, 1]
    assert await connect(server.url).pages(QUERY, "fleet", most=0) == []
    assert len(server.asked) == 2


async def test_pages_are_read_from_edges_and_below_other_fields(connect: Connect, serve: Serve) -> None:
    edges = [{"node": {"id": 7}}, {"node": None}]
    page = _connection(1, 2, more=False, edges=edges)["data"]
    assert await connect(serve(saying({"data": {"a": page}})).url).pages(QUERY, "a.fleet", most=9) == [{"id": 7}, None]
    assert await connect(serve(saying({"data": {"a": None}})).url).pages(QUERY, "a.fleet", most=9) == []


@pytest.mark.parametrize(
    "second", [_connection(3, 2, more=True), _connection(2, 2, more=True), _connection(3, 5, more=True, nodes=[])]
)
async def test_pages_that_do_not_go_on_are_an_error(connect: Connect, serve: Serve, second: Any) -> None:
    server = serve(saying(_connection(1, 2, more=True)), saying(second))
    with pytest.raises(GatewayError, match="do not end"):
        await connect(server.url).pages(QUERY, "fleet", most=1_000)
    assert len(server.asked) == 2


async def test_a_page_with_errors_raises_them(connect: Connect, serve: Serve) -> None:
    page = _connection(1, 2, more=True)
    with pytest.raises(GraphQLErrors, match="Away"):
        await connect(serve(saying(page | {"errors": [{"message": "Away."}]})).url).pages(QUERY, "fleet", most=9)


@pytest.mark.parametrize("path", ["fleets", "fleet.nodes", "fleet.pageInfo"])
async def test_a_path_to_no_connection_is_the_callers_fault(connect: Connect, serve: Serve, path: str) -> None:
    with pytest.raises(ValueError, match=r"must select nodes|has nothing at"):
        await connect(serve(saying(_connection(1, 2, more=True))).url).pages(QUERY, path, most=9)


@pytest.mark.parametrize("bounds", [{"most": -1}, {"most": 1, "page_size": 0}])
def test_pages_that_cannot_be_are_refused_before_they_are_taken(bounds: Any) -> None:
    with Client("http://gateway/graphql") as client, pytest.raises(ValueError, match="page_size"):
        client.pages(QUERY, "fleet", **bounds)


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


def test_the_time_out_is_for_every_request(serve: Serve) -> None:
    timeouts: list[dict[str, float]] = []
    hooks = {"request": [lambda request: timeouts.append(request.extensions["timeout"])]}
    with httpx.Client(event_hooks=hooks) as http:
        Client(serve(ANSWER).url, http=http, timeout_s=7).execute(QUERY)
        Client(serve(ANSWER).url, http=http).execute(QUERY)
    assert [set(one.values()) for one in timeouts] == [{7}, {30}]


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


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_no_secret_is_shown(kind: type[Client | AsyncClient]) -> None:
    client = kind(f"http://gateway/graphql?key={SECRET}", token=SECRET)
    assert repr(client) == f"<{kind.__name__} http://gateway/graphql>"
    steps = client._exchange.execute(Operation(QUERY, {"password": SECRET}))
    assert SECRET not in repr(Operation(QUERY, {"password": SECRET}))
    send = next(steps)
    assert send.headers["Authorization"] == f"Bearer {SECRET}"
    assert SECRET not in repr(send)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("http://gateway/graphql", {"token": f"{SECRET}\r\nx: y"}),
        ("http://gateway/graphql", {"api_key": f"{SECRET} "}),
        ("http://gateway/graphql", {"api_key": f"{SECRET}é"}),
        ("http://gateway/graphql", {"token": ""}),
        ("http://gateway/graphql", {"api_key": SECRET, "token": SECRET}),
        (f"http://user:{SECRET}@gateway/graphql", {}),
        (f"ftp://gateway/{SECRET}", {}),
        (f"/graphql?{SECRET}", {}),
        (f"http://gateway/graphql#{SECRET}", {}),
        (f"http://{SECRET}:port/graphql", {}),
    ],
)
def test_arguments_that_cannot_be_are_refused_without_their_secrets(url: str, options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"^(The gateway's URL|The api_key|Give api_key)") as raised:
        Client(url, **options)  # type: ignore[arg-type]
    assert SECRET not in str(raised.value) + repr(raised.value)


async def test_no_failure_shows_the_key(connect: Connect, losing: Hole) -> None:
    with pytest.raises(TransportError) as raised:
        await connect(losing.url, api_key=SECRET, retry_attempts=1).execute(QUERY)
    error: BaseException | None = raised.value
    while error is not None:
        assert SECRET not in str(error) + repr(error)
        error = error.__cause__ or error.__context__


def test_a_number_that_json_lacks_is_refused() -> None:
    with Client("http://gateway/graphql") as client, pytest.raises(ValueError, match="JSON"):
        client.execute(QUERY, {"a": float("nan")})


@pytest.mark.parametrize(
    "error", [ResponseError(429, [ErrorDetail("Slower.")], 2.0), GraphQLErrors([ErrorDetail("No.")])]
)
def test_errors_cross_processes(error: GatewayError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), vars(copy)) == (str(error), vars(error))
