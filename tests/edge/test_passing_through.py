"""What goes between client and gateway: bodies, exports, headers, connections, and around a gateway that is away."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from deploy.embedded.process import free_port
from tests.edge.asking import QUERY
from tests.edge.conftest import StartEdge
from tests.edge.upstream import Upstream


def test_an_export_streams(client: httpx.Client, upstream: Upstream) -> None:
    first_line_came = threading.Event()

    async def lines() -> AsyncIterator[bytes]:
        yield b"first\n"
        yield b"last\n" if await asyncio.to_thread(first_line_came.wait, 5) else b"too late\n"

    async def export(_request: Request) -> Response:
        return StreamingResponse(lines(), media_type="application/x-ndjson")

    upstream.answer = export
    with client.stream("GET", "/export/analysis") as answer:
        got = answer.iter_lines()
        first = next(got)
        first_line_came.set()
        assert (first, *got) == ("first", "last")


def test_an_export_is_no_faster_than_its_client(client: httpx.Client, upstream: Upstream) -> None:
    """Else the gateway would load all aircraft at once, for a client that may leave after the first."""
    mebibytes = 0

    async def lines() -> AsyncIterator[bytes]:
        nonlocal mebibytes
        while mebibytes < 100:
            mebibytes += 1
            yield b"x" * (1 << 20)

    async def export(_request: Request) -> Response:
        return StreamingResponse(lines(), media_type="application/x-ndjson")

    upstream.answer = export
    with client.stream("GET", "/export/analysis") as answer:
        got = answer.iter_raw()  # without a name for it, it would be closed at once
        next(got)
        time.sleep(1)
        assert mebibytes < 50  # what the sockets on the way hold


@pytest.mark.parametrize("path", ["/graphql", "/export/analysis"])
def test_a_body_of_2_mb_is_refused(client: httpx.Client, upstream: Upstream, path: str) -> None:
    assert client.post(path, content=b"x" * 2_000_000).status_code == 413
    assert upstream.asked == []


def test_a_body_of_a_megabyte_comes_through_whole(client: httpx.Client, upstream: Upstream) -> None:
    async def size(request: Request) -> Response:
        return Response(str(len(await request.body())))

    upstream.answer = size
    assert client.post("/graphql", content=b"x" * 1_000_000).text == "1000000"


def test_the_edge_leaves_compressing_to_the_gateway(client: httpx.Client, upstream: Upstream) -> None:
    async def page(_request: Request) -> Response:
        return Response("<p>" * 1_000, media_type="text/html")

    upstream.answer = page
    assert "content-encoding" not in client.get("/graphiql", headers={"Accept-Encoding": "gzip"}).headers


def test_connections_to_the_gateway_are_kept(client: httpx.Client, upstream: Upstream) -> None:
    for _ in range(6):
        client.post("/graphql", content=b"{}")
    assert len({request.client for request in upstream.asked}) <= 2  # one of each nginx worker


def test_the_gateway_learns_who_asked(client: httpx.Client, upstream: Upstream) -> None:
    client.get(QUERY, headers={"Host": "fleet.example"})
    headers = upstream.asked[0].headers
    assert headers["host"] == "fleet.example"
    assert (headers["x-forwarded-for"], headers["x-forwarded-proto"]) == ("127.0.0.1", "http")


def test_a_gateway_that_is_away_is_passed_over(start_edge: StartEdge, upstream: Upstream) -> None:
    edge = start_edge(f"127.0.0.1:{free_port()}", upstream.address)
    assert [httpx.post(f"{edge.url}/graphql", content=b"{}").status_code for _ in range(6)] == [200] * 6


async def test_a_post_whose_gateway_dies_goes_to_another(start_edge: StartEdge, upstream: Upstream) -> None:
    """It only reads, so that asking again is safe."""

    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(die, "127.0.0.1", 0) as dying:
        edge = start_edge(f"127.0.0.1:{dying.sockets[0].getsockname()[1]}", upstream.address)
        async with httpx.AsyncClient(base_url=edge.url) as client:
            answers = [await client.post("/graphql", content=b"{}") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 6
