"""Mixed load on one gateway for minutes, with a fault every ten seconds, and what its process holds before and after."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import psutil

from tests.chaos.answer_check import Violation, check
from tests.chaos.cells import CELLS, IDS, RETURN_S, Cell, lasting
from tests.chaos.world import DEADLINE_S, EXPORT, World
from tests.lag import measured_lag

CLIENTS: Final = 4
FAULT_EVERY_S: Final = 10.0
FAULT_S: Final = 4.0
_THINK_S: Final = 0.05
_HANG_UP_S: Final = 0.03
_POOL: Final = 20  # lists of ids that are asked again and again, so that caches fill before the soak


@dataclass(frozen=True, slots=True)
class Held:
    """What the gateway's process holds."""

    rss_mib: float
    tasks: int
    connections: int
    descriptors: int
    task_names: dict[str, int]


@dataclass(slots=True)
class Soak:
    """What a soak found."""

    before: Held
    after: Held
    answers: Counter[str]
    """By what became of them: whole, partial, refused, left."""
    slowest_s: float
    violations: list[Violation] = field(default_factory=list)


class _Weather:
    """The fault of the moment; one that has just ended may still be felt."""

    def __init__(self) -> None:
        self._faults: dict[str, float] = {}

    def begin(self, cell: Cell) -> None:
        for store in cell.faulty:
            self._faults[store] = float("inf")

    def end(self, cell: Cell) -> None:
        for store in cell.faulty:
            self._faults[store] = time.monotonic() + RETURN_S

    def faulty(self, since: float) -> frozenset[str]:
        """The stores that may have failed a request that began then."""
        return frozenset(store for store, until in self._faults.items() if until > since)


async def soak(world: World, seconds: float, rest_s: float, late_s: float) -> Soak:
    """Fill the caches, rest, load the gateway through faults, rest again."""
    clients = _Clients(world, late_s)
    await clients.prepare()
    await clients.run(asyncio.sleep(rest_s))
    await asyncio.sleep(rest_s)
    before = await held(world.client)
    clients.answers.clear()
    clients.violations.clear()
    await clients.run(_faults(world, clients.weather, seconds))
    await asyncio.sleep(rest_s)
    after = await held(world.client)
    violations = [*clients.violations, *world.log.violations()]
    return Soak(before, after, clients.answers, clients.slowest_s, violations)


async def _faults(world: World, weather: _Weather, seconds: float) -> None:
    """Let one fault after the other come and go."""
    chance = random.Random(12)
    ends = time.monotonic() + seconds
    cells = [cell for cell in CELLS if world.engines is not None or not cell.is_of_process]
    while time.monotonic() < ends:
        cell = chance.choice(cells)
        weather.begin(cell)
        async with lasting(world, cell):
            await asyncio.sleep(FAULT_S)
        weather.end(cell)
        await asyncio.sleep(FAULT_EVERY_S - FAULT_S)


class _Clients:
    """Clients that ask, compare, and sometimes leave before they are answered."""

    def __init__(self, world: World, late_s: float) -> None:
        self._world = world
        self._late_s = late_s
        self._is_over = False
        self.weather = _Weather()
        self.answers: Counter[str] = Counter()
        self.violations: list[Violation] = []
        self.slowest_s = 0.0

    async def prepare(self) -> None:
        """Learn the truth of all that is asked."""
        for name, ids in self._questions():
            await self._world.expect(name, ids, frozenset())

    def _questions(self) -> Iterator[tuple[str, list[str]]]:
        for seed in range(_POOL):
            for name in (*self._world.model.queries, EXPORT):
                yield name, self._world.model.ids(seed, IDS)

    async def run(self, while_this: Any) -> None:
        """Ask for as long as something lasts."""
        self._is_over = False
        clients = [asyncio.create_task(self._client(number)) for number in range(CLIENTS)]
        try:
            await while_this
        finally:
            self._is_over = True
            await asyncio.gather(*clients)

    async def _client(self, number: int) -> None:
        chance = random.Random(number)
        questions = list(self._questions())
        while not self._is_over:
            name, ids = chance.choice(questions)
            if chance.random() < 0.1:
                await self._leave(name, ids)
            else:
                await self._ask(name, ids)
            await asyncio.sleep(_THINK_S)

    async def _leave(self, name: str, ids: list[str]) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._world.ask(name, ids), _HANG_UP_S)
        self.answers["left"] += 1

    async def _ask(self, name: str, ids: list[str]) -> None:
        begins = time.monotonic()
        async with measured_lag() as lag:
            answer = await self._world.ask(name, ids)
        expected = await self._world.expect(name, ids, self.weather.faulty(begins))
        kind = "partial" if answer.errors else "whole"
        self.answers[kind if answer.status == 200 else "refused"] += 1
        self.slowest_s = max(self.slowest_s, answer.seconds)
        self.violations += check(answer, expected)
        if answer.seconds > DEADLINE_S + self._late_s + lag.sum_s:
            self.violations.append(Violation("LATE", f"{name}: {answer.seconds:.2f} s"))


async def held(client: httpx.AsyncClient) -> Held:
    """Return what the gateway's process holds now."""
    told = (await client.get("/tasks")).json()
    process = psutil.Process(told["pid"])
    names: dict[str, int] = told["tasks"]
    connections = len(process.net_connections())
    return Held(process.memory_info().rss / 2**20, sum(names.values()), connections, process.num_fds(), names)
