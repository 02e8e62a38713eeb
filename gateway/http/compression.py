"""Compression of answers: zstd, Brotli or gzip, whichever the client takes, large ones off the event loop."""

from __future__ import annotations

import asyncio
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import brotli
import zstandard

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

MIN_BYTES = 1_000
"""Bytes from which on compressing pays: a smaller answer fits into one packet as it is."""
_INLINE = 32 << 10
"""Bytes that are compressed on the event loop: a fraction of a millisecond, and a thread's turn costs as much."""
_PART = 256 << 10
"""Bytes of a large answer that are compressed in one go."""
_MAX_HEADER_LENGTH = 500
"""Characters of an Accept-Encoding header that are looked at."""


class _Compressor(Protocol):
    """A streaming compressor: takes and returns bytes, and returns the last ones when it is finished."""

    def compress(self, data: bytes, /) -> bytes: ...
    def finish(self) -> bytes: ...


class _Zstd:
    def __init__(self) -> None:
        # The window that every decoder of HTTP must have (RFC 9659) is larger than this level's.
        self._writer = zstandard.ZstdCompressor(level=3).compressobj()

    def compress(self, data: bytes, /) -> bytes:
        return self._writer.compress(data)

    def finish(self) -> bytes:
        return self._writer.flush()


class _Brotli:
    def __init__(self) -> None:
        self._writer = brotli.Compressor(quality=4)  # the default is for files that are compressed once

    def compress(self, data: bytes, /) -> bytes:
        part: bytes = self._writer.process(data)
        return part

    def finish(self) -> bytes:
        rest: bytes = self._writer.finish()
        return rest


class _Gzip:
    def __init__(self) -> None:
        self._writer = zlib.compressobj(level=5, wbits=31)

    def compress(self, data: bytes, /) -> bytes:
        return self._writer.compress(data)

    def finish(self) -> bytes:
        return self._writer.flush()


_ENCODINGS: dict[str, Callable[[], _Compressor]] = {"zstd": _Zstd, "br": _Brotli, "gzip": _Gzip}
"""The best first."""


@lru_cache(maxsize=64)  # browsers and clients send one of a few
def chosen(accept_encoding: str) -> str | None:
    """Return the encoding that the client likes best, ours first of equals; None where it takes none of them."""
    if not accept_encoding:
        return None
    qualities: dict[str, float] = {}
    for item in accept_encoding[:_MAX_HEADER_LENGTH].lower().split(","):
        name, _, parameter = item.partition(";")
        quality = parameter.strip().removeprefix("q=")
        try:
            qualities[name.strip()] = float(quality) if quality else 1.0
        except ValueError:
            qualities[name.strip()] = 0.0
    anything = qualities.get("*", 0.0)
    best = max(_ENCODINGS, key=lambda name: qualities.get(name, anything))
    return best if qualities.get(best, anything) > 0 else None


async def compressed(body: bytes, encoding: str) -> bytes:
    """The whole body."""
    return _whole(body, encoding) if len(body) <= _INLINE else await asyncio.to_thread(_whole, body, encoding)


async def compressed_in_parts(parts: AsyncIterator[bytes], encoding: str) -> AsyncGenerator[bytes, None]:
    """A body that comes in parts, some at a time in a thread."""
    compressor = _ENCODINGS[encoding]()
    gathered: list[bytes] = []
    length = 0
    async for part in parts:
        gathered.append(part)
        length += len(part)
        if length >= _PART:
            if ready := await asyncio.to_thread(compressor.compress, b"".join(gathered)):
                yield ready
            gathered, length = [], 0
    yield await asyncio.to_thread(lambda: compressor.compress(b"".join(gathered)) + compressor.finish())


def _whole(body: bytes, encoding: str) -> bytes:
    compressor = _ENCODINGS[encoding]()
    return compressor.compress(body) + compressor.finish()
