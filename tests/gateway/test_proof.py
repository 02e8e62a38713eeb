"""Ten thousand random writes and reads over HTTP: nothing older than an acknowledged invalidation is ever served.

Two gateways in processes of their own over the real stores, each behind a slow network of its own to Redis, which is
killed in between and started again with what it held some time before. A read notes the last acknowledged revision of
each aircraft when it begins.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

import aiohttp

from deploy.embedded.engines import StoreUrls
from deploy.fleet.set_up import create_tables
from loaders.cache.invalidation import Invalidator
from loaders.objects.invalidation import Invalidation
from loaders.stores.errors import StoreError
from loaders.stores.postgres import Postgres
from tests.conftest import NewDatabase, NewStores
from tests.fleet.served import MODEL
from tests.gateway.conftest import served
from tests.loaders.cache.valkey import OwnValkey, own_valkey
from tests.loaders.conftest import open_redis
from tests.loaders.stores.relay import Relay, relay

OPERATIONS = 10_000
WRITES = OPERATIONS // 10
READS = OPERATIONS - 4 * WRITES
"""Without the three that follow each write."""
READERS, WRITERS = 24, 12
IDS = [f"N{index:03}" for index in range(40)]
QUIET = frozenset(IDS[32:])
"""Asked by whoever has written them alone: what the second gateway has of them without a statement is from Redis."""

_ASKED = (
    "registration { revision seats }",
    "revisions(first: 1) { revision } analysis { seatRank { seats } }",
    "registration { seats } analysis { punctuality { flights } utilization { destinations } }",
)
DOCUMENTS = [f"query($ids: [ID!]!) {{ aircraftByIds(ids: $ids) {{ id {asked} }} }}" for asked in _ASKED]

REVISE = """
insert into register (tail_number, revision, seats, recorded_at, recorded_by, reason)
values ($1, $2::integer, $2::integer, now(), 'test', 'test')
"""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A process, and its line to Redis."""

    url: str
    line: Relay


class Proof:
    """The acknowledged versions, and the older ones that were read nevertheless."""

    def __init__(self, gateways: Sequence[Gateway], postgres: Postgres, invalidator: Invalidator, seed: int) -> None:
        self.older: list[str] = []
        self.done: Counter[str] = Counter()
        self.two_fifths_done, self.half_done = asyncio.Event(), asyncio.Event()
        self._gateways = gateways
        self._postgres = postgres
        self._invalidator = invalidator
        self._rng = Random(seed)
        self._pages = [(document, self._some()) for document in DOCUMENTS for _ in range(4)]
        self._written = Counter(dict.fromkeys(IDS, 1))
        self._acknowledged: Counter[str] = Counter()
        self._writing = {item: asyncio.Lock() for item in IDS}
        self._due = asyncio.Queue[None](200)
        """Writes. Reads wait where too many are due, so that both are made all along."""

    async def run(self) -> None:
        """All operations, many at once. A write is due with every sixth read, and is read after.

        The first invalidation after Redis began takes a lease: until it is acknowledged nothing else is done.
        """
        await self._invalidator.invalidate(Invalidation(MODEL).change_of({"Aircraft": IDS}))
        async with aiohttp.ClientSession(raise_for_status=True) as client:
            reads = iter(range(READS))
            readers = [self._read_on(client, reads) for _ in range(READERS)]
            writes = iter(range(WRITES))
            await asyncio.gather(*readers, *(self._write_on(client, writes) for _ in range(WRITERS)))

    async def _read_on(self, client: aiohttp.ClientSession, turns: Iterator[int]) -> None:
        for turn in turns:
            gateway = self._rng.choice(self._gateways)
            if self._rng.random() < 0.5:
                await self._read(client, gateway, *self._rng.choice(self._pages), method="GET")
            else:
                await self._read(client, gateway, self._rng.choice(DOCUMENTS), self._some(), method="POST")
            if turn % (READS // WRITES) == 0:
                await self._due.put(None)
            if turn > READS * 2 / 5:
                self.two_fifths_done.set()
            if turn > READS / 2:
                self.half_done.set()

    async def _write_on(self, client: aiohttp.ClientSession, turns: Iterator[int]) -> None:
        for _ in turns:
            await self._due.get()
            item = self._rng.choice(IDS)
            async with self._writing[item]:
                await self._write(item)
                await self._read_back(client, item)

    async def _read_back(self, client: aiohttp.ClientSession, item: str) -> None:
        """Read what was written: from one gateway, from the other, and once more from that."""
        document, (first, second) = self._rng.choice(DOCUMENTS), self._rng.sample(self._gateways, 2)
        await self._read(client, first, document, [item], method="POST")
        statements = await self._read(client, second, document, [item], method="POST")
        sent = len(second.line.sent)
        again = await self._read(client, second, document, [item], method="POST")
        if item in QUIET:
            self.done["answers from redis"] += statements == 0
            self.done["answers from memory"] += again == 0 and item.encode() not in second.line.sent[sent:]

    async def _write(self, item: str) -> None:
        """Write, then invalidate until that is acknowledged."""
        self._written[item] += 1
        await self._postgres.execute(REVISE, item, self._written[item])
        while True:
            try:
                await self._invalidator.invalidate(Invalidation(MODEL).change_of({"Aircraft": [item]}))
                break
            except StoreError:
                self.done["failed invalidations"] += 1
                await asyncio.sleep(0.02)
        self._acknowledged[item] = self._written[item]
        self.done["writes"] += 1

    async def _read(
        self, client: aiohttp.ClientSession, gateway: Gateway, document: str, ids: Sequence[str], *, method: str
    ) -> int:
        """Read, and note what is older than acknowledged. Returns how many statements a POST took."""
        least = [self._acknowledged[item] for item in ids]
        ask = self._get if method == "GET" else self._post
        answer = await ask(client, f"{gateway.url}/graphql", document, ids)
        for item, at_least, aircraft in zip(ids, least, answer["data"]["aircraftByIds"], strict=True):
            for version in _versions(aircraft):
                if version < at_least:
                    self.older.append(f"{item} by {method}: {version}, and {at_least} was acknowledged: {aircraft}")
        self.done["reads"] += 1
        return sum(answer.get("extensions", {}).get("accounting", {}).get("statements", {}).values())

    async def _get(self, client: aiohttp.ClientSession, url: str, document: str, ids: Sequence[str]) -> Any:
        asked = {"query": document, "variables": json.dumps({"ids": ids})}
        async with client.get(url, params=asked) as response:
            self.done["cached responses"] += "age" in response.headers
            return await response.json()

    async def _post(self, client: aiohttp.ClientSession, url: str, document: str, ids: Sequence[str]) -> Any:
        body = {"query": document, "variables": {"ids": ids}, "extensions": {"accounting": True}}
        async with client.post(url, json=body) as response:
            return await response.json()

    def _some(self) -> list[str]:
        return self._rng.sample(sorted(set(IDS) - QUIET), self._rng.randint(1, 5))


def _versions(value: Any) -> Iterator[int]:
    """Every revision of an answer; an entry's seats have the same number."""
    if isinstance(value, dict):
        yield from (value[name] for name in ("revision", "seats") if name in value)
        value = list(value.values())
    if isinstance(value, list):
        yield from chain.from_iterable(map(_versions, value))


async def test_nothing_older_than_what_was_acknowledged_is_served_by_two_gateways(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    with own_valkey(tmp_path, "--dbfilename", "before.rdb") as valkey:
        async with new_database() as new, relay(new.database_url) as postgres:
            await _fill(new)
            async with _two_gateways(new, postgres, valkey) as gateways, open_redis(valkey.url) as redis:
                proof = Proof(gateways, new.stores.postgres, Invalidator(redis), seed=7)
                await asyncio.gather(proof.run(), _restart(valkey, proof))
    assert proof.older == []
    assert proof.done["reads"] + proof.done["writes"] == OPERATIONS
    assert proof.done["failed invalidations"] > 0, "Redis was away for a while"
    assert proof.done["cached responses"] > 100
    assert min(proof.done["answers from redis"], proof.done["answers from memory"]) > 20


async def _fill(new: NewStores) -> None:
    """Forty aircraft that have flown once and are in the register with their first revision.

    Changes do not announce themselves: that would soon take out what an invalidation left.
    """
    postgres, clickhouse = new.stores
    await create_tables(postgres, clickhouse)
    await postgres.execute("insert into aircraft (tail_number) select unnest($1::text[])", IDS)
    for item in IDS:
        await postgres.execute(REVISE, item, 1)
    await postgres.execute("alter table register disable trigger register_announces_insert")
    await postgres.execute("alter table aircraft disable trigger aircraft_announces_update")
    await clickhouse.insert("flights", ["tail_number"], [IDS])


@asynccontextmanager
async def _two_gateways(new: NewStores, postgres: Relay, valkey: OwnValkey) -> AsyncIterator[list[Gateway]]:
    stack = ExitStack()

    async def started(line: Relay) -> Gateway:
        urls = StoreUrls(postgres.url, new.clickhouse_url, line.url)
        gateway = served(urls, GATEWAY_CACHE_TIMEOUT_S="0.3", GATEWAY_CACHE_LEASE_S="0.5")
        return Gateway(await asyncio.to_thread(stack.enter_context, gateway), line)

    async with relay(valkey.url) as item, relay(valkey.url) as other:
        _slow_down(item, other, postgres)
        try:
            yield [await started(line) for line in (item, other)]
        finally:
            await asyncio.to_thread(stack.close)


def _slow_down(*relays: Relay) -> None:
    rng = Random(3)
    for item in relays:
        item.delay_s = lambda: rng.choice([0, 0, 0.001, 0.004])


async def _restart(valkey: OwnValkey, proof: Proof) -> None:
    """Have Redis write down what it holds, kill it somewhat later, and start it with that."""
    await proof.two_fifths_done.wait()
    async with open_redis(valkey.url) as redis:
        await redis._client.save()
    await proof.half_done.wait()
    valkey.kill()
    await asyncio.sleep(0.3)
    await asyncio.to_thread(valkey.start)
