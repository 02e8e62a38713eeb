"""How requests are framed: chunks and trailers are bounded, and what may be read in two ways is refused."""

import time

import pytest

from deploy.embedded.engines import StoreUrls
from tests.gateway.conftest import served
from tests.gateway.raw import (
    BODY,
    CHUNKED,
    HEAD,
    KIB,
    LAST_LIVE,
    TYPENAME,
    ask,
    connected,
    one_answer,
    refused,
)


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
        ask(strict_url, CHUNKED, *(framing[index : index + KIB] for index in range(0, len(framing), KIB))),
        431,
        "LIMIT_EXCEEDED",
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
    result = ask(strict_url, (CHUNKED + BODY + trailers) * 2 + CHUNKED + BODY + b"0\r\n\r\n" + LAST_LIVE)
    assert [answer.status for answer in result] == [200] * 4


@pytest.mark.parametrize("trailer", [b"Connection: close", b"connection: x, CLOSE", b"Proxy-Connection: close"])
def test_a_trailer_that_would_end_the_connection_is_400(strict_url: str, trailer: bytes) -> None:
    refused(ask(strict_url, CHUNKED + BODY + b"0\r\n" + trailer + b"\r\n\r\n" + LAST_LIVE), 400, "BAD_REQUEST")


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
