"""Each fault of each store, before a real gateway: nothing wrong, nothing late, nothing unexplained, and soon whole."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chaos.cells import CELLS, Cell, run_cell
from tests.chaos.databases import DatabasesOf
from tests.chaos.sample_models import MODELS, SampleModel
from tests.chaos.world import World, opened_world

LATE_S = 0.1
"""What an answer may take longer than its deadline."""
REDIS_DATABASES = {("fleet", False): 6, ("fleet", True): 7, ("analytics", False): 8, ("analytics", True): 9}

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module", params=[False, True], ids=["without a cache", "with a cache"])
def is_cached(request: pytest.FixtureRequest) -> bool:
    """Whether the gateway caches."""
    return bool(request.param)


@pytest.fixture(scope="module", params=MODELS, ids=lambda model: model.name)
async def world(
    request: pytest.FixtureRequest,
    is_cached: bool,
    own_databases: DatabasesOf,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[World]:
    """A gateway of a model, and proxies before its stores."""
    model: SampleModel = request.param
    log = tmp_path_factory.mktemp("chaos") / "gateway.log"
    number = REDIS_DATABASES[model.name, is_cached]
    async with opened_world(model, own_databases[model.name], log, is_cached=is_cached, redis_database=number) as world:
        yield world


@pytest.mark.parametrize("cell", CELLS, ids=str)
async def test_a_fault_costs_no_more_than_it_must(world: World, cell: Cell) -> None:
    violations, timing = await run_cell(world, cell, LATE_S)
    _note(world, cell, [str(violation) for violation in violations], timing)
    assert not violations, "\n".join(map(str, violations))


def _note(world: World, cell: Cell, violations: list[str], timing: object) -> None:
    """Append a line to the file that CHAOS_RESULTS names, for tables of all cells."""
    if path := os.environ.get("CHAOS_RESULTS"):
        line = {"model": world.model.name, "cached": world.is_cached, "cell": str(cell), "violations": violations}
        with Path(path).open("a") as file:
            file.write(json.dumps({**line, "timing": repr(timing)}) + "\n")
