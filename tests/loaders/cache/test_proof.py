"""Ten thousand random writes and reads: nothing older than an acknowledged invalidation is ever served.

Two processes' caches and a writer, each behind a slow network of its own; Redis is killed and started again in between,
with all that it had written down. A read notes the last acknowledged version when it begins.
"""

import asyncio
from collections import Counter
from pathlib import Path
from random import Random

from loaders.cache.cache import Cache
from loaders.cache.invalidation import Change, Invalidator
from loaders.model.databases import Freshness
from loaders.stores.errors import StoreError
from tests.loaders.cache.conftest import OpenCache
from tests.loaders.cache.stores import LONG, SHORT, Truth, field
from tests.loaders.cache.valkey import OwnValkey, own_valkey
from tests.loaders.conftest import open_redis
from tests.loaders.stores.relay import Relay, relay

OPERATIONS = 10_000
KEYS = [f"aircraft:{index}" for index in range(40)]
FIELDS = (field("long", LONG), field("short", SHORT), field("brief", Freshness(1, 5, 5)))


class Proof:
    """What was acknowledged, and what was read that was older."""

    def __init__(self, invalidator: Invalidator, seed: int) -> None:
        self.truth = Truth()
        self.acknowledged: Counter[str] = Counter()
        self.older: list[str] = []
        self.done: Counter[str] = Counter()
        self.half_done = asyncio.Event()
        self.rng = Random(seed)
        self._invalidator = invalidator
        self._writing = {key: asyncio.Lock() for key in KEYS}

    async def write(self) -> None:
        """Write, then invalidate until that is acknowledged."""
        key = self.rng.choice(KEYS)
        async with self._writing[key]:
            self.truth.versions[key] += 1
            while True:
                try:
                    await self._invalidator.invalidate(Change(keys=(key,)))
                    break
                except StoreError:
                    self.done["failed invalidations"] += 1
                    await asyncio.sleep(0.02)
            self.acknowledged[key] = self.truth.versions[key]
        self.done["writes"] += 1

    async def read(self, cache: Cache) -> None:
        """Read some fields of some objects."""
        keys = self.rng.sample(KEYS, self.rng.randint(1, 5))
        fields = tuple(self.rng.sample(FIELDS, self.rng.randint(1, 3)))
        least = {key: self.acknowledged[key] for key in keys}
        self.truth.delay_s = self.rng.choice([0, 0, 0.001, 0.01])
        fetched = await cache.fetch(keys, fields, self.truth)
        for item in fields:
            for key, value in zip(keys, fetched.values[item], strict=True):
                if value[2] < least[key]:
                    self.older.append(f"{item.name} of {key}: {value[2]}, and {least[key]} was acknowledged")
        self.done["reads"] += 1

    async def work(self, caches: list[Cache]) -> None:
        """A share of the operations, one after the other; a tenth are writes."""
        for _ in range(OPERATIONS // 40):
            await (self.write() if self.rng.random() < 0.1 else self.read(self.rng.choice(caches)))
            if self.done["reads"] > OPERATIONS / 2:
                self.half_done.set()


async def test_nothing_older_than_what_was_acknowledged_is_served(process: OpenCache, tmp_path: Path) -> None:
    with own_valkey(tmp_path) as valkey:
        async with relay(valkey.url) as first, relay(valkey.url) as second, relay(valkey.url) as third:
            _slow_down(first, second, third)
            async with (
                process(url=first.url, timeout_s=0.3, lease_s=0.5) as item,
                process(url=second.url, timeout_s=0.3, lease_s=0.5) as other,
                open_redis(third.url, command_timeout_s=1) as writers,
            ):
                proof = Proof(Invalidator(writers), seed=7)
                restarting = asyncio.create_task(_restart(valkey, proof))
                await asyncio.gather(*(proof.work([item, other]) for _ in range(40)))
                await restarting
                counts = item.counts + other.counts
    assert proof.older == []
    assert proof.done["reads"] + proof.done["writes"] == OPERATIONS
    assert proof.done["failed invalidations"] > 0, "Redis was away for a while"
    assert min(counts["fields from memory"], counts["fields from redis"], counts["fields bypassed"]) > 100
    assert counts["fields refreshed"] > 100


def _slow_down(*relays: Relay) -> None:
    rng = Random(3)
    for item in relays:
        item.delay_s = lambda: rng.choice([0, 0, 0.001, 0.004])


async def _restart(valkey: OwnValkey, proof: Proof) -> None:
    await proof.half_done.wait()
    valkey.kill()
    await asyncio.sleep(0.3)
    await asyncio.to_thread(valkey.start)
