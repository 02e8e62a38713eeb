"""Measure how long a small request waits while a large one is answered by the same worker.

`python -m benchmarks.stall URL` posts the bytes of its standard input, reads the answer and prints its length: in a
process of its own, so that the probes share no event loop with it.
"""

import asyncio
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

import orjson

from benchmarks.asking import Client, Endpoint, session
from benchmarks.measuring import percentile

LARGE = "everything"
IDLE_S = 3.0
PAUSE_S = 0.01
"""Between two requests of a probe."""

PROBES = {"/livez": b"", "/graphql": orjson.dumps({"query": '{ airline(code: "UA") { name } }'})}
"""What is asked meanwhile: one request after the other, each path on its own connection."""


@dataclass(frozen=True, slots=True)
class Stall:
    """One probe's times in milliseconds: with nothing else to do, and while the large answer is made and sent."""

    path: str
    size: int
    large_bytes: int
    large_s: float
    idle_ms: list[float]
    busy_ms: list[float]

    @property
    def p99_ms(self) -> tuple[float, float]:
        """Idle and busy: 99 of 100 requests take at most as long."""
        return percentile(self.idle_ms, 0.99), percentile(self.busy_ms, 0.99)


async def measure_stall(gateway: Endpoint, ids: Sequence[str]) -> list[Stall]:
    """The probes alone for some seconds, then beside one request for every section of all these ids."""
    async with session(len(PROBES)) as opened:
        client = Client(opened)
        idle = await _probed(client, gateway, asyncio.sleep(IDLE_S))
        started = time.perf_counter()
        task = asyncio.create_task(asyncio.to_thread(_download, gateway.path(LARGE), gateway.body(LARGE, ids)))
        busy = await _probed(client, gateway, task)
        took_s = time.perf_counter() - started
    return [Stall(path, len(ids), task.result(), took_s, idle[path], busy[path]) for path in PROBES]


async def _probed(client: Client, gateway: Endpoint, until: Awaitable[object]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {path: [] for path in PROBES}
    probes = [
        asyncio.create_task(_probe(client, gateway.url + path, body, times[path])) for path, body in PROBES.items()
    ]
    await until
    for probe in probes:
        probe.cancel()
    await asyncio.gather(*probes, return_exceptions=True)
    return times


async def _probe(client: Client, url: str, body: bytes, times_ms: list[float]) -> None:
    while True:
        started = time.perf_counter()
        await (client.ask(url, body) if body else client.look(url))
        times_ms.append((time.perf_counter() - started) * 1000)
        await asyncio.sleep(PAUSE_S)


def _download(url: str, body: bytes) -> int:
    command = [sys.executable, "-m", "benchmarks.stall", url]
    return int(subprocess.run(command, input=body, stdout=subprocess.PIPE, check=True).stdout)


def main() -> None:
    """Post, read to the end, print how much it was."""
    request = urllib.request.Request(sys.argv[1], sys.stdin.buffer.read(), {"Content-Type": "application/json"})  # noqa: S310 (the URL is the run's own)
    length = 0
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        while chunk := answer.read(1 << 20):
            length += len(chunk)
    print(length)


if __name__ == "__main__":
    main()
