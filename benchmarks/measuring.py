"""Times, statements, bytes, CPU and memory of one query and size, in interleaved rounds."""

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.asking import Client, Endpoint

WARM_UP = 3
FEWEST = 3
BUDGET_S = 45.0
"""Seconds that an endpoint gets for one query and size. Past it, its further rounds are left out but the fewest, and
the table says how many it had."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One endpoint's figures for one query and size. CPU and statements are per request."""

    query: str
    size: int
    endpoint: str
    times_ms: list[float]
    bytes: int
    postgresql: float
    clickhouse: float
    cpu_ms: float
    resident_mib: float

    @property
    def median_ms(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.times_ms)

    @property
    def p95_ms(self) -> float:
        """95 of 100 rounds are at most this long."""
        return percentile(self.times_ms, 0.95)


@dataclass(slots=True)
class _Asked:
    endpoint: Endpoint
    path: str
    body: bytes
    bytes: int = 0
    times_ms: list[float] = field(default_factory=list)
    before: dict[str, float] = field(default_factory=dict)

    async def once(self, client: Client) -> float:
        started = time.perf_counter()
        content = await client.ask(self.path, self.body, self.endpoint.headers)
        taken = (time.perf_counter() - started) * 1000
        self.bytes = len(content)
        return taken

    async def warm_up(self, client: Client) -> None:
        """A slow request is not repeated: the check of the answers came before it."""
        for _ in range(WARM_UP):
            if await self.once(client) > BUDGET_S * 1000 / 15:
                break

    def cell(self, query: str, size: int, after: dict[str, float]) -> Cell:
        used = {key: (after[key] - self.before[key]) / len(self.times_ms) for key in after}
        return Cell(
            query=query,
            size=size,
            endpoint=self.endpoint.name,
            times_ms=self.times_ms,
            bytes=self.bytes,
            postgresql=used["postgresql"],
            clickhouse=used["clickhouse"],
            cpu_ms=used["cpu_s"] * 1000,
            resident_mib=after["resident_bytes"] / 2**20,
        )


async def measure(
    client: Client, endpoints: Sequence[Endpoint], query: str, ids: Sequence[str], rounds: int
) -> list[Cell]:
    """A cell for each endpoint.

    They take turns, so that whatever else the machine does meets all alike, in an order that reverses each round, so
    that none always comes after the slowest.
    """
    asked = [_Asked(each, each.path(query), each.body(query, ids)) for each in endpoints]
    for each in asked:
        await each.warm_up(client)
        each.before = await client.usage(each.endpoint)
    for index in range(rounds):
        for each in asked if index % 2 else reversed(asked):
            if index < FEWEST or sum(each.times_ms) < BUDGET_S * 1000:
                each.times_ms.append(await each.once(client))
    return [each.cell(query, len(ids), await client.usage(each.endpoint)) for each in asked]


def percentile(values: Sequence[float], level: float) -> float:
    """The smallest value that at least `level` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[math.ceil(level * len(ordered)) - 1]
