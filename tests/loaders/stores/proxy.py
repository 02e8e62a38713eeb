"""A proxy before ClickHouse that answers with something else than ClickHouse did."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Protocol
from urllib.parse import urlsplit

import aiohttp
import h11

from tests.loaders.stores.relay import Relay


@dataclass(frozen=True, slots=True)
class Response:
    """What a client is sent: a status, headers, a body, and how the end of the body is told."""

    headers: dict[str, str]
    body: bytes
    status: int = 200
    framed: bool = True

    def encoded(self) -> bytes:
        """The bytes of the response; without a frame, in HTTP/1.0, the end of the connection is that of the body."""
        headers = self.headers | ({"Content-Length": str(len(self.body))} if self.framed else {})
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        version = "1.1" if self.framed else "1.0"
        return f"HTTP/{version} {self.status} Whatever\r\n{head}Connection: close\r\n\r\n".encode() + self.body


class Between(Protocol):
    """What changes responses: a proxy that knows earlier ones, with a source of seeded randomness."""

    @property
    def random(self) -> random.Random:
        """Where its choices come from."""

    @property
    def responses(self) -> Sequence[Response]:
        """The last responses of the store itself."""


Fault = Callable[[Response, Between], Response]


class Proxy(Relay):
    """Forwards each request, and lets `fault` change the response. Keeps the responses of ClickHouse itself."""

    def __init__(self, store_url: str, seed: int = 0) -> None:
        super().__init__(store_url)
        parts = urlsplit(store_url)
        self._store = f"http://{parts.hostname}:{parts.port}"
        self.fault: Fault | None = None
        self.random = random.Random(seed)
        self.responses: list[Response] = []
        self.faults = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            request, body = await _request(reader)
            response = await self._ask(request, body)
            if self.fault is not None:
                self.faults += 1
                writer.write(self.fault(response, self).encoded())
            else:
                writer.write(response.encoded())
            self.responses = [*self.responses[-19:], response]
            await writer.drain()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _ask(self, request: h11.Request, body: bytes) -> Response:
        left_out = (b"host", b"content-length", b"transfer-encoding", b"connection")
        headers = {name.decode(): value.decode() for name, value in request.headers if name not in left_out}
        async with (
            aiohttp.ClientSession(self._store) as session,
            session.request(request.method.decode(), request.target.decode(), data=body, headers=headers) as answer,
        ):
            kept = {
                name: value for name, value in answer.headers.items() if name.lower().startswith(("x-", "content-type"))
            }
            return Response(kept, await answer.read(), answer.status)


async def _request(reader: asyncio.StreamReader) -> tuple[h11.Request, bytes]:
    connection = h11.Connection(h11.SERVER)
    head: h11.Request | None = None
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            data = await reader.read(65536)
            if not data:
                raise OSError("The client went away.")
            connection.receive_data(data)
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return head, body


@asynccontextmanager
async def proxy(store_url: str, seed: int = 0) -> AsyncIterator[Proxy]:
    """A proxy that listens for the length of the block."""
    between = Proxy(store_url, seed)
    await between.listen()
    try:
        yield between
    finally:
        await between.cut()


@cache
def boundaries(body: bytes) -> tuple[int, ...]:
    """Where Native's blocks end, and 0: each begins with its width, its rows and the name of the first column."""
    if len(body) < 4:
        return (0, len(body))
    first = 2 if body[1] < 128 else 3  # rows take a byte or two
    name = re.escape(body[first : first + 1 + body[first]])
    heads = re.finditer(re.escape(body[:1]) + rb"(?:[\x00-\x7f]|[\x80-\xff][\x00-\x7f])" + name, body, re.DOTALL)
    return (*(head.start() for head in heads), len(body))


def _empty(response: Response, _: Between) -> Response:
    return replace(response, body=b"")


def _cut_at_a_block(response: Response, between: Between) -> Response:
    ends = boundaries(response.body)[:-1] or (0,)
    return replace(response, body=response.body[: between.random.choice(ends)])


def _cut_anywhere(response: Response, between: Between) -> Response:
    return replace(response, body=response.body[: between.random.randrange(max(1, len(response.body)))])


def _swapped(response: Response, between: Between) -> Response:
    others = [other for other in between.responses if other.body != response.body]
    return between.random.choice(others) if others else _empty(response, between)


def _of_a_stranger(_: Response, between: Between) -> Response:
    pages = ["<!doctype html><title>Log in</title>", "Ok.\n", "", '{"error": "maintenance"}', "1\n" * 40]
    return Response({"Content-Type": "text/html"}, between.random.choice(pages).encode())


def _page_in_its_name(response: Response, between: Between) -> Response:
    return replace(response, body=_of_a_stranger(response, between).body)


def _bare(response: Response, _: Between) -> Response:
    return replace(response, headers={"Content-Type": "application/octet-stream"})


def _exception_at_the_end(response: Response, between: Between) -> Response:
    text = b"Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED) (version 26.1)\n"
    tagged = b"\r\n__exception__\r\nabcdefghijklmnop\r\n" + text + b"90 abcdefghijklmnop\r\n__exception__\r\n"
    cut = _cut_at_a_block(response, between)
    return replace(cut, body=cut.body + between.random.choice([text, tagged]))


def _block_left_out(response: Response, between: Between) -> Response:
    ends = boundaries(response.body)
    index = between.random.randrange(max(1, len(ends) - 1))
    return replace(response, body=response.body[: ends[index]] + response.body[ends[min(index + 1, len(ends) - 1)] :])


def _block_twice(response: Response, between: Between) -> Response:
    ends = boundaries(response.body)
    index = between.random.randrange(max(1, len(ends) - 1))
    body = response.body
    again = body[ends[index] : ends[min(index + 1, len(ends) - 1)]]
    return replace(response, body=body + again) if again else _bare(response, between)


def _other_names(response: Response, between: Between) -> Response:
    changed = response.body.replace(b"\x03key", b"\x03kex").replace(b"answer_rows", b"answer_rowz")
    return replace(response, body=changed) if changed != response.body else _bare(response, between)


def _refused(_: Response, between: Between) -> Response:
    status = between.random.choice([204, 301, 400, 403, 404, 429, 500, 502, 503, 504])
    return Response({}, between.random.choice([b"", b"Bad gateway"]) if status != 204 else b"", status)


def _unframed(fault: Fault) -> Fault:
    return lambda response, between: replace(fault(response, between), framed=False)


FAULTS: dict[str, Fault] = {
    "empty": _empty,
    "empty, without a frame": _unframed(_empty),
    "cut at a block": _cut_at_a_block,
    "cut at a block, without a frame": _unframed(_cut_at_a_block),
    "cut anywhere": _cut_anywhere,
    "cut anywhere, without a frame": _unframed(_cut_anywhere),
    "the answer to another statement": _swapped,
    "a stranger's page": _of_a_stranger,
    "a stranger's page, without a frame": _unframed(_of_a_stranger),
    "a stranger's page with ClickHouse's headers": _page_in_its_name,
    "without ClickHouse's headers": _bare,
    "an exception at the end": _exception_at_the_end,
    "an exception at the end, without a frame": _unframed(_exception_at_the_end),
    "a block is left out": _block_left_out,
    "a block comes twice": _block_twice,
    "other names": _other_names,
    "refused": _refused,
}
"""Faults after which an answer is another one than ClickHouse's, each in seeded variants."""
