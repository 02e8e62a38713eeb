"""Seeded answers of the databases that are empty, truncated, swapped, malformed or late: each an error, none a value."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from tests.chaos.answer_check import Answer, Violation, check
from tests.chaos.network_faults import GARBAGE, HTTP_FAULTS, TRUNCATED, Fault
from tests.chaos.world import World

WAIT_S: Final = 1.5
"""The deadline of requests whose answers are late. A busy machine's other store answers within it."""
_LATE: Final = Fault("late", delay_s=1.6)
_NOTHING: Final = Fault("the connection ends instead", cut_after_bytes=0)
_OF_POSTGRES: Final = (TRUNCATED, TRUNCATED, _NOTHING, GARBAGE, GARBAGE, _LATE)
_OF_CLICKHOUSE: Final = (*HTTP_FAULTS, TRUNCATED, _NOTHING, _LATE)
_RETURN_S: Final = 3.0
_QUESTIONS: Final = ("dashboard", "trends", "dashboard", "trends", "all sections")


@dataclass(frozen=True, slots=True)
class Damage:
    """One case: what is asked, and which answers of which store are damaged how."""

    seed: int
    store: str
    fault: Fault
    question: str
    ids: Sequence[str]

    def __str__(self) -> str:
        return f"{self.seed} {self.store} {self.fault.name}, {self.fault.answers} answers to {self.question}"


def damage(world: World, seed: int) -> Damage:
    """Return the case of a seed. Nothing is known yet of its objects: each seed has its own."""
    chance = random.Random(seed)
    store = "clickhouse" if chance.random() < 0.6 else "postgres"
    fault = chance.choice(_OF_CLICKHOUSE if store == "clickhouse" else _OF_POSTGRES)
    fault = replace(fault, answers=chance.choice([1, 1, 2, 3]))
    return Damage(seed, store, fault, chance.choice(_QUESTIONS), world.model.fresh_ids(seed))


async def run_damage(world: World, case: Damage) -> list[Violation]:
    """Ask while answers are damaged, and again when they no longer are: nothing of them was kept."""
    between = world.proxies[case.store]
    between.random.seed(case.seed)
    truth = await world.expect(case.question, case.ids, frozenset({case.store}))
    expected = replace(truth, is_late=case.fault.delay_s > 0, is_brief=case.fault.answers is not None)
    await between.switch(case.fault)
    answer = await world.ask(case.question, case.ids, wait_s=WAIT_S if case.fault.delay_s else None)
    violations = check(answer, expected)
    await between.heal()
    again = await _whole(world, case)
    violations += [
        Violation(f"{wrong.kind} AFTERWARDS", wrong.text) for wrong in check(again, replace(truth, faulty=frozenset()))
    ]
    return violations


async def _whole(world: World, case: Damage) -> Answer:
    """Return the answer of a store that is well again, which may take a moment."""
    start = time.monotonic()
    while True:
        answer = await world.ask(case.question, case.ids)
        if not answer.errors or time.monotonic() - start > _RETURN_S:
            return answer
        await asyncio.sleep(0.05)
