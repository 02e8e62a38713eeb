"""Responses of a store that speaks HTTP, read one by one from its connection."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from tests.loaders.stores.proxy import Response

_KEPT_HEADERS: Final = ("x-", "content-type", "content-encoding")


@dataclass(frozen=True, slots=True)
class HTTPAnswer:
    """A response, with the bytes that it came as."""

    response: Response
    raw: bytes
    is_whole: bool = True


class _Recorder:
    """Reads from a connection and keeps what was read."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self.raw = bytearray()

    async def until(self, separator: bytes) -> bytes:
        try:
            data = await self._reader.readuntil(separator)
        except asyncio.IncompleteReadError as error:
            self.raw += error.partial
            raise
        self.raw += data
        return data

    async def exactly(self, count: int) -> bytes:
        try:
            data = await self._reader.readexactly(count)
        except asyncio.IncompleteReadError as error:
            self.raw += error.partial
            raise
        self.raw += data
        return data

    async def rest(self) -> bytes:
        data = await self._reader.read()
        self.raw += data
        return data


async def read_answer(reader: asyncio.StreamReader) -> HTTPAnswer | None:
    """Read one response with all of its body; None at the end of the connection.

    A response that the connection's end cuts is returned too, as far as it came.
    """
    recorder = _Recorder(reader)
    try:
        head = (await recorder.until(b"\r\n\r\n")).decode("latin-1")
        status_line, *lines = head.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(status_line.split()[1])
        body = await _read_body(recorder, status, headers)
    except asyncio.IncompleteReadError:
        if not recorder.raw:
            return None
        return HTTPAnswer(Response({}, b"", 200), bytes(recorder.raw), is_whole=False)
    kept = {name: value for name, value in headers.items() if name.startswith(_KEPT_HEADERS)}
    return HTTPAnswer(Response(kept, body, status), bytes(recorder.raw))


async def _read_body(recorder: _Recorder, status: int, headers: dict[str, str]) -> bytes:
    if status in (204, 304) or status < 200:
        return b""
    if "chunked" in headers.get("transfer-encoding", ""):
        return await _read_chunks(recorder)
    if "content-length" in headers:
        return await recorder.exactly(int(headers["content-length"]))
    return await recorder.rest()


async def _read_chunks(recorder: _Recorder) -> bytes:
    body = b""
    while size := int((await recorder.until(b"\r\n")).split(b";")[0], 16):
        body += await recorder.exactly(size)
        await recorder.until(b"\r\n")
    while await recorder.until(b"\r\n") != b"\r\n":  # trailers
        pass
    return body
