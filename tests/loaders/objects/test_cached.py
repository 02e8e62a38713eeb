"""Objects by way of the cache, on a real Redis: whose they are, what invalidates them, and what is never cached."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from deploy.analytics.data import ZONES
from loaders.cache.invalidation import Change, Invalidator
from loaders.errors import CallerError
from loaders.model.loading import load_model
from loaders.model.model import Model
from loaders.objects.invalidation import Invalidation
from loaders.objects.request_loaders import RequestLoaders
from loaders.request_tracker import begin_request
from loaders.statements.planning import plan
from loaders.statements.section_request import Period, SectionRequest
from loaders.stores.redis import Redis
from tests.conftest import Stores
from tests.loaders.objects.asking import DATA, MEMBERS, NOBODY, PROJECTS, TENANTS, Asker
from tests.loaders.objects.conftest import OpenCache
from tests.loaders.statements import truth

SOME = [*MEMBERS[:20], NOBODY]
FIRST, SECOND = map(str, TENANTS[:2])
NAMES = (
    "Member.record",
    "Member.activity",
    "Member.activity_rank",
    "Member.billing",
    "Member.invoices",
    "Member.projects",
    "Member.recent_events",
    "Member.usage.by_month",
)


async def _values(asker: Asker, keys: list[Any], requests: list[SectionRequest]) -> list[list[Any]]:
    return [[record.get(request) for record in await asker.records(keys, requests)] for request in requests]


async def test_what_is_cached_is_what_was_loaded_in_memory_and_in_redis(
    analytics: Model, analytics_stores: Stores, process: OpenCache
) -> None:
    plain = Asker(analytics, analytics_stores, FIRST)
    requests = [plain.request(name) for name in NAMES]
    expected = await _values(plain, SOME, requests)
    async with process() as item, process() as other:
        for place, cache in enumerate((item, item, other)):
            asker = Asker(analytics, analytics_stores, FIRST, cache)
            assert await _values(asker, SOME, requests) == expected
            await cache.settle()
            assert bool(asker.sent) == (place == 0)
        assert other.counts["fields from redis"] == len(SOME) * len(NAMES) + 1  # and the tenant's time zone


async def test_uncached_loaders_ask_the_databases_whatever_was_loaded_or_cached(
    analytics: Model, analytics_stores: Stores, process: OpenCache
) -> None:
    async with process() as cache:
        asker = Asker(analytics, analytics_stores, FIRST, cache)
        request = asker.request("Member.record")
        load_key = (request.section.key_space, tuple(SOME), frozenset([request]))
        expected = await _values(asker, SOME, [request])
        await cache.settle()
        asker.sent.clear()
        loaders = RequestLoaders.over(analytics, asker.databases(), cache, asker.scope())
        await loaders.objects.load(load_key)
        assert asker.sent == []
        for count in (1, 2):
            records = await loaders.uncached().objects.load(load_key)
            assert [[record.get(request) for record in records]] == expected
            assert len(asker.sent) == count


@pytest.mark.parametrize("filters", [{}, {"plan": (1, 2)}])
async def test_pages_lines_and_every_kind_of_request_come_back_from_redis_as_they_were(
    analytics: Model, analytics_stores: Stores, process: OpenCache, filters: dict[str, Any]
) -> None:
    plain = Asker(analytics, analytics_stores, FIRST)
    order = analytics.bound_sections["Member.invoices"].orders["total"].term(is_descending=True)
    page = plain.request("Member.invoices", first=2, order=(order,), filters=filters)
    period = plain.request("Member.usage.activity", period=Period(dt.date(2026, 2, 1), None))
    requests = [page, period, plain.request("Member.activity", arguments={"slowMs": 100})]
    expected = await _values(plain, SOME, requests)
    async with process() as item, process() as other:
        for cache in (item, other):
            assert await _values(Asker(analytics, analytics_stores, FIRST, cache), SOME, requests) == expected
            await cache.settle()
        assert not other.counts["fields loaded"]


async def test_what_clients_fill_with_long_values_is_asked_of_the_databases_each_time(
    analytics: Model, analytics_stores: Stores, process: OpenCache
) -> None:
    """Otherwise their names would fill what counts names only: memory, Redis, and the plans that are remembered."""
    plain = Asker(analytics, analytics_stores, FIRST)
    short = plain.request("Member.invoices", first=2, filters={"plan": (1, 2)})
    long = plain.request("Member.invoices", first=2, filters={"plan": (1, 2) * 1_000})
    async with process() as cache:
        asker = Asker(analytics, analytics_stores, FIRST, cache)
        for count in (1, 2):
            tracker = begin_request()
            values = await _values(asker, SOME, [long])
            await cache.settle()
            assert (len(asker.sent), tracker.cache_policy.is_kept) == (count, False)
        assert not cache.counts["fields loaded"]
        assert values == await _values(asker, SOME, [short])
    assert plan([short])[0] is plan([short])[0]
    assert plan([long])[0] is not plan([long])[0]


async def test_two_tenants_with_the_same_keys_never_meet(
    analytics: Model, analytics_stores: Stores, process: OpenCache
) -> None:
    async with process() as item, process() as other:
        for _ in range(2):
            for cache in (item, other):
                for tenant in TENANTS:
                    asker = Asker(analytics, analytics_stores, str(tenant), cache)
                    own = truth.own(DATA, tenant)
                    assert await asker.of("Member.activity", MEMBERS) == truth.activity(own, "member_id")
                    assert await asker.of("Project.activity", PROJECTS) == truth.activity(own, "project_id")
                    zone = ZONES[TENANTS.index(tenant)]
                    assert await asker.of("Member.usage.by_month", MEMBERS) == truth.months(own, zone)
                    await cache.settle()


async def _reloaded(askers: list[Asker], requests: list[SectionRequest], change: Change, redis: Redis) -> set[str]:
    """Return what is asked of the databases after a change, as sections of tenants."""
    for asker in askers:
        for request in requests:
            await asker.records(_keys(request), [request])
        assert asker.cache is not None
        await asker.cache.settle()
        asker.sent.clear()
    await Invalidator(redis).invalidate(change)
    reloaded: set[str] = set()
    for asker in askers:
        for request in requests:
            await asker.records(_keys(request), [request])
            reloaded |= {f"{request.section.name}@{(asker.tenant or '')[-1]}"} if asker.sent else set()
            asker.sent.clear()
    return reloaded


def _keys(request: SectionRequest) -> list[Any]:
    keys: dict[str, list[Any]] = {"Member": MEMBERS[:2], "Plan": [1], "Query.member_by_email": ["member1@example.org"]}
    return keys.get(request.section.key_space.name, [()])


CHANGES: list[tuple[dict[str, Any], set[str]]] = [
    ({"tables": ["billing.invoices"]}, {"Member.billing@1", "Member.billing@2"}),
    ({"tables": ["billing.invoices"], "tenant": FIRST}, {"Member.billing@1"}),
    ({"sections": ["Member.billing"], "tenant": SECOND}, {"Member.billing@2"}),
    (
        {"keys": {"Member": [MEMBERS[0]]}, "tenant": FIRST},
        {f"{name}@1" for name in ("Member.record", "Member.billing", "Query.member_by_email", "Query.members")}
        | {"Member.activity_rank@1"},
    ),
    (
        {"keys": {"Member": [NOBODY]}, "tenant": FIRST},
        {"Member.activity_rank@1", "Query.member_by_email@1", "Query.members@1"},
    ),
    ({"keys": {"Plan": ["1"]}}, {"Plan.record@1", "Plan.record@2"}),
    (
        {"keys": {"Member": ["no key"]}, "tenant": SECOND},
        {"Member.activity_rank@2", "Query.member_by_email@2", "Query.members@2"},
    ),
]
ALL = (
    "Member.record",
    "Member.billing",
    "Member.activity_rank",
    "Query.member_by_email",
    "Query.members",
    "Plan.record",
)


@pytest.mark.parametrize(
    ("named", "concerned"), CHANGES, ids=lambda value: "-".join(value) if isinstance(value, dict) else ""
)
async def test_a_change_concerns_what_was_read_of_it_alone(
    analytics: Model,
    analytics_stores: Stores,
    process: OpenCache,
    redis: Redis,
    named: dict[str, Any],
    concerned: set[str],
) -> None:
    async with process() as cache:
        askers = [Asker(analytics, analytics_stores, tenant, cache) for tenant in (FIRST, SECOND)]
        requests = [askers[0].request(name) for name in ALL]
        assert await _reloaded(askers, requests, Invalidation(analytics).change_of(**named), redis) == concerned


@pytest.mark.parametrize(
    ("named", "tenants"),
    [({"tenant": FIRST}, "1"), ({"everything": True}, "12"), ({"everything": True, "tenant": SECOND}, "2")],
)
async def test_a_tenant_and_everything_are_invalidated(
    analytics: Model, analytics_stores: Stores, process: OpenCache, redis: Redis, named: dict[str, Any], tenants: str
) -> None:
    async with process() as cache:
        askers = [Asker(analytics, analytics_stores, tenant, cache) for tenant in (FIRST, SECOND)]
        requests = [askers[0].request(name) for name in ALL]
        change = Invalidation(analytics).change_of(**named)
        assert await _reloaded(askers, requests, change, redis) == {
            f"{name}@{each}" for name in ALL for each in tenants
        }


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"keys": {"Membr": ["x"]}, "tenant": FIRST}, 'no object type Membr. Did you mean "Member"?'),
        ({"sections": ["Member.activty"]}, 'no section Member.activty. Did you mean "Member.activity"?'),
        ({"tables": ["billing.invoice"]}, 'no table billing.invoice. Did you mean "billing.invoices"?'),
        ({"keys": {"Member": [NOBODY]}}, "Member: say whose objects have changed"),
        ({"tenant": "x"}, "'x' cannot be a tenant: it is no UUID."),
    ],
)
def test_a_change_of_what_is_unknown_is_the_callers_error(
    analytics: Model, named: dict[str, Any], message: str
) -> None:
    with pytest.raises(CallerError) as raised:
        Invalidation(analytics).change_of(**named)
    assert message in str(raised.value)


async def test_two_models_on_one_redis_never_meet(
    tmp_path: Path, analytics: Model, analytics_stores: Stores, process: OpenCache, redis: Redis
) -> None:
    other = _edited(tmp_path, '"analytics",\n', '"other",\n')
    async with process() as cache:
        for model in (analytics, other):
            asker = Asker(model, analytics_stores, FIRST, cache)
            await asker.of("Member.billing", SOME)
            assert asker.sent
            await cache.settle()
            asker.sent.clear()
        await Invalidator(redis).invalidate(Invalidation(other).change_of(everything=True))
        for model, is_asked in ((analytics, False), (other, True)):
            asker = Asker(model, analytics_stores, FIRST, cache)
            await asker.of("Member.billing", SOME)
            assert bool(asker.sent) == is_asked


@pytest.mark.parametrize(
    ("was", "becomes", "is_asked"),
    [
        ('"Sum of their totals."', '"All that was billed."', False),
        ('"""Sums of invoices."""', '"""Money."""', False),
        ('m.sql("sum(total)"', 'm.sql("sum(total) + 1"', True),
    ],
    ids=["description", "docstring", "sql"],
)
async def test_only_another_sql_leaves_the_cache_cold(
    tmp_path: Path,
    analytics: Model,
    analytics_stores: Stores,
    process: OpenCache,
    was: str,
    becomes: str,
    is_asked: bool,
) -> None:
    async with process() as cache:
        await Asker(analytics, analytics_stores, FIRST, cache).of("Member.billing", SOME)
        await cache.settle()
        asker = Asker(_edited(tmp_path, was, becomes), analytics_stores, FIRST, cache)
        await asker.of("Member.billing", SOME)
        assert bool(asker.sent) == is_asked


async def test_a_table_without_freshness_is_asked_each_time_and_the_response_is_not_kept(
    tmp_path: Path, analytics_stores: Stores, process: OpenCache
) -> None:
    never = _edited(tmp_path, 'scope="member:read", freshness=RECORDS', 'scope="member:read"')
    tracker = begin_request()
    async with process() as cache:
        asker = Asker(never, analytics_stores, FIRST, cache)
        await asker.of("Member.billing", SOME)
        assert tracker.cache_policy.is_kept
        for _ in range(2):
            await asker.of("Member.record", SOME)
    assert len(asker.sent) == 3
    assert not tracker.cache_policy.is_kept


def _edited(folder: Path, was: str, becomes: str) -> Model:
    text = Path("deploy/analytics/model.py").read_text()
    assert was in text
    file = folder / "edited_model.py"
    file.write_text(text.replace(was, becomes))
    return load_model(str(file))
