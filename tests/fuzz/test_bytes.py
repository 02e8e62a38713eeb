"""Requests whose bytes were damaged: each has a well-formed answer that says what is wrong, and the gateway goes on."""

import json
import random
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import httptools
import pytest

from tests.fuzz.conftest import Watched
from tests.queries import DASHBOARD, TRENDS

pytestmark = pytest.mark.engine

BODIES, WHOLE = 400, 200
"""Requests with a damaged body, on few connections; and damaged anywhere, on a connection each."""
MIB = 1 << 20
MAX_GROWTH = 100 * MIB

LIVE = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
FILLING = b"\r\n" * 1_000
"""Nothing between two requests, and the rest of one that waits for more."""

CODES = {
    "BAD_REQUEST",
    "METHOD_NOT_ALLOWED",
    "NOT_ACCEPTABLE",
    "UNSUPPORTED_MEDIA_TYPE",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "BAD_USER_INPUT",
    "LIMIT_EXCEEDED",
    "PERSISTED_QUERY_NOT_FOUND",
}

IN_WORDS = {
    (200, b"alive\n"),  # LIVE
    (400, b"Invalid HTTP request received."),
    (404, b"Not Found"),  # another path
}

IDS = ["N14228", "N725MQ", "N0FLY"]
FLEET = "query F($f: FleetFilter, $n: Int) { fleet(first: $n, filter: $f) { totalCount edges { cursor node { id } } } }"
DEFERRED = (
    "query D($ids: [ID!]!) { aircraftByIds(ids: $ids) { id ... @defer { analysis { punctuality { flights } } } } }"
)
ASKED: list[tuple[object, str]] = [
    ({"query": DASHBOARD, "variables": {"ids": IDS}}, "*/*"),
    ({"query": TRENDS, "variables": {"ids": IDS}}, "application/graphql-response+json"),
    ({"query": FLEET, "variables": {"f": {"manufacturer": "BOEING"}, "n": 3}, "operationName": "F"}, "*/*"),
    ({"query": DEFERRED, "variables": {"ids": IDS}}, "multipart/mixed;incrementalSpec=v0.2"),
    ([{"query": '{ airline(code: "UA") { name } }'}, {"query": "{ __schema { types { name } } }"}], "*/*"),
    ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "ab" * 32}}}, "application/json"),
    ({"query": '{ node(id: "Airport:JFK") { id } }', "extensions": {"explain": True, "accounting": True}}, "*/*"),
]


@dataclass(frozen=True, slots=True)
class Request:
    """A request in two parts; its head lacks how long the body is, and its end."""

    head: bytes
    body: bytes

    def whole(self) -> bytes:
        length = b"Content-Length: %d\r\n" % len(self.body) if self.body else b""
        return self.head + length + b"\r\n" + self.body


@dataclass(slots=True)
class Answer:
    """As the parser tells it, piece by piece."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Reader:
    """Reads answers as strictly as the parser of a browser does: raises HttpParserError where they are none."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._parser = httptools.HttpResponseParser(self)
        self._answer = Answer()
        self._whole: list[Answer] = []

    def on_message_begin(self) -> None:
        self._answer = Answer()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._answer.headers[name.decode("ascii").lower()] = value.decode("ascii")

    def on_body(self, piece: bytes) -> None:
        self._answer.body += piece

    def on_message_complete(self) -> None:
        self._answer.status = self._parser.get_status_code()
        self._whole.append(self._answer)

    def next(self) -> Answer | None:
        """The next answer; None where the connection was closed."""
        while not self._whole:
            received = self._connection.recv(65_536)
            if not received:
                return None
            self._parser.feed_data(received)
        return self._whole.pop(0)


def _real() -> list[Request]:
    posted = [
        Request(
            f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAccept: {accept}\r\n".encode(),
            json.dumps(asked).encode(),
        )
        for asked, accept in ASKED
    ]
    path = f"/graphql?query={quote(FLEET)}&variables={quote(json.dumps({'n': 2}))}&operationName=F"
    return [*posted, Request(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n".encode(), b"")]


def _flipped(chance: random.Random, text: bytes, _other: bytes) -> bytes:
    damaged = bytearray(text)
    for _ in range(chance.randint(1, 8)):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _truncated(chance: random.Random, text: bytes, _other: bytes) -> bytes:
    return text[: chance.randrange(1, len(text))]


def _duplicated(chance: random.Random, text: bytes, _other: bytes) -> bytes:
    begin, end = sorted(chance.sample(range(len(text) + 1), 2))
    return text[:end] + text[begin:end] * chance.randint(1, 50) + text[end:]


def _spliced(chance: random.Random, text: bytes, other: bytes) -> bytes:
    return text[: chance.randrange(1, len(text))] + other[chance.randrange(len(other)) :]


DAMAGES = (_flipped, _truncated, _duplicated, _spliced)


def _waits(text: bytes) -> bool:
    """Whether it says that much more is to come: without that, nobody answers it, and nobody should."""
    return re.search(rb"content-length:\s*\d{4}|transfer-encoding", text, re.IGNORECASE) is not None


def _damaged_bodies(chance: random.Random, real: Sequence[Request]) -> Iterator[Request]:
    posted = [item for item in real if item.body]
    for index in range(BODIES):
        request, other = chance.choice(posted), chance.choice(posted)
        yield Request(request.head, DAMAGES[index % len(DAMAGES)](chance, request.body, other.body))


def _damaged_wholes(chance: random.Random, real: Sequence[Request]) -> Iterator[bytes]:
    index = 0
    while index < WHOLE:
        text = DAMAGES[index % len(DAMAGES)](chance, chance.choice(real).whole(), chance.choice(real).whole())
        if not _waits(text):
            index += 1
            yield text


def _check(answer: Answer) -> None:
    """Whether it is an answer, and its errors are the caller's."""
    assert 200 <= answer.status < 300 or 400 <= answer.status < 500, answer
    kind = answer.headers.get("content-type", "")
    assert b"INTERNAL_SERVER_ERROR" not in answer.body, answer
    if kind.startswith(("application/json", "application/graphql-response+json")):
        read = json.loads(answer.body)
        for item in read if isinstance(read, list) else [read]:
            assert "data" in item or item.get("errors"), answer
            assert {error["extensions"]["code"] for error in item.get("errors", ())} <= CODES, answer
    elif not kind.startswith("multipart/mixed"):
        assert (answer.status, answer.body) in IN_WORDS, answer


def _connected(watched: Watched) -> socket.socket:
    parts = urlsplit(watched.url)
    return socket.create_connection((parts.hostname, parts.port), 30)


@pytest.fixture
def growth(watched: Watched) -> Iterator[None]:
    """The gateway is the same at the end, and hardly larger."""
    before = watched.process.memory_info().rss
    yield
    assert watched.process.is_running()
    assert watched.process.memory_info().rss - before < MAX_GROWTH


@pytest.mark.usefixtures("growth")
def test_a_damaged_body_is_answered_and_the_connection_goes_on(watched: Watched) -> None:
    real, chance = _real(), random.Random(17)
    refused = answered = 0
    with _connected(watched) as first, _connected(watched) as second:
        readers = [(item, Reader(item)) for item in (first, second)]
        for index, request in enumerate(_damaged_bodies(chance, real)):
            connection, reader = readers[index % 2]
            connection.sendall(request.whole())
            answer = reader.next()
            assert answer is not None, request
            _check(answer)
            refused += answer.body.startswith(b'{"errors"')
            answered += b'"data":{' in answer.body
    assert (refused > BODIES / 2, answered > BODIES / 50) == (True, True), (refused, answered)
    assert watched.errors() == []


@pytest.mark.usefixtures("growth")
def test_a_request_that_is_damaged_anywhere_is_answered(watched: Watched) -> None:
    real, chance = _real(), random.Random(19)
    for text in _damaged_wholes(chance, real):
        with _connected(watched) as connection:
            connection.sendall(text + FILLING + LIVE)
            reader, answers = Reader(connection), 0
            while (answer := reader.next()) is not None:
                _check(answer)
                answers += 1
            assert answers > 0, text
    assert watched.errors() == []
