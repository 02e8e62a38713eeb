"""The cells of the matrix: each fault of each store, and what must hold during it and afterwards."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from tests.chaos.answer_check import Answer, Violation, check
from tests.chaos.network_faults import HTTP_FAULTS, JITTER, LATENCY, REFUSED, STREAM_FAULTS, Fault
from tests.chaos.world import DEADLINE_S, EXPORT, World
from tests.lag import measured_lag

STORES: Final = ("postgres", "clickhouse", "redis")
STOPPED: Final = Fault("stopped process")
KILLED: Final = Fault("killed process")
_CACHED_S: Final = 20.0
"""How long a cache may take to keep values after Redis was away: none of it is promised to be there."""
RETURN_S: Final = 3.0
"""How soon after a store's return answers are whole."""
IDS: Final = 5
_LARGE: Final = ("all sections", EXPORT)
_HARMLESS: Final = (LATENCY, JITTER)


@dataclass(frozen=True, slots=True)
class Cell:
    """A fault of a store, and whether its values may be missing meanwhile."""

    fault: Fault
    store: str

    @property
    def faulty(self) -> frozenset[str]:
        """The stores whose values may be missing: Redis only saves time, and what is merely slow is waited for."""
        return frozenset() if self.store == "redis" or self.fault in _HARMLESS else frozenset({self.store})

    @property
    def is_of_process(self) -> bool:
        """Whether the store's processes are stopped or killed."""
        return self.fault in (STOPPED, KILLED)

    def __str__(self) -> str:
        return f"{self.store}: {self.fault.name}"


NETWORK_CELLS: Final = tuple(Cell(fault, store) for store in STORES for fault in STREAM_FAULTS)
HTTP_CELLS: Final = tuple(Cell(fault, "clickhouse") for fault in HTTP_FAULTS)
PROCESS_CELLS: Final = tuple(Cell(fault, store) for store in STORES for fault in (STOPPED, KILLED))
CELLS: Final = (*NETWORK_CELLS, *HTTP_CELLS, *PROCESS_CELLS)

_seeds: Final = itertools.count(1)
_WARM_SEEDS: Final = 100_000
"""Where the seeds begin of objects that are to be cached."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a cell took: its slowest answer at first, its slowest a moment later, and until all was whole again."""

    first_s: float
    second_s: float
    return_s: float


@dataclass(frozen=True, slots=True)
class _Question:
    """A question, and whether it was asked before, so that it is answered whatever happens."""

    name: str
    ids: tuple[str, ...]
    is_cached: bool = False


async def warm_up(world: World) -> None:
    """Ask everything until it is answered in time: a process that has just started builds what it keeps."""
    ids = world.model.ids(0, IDS)
    for name in (*world.model.queries, EXPORT):
        for _ in range(5):
            answer = await world.ask(name, ids)
            if _is_whole(answer) and answer.seconds < DEADLINE_S / 3:
                break


async def run_cell(
    world: World, cell: Cell, late_s: float, names: Sequence[str] | None = None
) -> tuple[list[Violation], Timing]:
    """Ask everything, or queries of these names, before, during and after a fault; returns what was wrong.

    `late_s` is what an answer may take longer than its deadline.
    """
    world.log.violations()  # what was before is not this cell's
    questions = [question for question in _questions(world) if names is None or question.name in names]
    for question in questions:
        await world.expect(question.name, question.ids, cell.faulty)
    violations = await _before(world, questions)
    async with lasting(world, cell):
        first = await _round(world, questions, cell, cell.faulty, late_s, violations)
        second = await _round(world, questions, cell, cell.faulty, late_s, violations)
    return_s = await _returned(world, questions, cell, late_s, violations)
    violations += world.log.violations()
    return violations, Timing(first, second, return_s)


def _questions(world: World) -> Iterator[_Question]:
    seed = next(_seeds) if world.is_cached else 1
    cold = world.model.ids(seed, IDS)
    for name in (*world.model.queries, EXPORT):
        yield _Question(name, tuple(cold))
    if world.is_cached:
        warm = world.model.ids(seed + _WARM_SEEDS, IDS)
        for name in world.model.queries:
            yield _Question(name, tuple(warm), is_cached=True)
            yield _Question(name, tuple(warm[::-1]), is_cached=True)  # another answer, of the same cached sections


async def _before(world: World, questions: Sequence[_Question]) -> list[Violation]:
    """Ask what is to be cached, which is whole, until it is."""
    warmed: list[Violation] = []
    for question in questions:
        if question.is_cached:
            answer = await _asked_until_whole(world, question)
            expected = await world.expect(question.name, question.ids, frozenset())
            warmed += [Violation(wrong.kind, f"before the fault: {wrong.text}") for wrong in check(answer, expected)]
            await _until_cached(world, question)
    return warmed


async def _until_cached(world: World, question: _Question) -> None:
    async with asyncio.timeout(_CACHED_S):
        while not await world.is_cached_whole(question.name, question.ids):  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.1)


async def _round(
    world: World,
    questions: Sequence[_Question],
    cell: Cell,
    faulty: frozenset[str],
    late_s: float,
    violations: list[Violation],
) -> float:
    """Ask everything during the cell's fault, which may cost values of faulty stores, or after it.

    Returns how long the slowest answer took.
    """
    async with measured_lag() as lag:
        answers = await _ask_all(world, questions)
    for question, answer in zip(questions, answers, strict=True):
        missing = frozenset[str]() if question.is_cached else faulty
        expected = replace(await world.expect(question.name, question.ids, missing), away=cell.faulty)
        where = f"{question.name}{' (cached)' if question.is_cached else ''}"
        violations += [Violation(wrong.kind, f"{where}: {wrong.text}") for wrong in check(answer, expected)]
        if answer.seconds > DEADLINE_S + late_s + lag.sum_s:
            violations.append(Violation("LATE", f"{where}: {answer.seconds:.2f} s, with a lag of {lag.sum_s:.2f} s"))
    return max(answer.seconds for answer in answers)


async def _ask_all(world: World, questions: Sequence[_Question]) -> list[Answer]:
    """Ask small questions at once and large ones after each other: a busy machine's stores should not be late by that."""
    small = [question for question in questions if question.name not in _LARGE]
    answers = dict(zip(small, await asyncio.gather(*(world.ask(item.name, item.ids) for item in small)), strict=True))
    for question in questions:
        if question not in answers:
            answers[question] = await world.ask(question.name, question.ids)
    return [answers[question] for question in questions]


async def _returned(
    world: World, questions: Sequence[_Question], cell: Cell, late_s: float, violations: list[Violation]
) -> float:
    """Ask everything until all is whole; returns how long the first whole answer took since the store's return.

    A probe that the fault has met may tell of it a moment after the return, when an answer was whole already.
    """
    start = time.monotonic()
    return_s: float | None = None
    while True:
        text = await _still_missing(world, questions[0])
        begins_s = time.monotonic() - start
        if text is None:
            return_s = return_s or begins_s
            round_violations: list[Violation] = []
            await _round(world, questions, cell, frozenset(), late_s, round_violations)
            if begins_s > RETURN_S or {violation.kind for violation in round_violations} != {"MISSING"}:
                violations += round_violations
                return return_s
        elif begins_s > RETURN_S:
            violations.append(Violation("RETURN", f"not whole {begins_s:.1f} s after the store's return: {text}"))
            return begins_s
        await asyncio.sleep(0.05)


async def _still_missing(world: World, question: _Question) -> str | None:
    """Return what is wrong with an answer of both databases; an answer may be cached, so that stores are asked for too."""
    answer = await world.ask(question.name, question.ids)
    away = await world.away()
    return None if _is_whole(answer) and not away else str(list(answer.errors)[:1] or away)


async def _asked_until_whole(world: World, question: _Question) -> Answer:
    """Ask until an answer is whole, as long as a store's return may take; returns the last one."""
    start = time.monotonic()
    while True:
        answer = await world.ask(question.name, question.ids)
        if _is_whole(answer) or time.monotonic() - start > RETURN_S:
            return answer
        await asyncio.sleep(0.05)


def _is_whole(answer: Answer) -> bool:
    return answer.status == 200 and not answer.errors


@asynccontextmanager
async def lasting(world: World, cell: Cell) -> AsyncIterator[None]:
    """Let the fault last for the length of the block."""
    between = world.proxies[cell.store]
    if not cell.is_of_process:
        between.random.seed(str(cell))
        await between.switch(cell.fault)
        try:
            yield
        finally:
            await between.heal()
        return
    assert world.engines is not None, "Processes can be stopped only where the engines are the tests' own."
    if cell.fault is STOPPED:
        world.engines.stop(cell.store)
        try:
            yield
        finally:
            world.engines.go_on(cell.store)
        return
    await world.engines.kill(cell.store)
    await between.switch(REFUSED)
    try:
        yield
    finally:
        await world.engines.start_again(cell.store)
        await between.heal()
