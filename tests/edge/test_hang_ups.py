"""Clients that leave: the gateway sees it at once, over HTTP/1.1 and HTTP/2."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.nginx import Edge
from benchmarks.servers import wait_until
from tests.edge.upstream import Upstream

KEY = ("x-api-key", "secret")
REQUESTS = [
    pytest.param("POST", "/graphql", [], id="POST"),
    pytest.param("GET", "/graphql?query", [KEY], id="GET with a credential"),
    pytest.param("GET", "/export/analysis", [], id="export"),
    pytest.param("GET", "/graphiql", [], id="another path"),
]
_WITHIN_S = 10.0
_SETTINGS, _HEADERS, _RESET = 4, 1, 3
_CANCEL = b"\0\0\0\x08"


@pytest.fixture
def hung_up(upstream: Upstream) -> threading.Event:
    """Set once the gateway has seen that its client has left; it answers nothing."""
    seen = threading.Event()

    async def wait_for_it(request: Request) -> Response:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        seen.set()
        return Response()

    upstream.answer = wait_for_it
    return seen


@pytest.mark.parametrize(("method", "path", "headers"), REQUESTS)
def test_the_gateway_sees_that_a_client_of_http_1_1_left(
    edge: Edge, upstream: Upstream, hung_up: threading.Event, method: str, path: str, headers: list[tuple[str, str]]
) -> None:
    parts = urlsplit(edge.url)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    with socket.create_connection((parts.hostname, parts.port)) as client:
        client.sendall(f"{method} {path} HTTP/1.1\r\nHost: edge\r\n{lines}Content-Length: 0\r\n\r\n".encode())
        wait_until(lambda: bool(upstream.asked))
        assert not hung_up.wait(0.1)
    assert hung_up.wait(_WITHIN_S)


@contextmanager
def http_2(edge: Edge) -> Iterator[socket.socket]:
    """A connection that speaks HTTP/2 without TLS."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(edge.h2c_socket))
        client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(_SETTINGS, 0, 0, b""))
        yield client


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _literal(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def _request(stream: int, method: str, path: str, headers: list[tuple[str, str]]) -> bytes:
    fields = [b"\x86", b"\x02" + _literal(method), b"\x04" + _literal(path), b"\x01" + _literal("edge")]
    fields += [b"\0" + _literal(name) + _literal(value) for name, value in headers]
    return _frame(_HEADERS, 0x05, stream, b"".join(fields))  # it ends the headers, and the stream


@pytest.mark.parametrize("is_whole", [False, True], ids=["stream", "connection"])
@pytest.mark.parametrize(("method", "path", "headers"), REQUESTS)
def test_the_gateway_sees_that_a_client_of_http_2_left(
    edge: Edge,
    upstream: Upstream,
    hung_up: threading.Event,
    method: str,
    path: str,
    headers: list[tuple[str, str]],
    is_whole: bool,
) -> None:
    with http_2(edge) as client:
        client.sendall(_request(1, method, path, headers))
        wait_until(lambda: bool(upstream.asked))
        assert not hung_up.wait(0.1)
        if not is_whole:
            client.sendall(_frame(_RESET, 0, 1, _CANCEL))
            assert hung_up.wait(_WITHIN_S)
    assert hung_up.wait(_WITHIN_S)
