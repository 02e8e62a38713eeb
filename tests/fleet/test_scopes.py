"""What a viewer of the fleet needs, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from resolvers.scopes import missing_scope
from tests.resolvers.schemas import named

CORE, TYPES = named("deploy.fleet.model")
REGISTER, ANALYSIS = "register:read", "analysis:read"


def missing(path: str, *scopes: str) -> list[str]:
    """The scopes any one of which a viewer with these lacks for a field."""
    type_name, name = path.split(".")
    declared: Any = CORE.type_map[type_name]
    return list(missing_scope(declared.fields[name], frozenset(scopes)))


@pytest.mark.parametrize("name", ["aircraft", "aircraftByIds", "node", "nodes"])
def test_either_scope_is_enough_to_learn_which_aircraft_exist(name: str) -> None:
    assert missing(f"Query.{name}") == [REGISTER, ANALYSIS]
    assert missing(f"Query.{name}", REGISTER) == missing(f"Query.{name}", ANALYSIS) == []


@pytest.mark.parametrize(
    "path",
    [
        "Query.fleet", "Query.airport", "Query.airline", "Aircraft.registration", "Aircraft.revisions",
        "Aircraft.operator", "Aircraft.homeBase", "Analysis.registration", "Analysis.revisions", "Analysis.age",
        "Analysis.peers", "Analysis.manufacturerShare", "Analysis.seatRank", "Analysis.modelBenchmark",
        "CarrierUse.airline", "AirportService.airport",
    ],
)  # fmt: skip
def test_the_register_and_links_into_it_need_its_scope_alone(path: str) -> None:
    assert missing(path, ANALYSIS) == [REGISTER]
    assert missing(path, REGISTER) == []


def test_the_analysis_needs_its_scope_once_for_all_that_is_in_it() -> None:
    assert missing("Aircraft.analysis", REGISTER) == [ANALYSIS]
    assert missing("Aircraft.analysis", ANALYSIS) == []
    for name in ("punctuality", "fleetRank", "flightLog"):
        assert missing(f"Analysis.{name}") == []
