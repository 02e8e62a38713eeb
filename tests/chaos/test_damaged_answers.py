"""Two thousand damaged answers of both databases: no wrong value is answered, and none is kept for later."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chaos.cells import warm_up
from tests.chaos.damaged_answers import damage, run_damage
from tests.chaos.databases import DatabasesOf
from tests.chaos.sample_models import MODELS, SampleModel
from tests.chaos.world import World, opened_world

CASES = {"fleet": 1850, "analytics": 150}
FEW = 40
SHOWN = 20


@pytest.fixture(scope="module", params=MODELS, ids=lambda model: model.name)
async def world(
    request: pytest.FixtureRequest, shared_databases: DatabasesOf, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A gateway of a model with a cache, and proxies before its stores."""
    model: SampleModel = request.param
    log = tmp_path_factory.mktemp("chaos") / "gateway.log"
    number = 10 + MODELS.index(model)
    async with opened_world(model, shared_databases[model.name], log, is_cached=True, redis_database=number) as world:
        await warm_up(world)
        yield world


async def _run(world: World, seeds: range) -> None:
    counts: Counter[str] = Counter()
    shown: list[str] = []
    for seed in seeds:
        case = damage(world, seed)
        for violation in await run_damage(world, case):
            counts[violation.kind] += 1
            shown.append(f"{case}: {violation}")
    shown += [str(violation) for violation in world.log.violations()]
    _note(shown)
    assert not shown, "\n".join([f"{dict(counts)} in {len(seeds)} cases", *shown[:SHOWN]])


def _note(violations: list[str]) -> None:
    """Write them to a file beside the one that CHAOS_RESULTS names."""
    if path := os.environ.get("CHAOS_RESULTS"):
        Path(f"{path}.damaged").write_text("\n".join(violations))


@pytest.mark.chaos
async def test_a_few_damaged_answers_are_errors(world: World) -> None:
    await _run(world, range(FEW))


@pytest.mark.chaos
async def test_two_thousand_damaged_answers_are_errors(world: World) -> None:
    await _run(world, range(FEW, CASES[world.model.name]))
