"""What is told of a load before it is made, held against what is then sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from loaders.model.model import Model
from loaders.objects.explanation import ExplainTarget, Explanation, explain
from loaders.objects.request_loaders import RequestLoaders
from loaders.statements.section_request import SectionRequest
from tests.conftest import Stores
from tests.loaders.objects.asking import MEMBERS, PROJECTS, TENANTS, Asker
from tests.loaders.objects.conftest import OpenCache

FIRST = str(TENANTS[0])
NAMES = ("Member.record", "Member.activity", "Member.usage.activity", "Member.activity_rank", "Member.invoices")


def _loaders(asker: Asker) -> RequestLoaders:
    return RequestLoaders.over(asker.model, asker.databases(), asker.cache, asker.scope())


async def _explain(asker: Asker, requests: Sequence[SectionRequest], keys: Sequence[Any] | None) -> Explanation:
    target = ExplainTarget(requests[0].section.key_space, requests, 3 if keys is None else len(keys), keys)
    (explanation,) = await explain(_loaders(asker), [target])
    return explanation


async def test_without_a_cache_all_is_missing_and_the_statements_are_those_that_are_sent(
    analytics: Model, analytics_stores: Stores
) -> None:
    asker = Asker(analytics, analytics_stores, FIRST)
    requests = [asker.request(name) for name in NAMES]
    explanation = await _explain(asker, requests, MEMBERS[:3])
    assert asker.sent == []
    assert [each.name.split()[0] for each in explanation.sections] == sorted(NAMES)
    assert {(each.fresh, each.stale, each.missing) for each in explanation.sections} == {(0, 0, 3)}
    await asker.records(MEMBERS[:3], requests)
    told = Counter(each.sql for each in explanation.statements if "fw_sent" not in each.sql)
    sent = Counter(sql for _, sql in asker.sent if "fw_sent" not in sql)
    assert told == sent
    assert len(explanation.statements) == len(asker.sent)
    assert {each.objects for each in explanation.statements} == {3}


async def test_what_is_cached_takes_no_statement(
    analytics: Model, analytics_stores: Stores, process: OpenCache
) -> None:
    async with process() as cache:
        asker = Asker(analytics, analytics_stores, FIRST, cache)
        requests = [asker.request(name) for name in NAMES]
        await asker.records(MEMBERS[:2], requests[:2])
        await cache.settle()
        asker.sent.clear()
        explanation = await _explain(asker, requests, MEMBERS[:3])
        states = {each.name: (each.fresh, each.stale, each.missing) for each in explanation.sections}
        assert states["Member.record"] == (2, 0, 1)
        assert (states["Member.usage.activity"], states["Member.activity_rank"]) == ((2, 0, 1), (0, 0, 3))
        assert asker.sent == []
        await asker.records(MEMBERS[:3], requests)
        await cache.settle()
        explanation = await _explain(asker, requests, MEMBERS[:3])
        assert {each.fresh for each in explanation.sections} == {3}
        assert explanation.statements == []


async def test_objects_that_are_not_known_are_missing(analytics: Model, analytics_stores: Stores) -> None:
    asker = Asker(analytics, analytics_stores, FIRST)
    explanation = await _explain(asker, [asker.request("Member.record")], None)
    assert [(each.missing, len(explanation.statements)) for each in explanation.sections] == [(3, 1)]


async def test_targets_of_one_key_space_share_their_statements(analytics: Model, analytics_stores: Stores) -> None:
    asker = Asker(analytics, analytics_stores, FIRST)
    member = asker.request("Member.record")
    project = asker.request("Project.record")
    space = member.section.key_space
    targets = [
        ExplainTarget(space, [member], 1, MEMBERS[:1]),
        ExplainTarget(space, [member], 1, MEMBERS[1:2]),
        ExplainTarget(project.section.key_space, [project], 2, PROJECTS[:2]),
    ]
    first, second, third = await explain(_loaders(asker), targets)
    assert [each.objects for each in (*first.statements, *second.statements)] == [2, 2]
    assert [each.objects for each in third.statements] == [2]
    assert [each.missing for each in first.sections] == [1]


@pytest.mark.parametrize("with_cache", [False, True])
async def test_the_tenants_own_zone_is_a_part_of_what_is_explained(
    analytics: Model, analytics_stores: Stores, process: OpenCache, with_cache: bool
) -> None:
    async with process() as cache:
        asker = Asker(analytics, analytics_stores, FIRST, cache if with_cache else None)
        months = asker.request("Member.usage.by_month")
        await asker.records(MEMBERS[:1], [months])
        await cache.settle()
        explanation = await _explain(asker, [months], MEMBERS[:1])
        assert [each.fresh for each in explanation.sections] == [int(with_cache)]
