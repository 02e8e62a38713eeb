"""Measure what metrics cost: the gateway with them, as a worker of several, and without, in turns."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.asking import TEXTS, Client, Endpoint, check_equal, session
from benchmarks.load import QUERY
from benchmarks.measuring import Cell, measure
from benchmarks.processes import endpoint
from benchmarks.warm import CACHED, CACHED_IDS, SETTINGS, cached_path

SIZE = 500
UNOBSERVED, OBSERVED = "gateway, without metrics", "gateway, with metrics"
CACHED_REQUESTS = 20_000
_BLOCK = 100
"""Requests between two looks at a process's CPU time, which is counted in microseconds."""


@dataclass(frozen=True, slots=True)
class Observed:
    """The cells of the dashboard query, and the CPU of a cached response in microseconds, a figure for each block."""

    cells: list[Cell] = field(default_factory=list)
    cached_us: dict[str, list[float]] = field(default_factory=dict)
    requests: int = 0

    @property
    def cached_difference_us(self) -> float:
        """What metrics add to a cached response: the median of the differences between blocks side by side."""
        pairs = zip(self.cached_us[OBSERVED], self.cached_us[UNOBSERVED], strict=True)
        return statistics.median(observed - unobserved for observed, unobserved in pairs)


async def measure_observed(
    urls: Mapping[str, str], ids: Sequence[str], rounds: int, requests: int = CACHED_REQUESTS
) -> Observed:
    """The dashboard query with nothing cached, then cached responses: both gateways take turns."""
    with endpoint("unobserved", urls) as without, endpoint("observed", urls) as observed:
        endpoints = [Endpoint(UNOBSERVED, without), Endpoint(OBSERVED, observed)]
        async with session(connections=4) as opened:
            client = Client(opened)
            await check_equal(client, endpoints, QUERY, ids[:SIZE])
            cells = await measure(client, endpoints, QUERY, ids[:SIZE], rounds)
    with (
        endpoint("unobserved", urls, SETTINGS[CACHED]) as without,
        endpoint("observed", urls, SETTINGS[CACHED]) as observed,
    ):
        endpoints = [Endpoint(UNOBSERVED, without), Endpoint(OBSERVED, observed)]
        async with session(connections=2) as opened:
            cached = await _cached_us(Client(opened), endpoints, cached_path(TEXTS[QUERY], ids[:CACHED_IDS]), requests)
    return Observed(cells, cached, requests)


async def _cached_us(client: Client, endpoints: Sequence[Endpoint], path: str, requests: int) -> dict[str, list[float]]:
    """Return the CPU of each block, divided by its requests. Each block's look at the CPU is part of both alike."""
    taken: dict[str, list[float]] = {each.name: [] for each in endpoints}
    for each in endpoints:
        for _ in range(_BLOCK):
            await client.look(each.url + path)
    for index in range(requests // _BLOCK // len(endpoints)):
        for each in endpoints if index % 2 else reversed(endpoints):
            before = await client.usage(each)
            for _ in range(_BLOCK):
                await client.look(each.url + path)
            after = await client.usage(each)
            taken[each.name].append((after["cpu_s"] - before["cpu_s"]) / _BLOCK * 1e6)
    return taken
