"""A soak: memory, tasks, connections and descriptors are after it what they were before, and no answer was wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.cells import warm_up
from tests.chaos.databases import DatabasesOf
from tests.chaos.sample_models import FLEET
from tests.chaos.soak import soak
from tests.chaos.test_matrix import LATE_S
from tests.chaos.world import opened_world

MAX_GROWTH = 1.2
SPARE = 8
"""How many more tasks, connections and descriptors there may be: pools keep what they have opened."""
MAX_REST_S = 60.0
REDIS_DATABASE = 12
SHOWN = 20
SMALL = {"GATEWAY_RESPONSE_CACHE_MIB": "1"}
"""A cache that is full before the soak."""


@pytest.mark.chaos
async def test_a_soak_leaves_nothing_behind(
    own_databases: DatabasesOf, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    seconds: float = request.config.getoption("--soak-seconds")
    async with opened_world(
        FLEET,
        own_databases[FLEET.name],
        tmp_path / "gateway.log",
        is_cached=True,
        redis_database=REDIS_DATABASE,
        module="tests.chaos.counted_gateway",
        **SMALL,
    ) as world:
        await warm_up(world)
        result = await soak(world, seconds, min(MAX_REST_S, seconds / 5), LATE_S)
    print(result.before, result.after, result.answers, f"slowest {result.slowest_s:.2f} s", sep="\n")
    violations = [str(violation) for violation in result.violations]
    assert not violations, "\n".join([f"{len(violations)} violations", *violations[:SHOWN]])
    assert result.answers["whole"]
    assert result.after.rss_mib <= MAX_GROWTH * result.before.rss_mib
    assert result.after.tasks <= result.before.tasks + SPARE, result.after.task_names
    assert result.after.connections <= result.before.connections + SPARE
    assert result.after.descriptors <= result.before.descriptors + SPARE
