"""Connections: several requests on one, other protocols than HTTP/1.1, and how many there may be."""

import json
import socket
import time
from contextlib import ExitStack
from itertools import repeat
from pathlib import Path

import httpx
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
    Answer,
    answers,
    ask,
    connected,
    one_answer,
    receive,
    refused,
    send,
)


@pytest.mark.parametrize("broken", [b"nonsense\r\n\r\n", HEAD + b"Host: y\r\n\r\n", CHUNKED + b"nonsense"])
def test_a_bad_request_is_refused_after_those_before_it_are_answered(gateway_url: str, broken: bytes) -> None:
    for ahead in (1, 2, 40):
        result = ask(gateway_url, POST * ahead + broken)
        assert [answer.status for answer in result] == [200] * ahead + [400]
        assert all(json.loads(answer.body) == {"data": {"__typename": "Query"}} for answer in result[:-1])


def test_thousands_of_requests_that_are_sent_ahead_are_answered_in_order(gateway_url: str) -> None:
    paths = [b"/livez" if index % 3 else b"/nothing" for index in range(4_000)]
    requests = b"".join(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in paths)
    result = ask(gateway_url, requests + LAST_LIVE)
    assert [answer.status for answer in result] == [200 if index % 3 else 404 for index in range(4_000)] + [200]


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
            result = ask(url, b"GET /graphql HTTP/1.1\r\nHost: x\r\n" + upgrade + protocol + b"\r\n")
            answer = refused(result, 400, "WEBSOCKET_NOT_SUPPORTED")
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
        result: list[Answer] = []
        while not result and time.monotonic() < deadline:
            time.sleep(0.05)
            with connected(url) as client:
                client.settimeout(0.5)
                try:
                    result = answers(receive(client))
                except TimeoutError:
                    continue
        answer = refused(result, 503, "UNAVAILABLE")
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
