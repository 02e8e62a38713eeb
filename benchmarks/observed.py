"""Measure what metrics cost: the gateway with them, as a worker of several, and without, in turns."""

import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.types import Message

from benchmarks.asking import TEXTS, BenchmarkError, Client, Endpoint, check_equal, session
from benchmarks.load import QUERY
from benchmarks.measuring import Cell, measure
from benchmarks.processes import UNREFUSED, endpoint
from benchmarks.warm import CACHED, CACHED_IDS, SETTINGS, cached_path
from deploy import SAMPLE_MODEL
from gateway.app import build_app
from gateway.settings import Settings
from loaders.model.loading import load_model

SIZE = 500
UNOBSERVED, OBSERVED = "gateway, without metrics", "gateway, with metrics"
CACHED_REQUESTS = 20_000
_BLOCK = 100
"""Requests between two looks at the CPU time."""


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
    return Observed(cells, await cached_us(urls, cached_path(TEXTS[QUERY], ids[:CACHED_IDS]), requests), requests)


async def cached_us(urls: Mapping[str, str], path: str, requests: int) -> dict[str, list[float]]:
    """Return the CPU of cached responses for each block of them, in microseconds a response.

    Both applications are in this process, and take turns: what a server and a network take around them, and what the
    machine does meanwhile, would be many times what is measured.
    """
    async with AsyncExitStack() as opened:
        apps: dict[str, Starlette] = {}
        for name, port in ((UNOBSERVED, "0"), (OBSERVED, "1")):  # nothing listens there: it has requests observed
            environment = {**urls, **UNREFUSED, **SETTINGS[CACHED], "GATEWAY_METRICS_PORT": port}
            app = apps[name] = build_app(Settings.from_environment(environment), load_model(SAMPLE_MODEL))
            await opened.enter_async_context(app.router.lifespan_context(app))
            await _is_cached(app, path)
            if not await _is_cached(app, path):
                raise BenchmarkError("metrics: the response is not cached")
        return await _taken_us(apps, path, requests // _BLOCK // len(apps))


async def _taken_us(apps: Mapping[str, Starlette], path: str, blocks: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in apps}
    for index in range(blocks):
        for name in apps if index % 2 else reversed(list(apps)):
            began = time.thread_time()
            for _ in range(_BLOCK):
                await _is_cached(apps[name], path)
            taken[name].append((time.thread_time() - began) / _BLOCK * 1e6)
    return taken


async def _is_cached(app: Starlette, path: str) -> bool:
    """Ask an application, and return whether a cached response was the answer."""
    path, _, query = path.partition("?")
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": []}
    await app({**scope, "client": ("127.0.0.1", 1), "root_path": ""}, receive, send)
    return any(name == b"age" for name, _ in messages[0]["headers"])
