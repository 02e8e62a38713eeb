"""Measure what one query saves: all aircraft in one request against a request for each, as a browser sends them."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import orjson

from benchmarks.asking import BenchmarkError, Client, Endpoint, difference, session
from benchmarks.load import QUERY

BROWSER_CONNECTIONS = 6
"""As many connections a browser opens to one HTTP/1.1 host; the other requests queue behind them."""

Ask = Callable[[Client, Endpoint, Sequence[str]], Awaitable[list[object]]]


@dataclass(frozen=True, slots=True)
class OneOrEach:
    """Medians of one size, in milliseconds."""

    size: int
    rounds: int
    one_query_ms: float
    one_each_ms: float


async def measure_each(gateway: Endpoint, ids: Sequence[str], sizes: Sequence[int], rounds: int) -> list[OneOrEach]:
    """Interleaved. Raises BenchmarkError where the two do not answer the same."""
    measured = []
    async with session(BROWSER_CONNECTIONS) as opened:
        client = Client(opened)
        for size in sizes:
            if difference(await _one_query(client, gateway, ids[:size]), await _one_each(client, gateway, ids[:size])):
                raise BenchmarkError("The two ways to ask do not answer the same.")
            times: dict[Ask, list[float]] = {_one_query: [], _one_each: []}
            for _ in range(rounds):
                for ask, taken in times.items():
                    taken.append(await _timed(ask, client, gateway, ids[:size]))
            item, each = (statistics.median(taken) for taken in times.values())
            measured.append(OneOrEach(size, rounds, item, each))
    return measured


async def _one_query(client: Client, gateway: Endpoint, ids: Sequence[str]) -> list[object]:
    answer = orjson.loads(await client.ask(gateway.path(QUERY), gateway.body(QUERY, ids)))
    aircraft: list[object] = answer["data"]["aircraftByIds"]
    return aircraft


async def _one_each(client: Client, gateway: Endpoint, ids: Sequence[str]) -> list[object]:
    answers = await asyncio.gather(*(_one_query(client, gateway, [key]) for key in ids))
    return [item for answer in answers for item in answer]


async def _timed(ask: Ask, client: Client, gateway: Endpoint, ids: Sequence[str]) -> float:
    started = time.perf_counter()
    await ask(client, gateway, ids)
    return (time.perf_counter() - started) * 1000
