"""Documents in Redis, known by name: for a process that was started again, and for those that have not met them.

Their keys do without the run of the server, and so outlive it: a document never changes. A text is taken for what its
name says only where a digest proves it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from loaders.cache.bounded import BoundedCalls
from loaders.stores.redis import Redis

_KEEP_S = 30 * 86_400
"""How long an automatic document stays after its last use: a page that is opened once a month still finds its own."""
_TRUSTED_KEEP_S = 3 * 86_400
"""How long a trusted document stays after the last process that has it in its manifest put it there: longer than a
release takes to reach all processes, and soon enough for one that is trusted no more."""

_AUTOMATIC = "gateway:documents:"
_TRUSTED = "gateway:documents:trusted:"
_DIGEST_BYTES = 16


def digest(text: str) -> str:
    """SHA-256 in lower-case hexadecimal digits, of any string that a client may have sent."""
    return hashlib.sha256(_bytes(text)).hexdigest()


class SharedDocuments:
    """What all processes over one Redis know. Without Redis nothing is known, and nothing fails."""

    def __init__(self, redis: Redis, *, timeout_s: float) -> None:
        self._redis = redis
        self._calls = BoundedCalls(redis.ping, timeout_s)

    async def automatic(self, name: str) -> str | None:
        """The text with this digest, kept from now on for as long as if it were new; None where none is known."""
        found = await self._calls.of(self._redis.kept(_AUTOMATIC + name, keep_s=_KEEP_S))
        text = _text(found)
        return text if text is not None and digest(text) == name else None

    async def keep(self, name: str, text: str) -> None:
        """Make a text known by its digest."""
        await self._calls.of(self._redis.keep(_AUTOMATIC + name, text.encode(), keep_s=_KEEP_S))

    async def trusted(self, name: str) -> str | None:
        """The text that a manifest has under this name; None where none is known."""
        found = await self._calls.of(self._redis.kept(_trusted(name))) or b""
        proof, text = found[:_DIGEST_BYTES], _text(found[_DIGEST_BYTES:])
        return text if text is not None and proof == _proof(name, text) else None

    async def publish(self, documents: Mapping[str, str]) -> bool:
        """Make a manifest's documents known by their names; whether that was done with all of them."""
        for name, text in documents.items():
            kept = self._redis.keep(_trusted(name), _proof(name, text) + _bytes(text), keep_s=_TRUSTED_KEEP_S)
            if await self._calls.of(kept) is None:
                return False
        return True

    async def close(self) -> None:
        """Stop looking for Redis."""
        await self._calls.close()


def _trusted(name: str) -> str:
    return _TRUSTED + digest(name)


def _proof(name: str, text: str) -> bytes:
    """Of a name and its text: nothing that was kept by another name, or in part, is taken for it."""
    proof = hashlib.blake2b(_bytes(text), digest_size=_DIGEST_BYTES, key=hashlib.sha256(_bytes(name)).digest())
    return proof.digest()


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _text(found: bytes | None) -> str | None:
    try:
        return (found or b"").decode() or None
    except UnicodeDecodeError:
        return None
