"""The fleet's model answers what the built-in fleet answers, section by section and all at once, on the same data."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any

import pytest

from loaders.catalogue import SECTIONS
from loaders.catalogue.declaration import Section
from loaders.model.loading import load_model
from loaders.planning import Period as OldPeriod
from loaders.planning import plan as old_plan
from loaders.planning.section_request import section_request as old_request
from loaders.section_statements import SectionStatements
from loaders.statements.planning import plan
from loaders.statements.section_request import Period, SectionRequest
from loaders.stores.errors import StoreError
from tests.conftest import Stores
from tests.loaders.objects.asking import Asker

MODEL = load_model("deploy.fleet.model")
PERIOD = Period(dt.date(2013, 3, 1), dt.date(2013, 5, 31))
SHOWN = [section for section in SECTIONS.values() if not section.hidden]
DASHBOARD = ("punctuality", "cancellations", "utilization", "delay_percentiles", "turnarounds", "registration", "peers")


def _name(section: type[Section]) -> str:
    inner = f"Aircraft.analysis.{section.name}"
    return inner if inner in MODEL.bound_sections else f"Aircraft.{section.name}"


def _old_period(period: Period | None) -> OldPeriod | None:
    return None if period is None else OldPeriod(period.start, period.end)


def _is_same(left: Any, right: Any) -> bool:
    if isinstance(left, float) or isinstance(right, float):
        return left is not None and right is not None and math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(_is_same, left, right))
    return bool(left == right)


async def _expect_same(
    stores: Stores, asker: Asker, sections: Sequence[type[Section]], period: Period | None, ids: Sequence[str]
) -> None:
    new: dict[type[Section], SectionRequest] = {
        section: asker.request(_name(section), period=period) for section in sections
    }
    old = {section: old_request(section, _old_period(period)) for section in sections}
    expected = await SectionStatements(*stores).load(ids, list(old.values()))
    records = await asker.records(ids, list(new.values()))
    for section in sections:
        width, answered = len(new[section].section.columns), expected[old[section]]
        assert not isinstance(answered, StoreError)
        for key, record, wanted in zip(ids, records, answered, strict=True):
            value = record.get(new[section])
            found = [row[:width] for row in value] if isinstance(value, list) else value  # a page has more behind
            assert _is_same(found, wanted), (section.name, key, found, wanted)


@pytest.fixture(scope="module")
async def ids(sample_stores: Stores) -> list[str]:
    """Two hundred aircraft, registered or not, and one that is unknown."""
    rows = await sample_stores.postgres.rows("select tail_number from aircraft order by md5(tail_number) limit 200")
    return [*(str(row["tail_number"]) for row in rows), "N0FLY"]


@pytest.mark.parametrize("period", [None, PERIOD], ids=["ever", "spring"])
@pytest.mark.parametrize("section", SHOWN, ids=lambda section: section.name)
async def test_a_section_of_the_model_answers_as_the_built_in_one(
    section: type[Section], period: Period | None, sample_stores: Stores, ids: list[str]
) -> None:
    await _expect_same(sample_stores, Asker(MODEL, sample_stores), [section], period, ids)


@pytest.mark.parametrize("period", [None, PERIOD], ids=["ever", "spring"])
async def test_all_sections_at_once_answer_as_the_built_in_ones(
    period: Period | None, sample_stores: Stores, ids: list[str]
) -> None:
    asker = Asker(MODEL, sample_stores)
    await _expect_same(sample_stores, asker, SHOWN, period, ids)
    # ClickHouse: objects and lists of flights, of flights with weather, of the whole fleet; the model's fleet.
    # PostgreSQL: aircraft, registered fleet, revisions, members of models.
    assert [store for store, _ in asker.sent].count("clickhouse") == 7
    assert [store for store, _ in asker.sent].count("postgresql") == 4


@pytest.mark.parametrize("names", [DASHBOARD, tuple(section.name for section in SHOWN)], ids=["dashboard", "all"])
def test_a_plan_has_as_many_statements_as_the_built_in_one(names: Sequence[str]) -> None:
    asker = Asker(MODEL, Stores(None, None))  # type: ignore[arg-type]  # planning asks no store
    sections = [section for section in SHOWN if section.name in names]
    new = plan([asker.request(_name(section)) for section in sections])
    old = old_plan([old_request(section) for section in sections])
    cohorts = sum(statement.source.cohort is not None for statement in old)
    assert sum(statement.statements() for statement in new) == len(old) + cohorts
    assert len(new) == len(old)


async def test_a_section_of_two_fields_is_loaded_once(sample_stores: Stores, ids: list[str]) -> None:
    asker = Asker(MODEL, sample_stores)
    names = [
        "Aircraft.registration",
        "Aircraft.analysis.registration",
        "Aircraft.revisions",
        "Aircraft.analysis.revisions",
    ]
    requests = [asker.request(name) for name in names]
    records = await asker.records(ids, requests)
    assert len(asker.sent) == 2
    assert [each.get(requests[0]) for each in records] == [each.get(requests[1]) for each in records]
    assert [each.get(requests[2]) for each in records] == [each.get(requests[3]) for each in records]
