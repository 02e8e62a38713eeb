"""Gateways that fail: what is tried once more, what is not, and what clients are told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from deploy.embedded.process import free_port
from tests.edge.asking import QUERY, RENEWED_BEHIND, STATUS, pass_seconds
from tests.edge.conftest import StartEdge
from tests.edge.upstream import Upstream, answering

BEARER = {"Authorization": "Bearer secret"}


@asynccontextmanager
async def dying(received: list[bytes]) -> AsyncIterator[str]:
    """The address of a gateway that is lost with each request that it has received."""

    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read(1 << 16))
        writer.close()

    async with await asyncio.start_server(die, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_post_that_a_gateway_is_lost_with_is_not_sent_again(start_edge: StartEdge, upstream: Upstream) -> None:
    received: list[bytes] = []
    async with dying(received) as address:
        edge = start_edge(address, upstream.address)
        async with httpx.AsyncClient(base_url=edge.url) as client:
            answers = [await client.post("/graphql", content=b"{}") for _ in range(6)]
    lost = [answer for answer in answers if answer.status_code == 502]
    assert 0 < len(lost) == len(received)
    assert len(upstream.asked) == 6 - len(lost)
    for answer in lost:
        assert answer.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}
        assert "may have been executed" in answer.json()["errors"][0]["message"]
        assert "retry-after" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("headers", [{}, BEARER], ids=["anonymous", "credential"])
async def test_a_get_that_a_gateway_is_lost_with_is_sent_to_another(
    start_edge: StartEdge, upstream: Upstream, headers: dict[str, str]
) -> None:
    received: list[bytes] = []
    upstream.answer = answering(cache="no-store")
    async with dying(received) as address:
        edge = start_edge(address, upstream.address)
        async with httpx.AsyncClient(base_url=edge.url, headers=headers) as client:
            answers = [await client.get(f"/graphql?{number}") for number in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 6
    assert received


async def test_a_single_gateway_is_asked_twice_for_a_get(start_edge: StartEdge) -> None:
    received: list[bytes] = []
    async with dying(received) as address:
        edge = start_edge(address)
        async with httpx.AsyncClient(base_url=edge.url) as client:
            answers = [await client.get("/graphql?one"), await client.post("/graphql", content=b"{}")]
    assert [request.split()[0] for request in received] == [b"GET", b"GET", b"POST"]
    assert [answer.status_code for answer in answers] == [503, 502]
    assert answers[0].headers["retry-after"] == "1"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_where_no_gateway_is_a_client_is_told_to_come_again(start_edge: StartEdge, method: str) -> None:
    edge = start_edge(f"127.0.0.1:{free_port()}")
    for _ in range(10):  # also once it is taken for lost
        answer = httpx.request(method, edge.url + QUERY)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}
        assert answer.headers["content-type"] == "application/json"


async def test_a_gateway_that_comes_back_is_asked_at_once(start_edge: StartEdge) -> None:
    """Even where all of them were taken for lost."""
    port = free_port()
    edge = start_edge(f"127.0.0.1:{port}")
    async with httpx.AsyncClient(base_url=edge.url) as client:
        assert {(await client.post("/graphql", content=b"{}")).status_code for _ in range(10)} == {503}

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1 << 16)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", port):
            assert (await client.post("/graphql", content=b"{}")).status_code == 200


async def _overloaded(_request: Request) -> Response:
    body = '{"errors":[{"message":"Too much","extensions":{"code":"OVERLOADED"}}]}'
    headers = {"Retry-After": "7", "Cache-Control": "no-store"}
    return Response(body, 503, headers, media_type="application/json")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refusal_of_the_gateway_goes_through_as_it_is(client: httpx.Client, upstream: Upstream, method: str) -> None:
    upstream.answer = _overloaded
    for path in (QUERY, "/livez", "/export/analysis"):
        before = len(upstream.asked)
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
        assert answer.json()["errors"][0]["extensions"] == {"code": "OVERLOADED"}
        assert len(upstream.asked) == before + 1, "what is overloaded is not asked twice"


def test_an_overloaded_gateway_is_stood_in_for_by_a_copy_and_never_for_a_credential(
    client: httpx.Client, upstream: Upstream
) -> None:
    upstream.answer = answering(cache=RENEWED_BEHIND)
    client.get(QUERY)
    upstream.answer = _overloaded
    pass_seconds(1)
    assert {client.get(QUERY).headers[STATUS] for _ in range(3)} <= {"STALE", "UPDATING"}
    assert client.get(QUERY, headers=BEARER).status_code == 503
