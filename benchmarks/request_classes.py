"""Classes of requests that differ in what they cost, and how each is measured."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import aiohttp
import orjson

from benchmarks.asking import TEXTS, BenchmarkError
from benchmarks.measured_gateway import MeasuredGateway
from benchmarks.request_costs import RequestCost
from benchmarks.warm import cached_path

_IDLE_S = 2.0
"""How long is looked at what gateway and stores use by themselves, which no request is to blame for."""
_MAX_STATEMENTS = 0.2
"""A request that is answered from the cache may take, on average: an API key is looked up each five seconds."""
_SETTLE_S = 1.0
"""What an answer leaves for later, writes to Redis and counts of metrics, is done by then."""


class State(Enum):
    """Where the answer is when it is asked for."""

    COLD = "in the databases, and cached then"
    REDIS = "in Redis"
    MEMORY = "in the worker's memory, section by section"
    RESPONSE = "in the worker's memory, whole"
    REFUSED = "nowhere: the viewer's budget is used up"


_PATIENCE = {
    "GATEWAY_CACHE_TIMEOUT_S": "10",
    "GATEWAY_REDIS_TIMEOUT_S": "10",
    "GATEWAY_QUEUE_TIMEOUT_S": "60",
    "GATEWAY_REQUEST_TIMEOUT_S": "60",
}
"""On a busy machine, Redis is late and requests queue: their CPU is measured, not their time."""
_BUDGET = {**_PATIENCE, "GATEWAY_RATE_COST_PER_MINUTE": "1000000000"}
_SECTIONS = {**_BUDGET, "GATEWAY_RESPONSE_CACHE_MIB": "0"}
SETTINGS = {
    State.COLD: _SECTIONS,
    State.REDIS: {**_SECTIONS, "GATEWAY_CACHE_ENTRIES": "0"},
    State.MEMORY: _SECTIONS,
    State.RESPONSE: _BUDGET,
    State.REFUSED: {**_PATIENCE, "GATEWAY_RATE_COST_PER_MINUTE": "300"},
}
"""The gateway's settings that make the state; all others are the defaults. A dashboard of 50 costs some 210 points: one
a minute is answered."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request."""

    path: str
    body: bytes | None = None
    """Of a POST; without it, it is a GET."""
    status: int | None = 200
    """Of its answer, or None for any."""


@dataclass(frozen=True, slots=True)
class RequestClass:
    """Requests that cost about the same: `questions` different ones, each asked `rounds` times."""

    about: str
    query: str
    size: int
    """Objects for each request."""
    state: State
    questions: int
    rounds: int = 1
    has_key: bool = True
    at_once: int = 1
    """Requests under way at a time."""
    status: int = 200

    def asked(self, ids: Sequence[str]) -> list[Question]:
        """Return the questions and one more, whose objects are no other's, so that code is warm and the cache is not.

        Each has busy and idle objects alike; `ids` begin with the busiest.
        """
        number = self.questions + 1
        if len(ids) < number * self.size:
            raise BenchmarkError(
                f"{self.about}: {number * self.size:,} objects are needed, and there are {len(ids):,}."
            )
        pool = ids[: number * self.size]
        return [self._question(pool[index::number]) for index in range(number)]

    def _question(self, ids: Sequence[str]) -> Question:
        if self.query.startswith("/"):
            return Question(f"{self.query}?ids={','.join(ids)}", status=self.status)
        if self.state is State.RESPONSE:
            return Question(cached_path(TEXTS[self.query], ids), status=self.status)
        body = orjson.dumps({"query": TEXTS[self.query], "variables": {"ids": list(ids)}})
        return Question("/graphql", body, self.status)


CLASSES = {
    "cached-get": RequestClass(
        "dashboard of 50, whole from the response cache", "dashboard", 50, State.RESPONSE, 20, 100
    ),
    "dashboard-50-memory": RequestClass("dashboard of 50, from memory", "dashboard", 50, State.MEMORY, 20, 10),
    "dashboard-50-memory-16": RequestClass("the same, 16 at once", "dashboard", 50, State.MEMORY, 20, 10, at_once=16),
    "dashboard-50-redis": RequestClass("dashboard of 50, from Redis", "dashboard", 50, State.REDIS, 20, 5),
    "dashboard-50-cold": RequestClass("dashboard of 50, from the databases", "dashboard", 50, State.COLD, 70),
    "dashboard-50-cold-16": RequestClass("the same, 16 at once", "dashboard", 50, State.COLD, 70, at_once=16),
    "dashboard-500-memory": RequestClass("dashboard of 500, from memory", "dashboard", 500, State.MEMORY, 7, 5),
    "dashboard-500-cold": RequestClass("dashboard of 500, from the databases", "dashboard", 500, State.COLD, 7),
    "trends-50-memory": RequestClass("trends of 50, from memory", "trends", 50, State.MEMORY, 20, 10),
    "trends-50-cold": RequestClass("trends of 50, from the databases", "trends", 50, State.COLD, 70),
    "single-memory": RequestClass("dashboard of a single object, from memory", "dashboard", 1, State.MEMORY, 50, 10),
    "single-cold": RequestClass("dashboard of a single object, from the databases", "dashboard", 1, State.COLD, 200),
    "export-object": RequestClass(
        "an object of an export, with all of its sections", "/export/aircraft", 50, State.COLD, 5
    ),
    "refused-budget": RequestClass(
        "dashboard of 50, refused with 429", "dashboard", 50, State.REFUSED, 20, 20, status=429
    ),
    "refused-credential": RequestClass(
        "dashboard of 50, refused with 401", "dashboard", 50, State.REFUSED, 20, 20, has_key=False, status=401
    ),
}


async def measure_class(
    gateway: MeasuredGateway, request_class: RequestClass, ids: Sequence[str], key: str
) -> RequestCost:
    """Measure one class on a gateway of its own.

    Raises BenchmarkError for an answer of another status, and where what should be cached was asked of a database.
    """
    warm_up, *questions = request_class.asked(ids)
    # As browsers ask, so that compression is counted.
    headers = {"Accept-Encoding": "gzip", "Content-Type": "application/json"}
    if request_class.has_key:
        headers["Authorization"] = f"Bearer {key}"
    connector = aiohttp.TCPConnector(limit=request_class.at_once)
    async with aiohttp.ClientSession(
        gateway.url, connector=connector, headers=headers, auto_decompress=False
    ) as client:
        await _ask(client, [replace(warm_up, status=None)] * 3)
        if request_class.state is not State.COLD:
            await _ask(client, questions * 2)
        await asyncio.sleep(_SETTLE_S)
        idle = await _used(gateway, asyncio.sleep(_IDLE_S))
        asked = questions * request_class.rounds
        used = await _used(gateway, _ask(client, asked, request_class.at_once))
    units = len(asked) * (request_class.size if request_class.query.startswith("/") else 1)
    share = used.seconds / idle.seconds
    each = {name: max(0.0, value - idle.counts[name] * share) / units for name, value in used.counts.items()}
    if request_class.state is not State.COLD and (statements := _statements(each)) > _MAX_STATEMENTS:
        raise BenchmarkError(
            f"{request_class.about}: {statements:.2f} statements a request; it took too long to be fresh."
        )
    return RequestCost(requests=len(asked), answer_bytes=used.bytes / units, **each)


def _statements(each: Mapping[str, float]) -> float:
    return each["postgresql_statements"] + each["clickhouse_statements"]


@dataclass(frozen=True, slots=True)
class _Used:
    seconds: float
    counts: Mapping[str, float]
    bytes: int


async def _used(gateway: MeasuredGateway, work: Awaitable[int | None]) -> _Used:
    """Return what is used from now until the work is done and has settled, without what it takes to look."""
    before = gateway.counters() | gateway.cpu_ms()
    start = time.monotonic()
    size = await work
    await asyncio.sleep(_SETTLE_S)
    after = gateway.cpu_ms()
    seconds = time.monotonic() - start
    after |= gateway.counters()
    return _Used(seconds, {name: after[name] - before[name] for name in after}, size or 0)


async def _ask(client: aiohttp.ClientSession, questions: Sequence[Question], at_once: int = 1) -> int:
    """Ask all, and return the bytes of the answers' bodies as they were sent."""
    remaining = iter(questions)

    async def ask_in_turn() -> int:
        size = 0
        for question in remaining:
            method = "GET" if question.body is None else "POST"
            async with client.request(method, question.path, data=question.body) as answer:
                content = await answer.read()
                if question.status is not None and answer.status != question.status:
                    raise BenchmarkError(f"{question.path[:80]} answers {answer.status}: {content[:200]!r}")
                size += len(content)
        return size

    return sum(await asyncio.gather(*(ask_in_turn() for _ in range(at_once))))


async def measure_memory(gateway: MeasuredGateway, ids: Sequence[str], key: str) -> tuple[float, float]:
    """Return the bytes in Redis for each object of the dashboard query, and the worker's resident MiB with all."""
    before = gateway.redis_memory()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    bodies = [
        orjson.dumps({"query": TEXTS["dashboard"], "variables": {"ids": ids[first : first + 500]}})
        for first in range(0, len(ids), 500)
    ]
    async with aiohttp.ClientSession(gateway.url, headers=headers) as client:
        await _ask(client, [Question("/graphql", body) for body in bodies])
    await asyncio.sleep(_SETTLE_S)
    return (gateway.redis_memory() - before) / len(ids), gateway.resident_mib()
