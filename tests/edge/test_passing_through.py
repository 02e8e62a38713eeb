"""What goes between client and gateway: bodies, exports, headers, connections, and around a gateway that is away."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from benchmarks.nginx import Edge
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


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_the_parts_of_an_answer_come_as_they_are_sent(client: httpx.Client, upstream: Upstream, method: str) -> None:
    first_part_came = threading.Event()

    async def parts() -> AsyncIterator[bytes]:
        yield b"first\n"
        yield b"last\n" if await asyncio.to_thread(first_part_came.wait, 5) else b"too late\n"

    async def deferred(_request: Request) -> Response:
        headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}  # as the gateway has them
        return StreamingResponse(parts(), headers=headers, media_type='multipart/mixed; boundary="-"')

    upstream.answer = deferred
    with client.stream(method, "/graphql?deferred") as answer:
        lines = answer.iter_lines()
        first = next(lines)
        first_part_came.set()
        assert (first, *lines) == ("first", "last")


def test_an_answer_of_a_megabyte_is_held_in_memory_for_a_slow_client(
    edge: Edge, upstream: Upstream, folder: Path
) -> None:
    """So that the gateway need not hold it; and nothing is written to a disk."""
    taken = threading.Event()

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * (32 << 10)
        taken.set()

    async def large(_request: Request) -> Response:
        return StreamingResponse(parts(), headers={"Cache-Control": "no-store"})

    upstream.answer = large
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", httpx.URL(edge.url).port))
        slow.sendall(b"POST /graphql HTTP/1.1\r\nHost: edge\r\nContent-Length: 0\r\n\r\n")
        assert taken.wait(20)
    assert "temporary file" not in (folder / "error.log").read_text()


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
