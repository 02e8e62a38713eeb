"""Which process listens to changes, as Redis knows it, and until when it is proven that they are heard."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from loaders.cache.shards import Shards
from loaders.stores.redis import Redis

# KEYS: listener, heard. ARGV: the process, its lease in ms (empty to look, 0 to end it together with the proof), how
# long the proof lasts in ms. Answers whether the lease is free or this process's, and how long the proof still lasts.
_LEASE = """
local holder, lease_ms, proof_ms = redis.call('GET', KEYS[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local free = not holder or holder == ARGV[1]
if free and lease_ms and lease_ms > 0 then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', lease_ms)
  if proof_ms > 0 then
    redis.call('SET', KEYS[2], '', 'PX', proof_ms)
  end
elseif holder == ARGV[1] and lease_ms then
  redis.call('DEL', KEYS[1], KEYS[2])
end
return {free and 1 or 0, math.max(redis.call('PTTL', KEYS[2]), 0)}
"""


class LeaseState(NamedTuple):
    """Whether this process may listen, and for how long it is proven, by any process, that changes are heard."""

    is_free: bool
    proof_s: float


class ListenerLease:
    """One process's part in the lease of its group, over one Redis. Raises like Scripts."""

    def __init__(self, redis: Redis, group: str) -> None:
        self._scripts = Shards(redis)[0]
        self._names = [f"listener:{group}", f"listener:{group}:heard"]
        self._process = secrets.token_hex(8)

    async def look(self) -> LeaseState:
        """Return the state of the lease, and change nothing."""
        return await self._run("", 0)

    async def renew(self, lease_s: float, proof_s: float) -> bool:
        """Take the lease, or keep it; whether it is this process's. The proof lasts for `proof_s`, 0 is none."""
        return (await self._run(int(lease_s * 1000), int(proof_s * 1000))).is_free

    async def end(self) -> None:
        """Leave the lease to others, and take the proof back. Nothing happens where it is not this process's."""
        await self._run(0, 0)

    async def _run(self, lease_ms: int | str, proof_ms: int) -> LeaseState:
        free, left_ms = await self._scripts.run(_LEASE, self._names, [self._process, lease_ms, proof_ms])
        return LeaseState(free == 1, left_ms / 1000)
