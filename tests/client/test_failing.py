"""Calls that fail and calls that are repeated, against servers that fail as each test says."""

import pickle
import socket
import threading
import time

import httpx
import pytest
from starlette.responses import Response

from fuseway_client import (
    AsyncClient,
    Client,
    ErrorDetail,
    GatewayError,
    GraphQLErrors,
    Operation,
    ResponseError,
    TransportError,
)
from tests.client.conftest import (
    ANSWER,
    MUTATION,
    QUERY,
    RESULT,
    Connect,
    Hole,
    Serve,
    refusing,
    saying,
)

SECRET = "s3cr3t-k3y"


@pytest.mark.parametrize("status", [400, 401, 403, 413, 500, 502])
async def test_another_status_is_an_error_with_what_the_body_says(connect: Connect, serve: Serve, status: int) -> None:
    server = serve(refusing("Not so.", "WHY", status))
    with pytest.raises(ResponseError, match=rf"^The gateway answered {status} .+: Not so\. \(WHY\)$") as raised:
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


async def test_a_batch_with_a_mutation_is_asked_again_like_a_mutation(connect: Connect, serve: Serve) -> None:
    results = saying([{"data": {}}] * 2)
    server = serve(saying({}, 503), results)
    with pytest.raises(ResponseError):
        await connect(server.url).execute_batch([Operation(QUERY), Operation(MUTATION)])
    server = serve(saying({}, 503), results)
    await connect(server.url, retry_backoff_s=0.0).execute_batch([Operation(QUERY), Operation(QUERY)])
    assert len(server.asked) == 2


async def test_a_busy_gateway_is_asked_again_until_it_answers(connect: Connect, serve: Serve) -> None:
    server = serve(saying({}, 429), saying({}, 503), ANSWER)
    assert await connect(server.url, retry_backoff_s=0.01).execute(QUERY) == RESULT
    assert len(server.asked) == 3


async def test_retry_after_is_waited_for(connect: Connect, serve: Serve) -> None:
    server = serve(saying({}, 503, retry_after="1"), ANSWER)
    begun = time.monotonic()
    assert await connect(server.url, retry_backoff_s=0.0).execute(QUERY) == RESULT
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


async def test_no_client_of_the_callers_own_follows_a_redirect(serve: Serve) -> None:
    elsewhere = serve(ANSWER)
    server = serve(saying({}, 303, location=elsewhere.url))
    with httpx.Client(follow_redirects=True) as http, pytest.raises(ResponseError, match="303"):
        Client(server.url, http=http).execute(MUTATION)
    async with httpx.AsyncClient(follow_redirects=True) as looped:
        with pytest.raises(ResponseError, match="303"):
            await AsyncClient(server.url, http=looped).execute(MUTATION)
    assert (len(server.asked), elsewhere.asked) == (2, [])


def test_the_time_out_is_for_every_request(serve: Serve) -> None:
    timeouts: list[dict[str, float]] = []
    hooks = {"request": [lambda request: timeouts.append(request.extensions["timeout"])]}
    with httpx.Client(event_hooks=hooks) as http:
        Client(serve(ANSWER).url, http=http, timeout_s=7).execute(QUERY)
        Client(serve(ANSWER).url, http=http).execute(QUERY)
    assert [set(item.values()) for item in timeouts] == [{7}, {30}]


@pytest.mark.parametrize(
    "error", [ResponseError(429, [ErrorDetail("Slower.")], 2.0), GraphQLErrors([ErrorDetail("No.")])]
)
def test_errors_cross_processes(error: GatewayError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), vars(copy)) == (str(error), vars(error))
