"""The cells of the matrix that tell most, for each run of the tests; `make chaos` has all."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.chaos.answer_check import Violation
from tests.chaos.cells import Cell, run_cell, warm_up
from tests.chaos.databases import DatabasesOf
from tests.chaos.network_faults import BLACK_HOLE, CUT, HTTP_FAULTS, REFUSED
from tests.chaos.sample_models import ANALYTICS, FLEET, SampleModel
from tests.chaos.world import World, opened_world

LATE_S = 1.0
ATTEMPTS = 3
OF_A_BUSY_MACHINE = {"MISSING", "LATE", "RETURN"}
"""What a store that is late because of other tests leads to. It is tried again; anything else never is."""
SMALL = ("dashboard", "trends")

_DAMAGES = [
    fault for fault in HTTP_FAULTS if fault.name in ("empty", "cut at a block", "the answer to another statement")
]
CELLS = [
    Cell(REFUSED, "postgres"),
    Cell(BLACK_HOLE, "postgres"),
    Cell(CUT, "clickhouse"),
    Cell(BLACK_HOLE, "clickhouse"),
    *(Cell(fault, "clickhouse") for fault in _DAMAGES),
    Cell(CUT, "redis"),
    Cell(BLACK_HOLE, "redis"),
]


@pytest.fixture(scope="module", params=[(FLEET, True), (ANALYTICS, False)], ids=["fleet", "analytics"])
async def world(
    request: pytest.FixtureRequest, shared_databases: DatabasesOf, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A gateway of the fleet with a cache, and one of the analytics without."""
    model: SampleModel
    model, is_cached = request.param
    log = tmp_path_factory.mktemp("chaos") / "gateway.log"
    databases = shared_databases[model.name]
    async with opened_world(model, databases, log, is_cached=is_cached, redis_database=13) as world:
        await warm_up(world)
        yield world


@pytest.mark.parametrize("cell", CELLS, ids=str)
async def test_a_fault_costs_no_more_than_it_must(world: World, cell: Cell) -> None:
    for _ in range(ATTEMPTS):
        violations, _ = await run_cell(world, cell, LATE_S, SMALL)
        if not _may_be_late(violations):
            break
    assert not violations, "\n".join(map(str, violations))


def _may_be_late(violations: list[Violation]) -> bool:
    """Whether these, and no others, are what a busy machine leads to."""
    return bool(violations) and {violation.kind for violation in violations} <= OF_A_BUSY_MACHINE
