"""The body of a request: how long it may be, and how long it may take."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.types import Receive

from deploy.embedded.engines import StoreUrls
from gateway.http.request_parser import BodyTimeoutMiddleware
from tests.gateway.conftest import served
from tests.gateway.http.conftest import Gateway
from tests.gateway.http.connection import ANSWER, QUERY, Connection

MIB = 1 << 20


def of_size(size: int) -> bytes:
    """A good request of that many bytes."""
    body = json.dumps({"query": QUERY, "extensions": {"x": ""}}).encode()
    return body.replace(b'""', b'"' + b"x" * (size - len(body)) + b'"')


def test_a_body_of_as_many_bytes_as_may_be_is_answered(connection: Connection) -> None:
    answer = connection.post(of_size(MIB))
    assert (answer.status, json.loads(answer.body)) == (200, ANSWER)


@pytest.mark.parametrize("size", [MIB + 1, 10 * MIB])
def test_a_longer_body_is_413_and_the_connection_goes_on(connection: Connection, size: int) -> None:
    answer = connection.post(of_size(MIB + 1) if size == MIB + 1 else b"{" * size)
    assert (answer.status, answer.codes) == (413, ["LIMIT_EXCEEDED"])
    (error,) = json.loads(answer.body)["errors"]
    limit = {"code": "LIMIT_EXCEEDED", "limit": "body_bytes", "max": MIB, "value": size}
    assert error["extensions"] == limit
    assert connection.goes_on()


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
        client.sendall(b"Content-Length: %d\r\n\r\n" % (64 * MIB))
        sent, answer = 0, bytearray()
        reading = Thread(target=_read_on, args=(client, answer))  # what comes before a reset is lost unless it is read
        reading.start()
        with suppress(ConnectionError):
            while sent < 64 * MIB:
                client.sendall(b"{" * MIB)
                sent += MIB
        reading.join(30)
    assert sent < 64 * MIB
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()
    assert b'"code":"LIMIT_EXCEEDED"' in answer


@pytest.fixture(scope="module", params=["true", "false"], ids=["cache", "no cache"])
def impatient_url(request: pytest.FixtureRequest, store_urls: StoreUrls) -> Iterator[str]:
    """A gateway that waits for bodies for as long as a test likes to, with and without answers that are kept."""
    with served(store_urls, GATEWAY_BODY_TIMEOUT_S="0.3", GATEWAY_CACHE=request.param) as url:
        yield url


def _drip(client: socket.socket, stopped: Event) -> None:
    with suppress(OSError):
        while not stopped.wait(0.02):
            client.sendall(b"1\r\n \r\n")


@pytest.mark.parametrize("kind", ["silent", "slow"])
def test_a_body_that_does_not_come_in_time_is_408_and_its_connection_closed(impatient_url: str, kind: str) -> None:
    parts, stopped = urlsplit(impatient_url), Event()
    with socket.create_connection((parts.hostname, parts.port), 30) as client:
        client.sendall(b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        length = b"Content-Length: 100" if kind == "silent" else b"Transfer-Encoding: chunked"
        client.sendall(length + b"\r\n\r\n" + (b'{"query"' if kind == "silent" else b""))
        dripping = Thread(target=_drip, args=(client, stopped))
        if kind == "slow":
            dripping.start()
        answer = bytearray()
        _read_on(client, answer)
        stopped.set()
        if kind == "slow":
            dripping.join(30)
    head, _, body = bytes(answer).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert head.lower().count(b"connection: close") == 1
    (error,) = json.loads(body)["errors"]
    assert error["message"] == "The whole body of a request has to come within 0.3 s."
    assert error["extensions"] == {"code": "REQUEST_TIMEOUT"}


@pytest.mark.slow
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
        await asyncio.sleep(2.1 if len(messages) == 1 else 0)
        return messages.pop(0)

    async def send(_message: object) -> None:
        pass

    await BodyTimeoutMiddleware(app, 2)({"type": "http", "method": "POST"}, receive, send)
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
