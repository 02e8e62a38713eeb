"""Heads of requests: they are bounded in bytes, number and time, and read in one way only."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import repeat
from pathlib import Path

import httpx
import pytest

from deploy.embedded.engines import StoreUrls
from tests.gateway.conftest import served
from tests.gateway.raw import HEAD, LIVE, POST, TYPENAME, Answer, answers, ask, connected, one_answer, receive, send

KIB = 1 << 10
CLOSING = b"Connection: close\r\n"
LAST_LIVE = LIVE.replace(b"Host: x\r\n", b"Host: x\r\nConnection: close\r\n")
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BODY = b"%x\r\n" % len(TYPENAME) + TYPENAME + b"\r\n"


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


def refused(found: list[Answer], status: int, code: str) -> Answer:
    """The last answer, which is a refusal that closes the connection."""
    answer = found[-1]
    assert (answer.status, answer.error["code"], answer.headers["connection"]) == (status, code, "close")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.error["message"].endswith(".")
    return answer


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


@pytest.mark.parametrize("broken", [b"nonsense\r\n\r\n", HEAD + b"Host: y\r\n\r\n", CHUNKED + b"nonsense"])
def test_a_bad_request_is_refused_after_those_before_it_are_answered(gateway_url: str, broken: bytes) -> None:
    for ahead in (1, 2, 40):
        found = ask(gateway_url, POST * ahead + broken)
        assert [answer.status for answer in found] == [200] * ahead + [400]
        assert all(json.loads(answer.body) == {"data": {"__typename": "Query"}} for answer in found[:-1])


def test_thousands_of_requests_that_are_sent_ahead_are_answered_in_order(gateway_url: str) -> None:
    paths = [b"/livez" if at % 3 else b"/nothing" for at in range(4_000)]
    requests = b"".join(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in paths)
    found = ask(gateway_url, requests + LAST_LIVE)
    assert [answer.status for answer in found] == [200 if at % 3 else 404 for at in range(4_000)] + [200]


def test_a_client_that_expects_100_is_told_to_continue(gateway_url: str) -> None:
    with connected(gateway_url) as client:
        client.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 26\r\n\r\n")
        assert client.recv(1 << 10) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(TYPENAME)
        assert one_answer(client).status == 200


def test_where_it_is_answered_instead_its_next_bytes_are_no_request(gateway_url: str) -> None:
    with connected(gateway_url) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 26\r\n\r\n")
        assert one_answer(client).status == 200
        send(client, LIVE)
        assert receive(client) == b"", "neither taken for the body nor answered"


def test_http_1_0_is_not_told_to_continue(gateway_url: str) -> None:
    head = HEAD.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Expect: 100-continue\r\nContent-Length: 26\r\n\r\n"
    (answer,) = ask(gateway_url, head, TYPENAME, pause_s=0.1)
    assert answer.status == 200


# Other protocols


def test_a_websocket_is_told_that_there_is_none_and_nothing_is_logged(store_urls: StoreUrls, tmp_path: Path) -> None:
    key = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    upgrade = b"Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" + key
    log = tmp_path / "log"
    with log.open("wb") as file, served(store_urls, file, GATEWAY_LOG_LEVEL="info") as url:
        for protocol in (b"", b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n"):
            found = ask(url, b"GET /graphql HTTP/1.1\r\nHost: x\r\n" + upgrade + protocol + b"\r\n")
            answer = refused(found, 400, "WEBSOCKET_NOT_SUPPORTED")
            assert answer.error["message"] == "There is no WebSocket here. Send the operation by POST or GET over HTTP."
    assert "pip" not in log.read_text()
    assert "Upgrade" not in log.read_text().title()


def test_a_client_that_would_like_another_protocol_is_answered_in_this_one(gateway_url: str) -> None:
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    request = HEAD + upgrade + b"Content-Length: 26\r\n\r\n" + TYPENAME
    with connected(gateway_url) as client:
        for data in (
            request,
            request + request,
            HEAD + upgrade + b"Transfer-Encoding: chunked\r\n\r\n" + BODY + b"0\r\n\r\n",
        ):
            client.sendall(data)
            for _ in range(data.count(HEAD)):
                assert json.loads(one_answer(client).body) == {"data": {"__typename": "Query"}}


# Connections


def test_more_connections_than_may_be_push_out_the_one_that_waits_longest(store_urls: StoreUrls) -> None:
    with served(store_urls, None, GATEWAY_MAX_CONNECTIONS="3") as url, ExitStack() as stack:
        waiting = [stack.enter_context(connected(url)) for _ in range(3)]
        for client in waiting:
            client.sendall(LIVE)
            assert one_answer(client).status == 200
        new = stack.enter_context(connected(url))
        new.sendall(LIVE)
        assert one_answer(new).status == 200
        assert receive(waiting[0]) == b""
        waiting[1].sendall(LIVE)
        assert one_answer(waiting[1]).status == 200


def test_where_none_waits_one_more_is_503(store_urls: StoreUrls) -> None:
    with served(store_urls, None, GATEWAY_MAX_CONNECTIONS="3") as url, ExitStack() as stack:
        busy = [stack.enter_context(connected(url)) for _ in range(3)]
        for client in busy:
            client.sendall(b"GET /livez HTTP/1.1\r\n")
        deadline = time.monotonic() + 30
        found: list[Answer] = []
        while not found and time.monotonic() < deadline:
            time.sleep(0.05)
            with connected(url) as client:
                client.settimeout(0.5)
                try:
                    found = answers(receive(client))
                except TimeoutError:
                    continue
        answer = refused(found, 503, "UNAVAILABLE")
        assert answer.headers["retry-after"] == "1"
        assert "GATEWAY_MAX_CONNECTIONS" in answer.error["message"]
        for client in busy:
            client.sendall(b"Host: x\r\n\r\n")
            assert one_answer(client).status == 200
        assert httpx.get(f"{url}/livez").status_code == 200


def test_many_connections_that_send_nothing_leave_room_for_others(store_urls: StoreUrls) -> None:
    settings = {"GATEWAY_MAX_CONNECTIONS": "20", "GATEWAY_HEAD_TIMEOUT_S": "1"}
    with served(store_urls, None, **settings) as url, ExitStack() as stack:
        for _ in repeat(None, 40):
            stack.enter_context(connected(url))
        deadline = time.monotonic() + 30
        statuses: list[int] = []
        while statuses[-1:] != [200] and time.monotonic() < deadline:
            try:
                statuses.append(httpx.get(f"{url}/livez").status_code)
            except httpx.TransportError:
                statuses.append(0)
        assert statuses[-1] == 200


def test_a_reset_in_the_middle_of_a_head_is_nobodys_error(gateway_url: str) -> None:
    for _ in range(5):
        with connected(gateway_url) as client:
            client.sendall(b"GET /livez HTTP/1.1\r\nHo")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert ask(gateway_url, LAST_LIVE)[0].status == 200
