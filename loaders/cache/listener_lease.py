"""The lease in Redis of the process that listens to changes, and the proof that it hears them."""

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
    """The lease of a group of processes over one Redis, as one of them uses it. Raises like Scripts."""

    def __init__(self, redis: Redis, group: str) -> None:
        self._scripts = Shards(redis)[0]
        self._names = [f"listener:{group}", f"listener:{group}:heard"]
        self._process = secrets.token_hex(8)

    async def look(self) -> LeaseState:
        """Return the state of the lease, and change nothing."""
        return await self._run("", 0)

    async def renew(self, lease_s: float, proof_s: float) -> bool:
        """Take or renew the lease, with a proof for `proof_s` if not 0. Return whether this process has it."""
        return (await self._run(int(lease_s * 1000), int(proof_s * 1000))).is_free

    async def end(self) -> None:
        """Release the lease and withdraw the proof, if this process has them."""
        await self._run(0, 0)

    async def _run(self, lease_ms: int | str, proof_ms: int) -> LeaseState:
        free, left_ms = await self._scripts.run(_LEASE, self._names, [self._process, lease_ms, proof_ms])
        return LeaseState(free == 1, left_ms / 1000)
