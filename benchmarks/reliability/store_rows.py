"""Rows about stores that are silent, away, or wrong."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import asyncpg
import psutil

from tests.chaos.answer_check import Answer, check
from tests.chaos.cells import STOPPED, Cell, lasting
from tests.chaos.damaged_answers import damage, run_damage
from tests.chaos.network_faults import BLACK_HOLE, CUT, GARBAGE, REFUSED, SLOW_DRIP
from tests.chaos.world import World

SIZE: Final = 50
_LARGE: Final = 500
_DAMAGES: Final = 100
_DASHBOARD: Final = "dashboard"
_RETURN_S: Final = 30.0


async def ask(world: World, size: int = SIZE) -> Answer:
    """Ask a dashboard."""
    return await world.ask(_DASHBOARD, world.model.ids(1, size))


async def until_whole(world: World) -> float:
    """Ask until the answer is whole; returns how long that took."""
    start = time.monotonic()
    while time.monotonic() - start < _RETURN_S:
        answer = await ask(world)
        if answer.status == 200 and not answer.errors:
            break
        await asyncio.sleep(0.05)
    return time.monotonic() - start


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something of another process is so."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def silent_clickhouse(world: World) -> str:
    """Return how long answers take while ClickHouse says nothing, at first and then."""
    texts = []
    for fault in (STOPPED, BLACK_HOLE, SLOW_DRIP):
        async with lasting(world, Cell(fault, "clickhouse")):
            first, second = await ask(world), await ask(world)
        await until_whole(world)
        texts.append(f"{first.seconds:.1f} s, then {second.seconds * 1000:.0f} ms")
    return "; ".join(texts)


async def silent_postgres(world: World) -> str:
    """Return how long answers take while PostgreSQL says nothing, and what they have."""
    return await _of_postgres(world, Cell(BLACK_HOLE, "postgres"))


async def garbled_postgres(world: World) -> str:
    """Return the same of a PostgreSQL that answers random bytes."""
    return await _of_postgres(world, Cell(GARBAGE, "postgres"))


async def refused_postgres(world: World) -> str:
    """Return the same of a PostgreSQL that nobody reaches."""
    return await _of_postgres(world, Cell(REFUSED, "postgres"))


async def _of_postgres(world: World, cell: Cell) -> str:
    expected = await world.expect(_DASHBOARD, world.model.ids(1, SIZE), cell.faulty)
    async with lasting(world, cell):
        first, second = await ask(world), await ask(world)
    back_s = await until_whole(world)
    known = [item for item in second.items or [] if item is not None]
    violations = Counter(wrong.kind for answer in (first, second) for wrong in check(answer, expected))
    return (
        f"{first.seconds:.1f} s, then {second.seconds * 1000:.0f} ms; {len(known)} of {SIZE - 1} aircraft answered,"
        f" {_listed(violations)}; whole {back_s:.1f} s after"
    )


def _listed(violations: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in violations.items()) or "as promised"


async def damaged(world: World) -> str:
    """Return how many damaged answers led to something wrong, at once or later."""
    kinds: Counter[str] = Counter()
    for seed in range(_DAMAGES):
        kinds.update({wrong.kind for wrong in await run_damage(world, damage(world, seed))})
    return f"{kinds['WRONG']} wrong values, {kinds['WRONG AFTERWARDS']} kept; {_listed(kinds)}"


_BUSY: Final = "select count(*) from pg_stat_activity where state = 'active' and wait_event_type = 'Lock'"


async def _until_busy(looking: Any, *, busy: bool) -> None:
    """Wait until statements wait for the lock, or none does any more."""
    async with asyncio.timeout(_RETURN_S):
        while bool(await looking.fetchval(_BUSY)) != busy:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.002)


async def left(world: World, database_url: str) -> str:
    """Return how long a statement of PostgreSQL runs on after its client has left."""
    locking = await asyncpg.connect(database_url)
    looking = await asyncpg.connect(database_url)
    try:
        async with locking.transaction():
            await locking.execute("lock table aircraft in access exclusive mode")
            client = asyncio.create_task(ask(world))
            await _until_busy(looking, busy=True)
            client.cancel()
            start = time.monotonic()
            await _until_busy(looking, busy=False)
            seconds = time.monotonic() - start
            await asyncio.gather(client, return_exceptions=True)
    finally:
        await asyncio.gather(locking.close(), looking.close())
    await until_whole(world)
    return f"cancelled after {seconds * 1000:.0f} ms"


async def reset_redis(world: World) -> str:
    """Return how many of 800 requests are not whole while connections to Redis are reset again and again."""
    world.log.violations()
    done = asyncio.Event()

    async def reset() -> None:
        while not done.is_set():
            await world.proxies["redis"].switch(CUT)
            await world.proxies["redis"].heal()
            await asyncio.sleep(0.05)

    resetting = asyncio.create_task(reset())
    answers = [item for _ in range(100) for item in await asyncio.gather(*(ask(world, 5) for _ in range(8)))]
    done.set()
    await resetting
    bad = sum(answer.status != 200 or bool(answer.errors) for answer in answers)
    return f"{bad} refused or partial, {len(world.log.violations())} unhandled in the log"


async def away_cpu(world: World, process: psutil.Process) -> str:
    """Return the CPU time of a dashboard of 500, whole and with ClickHouse away, and the slowest /livez meanwhile."""
    whole_ms, _ = await _cpu(world, process)
    async with lasting(world, Cell(REFUSED, "clickhouse")):
        await ask(world)
        away_ms, live_ms = await _cpu(world, process)
    await until_whole(world)
    return f"{away_ms:.0f} ms CPU instead of {whole_ms:.0f}, /livez up to {live_ms:.0f} ms"


async def _cpu(world: World, process: psutil.Process) -> tuple[float, float]:
    count, slowest_ms = 10, 0.0
    await ask(world, _LARGE)
    before = process.cpu_times()
    for _ in range(count):
        asked = asyncio.create_task(ask(world, _LARGE))
        while not asked.done():
            start = time.monotonic()
            await world.client.get("/livez")
            slowest_ms = max(slowest_ms, (time.monotonic() - start) * 1000)
            await asyncio.wait([asked], timeout=0.01)
    after = process.cpu_times()
    return (after.user + after.system - before.user - before.system) * 1000 / count, slowest_ms


async def burst(world: World) -> str:
    """Return how many answers are bad during a black hole of 5 s at 15 requests a second, and when the last came."""
    start = time.monotonic()
    bad: list[float] = []

    async def client(number: int) -> None:
        await asyncio.sleep(number / 15)
        answer = await world.ask(_DASHBOARD, world.model.ids(number, 10))
        if answer.status != 200 or answer.errors:
            bad.append(time.monotonic() - start)

    clients = asyncio.gather(*(client(number) for number in range(15 * 15)))
    await asyncio.sleep(5)
    async with lasting(world, Cell(BLACK_HOLE, "clickhouse")):
        await asyncio.sleep(5)
    end_s = time.monotonic() - start
    await clients
    return f"{len(bad)} of 225 bad, the last one {max([*bad, end_s]) - end_s:.1f} s after its end"


async def codes(world: World) -> str:
    """Return the codes of fields that failed, and the statuses of their answers."""
    seen: Counter[Any] = Counter()
    for cell in (Cell(BLACK_HOLE, "clickhouse"), Cell(REFUSED, "postgres")):
        async with lasting(world, cell):
            answer = await ask(world)
        seen.update(f"{error['extensions']['code']} ({answer.status})" for error in answer.errors)
        await until_whole(world)
    return ", ".join(sorted(seen))


async def ready(world: World) -> str:
    """Return how long /readyz takes in a black hole."""
    texts = []
    for store in ("clickhouse", "postgres"):
        async with lasting(world, replace(Cell(BLACK_HOLE, store))):
            start = time.monotonic()
            await world.client.get("/readyz")
            texts.append(f"{time.monotonic() - start:.2f} s ({store})")
        await until_whole(world)
    return ", ".join(texts)
