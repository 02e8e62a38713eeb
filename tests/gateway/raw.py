"""Requests byte by byte, over a socket of the test's own."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

HEAD = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LIVE = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
TYPENAME = b'{"query":"{ __typename }"}'
POST = HEAD + b"Content-Length: %d\r\n\r\n" % len(TYPENAME) + TYPENAME
LAST_LIVE = LIVE.replace(b"Host: x\r\n", b"Host: x\r\nConnection: close\r\n")
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BODY = b"%x\r\n" % len(TYPENAME) + TYPENAME + b"\r\n"
KIB = 1 << 10
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The only error's extensions, with its message."""
        assert self.headers["content-type"] == "application/json; charset=utf-8"
        assert int(self.headers["content-length"]) == len(self.body)
        (error,) = json.loads(self.body)["errors"]
        return {**error["extensions"], "message": error["message"]}


@contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    """A connection to the gateway."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), PATIENCE_S) as client:
        yield client


def send(client: socket.socket, data: bytes) -> None:
    """Send all, or as much as the gateway takes before it closes the connection."""
    with suppress(ConnectionError):
        client.sendall(data)


def receive(client: socket.socket) -> bytes:
    """All that comes until the gateway closes the connection."""
    received = bytearray()
    with suppress(ConnectionError):
        while part := client.recv(1 << 16):
            received += part
    return bytes(received)


def answers(received: bytes) -> list[Answer]:
    """The responses, which are whole."""
    result = []
    while received:
        head, separator, received = received.partition(b"\r\n\r\n")
        assert separator, head
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers["content-length"])
        result.append(Answer(int(status.split()[1]), headers, received[:length]))
        assert len(result[-1].body) == length
        received = received[length:]
    return result


def refused(result: list[Answer], status: int, code: str) -> Answer:
    """Return the last answer, which is a refusal that closes the connection."""
    answer = result[-1]
    assert (answer.status, answer.error["code"], answer.headers["connection"]) == (status, code, "close")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.error["message"].endswith(".")
    return answer


def ask(url: str, *data: bytes, pause_s: float = 0.0) -> list[Answer]:
    """The answers to these bytes, sent one after the other, until the gateway closes the connection."""
    with connected(url) as client:
        for part in data:
            send(client, part)
            time.sleep(pause_s)
        return answers(receive(client))


def one_answer(client: socket.socket) -> Answer:
    """The next response, on a connection that goes on."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = client.recv(1)
        assert part, received
        received += part
    length = int(received.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
    while length:
        part = client.recv(length)
        assert part, received
        received, length = received + part, length - len(part)
    (answer,) = answers(received)
    return answer
