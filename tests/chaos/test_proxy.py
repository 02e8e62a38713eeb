"""The proxy of the chaos tests does what its faults say, to open connections too."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import aiohttp
import pytest

from benchmarks.servers import wait_until
from tests.chaos.network_faults import (
    BLACK_HOLE,
    CUT,
    CUT_MID_ANSWER,
    EXCHANGED,
    GARBAGE,
    HALF_CLOSED,
    HTTP_FAULTS,
    LATENCY,
    REFUSED,
    SLOW_DRIP,
    TRUNCATED,
    Fault,
)  # fmt: skip
from tests.chaos.proxy import Proxy, proxy

LINE = b"x" * 999 + b"\n"
SHORT_S = 0.3
LONG_S = 10.0

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture
async def between() -> AsyncIterator[Proxy]:
    """A proxy before a server that answers what it is sent."""
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    async with server, proxy(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0") as between:
        yield between


@asynccontextmanager
async def _connected(between: Proxy) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", between.port)
    yield reader, writer
    writer.transport.abort()


async def _ask(connection: Connection, line: bytes = LINE) -> bytes:
    connection[1].write(line)
    async with asyncio.timeout(LONG_S):
        return await connection[0].readexactly(len(line))


async def test_without_a_fault_everything_passes(between: Proxy) -> None:
    async with _connected(between) as connection:
        assert await _ask(connection) == LINE
        assert between.connections == between.accepted == 1
    await asyncio.to_thread(wait_until, lambda: not between.connections)


async def test_a_cut_resets_open_connections_and_new_ones(between: Proxy) -> None:
    async with _connected(between) as connection:
        await _ask(connection)
        await between.switch(CUT)
        with pytest.raises(ConnectionResetError):
            await connection[0].read()
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        async with _connected(between) as connection:
            await _ask(connection)
    await between.heal()
    async with _connected(between) as connection:
        assert await _ask(connection) == LINE


async def test_a_refused_connection_finds_nobody_at_the_port_and_the_port_stays(between: Proxy) -> None:
    async with _connected(between) as connection:
        await _ask(connection)
        await between.switch(REFUSED)
        with pytest.raises(ConnectionResetError):
            await connection[0].read()
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", between.port)
    await between.heal()
    async with _connected(between) as connection:
        assert await _ask(connection) == LINE


async def test_an_answer_is_cut_after_its_bytes(between: Proxy) -> None:
    await between.switch(CUT_MID_ANSWER)
    assert await asyncio.to_thread(_received_until_reset, between.port) == LINE[: CUT_MID_ANSWER.cut_after_bytes]


async def test_each_answer_is_truncated_at_a_byte_of_the_seed(between: Proxy) -> None:
    await between.switch(TRUNCATED)
    lengths = set()
    for seed in range(5):
        between.random.seed(seed)
        received = await asyncio.to_thread(_received_until_reset, between.port)
        assert received == LINE[: len(received)]
        lengths.add(len(received))
    assert len(lengths) > 1
    assert len(LINE) not in lengths


async def test_a_fault_of_one_answer_lets_the_others_pass(between: Proxy) -> None:
    async with _connected(between) as connection:
        await between.switch(replace(GARBAGE, answers=1))
        assert await _ask(connection) != LINE
        assert await _ask(connection) == LINE


def _received_until_reset(port: int) -> bytes:
    """Send a line, and return what came before the connection was reset; a stream would forget it."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), LONG_S) as connection:
        connection.sendall(LINE)
        try:
            while data := connection.recv(65536):
                received += data
        except ConnectionResetError:
            return received
    raise AssertionError("The connection was closed, not reset.")


async def test_a_half_closed_connection_answers_no_more_and_still_takes_requests(between: Proxy) -> None:
    async with _connected(between) as connection:
        await _ask(connection)
        await between.switch(HALF_CLOSED)
        async with asyncio.timeout(LONG_S):
            assert await connection[0].read() == b""
        connection[1].write(LINE)
        await connection[1].drain()
        async with _connected(between) as later, asyncio.timeout(LONG_S):
            assert await later[0].read() == b""


async def test_a_black_hole_keeps_open_and_new_connections_and_passes_what_it_held_back_afterwards(
    between: Proxy,
) -> None:
    async with _connected(between) as connection:
        await _ask(connection)
        await between.switch(BLACK_HOLE)
        async with _connected(between) as later:
            for writer in (connection[1], later[1]):
                writer.write(LINE)
            for reader in (connection[0], later[0]):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(reader.read(1), SHORT_S)
            await between.heal()
            for reader in (connection[0], later[0]):
                assert await asyncio.wait_for(reader.readexactly(len(LINE)), LONG_S) == LINE


async def test_an_answer_that_drips_ends_soon_after_the_fault(between: Proxy) -> None:
    async with _connected(between) as connection:
        await between.switch(SLOW_DRIP)
        connection[1].write(LINE)
        first = await asyncio.wait_for(connection[0].readexactly(10), LONG_S)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection[0].readexactly(len(LINE) - 10), SHORT_S)
        await between.heal()
        rest = await asyncio.wait_for(connection[0].readexactly(len(LINE) - 10), LONG_S)
        assert first + rest == LINE


async def test_garbage_has_the_length_of_the_answer_and_is_of_the_seed(between: Proxy) -> None:
    await between.switch(GARBAGE)
    between.random.seed(4)
    async with _connected(between) as connection:
        numbers = random.Random(4)
        numbers.random()  # the proxy draws the jitter first
        assert await _ask(connection) == numbers.randbytes(len(LINE))


async def test_latency_delays_answers_and_keeps_their_order(between: Proxy) -> None:
    async with _connected(between) as connection:
        await between.switch(LATENCY)
        start = time.monotonic()
        assert await _ask(connection, b"1\n") == b"1\n"
        assert await _ask(connection, b"2\n") == b"2\n"
        assert time.monotonic() - start >= 2 * LATENCY.delay_s


async def test_a_fault_that_is_over_no_longer_delays(between: Proxy) -> None:
    async with _connected(between) as connection:
        await between.switch(Fault("an hour", delay_s=3600))
        connection[1].write(LINE)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection[0].read(1), SHORT_S)
        await between.heal()
        assert await asyncio.wait_for(connection[0].readexactly(len(LINE)), LONG_S) == LINE


BODIES = {"/first": b"first " * 400, "/second": b"second " * 500}


async def _head(reader: asyncio.StreamReader) -> bytes:
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        return await reader.readuntil(b"\r\n\r\n")
    return b""


async def _serve_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer requests for BODIES, the first one with its length and the second one in chunks."""
    while head := await _head(reader):
        body = BODIES[head.split()[1].decode()]
        if head.startswith(b"GET /first"):
            writer.write(b"HTTP/1.1 200 OK\r\nX-Store: yes\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        else:
            chunks = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (9, body[:9], len(body) - 9, body[9:])
            writer.write(b"HTTP/1.1 200 OK\r\nX-Store: yes\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
    writer.close()


@pytest.fixture
async def before_http() -> AsyncIterator[Proxy]:
    """A proxy before a server of BODIES."""
    server = await asyncio.start_server(_serve_http, "127.0.0.1", 0)
    async with server, proxy(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/") as between:
        yield between


async def _get(client: aiohttp.ClientSession, between: Proxy, path: str) -> tuple[int, bytes]:
    async with client.get(f"http://127.0.0.1:{between.port}{path}") as answer:
        return answer.status, await answer.read()


async def test_http_responses_pass_over_one_connection(before_http: Proxy) -> None:
    async with aiohttp.ClientSession() as client:
        for path in (*BODIES, *BODIES):
            assert await _get(client, before_http, path) == (200, BODIES[path])
    assert before_http.accepted == 1
    assert [response.body for response in before_http.responses[:2]] == list(BODIES.values())
    assert before_http.responses[0].headers == {"x-store": "yes"}


@pytest.mark.slow
@pytest.mark.parametrize("fault", HTTP_FAULTS, ids=lambda fault: fault.name)
async def test_no_damaged_response_is_the_stores(before_http: Proxy, fault: Fault) -> None:
    async with aiohttp.ClientSession() as client:
        for path in BODIES:
            assert await _get(client, before_http, path) == (200, BODIES[path])
        await before_http.switch(fault)
        for seed in range(10):
            before_http.random.seed(seed)
            headers: dict[str, str] = {}
            try:
                async with client.get(f"http://127.0.0.1:{before_http.port}/first", allow_redirects=False) as answer:
                    headers = {name.lower(): value for name, value in answer.headers.items()}
                    result = (answer.status, await answer.read())
            except aiohttp.ClientError:
                continue
            assert result != (200, BODIES["/first"]) or "x-store" not in headers
        assert before_http.damaged >= 10
        await before_http.heal()
        for path in BODIES:
            assert await _get(client, before_http, path) == (200, BODIES[path])


async def test_a_damage_of_one_response_lets_the_others_pass(before_http: Proxy) -> None:
    empty = next(fault for fault in HTTP_FAULTS if fault.name == "empty")
    await before_http.switch(replace(empty, answers=1))
    async with aiohttp.ClientSession() as client:
        assert [await _get(client, before_http, "/first") for _ in range(2)] == [(200, b""), (200, BODIES["/first"])]


async def test_two_answers_under_way_change_places(before_http: Proxy) -> None:
    await before_http.switch(EXCHANGED)
    async with aiohttp.ClientSession() as client:
        answers = await asyncio.gather(*(_get(client, before_http, path) for path in BODIES))
    assert [body for _, body in answers] == list(BODIES.values())[::-1]
