"""What caching saves: warm answers against the cold floor, and kept answers against a bare ASGI application.

Requests a second need `wrk` (a Debian package): a generator in Python would be slower than what it asks.
"""

import re
import shutil
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx

from benchmarks.asking import FLOOR, Client, Endpoint, check_equal, session
from benchmarks.load import QUERY
from benchmarks.measuring import Cell, measure
from benchmarks.processes import endpoint

SIZE = 500
KEPT_IDS = 5
CONNECTIONS = 16
SECONDS = 4
REDIS, MEMORY, KEPT = "gateway, from Redis", "gateway, from memory", "gateway, whole answer kept"
SETTINGS = {
    REDIS: {"GATEWAY_CACHE": "true", "GATEWAY_CACHE_ENTRIES": "0", "GATEWAY_ANSWERS_MIB": "0"},
    MEMORY: {"GATEWAY_CACHE": "true", "GATEWAY_ANSWERS_MIB": "0"},
    KEPT: {"GATEWAY_CACHE": "true"},
}


@dataclass(frozen=True, slots=True)
class Kept:
    """Requests a second of one connection's worth of clients, the median of the rounds."""

    bytes: int
    rounds: int
    gateway_per_s: float
    bare_per_s: float


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


def measure_kept(urls: Mapping[str, str], ids: Sequence[str], query: str, rounds: int) -> Kept | None:
    """A GET of a few aircraft again and again, and as many bytes of a bare application; None without wrk."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return None
    with endpoint("gateway", urls, SETTINGS[KEPT]) as gateway:
        asked = f"{gateway}/graphql?{urlencode({'query': query, 'variables': _variables(ids[:KEPT_IDS])})}"
        length = len(httpx.get(asked).content)
        httpx.get(asked)
        with endpoint("bare", urls, arguments=[str(length)], ready="/") as bare:
            runs = [(_per_s(wrk, asked), _per_s(wrk, f"{bare}/")) for _ in range(rounds)]
    gateway_runs, bare_runs = zip(*runs, strict=True)
    return Kept(length, rounds, statistics.median(gateway_runs), statistics.median(bare_runs))


def _variables(ids: Sequence[str]) -> str:
    return '{"ids": [' + ", ".join(f'"{key}"' for key in ids) + "]}"


def _per_s(wrk: str, url: str) -> float:
    command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if found is None or "Non-2xx" in text:
        raise RuntimeError(f"wrk: {text}")
    return float(found.group(1))
