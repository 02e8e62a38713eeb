"""Requests a second: a generator in a process of its own, so that it shares no event loop with the run.

`python -m benchmarks.load URL CONNECTIONS SECONDS` posts the bytes of its standard input.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
import uvloop

from benchmarks.asking import Client, Endpoint, session
from benchmarks.measuring import percentile

CONNECTIONS = (8, 32)
SIZE = 50
QUERY = "dashboard"
WARM_UP_S = 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """What an endpoint answered under load: the median of the rounds."""

    endpoint: str
    connections: int
    rounds: int
    requests_per_s: float
    median_ms: float
    p95_ms: float


def measure_load(endpoints: Sequence[Endpoint], ids: Sequence[str], seconds: float, rounds: int) -> list[Load]:
    """In turns. One generator at a time: it shares the machine's cores with what it loads."""
    loads = []
    for connections in CONNECTIONS:
        runs: dict[str, list[dict[str, float]]] = {each.name: [] for each in endpoints}
        for _ in range(rounds):
            for each in endpoints:
                runs[each.name].append(_generated(each, ids[:SIZE], connections, seconds))
        loads += [_load(name, connections, of_one) for name, of_one in runs.items()]
    return loads


def _load(name: str, connections: int, runs: Sequence[dict[str, float]]) -> Load:
    middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    return Load(name, connections, len(runs), middle["requests_per_s"], middle["median_ms"], middle["p95_ms"])


def _generated(endpoint: Endpoint, ids: Sequence[str], connections: int, seconds: float) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.load", endpoint.path(QUERY), str(connections), str(seconds)]
    done = subprocess.run(command, input=endpoint.body(QUERY, ids), stdout=subprocess.PIPE, check=True)
    answered: dict[str, float] = orjson.loads(done.stdout)
    return answered


async def generate(path: str, body: bytes, connections: int, seconds: float) -> dict[str, float]:
    """Every connection asks again as soon as it is answered; what ends within the measured seconds counts."""
    times_ms: list[float] = []
    begins = time.perf_counter() + WARM_UP_S
    ends = begins + seconds

    async def ask_on(client: Client) -> None:
        while (started := time.perf_counter()) < ends:
            await client.ask(path, body)
            answered = time.perf_counter()
            if begins <= answered < ends:
                times_ms.append((answered - started) * 1000)

    async with session(connections) as opened:
        client = Client(opened)
        await asyncio.gather(*(ask_on(client) for _ in range(connections)))
    return {
        "requests_per_s": len(times_ms) / seconds,
        "median_ms": statistics.median(times_ms),
        "p95_ms": percentile(times_ms, 0.95),
    }


def main() -> None:
    """Generate, and print what was measured as JSON."""
    path, connections, seconds = sys.argv[1:]
    measured = uvloop.run(generate(path, sys.stdin.buffer.read(), int(connections), float(seconds)))
    sys.stdout.buffer.write(orjson.dumps(measured))


if __name__ == "__main__":
    main()
