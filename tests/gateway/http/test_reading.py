"""What is no GraphQL request: a status, a code, a sentence, and the same connection answers the next request."""

import asyncio
import json
import random
import socket
from collections.abc import Iterator
from contextlib import suppress
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.types import Receive

from deploy.embedded.engines import StoreUrls
from gateway.http.reading import in_time
from tests.gateway.conftest import served
from tests.gateway.http.conftest import Gateway
from tests.gateway.http.connection import ANSWER, QUERY, Connection

MIB = 1 << 20


def of_size(size: int) -> bytes:
    """A good request of that many bytes."""
    body = json.dumps({"query": QUERY, "extensions": {"x": ""}}).encode()
    return body.replace(b'""', b'"' + b"x" * (size - len(body)) + b'"')


_DEEP = 100_000

BODIES: dict[str, bytes] = {
    "empty": b"",
    "whitespace": b" \n\t ",
    "truncated": b'{"query": "{ __ty',
    "truncated character": '{"query": "é'.encode()[:-1],
    "no UTF-8": b'{"query": "\xff"}',
    "UTF-16": json.dumps({"query": QUERY}).encode("utf-16"),
    "UTF-16 without a mark": json.dumps({"query": QUERY}).encode("utf-16-le"),
    "UTF-32": json.dumps({"query": QUERY}).encode("utf-32"),
    "byte order mark": b"\xef\xbb\xbf" + json.dumps({"query": QUERY}).encode(),
    "null bytes": b"\0" * 100,
    "null byte in text": b'{"query": "\0"}',
    "two values": b'{"query": "{ __typename }"} {}',
    "single quotes": b"{'query': 5}",
    "comment": b'{"query": "{ __typename }" /* x */}',
    "trailing comma": b'{"query": "{ __typename }",}',
    "key twice": b'{"query": "{ __typename }", "query": "{ __typename }"}',
    "key twice below": b'{"query": "{ __typename }", "variables": {"a": 1, "a": 1}}',
    "NaN": b'{"query": "{ __typename }", "variables": {"a": NaN}}',
    "Infinity": b'{"query": "{ __typename }", "variables": {"a": -Infinity}}',
    "deep arrays": b"[" * _DEEP,
    "deep closed arrays": b"[" * _DEEP + b"]" * _DEEP,
    "deep objects": b'{"a":' * _DEEP,
    "deep variable": b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * _DEEP + b"]" * _DEEP + b"}}",
    "integer of 5,000 digits": b'{"query": "{ __typename }", "variables": {"a": 1' + b"0" * 5_000 + b"}}",
    "braces of 1 MiB": b"{" * MIB,
    "null": b"null",
    "true": b"true",
    "number": b"5",
    "text": b'"{ __typename }"',
    "no query": b"{}",
    "another key": b'{"Query": "{ __typename }"}',
    "form": b"query=%7B__typename%7D",
    "empty batch": b"[]",
    "batch of numbers": b"[1, 2]",
    "batch of null": b"[null]",
    "batch of batches": b'[[{"query": "{ __typename }"}]]',
    "batch with a bad one": b'[{"query": "{ __typename }"}, {"query": 5}]',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_request_is_400(connection: Connection, body: bytes) -> None:
    answer = connection.post(body)
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])
    assert len(answer.body) < 500
    assert connection.goes_on()


WRONG: dict[str, list[Any]] = {
    "query": [5, True, [], {}, 1.5],
    "operationName": [5, False, [], {}],
    "variables": ["{}", 5, True, [], [{"a": 1}]],
    "extensions": ["{}", 5, True, []],
    "documentId": [5, True, [], {}],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_parameter_of_another_type_is_400(connection: Connection, name: str, value: object) -> None:
    answer = connection.post({"query": QUERY, name: value})
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])
    assert connection.goes_on()


@pytest.mark.parametrize("name", ["operationName", "variables", "extensions", "documentId", "unknown"])
def test_null_is_as_left_out_and_what_is_not_known_is_let_be(connection: Connection, name: str) -> None:
    assert json.loads(connection.post({"query": QUERY, name: None}).body) == ANSWER


def test_random_bytes_are_400(connection: Connection) -> None:
    chance = random.Random(7)
    for length in (1, 2, 3, 10, 100, 1_000, 100_000):
        answer = connection.post(chance.randbytes(length))
        assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"]), length
    assert connection.goes_on()


def test_requests_with_random_bytes_in_them_are_answered(connection: Connection) -> None:
    chance = random.Random(11)
    query = "query($i: [ID!]!, $n: Int) { aircraftByIds(ids: $i) { id } fleet(first: $n) { edges { cursor } } }"
    good = json.dumps({"query": query, "variables": {"i": ["N1"], "n": 1}}).encode()
    for _ in range(100):
        body = bytearray(good)
        for _ in range(chance.randint(1, 3)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        answer = connection.post(bytes(body))
        assert answer.status in (200, 400)
        assert "INTERNAL_SERVER_ERROR" not in answer.body.decode(), bytes(body)
    assert connection.goes_on()


VARIABLES: dict[str, bytes] = {
    "2^70": str(2**70).encode(),
    "negative 2^31 less one": str(-(2**31) - 1).encode(),
    "1,000 digits": b"1" + b"0" * 1_000,
    "overflowing float": b"1e400",
    "text": b'"1"',
    "object": b'{"a": 1}',
    "list": b"[1, 2]",
    "deep list": b"[" * 400 + b"]" * 400,
    "true": b"true",
    "lone surrogate": b'"\\ud800"',
    "null byte": b'"\\u0000"',
}


@pytest.mark.parametrize("value", VARIABLES.values(), ids=VARIABLES)
def test_a_variable_that_is_no_int_is_refused(connection: Connection, value: bytes) -> None:
    query = b"query($n: Int) { fleet(first: $n) { edges { cursor } } }"
    answer = connection.post(b'{"query": "%s", "variables": {"n": %s}}' % (query, value))
    assert (answer.status, answer.codes) == (200, ["BAD_USER_INPUT"])
    assert connection.goes_on()


@pytest.mark.parametrize("value", VARIABLES.values(), ids=VARIABLES)
def test_a_variable_that_is_a_strange_id_is_unknown_or_refused(connection: Connection, value: bytes) -> None:
    query = b"query($n: ID!) { aircraft(tailNumber: $n) { id } }"
    answer = connection.post(b'{"query": "%s", "variables": {"n": %s}}' % (query, value))
    assert answer.status == 200
    read = json.loads(answer.body)
    assert read == {"data": {"aircraft": None}} or answer.codes == ["BAD_USER_INPUT"]
    assert connection.goes_on()


@pytest.mark.parametrize(
    "document",
    [
        'query($c: ID = "UA") { airline(code: $c) { name } }',
        'query($c: Boolean = true) { airline(code: "UA") @include(if: $c) { name } }',
        'query($c: Boolean = true) { aircraft(tailNumber: "N14228") { id @skip(if: $c) } }',
    ],
)
def test_null_for_a_variable_that_may_be_left_out_and_not_be_null_is_refused(
    connection: Connection, document: str
) -> None:
    answer = connection.post({"query": document, "variables": {"c": None}})
    assert (answer.status, answer.codes) == (200, ["BAD_USER_INPUT"])


@pytest.mark.parametrize("depth", [50, 100, 150, 200, 300, 600])
@pytest.mark.parametrize("kind", ["fragments", "inline", "lists", "objects", "types"])
def test_a_document_that_is_nested_deeply_is_answered_or_refused(connection: Connection, kind: str, depth: int) -> None:
    documents = {
        "fragments": "{ ...F0 } "
        + "".join(f"fragment F{n} on Query {{ ...F{n + 1} }} " for n in range(depth))
        + f"fragment F{depth} on Query {{ __typename }}",
        "inline": "{ " + "... { " * depth + "__typename" + " }" * depth + " }",
        "lists": "{ airport(code: " + "[" * depth + "]" * depth + ") { name } }",
        "objects": "{ airport(code: " + "{a: " * depth + "1" + "}" * depth + ") { name } }",
        "types": "query($a: " + "[" * depth + "Int" + "]" * depth + ") { __typename }",
    }
    answer = connection.post({"query": documents[kind]})
    assert answer.status == 200
    read = json.loads(answer.body)
    assert read == ANSWER or answer.codes[0] in (
        "GRAPHQL_PARSE_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
        "LIMIT_EXCEEDED",
        "BAD_USER_INPUT",
    )
    assert connection.goes_on()


# Sizes


def test_a_body_of_as_many_bytes_as_may_be_is_answered(connection: Connection) -> None:
    answer = connection.post(of_size(MIB))
    assert (answer.status, json.loads(answer.body)) == (200, ANSWER)


@pytest.mark.parametrize("size", [MIB + 1, 10 * MIB])
def test_a_longer_body_is_413_and_the_connection_goes_on(connection: Connection, size: int) -> None:
    answer = connection.post(of_size(MIB + 1) if size == MIB + 1 else b"{" * size)
    assert (answer.status, answer.codes) == (413, ["LIMIT_EXCEEDED"])
    (error,) = json.loads(answer.body)["errors"]
    limit = {"code": "LIMIT_EXCEEDED", "limit": "body_bytes", "most": MIB, "value": size}
    assert error["extensions"] == limit
    assert connection.goes_on()


def test_a_parameter_that_is_not_json_is_named(connection: Connection) -> None:
    answer = connection.ask("GET", "/graphql?query=%7B__typename%7D&extensions=%7B")
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])
    assert json.loads(answer.body)["errors"][0]["message"] == "The parameter extensions is not JSON in UTF-8."


def test_a_body_in_chunks_is_bounded_too(connection: Connection) -> None:
    answer = connection.ask("POST", body=(b"{" * MIB for _ in range(3)))  # type: ignore[arg-type]
    assert (answer.status, answer.codes) == (413, ["LIMIT_EXCEEDED"])
    assert connection.goes_on()


def _read_on(client: socket.socket, answer: bytearray) -> None:
    with suppress(ConnectionError):
        while part := client.recv(1 << 16):
            answer += part


def test_a_body_without_end_is_refused_and_its_connection_closed(gateway_url: str) -> None:
    parts = urlsplit(gateway_url)
    with socket.create_connection((parts.hostname, parts.port), 30) as client:
        client.sendall(b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        client.sendall(b"Content-Length: %d\r\n\r\n" % (40 * MIB))
        sent, answer = 0, bytearray()
        reading = Thread(target=_read_on, args=(client, answer))  # what comes before a reset is lost unless it is read
        reading.start()
        with suppress(ConnectionError):
            while sent < 40 * MIB:
                client.sendall(b"{" * MIB)
                sent += MIB
        reading.join(30)
    assert sent < 40 * MIB
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()
    assert b'"code":"LIMIT_EXCEEDED"' in answer


@pytest.fixture(scope="module", params=["true", "false"], ids=["cache", "no cache"])
def impatient_url(request: pytest.FixtureRequest, store_urls: StoreUrls) -> Iterator[str]:
    """A gateway that waits for bodies for as long as a test likes to, with and without answers that are kept."""
    with served(store_urls, GATEWAY_BODY_TIMEOUT_S="0.3", GATEWAY_CACHE=request.param) as url:
        yield url


def _drip(client: socket.socket, ended: Event) -> None:
    with suppress(OSError):
        while not ended.wait(0.02):
            client.sendall(b"1\r\n \r\n")


@pytest.mark.parametrize("kind", ["silent", "slow"])
def test_a_body_that_does_not_come_in_time_is_408_and_its_connection_closed(impatient_url: str, kind: str) -> None:
    parts, ended = urlsplit(impatient_url), Event()
    with socket.create_connection((parts.hostname, parts.port), 30) as client:
        client.sendall(b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        length = b"Content-Length: 100" if kind == "silent" else b"Transfer-Encoding: chunked"
        client.sendall(length + b"\r\n\r\n" + (b'{"query"' if kind == "silent" else b""))
        dripping = Thread(target=_drip, args=(client, ended))
        if kind == "slow":
            dripping.start()
        answer = bytearray()
        _read_on(client, answer)
        ended.set()
        if kind == "slow":
            dripping.join(30)
    head, _, body = bytes(answer).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert head.lower().count(b"connection: close") == 1
    (error,) = json.loads(body)["errors"]
    assert error["message"] == "The whole body of a request has to come within 0.3 s."
    assert error["extensions"] == {"code": "REQUEST_TIMEOUT"}


async def test_a_body_that_has_come_bounds_no_answer() -> None:
    received: list[str] = []

    async def app(_scope: object, receive: Receive, _send: object) -> None:
        received.extend([(await receive())["type"] for _ in range(3)])

    messages: list[Any] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.request", "body": b"}"},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Any:
        await asyncio.sleep(0.35 if len(messages) == 1 else 0)
        return messages.pop(0)

    async def send(_message: object) -> None:
        pass

    await in_time(app, 0.3)({"type": "http", "method": "POST"}, receive, send)
    assert received == ["http.request", "http.request", "http.disconnect"]


def test_bodies_that_break_off_leave_others_alone(gateway_url: str, connection: Connection) -> None:
    parts = urlsplit(gateway_url)
    for _ in range(3):
        with socket.create_connection((parts.hostname, parts.port), 30) as client:
            client.sendall(b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
            client.sendall(b'Content-Length: 100\r\n\r\n{"query"')
    assert connection.goes_on()


async def test_a_body_that_breaks_off_is_no_error_of_the_gateways(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    messages: list[Any] = [
        {"type": "http.request", "body": b'{"query"', "more_body": True},
        {"type": "http.disconnect"},
    ]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "root_path": ""}
    headers = [(b"content-type", b"application/json")]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(_message: object) -> None:
        pass

    await gateway.app({**scope, "headers": headers}, receive, send)
    assert messages == []
    assert caplog.records == []


# Batches


@pytest.mark.parametrize("operations", [1, 10])
def test_a_batch_is_answered_with_an_array(connection: Connection, operations: int) -> None:
    answer = connection.post([{"query": QUERY}] * operations)
    assert (answer.status, json.loads(answer.body)) == (200, [ANSWER] * operations)


def test_a_batch_of_one_more_is_refused(connection: Connection) -> None:
    answer = connection.post([{"query": QUERY}] * 11)
    assert answer.status == 400
    (error,) = json.loads(answer.body)["errors"]
    assert error["extensions"] == {"code": "LIMIT_EXCEEDED", "limit": "operations", "most": 10, "value": 11}
    assert connection.goes_on()
