"""`make attack`: what a small request of one client takes while another one does its worst from eight connections.

The attacker has an API key of 2,000 points a minute, or none at a gateway that is open to everybody. It asks from a
process of its own, the same requests each time, over loopback, for a bounded time:
`python -m benchmarks.attack attacker URL KEY SECONDS` is that process.
"""

import argparse
import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import aiohttp
import orjson

from benchmarks.asking import session
from benchmarks.hostile import BODIES, DOCUMENTS, batch, variables
from benchmarks.measuring import percentile
from benchmarks.processes import endpoint, stores

CONNECTIONS = 8
GOAL_MS = 100.0
"""By how much the p99 of the other client may rise."""
_IDLE_S = 5.0
_EVERY_S = 0.025
_PROBES = 16
"""Connections of the other client."""
_LONGEST_URL = 6_000
_POOR, _OPEN = "a key of 2,000 points a minute", "no credential, 1,000,000 points a minute"
_PROBE = orjson.dumps({"query": '{ airline(code: "UA") { name } }'})
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Attack:
    """The other client's times in milliseconds, and how often the attacker was answered with which status."""

    attacker: str
    idle_ms: list[float]
    attacked_ms: list[float]
    statuses: dict[str, int]

    @property
    def rise_ms(self) -> float:
        """Of the p99."""
        return percentile(self.attacked_ms, 0.99) - percentile(self.idle_ms, 0.99)

    def line(self) -> str:
        """As it is printed."""
        halves = [
            f"{name} p50 {percentile(times, 0.5):.1f} ms, p99 {percentile(times, 0.99):.1f} ms ({len(times)} requests)"
            for name, times in (("idle", self.idle_ms), ("attacked", self.attacked_ms))
        ]
        statuses = ", ".join(f"{count} x {status}" for status, count in sorted(self.statuses.items()))
        return f"{self.attacker}: {'; '.join(halves)}. The attacker was answered {statuses}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Attack and print; status 1 where the other client's p99 rises by more than the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    asked = parser.parse_args(arguments)
    with stores() as urls:
        attacks = [_attacked(urls, attacker, asked.seconds) for attacker in (_POOR, _OPEN)]
    for attack in attacks:
        print(attack.line())
    too_slow = [attack for attack in attacks if attack.rise_ms > GOAL_MS]
    for attack in too_slow:
        print(f"The p99 rose by {attack.rise_ms:.0f} ms, more than {GOAL_MS:.0f}: {attack.attacker}", file=sys.stderr)
    return 1 if too_slow else 0


def _attacked(urls: Mapping[str, str], attacker: str, seconds: float) -> Attack:
    probe = _new_key(urls, 1_000_000_000)
    key = _new_key(urls, 2_000) if attacker == _POOR else ""
    settings = {"GATEWAY_ANONYMOUS": "none" if key else "all", "GATEWAY_RATE_COST_PER_MINUTE": "1000000"}
    settings |= {"GATEWAY_CACHE": "true", "GATEWAY_MAX_COST": "100000", "GATEWAY_MAX_IDS": "500"}
    with endpoint("gateway", urls, settings) as url:
        return asyncio.run(_measured(url, attacker, key, probe, seconds))


async def _measured(url: str, attacker: str, key: str, probe: str, seconds: float) -> Attack:
    async with session(_PROBES) as client:
        idle = await _probed(client, url, probe, asyncio.sleep(_IDLE_S))
        command = [sys.executable, "-m", "benchmarks.attack", "attacker", url, key, str(seconds)]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        attacked = await _probed(client, url, probe, process.wait())
        answered = orjson.loads(await process.stdout.read() if process.stdout else b"{}")
    return Attack(attacker, idle, attacked, answered)


async def _probed(client: aiohttp.ClientSession, url: str, key: str, until: Awaitable[object]) -> list[float]:
    """Times of small requests, one begun every so often whether or not others are answered, until something ends.

    One that waited for those before it to be answered would hardly ever be there while the gateway is held up.
    """
    end = asyncio.ensure_future(until)
    probes: list[asyncio.Task[float]] = []
    while not end.done():
        probes.append(asyncio.create_task(_probe(client, url, key)))
        await asyncio.sleep(_EVERY_S)
    return list(await asyncio.gather(*probes))


async def _probe(client: aiohttp.ClientSession, url: str, key: str) -> float:
    started = time.perf_counter()
    # What is kept whole is answered before anything else: this header has it executed.
    headers = {**_JSON, "X-API-Key": key, "Cache-Control": "no-cache"}
    async with client.post(f"{url}/graphql", data=_PROBE, headers=headers) as answer:
        content = await answer.read()
        if answer.status != 200 or b"errors" in content:
            raise RuntimeError(f"{answer.status}: {content[:200]!r}")
    return (time.perf_counter() - started) * 1_000


def _new_key(urls: Mapping[str, str], points: int) -> str:
    command = [
        sys.executable,
        "-m",
        "gateway",
        "keys",
        "add",
        "attack",
        "--model",
        "deploy.fleet.model",
        "--scope",
        "register:read",
    ]
    command += ["--cost-per-minute", str(points)]
    done = subprocess.run(command, env=os.environ | dict(urls), capture_output=True, text=True, check=True)
    return done.stdout.strip()


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    query_string: str = ""
    body: bytes = b""
    headers: Mapping[str, str] | None = None


def _requests(seed: int) -> Iterator[_Request]:
    """Without an end: each family as it is, in a batch of ten, by GET, and for its price; then bodies and values."""
    chance = random.Random(seed)  # noqa: S311
    number = seed * 1_000_000
    while True:
        round_: list[_Request] = []
        for document in DOCUMENTS.values():
            number += 20
            item = orjson.dumps({"query": document(number)})
            round_ += [_Request("POST", body=item), _Request("POST", body=item, headers={"GraphQL-Cost": "validate"})]
            small = [document(number + index) for index in range(1, 11)]
            round_.append(_Request("POST", body=orjson.dumps(batch(small))))
            url = quote(document(number + 11))
            if len(url) < _LONGEST_URL:
                round_.append(_Request("GET", f"?query={url}"))
        round_ += [_Request("POST", body=body) for body in BODIES.values()]
        round_ += [_Request("POST", body=orjson.dumps(variables(count))) for count in (500, 10_000)]
        chance.shuffle(round_)
        yield from round_


async def _attack(url: str, key: str, seconds: float) -> dict[str, int]:
    statuses: Counter[str] = Counter()
    until = time.monotonic() + seconds
    async with session(connections=CONNECTIONS) as client:
        await asyncio.gather(*(_one(client, url, key, until, seed, statuses) for seed in range(CONNECTIONS)))
    return dict(statuses)


async def _one(
    client: aiohttp.ClientSession, url: str, key: str, until: float, seed: int, statuses: Counter[str]
) -> None:
    named = {**_JSON, **({"X-API-Key": key} if key else {})}
    for request in _requests(seed):
        if time.monotonic() > until:
            return
        headers = {**named, **(request.headers or {})}
        target = f"{url}/graphql{request.query_string}"
        try:
            async with client.request(request.method, target, data=request.body or None, headers=headers) as answer:
                await answer.read()
                statuses[str(answer.status)] += 1
        except aiohttp.ClientError as error:
            statuses[type(error).__name__] += 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["attacker"]:
        sys.stdout.buffer.write(orjson.dumps(asyncio.run(_attack(sys.argv[2], sys.argv[3], float(sys.argv[4])))))
    else:
        sys.exit(main())
