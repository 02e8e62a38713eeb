"""Heads of requests: they are bounded in bytes, number and time, and read in one way only."""

import time
from collections.abc import Iterator

import pytest

from deploy.embedded.engines import StoreUrls
from tests.gateway.conftest import served
from tests.gateway.raw import (
    BODY,
    CHUNKED,
    HEAD,
    LAST_LIVE,
    LIVE,
    POST,
    TYPENAME,
    answers,
    ask,
    connected,
    one_answer,
    receive,
    refused,
    send,
)

KIB = 1 << 10
CLOSING = b"Connection: close\r\n"


@pytest.fixture(scope="module")
def strict_url(store_urls: StoreUrls) -> Iterator[str]:
    """A gateway whose heads may have 4 KiB, 20 headers and 60 s."""
    settings = {"GATEWAY_MAX_HEAD_KIB": "4", "GATEWAY_MAX_HEADERS": "20", "GATEWAY_HEAD_TIMEOUT_S": "60"}
    with served(store_urls, None, **settings) as url:
        yield url


@pytest.fixture(scope="module")
def hasty_url(store_urls: StoreUrls) -> Iterator[str]:
    """A gateway that waits for a head for a second, and for the next request for two."""
    settings = {"GATEWAY_HEAD_TIMEOUT_S": "1", "GATEWAY_KEEP_ALIVE_S": "2", "GATEWAY_BODY_TIMEOUT_S": "1"}
    with served(store_urls, None, **settings) as url:
        yield url


def of_size(size: int, line: bytes = b"GET /livez HTTP/1.1\r\nHost: x\r\n" + CLOSING) -> bytes:
    """A head of that many bytes."""
    return line + b"X: " + b"x" * (size - len(line) - 7) + b"\r\n\r\n"


# Bytes


def test_a_head_of_as_many_bytes_as_may_be_is_answered(strict_url: str) -> None:
    assert [answer.status for answer in ask(strict_url, of_size(4 * KIB))] == [200]
    parts = [of_size(4 * KIB)[at : at + 500] for at in range(0, 4 * KIB, 500)]
    assert [answer.status for answer in ask(strict_url, *parts, pause_s=0.01)] == [200]


@pytest.mark.parametrize("size", [4 * KIB + 1, 64 * KIB, 8 << 20])
def test_a_longer_head_is_431(strict_url: str, size: int) -> None:
    answer = refused(ask(strict_url, of_size(size)), 431, "LIMIT_EXCEEDED")
    assert answer.error == {
        "code": "LIMIT_EXCEEDED",
        "limit": "head_bytes",
        "max": 4_096,
        "message": "The URL and the headers of a request have at most 4,096 bytes.",
    }


def test_a_longer_url_is_414(strict_url: str) -> None:
    answer = refused(ask(strict_url, b"GET /graphql?query=" + b"x" * (5 * KIB)), 414, "LIMIT_EXCEEDED")
    assert answer.error["message"].endswith("Send a long query by POST.")


@pytest.mark.parametrize(
    "endless",
    [b"X: " + b"x" * 1_000 + b"\r\n", b"x", b"X" * 1_000, b" " * 1_000, b"\r\n" * 500],
    ids=["headers", "a value", "a name", "white space", "empty lines"],
)
def test_a_head_that_never_ends_is_refused(strict_url: str, endless: bytes) -> None:
    begun = b"" if endless.startswith(b"\r\n") else b"GET /livez HTTP/1.1\r\nHost: x\r\nX: "
    sent = 0
    with connected(strict_url) as client:
        client.sendall(begun)
        client.settimeout(0.001)
        received = b""
        while not received and sent < 100 * KIB:
            send(client, endless)
            sent += len(endless)
            try:
                received = client.recv(1)
            except TimeoutError:
                continue
        client.settimeout(30)
        found = answers(received + receive(client))
    assert found[0].status in (400, 431)
    assert sent < 10 * KIB


@pytest.mark.parametrize("ahead", [1, 3])
def test_a_head_that_is_sent_ahead_is_bounded_too(strict_url: str, ahead: int) -> None:
    found = ask(strict_url, LIVE * ahead + of_size(64 * KIB))
    assert [answer.status for answer in found] == [200] * ahead + [431]


def test_a_head_after_a_body_is_bounded_too(strict_url: str) -> None:
    found = ask(strict_url, POST + of_size(64 * KIB))
    assert [answer.status for answer in found] == [200, 431]


def test_the_default_takes_what_the_edge_lets_through(gateway_url: str) -> None:
    assert ask(gateway_url, of_size(64 * KIB))[0].status == 200
    assert ask(gateway_url, of_size(64 * KIB + 1))[0].status == 431


# Number


def test_as_many_headers_as_may_be_are_answered_and_one_more_is_431(strict_url: str) -> None:
    head = b"GET /livez HTTP/1.1\r\nHost: x\r\n" + CLOSING
    assert ask(strict_url, head + b"A: b\r\n" * 18 + b"\r\n")[0].status == 200
    answer = refused(ask(strict_url, head + b"A: b\r\n" * 19 + b"\r\n"), 431, "LIMIT_EXCEEDED")
    assert (answer.error["limit"], answer.error["max"]) == ("headers", 20)


def test_headers_without_end_are_431_before_the_head_ends(strict_url: str) -> None:
    assert ask(strict_url, b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 30)[0].error["limit"] == "headers"


# Time


def test_a_head_that_does_not_come_in_time_is_408(hasty_url: str) -> None:
    began = time.monotonic()
    answer = refused(ask(hasty_url, b"GET /livez HTTP/1.1\r\nHost: x\r\n"), 408, "REQUEST_TIMEOUT")
    assert answer.error["message"] == "The URL and the headers of a request have to come within 1 s."
    assert time.monotonic() - began > 0.9


@pytest.mark.parametrize("first", [b"", LIVE, POST], ids=["at first", "after a GET", "after a POST"])
def test_one_that_comes_drop_by_drop_is_408(hasty_url: str, first: bytes) -> None:
    with connected(hasty_url) as client:
        if first:
            client.sendall(first)
            assert one_answer(client).status == 200
        began = time.monotonic()
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nX: ")
        client.settimeout(0.05)
        received = b""
        while not received and time.monotonic() < began + 30:
            send(client, b"x")
            try:
                received = client.recv(1)
            except TimeoutError:
                continue
        client.settimeout(30)
        assert answers(received + receive(client))[0].status == 408


def test_a_connection_that_sends_nothing_is_closed(hasty_url: str) -> None:
    with connected(hasty_url) as client:
        began = time.monotonic()
        assert receive(client) == b""
        assert 0.9 < time.monotonic() - began < 20


def test_a_connection_without_a_request_is_kept_as_long_as_is_set(hasty_url: str) -> None:
    with connected(hasty_url) as client:
        for pause_s in (0.0, 1.3, 1.3, 1.3):
            time.sleep(pause_s)
            client.sendall(LIVE)
            assert one_answer(client).status == 200
        began = time.monotonic()
        assert receive(client) == b""
        assert 1.9 < time.monotonic() - began < 20


@pytest.mark.parametrize(
    "rest",
    [b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", CHUNKED.replace(b"POST /graphql", b"GET /livez")],
)
def test_a_body_that_was_answered_before_it_came_has_its_time_too(hasty_url: str, rest: bytes) -> None:
    with connected(hasty_url) as client:
        client.sendall(rest)
        assert one_answer(client).status == 200
        client.settimeout(0.05)
        began = time.monotonic()
        while time.monotonic() < began + 30:
            send(client, b"1\r\n \r\n" if b"chunked" in rest else b"")
            try:
                if not client.recv(1):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert 0.9 < time.monotonic() - began < 20


def test_one_that_comes_later_lets_the_connection_go_on(hasty_url: str) -> None:
    with connected(hasty_url) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n")
        assert one_answer(client).status == 200
        client.sendall(b"abc" + LIVE)
        assert one_answer(client).status == 200
        began = time.monotonic()
        assert receive(client) == b""
        assert 1.9 < time.monotonic() - began < 20, "it is kept as long as any"


# Chunks and trailers


@pytest.mark.parametrize(
    "framing",
    [
        b"1;" + b"a" * (64 * KIB),
        b"0" * (64 * KIB) + b"1",
        BODY + b"0\r\n" + b"A: " + b"b" * (64 * KIB),
    ],
    ids=["extension", "size", "trailer"],
)
def test_what_frames_a_body_is_bounded(strict_url: str, framing: bytes) -> None:
    answer = refused(
        ask(strict_url, CHUNKED, *(framing[at : at + KIB] for at in range(0, len(framing), KIB))), 431, "LIMIT_EXCEEDED"
    )
    assert answer.error["limit"] in ("framing_bytes", "headers")


def test_a_body_in_chunks_of_one_byte_is_answered(gateway_url: str) -> None:
    body = b'{"query":"{ __typename }"' + b" " * 9_000 + b"}"
    chunks = b"".join(b"1;a=b\r\n%c\r\n" % byte for byte in body)
    assert (
        ask(gateway_url, CHUNKED.replace(b"Host", b"Connection: close\r\nHost") + chunks + b"0\r\n\r\n")[0].status
        == 200
    )


def test_trailers_are_as_many_as_headers(strict_url: str) -> None:
    head = CHUNKED.replace(b"Host", b"Connection: close\r\nHost")
    assert ask(strict_url, head, BODY + b"0\r\n" + b"A: b\r\n" * 20 + b"\r\n")[0].status == 200
    answer = refused(ask(strict_url, head, BODY + b"0\r\n" + b"A: b\r\n" * 21 + b"\r\n"), 431, "LIMIT_EXCEEDED")
    assert answer.error["limit"] == "headers"


@pytest.mark.parametrize("parts", ["at once", "in pieces", "body first"])
def test_a_trailer_is_no_header(strict_url: str, parts: str) -> None:
    trailers = b"0\r\nAuthorization: Bearer fgk_x_y\r\nX-API-Key: z\r\n\r\n"
    with connected(strict_url) as client:
        for _ in range(3):
            if parts == "at once":
                client.sendall(CHUNKED + BODY + trailers)
            elif parts == "in pieces":
                for byte in CHUNKED + BODY + trailers:
                    client.sendall(bytes([byte]))
            else:
                client.sendall(CHUNKED + BODY)
                time.sleep(0.02)
                client.sendall(trailers)
            assert one_answer(client).status == 200, "no credential that is not good"


def test_an_address_in_a_trailer_has_no_budget(store_urls: StoreUrls) -> None:
    with served(store_urls, None, GATEWAY_RATE_COST_PER_MINUTE="100") as url, connected(url) as client:
        head = CHUNKED.replace(b"Host", b"X-Forwarded-For: 198.51.%d.%d\r\nHost" % divmod(time.time_ns() % 60_000, 250))
        statuses: list[int] = []
        while statuses[-1:] != [429] and len(statuses) < 1_000:
            address = b"192.0.%d.%d" % divmod(len(statuses), 250)
            client.sendall(head + BODY + b"0\r\nX-Forwarded-For: %s\r\n\r\n" % address)
            statuses.append(one_answer(client).status)
        assert statuses[-1] == 429


def test_trailers_do_not_leak_into_the_next_request(strict_url: str) -> None:
    trailers = b"0\r\nAuthorization: Bearer fgk_x_y\r\nX-API-Key:\r\n\r\n"
    found = ask(strict_url, (CHUNKED + BODY + trailers) * 2 + CHUNKED + BODY + b"0\r\n\r\n" + LAST_LIVE)
    assert [answer.status for answer in found] == [200] * 4


@pytest.mark.parametrize("trailer", [b"Connection: close", b"connection: x, CLOSE", b"Proxy-Connection: close"])
def test_a_trailer_that_would_end_the_connection_is_400(strict_url: str, trailer: bytes) -> None:
    refused(ask(strict_url, CHUNKED + BODY + b"0\r\n" + trailer + b"\r\n\r\n" + LAST_LIVE), 400, "BAD_REQUEST")


# Framing that two servers may read in two ways


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 26\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 26\r\n",
        b"Content-Length: 26\r\nContent-Length: 27\r\n",
        b"Content-Length: 26, 27\r\n",
        b"Content-Length: +26\r\n",
        b"Content-Length: -26\r\n",
        b"Content-Length: 0x1a\r\n",
        b"Content-Length: 99999999999999999999999\r\n",
        b"Content-Length:\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Transfer-Encoding: gzip\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding:\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Host: y\r\n",
        b"Host: x\r\n",
        b"host:\r\n",
        b"X: a\r\n b\r\n",
        b"X: a\0b\r\n",
        b"X: a\rb\r\n",
        b"X: a\nb: c\r\n",
        b"X\0: a\r\n",
        b"X\xff: a\r\n",
        b"X y: a\r\n",
        b": a\r\n",
        b"X\r\n",
    ],
)
def test_a_head_that_may_be_read_in_two_ways_is_400(strict_url: str, lines: bytes) -> None:
    chunks = b"0\r\n\r\n" if b"chunked" in lines else TYPENAME
    (answer,) = ask(strict_url, HEAD + lines + b"\r\n" + chunks + LAST_LIVE)
    refused([answer], 400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /livez HTTP/1.1\r\n\r\n",
        b"GET /livez HTTP/2.0\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/0.9\r\nHost: x\r\n\r\n",
        b"GET /livez\r\n\r\n",
        b"GET /livez HTTP/1.1\nHost: x\n\n",
        b"GET /li\xffvez HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http:// HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /graphql HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"get /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_no_request_of_http_1_is_400(strict_url: str, head: bytes) -> None:
    refused(ask(strict_url, head), 400, "BAD_REQUEST")


def test_connect_is_405(strict_url: str) -> None:
    answer = refused(ask(strict_url, b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n"), 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"
