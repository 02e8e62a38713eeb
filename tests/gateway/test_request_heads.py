"""Heads of requests: they are bounded in bytes, number and time, and read in one way only."""

import time
from collections.abc import Iterator

import pytest

from deploy.embedded.engines import StoreUrls
from tests.gateway.conftest import served
from tests.gateway.raw import (
    CHUNKED,
    KIB,
    LIVE,
    POST,
    answers,
    ask,
    connected,
    one_answer,
    receive,
    refused,
    send,
)

CLOSING = b"Connection: close\r\n"


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
    parts = [of_size(4 * KIB)[index : index + 500] for index in range(0, 4 * KIB, 500)]
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
        result = answers(received + receive(client))
    assert result[0].status in (400, 431)
    assert sent < 10 * KIB


@pytest.mark.parametrize("ahead", [1, 3])
def test_a_head_that_is_sent_ahead_is_bounded_too(strict_url: str, ahead: int) -> None:
    result = ask(strict_url, LIVE * ahead + of_size(64 * KIB))
    assert [answer.status for answer in result] == [200] * ahead + [431]


def test_a_head_after_a_body_is_bounded_too(strict_url: str) -> None:
    result = ask(strict_url, POST + of_size(64 * KIB))
    assert [answer.status for answer in result] == [200, 431]


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


# Framing that two servers may read in two ways
