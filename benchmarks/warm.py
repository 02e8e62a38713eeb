"""Measure what caching saves: warm answers against the cold floor, cached responses against a bare ASGI application."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from urllib.parse import urlencode

import httpx

from benchmarks.asking import FLOOR, Client, Endpoint, check_equal, session
from benchmarks.load import QUERY
from benchmarks.measuring import Cell, measure
from benchmarks.processes import endpoint
from benchmarks.rates import Rates, measure_rates
from benchmarks.servers import installed

SIZE = 500
CACHED_IDS = 5
REDIS, MEMORY, CACHED = "gateway, from Redis", "gateway, from memory", "gateway, cached response"
SETTINGS = {
    REDIS: {"GATEWAY_CACHE": "true", "GATEWAY_CACHE_ENTRIES": "0", "GATEWAY_RESPONSE_CACHE_MIB": "0"},
    MEMORY: {"GATEWAY_CACHE": "true", "GATEWAY_RESPONSE_CACHE_MIB": "0"},
    CACHED: {"GATEWAY_CACHE": "true"},
}


async def measure_warm(urls: Mapping[str, str], ids: Sequence[str], rounds: int) -> list[Cell]:
    """The dashboard query: the floor cold, the gateway warm, in turns."""
    with ExitStack() as running:
        names = {FLOOR: None, **SETTINGS}
        endpoints = [
            Endpoint(name, running.enter_context(endpoint(FLOOR if name == FLOOR else "gateway", urls, settings)))
            for name, settings in names.items()
        ]
        async with session(connections=4) as opened:
            client = Client(opened)
            await check_equal(client, endpoints, QUERY, ids[:SIZE])
            return await measure(client, endpoints, QUERY, ids[:SIZE], rounds)


def measure_cached(urls: Mapping[str, str], ids: Sequence[str], query: str, rounds: int) -> Rates | None:
    """A GET of a few aircraft again and again, and the same request of a bare application that answers as many bytes.

    None without wrk.
    """
    wrk = installed("wrk")
    if wrk is None:
        return None
    with endpoint("gateway", urls, SETTINGS[CACHED]) as gateway:
        asked = gateway + cached_path(query, ids[:CACHED_IDS])
        size = len(httpx.get(asked).content)
        httpx.get(asked)
        with endpoint("bare", urls, arguments=[str(size)], ready="/") as bare:
            return measure_rates(wrk, asked, asked.replace(gateway, bare), size, rounds)


def cached_path(query: str, ids: Sequence[str]) -> str:
    """The path and query string of a GET of these aircraft."""
    variables = '{"ids": [' + ", ".join(f'"{key}"' for key in ids) + "]}"
    return f"/graphql?{urlencode({'query': query, 'variables': variables})}"
