"""Content encodings of requests and answers, those of ClickHouse's HTTP interface."""

from __future__ import annotations

import importlib
import sys
import zlib
from collections.abc import Callable
from typing import Any, Final

from deploy.embedded.clickhouse_http.errors import QUERY_IS_TOO_LARGE, ClickHouseError, not_implemented


def _optional(name: str) -> Any:
    """A module that the ClickHouse driver installs for some versions of Python only."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


lz4_frame = _optional("lz4.frame")
zstd = _optional("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
BROKEN: Final[tuple[type[Exception], ...]] = (
    *(zlib.error, RuntimeError, EOFError),
    *([zstd.ZstdError] if zstd else []),
)
GZIP_WINDOW_BITS: Final = 31
CHUNK_BYTES: Final = 1 << 20


def _gzip(data: bytes) -> bytes:
    return zlib.compress(data, level=1, wbits=GZIP_WINDOW_BITS)


def _deflate(data: bytes) -> bytes:
    return zlib.compress(data, level=1)


def _lz4(data: bytes) -> bytes:
    return bytes(lz4_frame.compress(data))


def _zstd(data: bytes) -> bytes:
    return bytes(zstd.compress(data, 1))


# In the order in which the server prefers them.
COMPRESSORS: Final[dict[str, Callable[[bytes], bytes]]] = {
    **({"lz4": _lz4} if lz4_frame else {}),
    **({"zstd": _zstd} if zstd else {}),
    "gzip": _gzip,
    "deflate": _deflate,
}


def choose(accept_encoding: str) -> str | None:
    """Return the encoding for a response, or None if the client accepts none of the supported ones."""
    accepted = {item.split(";")[0].strip() for item in accept_encoding.lower().split(",")}
    return next((name for name in COMPRESSORS if name in accepted), None)


def decompress(data: bytes, encoding: str, limit_bytes: int) -> bytes:
    """Return a request's body as it was before its Content-Encoding.

    Raises ClickHouseError for an unknown encoding, broken data, or more than `limit_bytes` when unpacked.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return data
    if encoding not in COMPRESSORS:
        raise not_implemented(f"the content encoding '{encoding}'")
    try:
        return _unpack(data, encoding, limit_bytes)
    except BROKEN as error:
        raise ClickHouseError(354, "ZLIB_INFLATE_FAILED", f"Cannot decompress the body: {error}.") from error


def _unpack(data: bytes, encoding: str, limit_bytes: int) -> bytes:
    """Return all frames of `data` one after the other: senders may compress block by block."""
    parts: list[bytes] = []
    size = 0
    while data:
        frame = _decompressor(encoding)
        part = frame.decompress(data, limit_bytes + 1 - size)
        size += len(part)
        if size > limit_bytes:
            raise too_large(limit_bytes)
        if not frame.eof:
            raise EOFError("it ends in the middle of a frame")
        parts.append(part)
        data = frame.unused_data or b""
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _decompressor(encoding: str) -> Any:
    if encoding == "lz4":
        return lz4_frame.LZ4FrameDecompressor()
    if encoding == "zstd":
        return zstd.ZstdDecompressor()
    return zlib.decompressobj(GZIP_WINDOW_BITS if encoding == "gzip" else zlib.MAX_WBITS)


def too_large(limit_bytes: int) -> ClickHouseError:
    """Return the error for a body over the limit."""
    return ClickHouseError(
        QUERY_IS_TOO_LARGE, "QUERY_IS_TOO_LARGE", f"The request's body is larger than {limit_bytes} bytes."
    )
