"""Persisted documents in Redis, by name: for processes that were restarted, or have not received them themselves.

They stay valid when Redis is restarted, unlike the cache: a document never changes. A digest proves that a text belongs
to its name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from loaders.stores.circuit_breaker import CircuitBreaker
from loaders.stores.redis import Redis, Scripts

_KEEP_S = 30 * 86_400
"""How long automatic documents are kept after the last use of any: a page that is opened once a month finds its own."""
_MAX_DOCUMENTS = 4_096
_MAX_BYTES = 16 << 20
"""Bounds of the automatic documents in Redis: enough for many releases of many frontends, which have some dozens each.
Without them, any client could fill Redis with texts."""
_TRUSTED_KEEP_S = 3 * 86_400
"""How long a trusted document is kept after it was last published by a process whose manifest has it: longer than a
release takes to reach all processes, and short enough for a document that is no longer trusted."""

_KEYS = ("documents", "documents:used")
_TRUSTED = "gateway:documents:trusted:"
_DIGEST_BYTES = 16

# KEYS of both scripts: a hash of texts by digest, with the bytes of all by '', and their digests by when they were last
# used, in microseconds. ARGV begins with the digest and the seconds to keep both keys for.
_USED = """
local function used()
  local t = redis.call('TIME')
  redis.call('ZADD', KEYS[2], t[1] .. string.format('%06d', t[2]), ARGV[1])
  redis.call('EXPIRE', KEYS[1], ARGV[2])
  redis.call('EXPIRE', KEYS[2], ARGV[2])
end
"""
_FIND = f"""{_USED}
local text = redis.call('HGET', KEYS[1], ARGV[1])
if text then
  used()
end
return text
"""
_KEEP = f"""{_USED}
-- ARGV goes on: the text, the most documents, the most bytes. The least recently used ones are deleted.
if redis.call('ZCARD', KEYS[2]) ~= math.max(0, redis.call('HLEN', KEYS[1]) - 1) then  -- Redis has evicted one of both
  redis.call('DEL', KEYS[1], KEYS[2])
end
local added = #ARGV[3] - redis.call('HSTRLEN', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
local bytes = redis.call('HINCRBY', KEYS[1], '', added)
used()
local count = redis.call('ZCARD', KEYS[2])
while count > tonumber(ARGV[4]) or bytes > tonumber(ARGV[5]) do
  local oldest = redis.call('ZPOPMIN', KEYS[2])[1]
  bytes = redis.call('HINCRBY', KEYS[1], '', -redis.call('HSTRLEN', KEYS[1], oldest))
  count = count - redis.call('HDEL', KEYS[1], oldest)
end
return 1
"""

_PROBE = "return redis.call('SET', KEYS[1], '', 'EX', 1)"


def digest(text: str) -> str:
    """Return the SHA-256 of any string that a client may have sent, in lower-case hexadecimal digits."""
    return hashlib.sha256(_bytes(text)).hexdigest()


class SharedDocuments:
    """The documents that all processes over one Redis share. Without Redis it has none, and raises nothing."""

    def __init__(self, redis: Redis, *, timeout_s: float) -> None:
        self._redis = redis
        self._scripts = Scripts(redis)
        self._breaker = CircuitBreaker(self._probe, timeout_s, beside=redis.breakers)

    async def automatic(self, name: str) -> str | None:
        """Return the text with this digest, and keep it for as long as a new one; None where it is not known."""
        result = await self._breaker.call(self._scripts.run(_FIND, _KEYS, [name, _KEEP_S]))
        text = _text(result if isinstance(result, bytes) else None)
        return text if text is not None and digest(text) == name else None

    async def keep(self, name: str, text: str) -> None:
        """Store a text under its digest; past the bounds, it replaces the least recently used ones."""
        arguments = [name, _KEEP_S, text.encode(), _MAX_DOCUMENTS, _MAX_BYTES]
        await self._breaker.call(self._scripts.run(_KEEP, _KEYS, arguments))

    async def trusted(self, name: str) -> str | None:
        """Return the text that a manifest has under this name; None where it is not known."""
        result = await self._breaker.call(self._redis.kept(_trusted(name))) or b""
        proof, text = result[:_DIGEST_BYTES], _text(result[_DIGEST_BYTES:])
        return text if text is not None and proof == _proof(name, text) else None

    async def publish(self, documents: Mapping[str, str]) -> bool:
        """Store a manifest's documents under their names. Return whether all of them were stored."""
        for name, text in documents.items():
            kept = self._redis.keep(_trusted(name), _proof(name, text) + _bytes(text), keep_s=_TRUSTED_KEEP_S)
            if await self._breaker.call(kept) is None:
                return False
        return True

    async def close(self) -> None:
        """Stop probing Redis."""
        await self._breaker.close()

    async def _probe(self) -> None:
        """Write something, since a full Redis refuses writes and answers reads."""
        await self._scripts.run(_PROBE, ["documents:probe"], [])


def _trusted(name: str) -> str:
    return _TRUSTED + digest(name)


def _proof(name: str, text: str) -> bytes:
    """Return a digest of a name and its text, which a text of another name, or a part of one, does not have."""
    proof = hashlib.blake2b(_bytes(text), digest_size=_DIGEST_BYTES, key=hashlib.sha256(_bytes(name)).digest())
    return proof.digest()


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _text(result: bytes | None) -> str | None:
    try:
        return (result or b"").decode() or None
    except UnicodeDecodeError:
        return None
