"""What is told of a load before it is made, held against what is then sent."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import pytest

from deploy.embedded.engines import StoreUrls
from loaders.cache.cache import Cache
from loaders.cache.factory import open_cache
from loaders.catalogue import schedule
from loaders.catalogue.network import Routes
from loaders.catalogue.register import Known, Registration
from loaders.catalogue.schedule import Cancellations, Punctuality
from loaders.catalogue.series import Monthly
from loaders.catalogue.use import Utilization
from loaders.explanation import ExplainedSection, ExplainTarget, Explanation, explain
from loaders.model.databases import Freshness
from loaders.planning import SectionRequest
from loaders.planning.section_request import section_request
from loaders.request_loaders import RequestLoaders
from loaders.stores.redis import Redis
from tests.asking import Recorder
from tests.conftest import Stores

IDS = ("N14228", "N725MQ")
DASHBOARD = (
    section_request(Known),
    section_request(Registration),
    section_request(Punctuality),
    section_request(Utilization),
)


class Brief(schedule.Punctuality):
    """Stale as soon as it is loaded."""

    name = "punctuality"
    freshness = Freshness(0, 3_600, 3_600)
    flights = schedule.Punctuality.flights


@dataclass
class Process:
    """Loaders of one request after another, with what they send."""

    stores: Stores
    cache: Cache | None
    recorder: Recorder

    def loaders(self) -> RequestLoaders:
        relational = self.recorder.relational(self.stores.postgres)
        return RequestLoaders.over(relational, self.recorder.analytical(self.stores.clickhouse), self.cache)

    async def explain(self, requests: Sequence[SectionRequest], ids: Sequence[str] = IDS) -> Explanation:
        (found,) = await explain(self.loaders().cached, [ExplainTarget(requests, len(ids), ids)])
        return found

    async def load(self, requests: Sequence[SectionRequest], ids: Sequence[str] = IDS) -> list[str]:
        """The statements that it took, when all has been kept."""
        del self.recorder.sent[:]
        await self.loaders().sections.load((tuple(ids), frozenset(requests)))
        if self.cache is not None:
            await self.cache.settle()
        return [one.sql for one in self.recorder.sent]


@pytest.fixture
async def cached(store_urls: StoreUrls, sample_stores: Stores) -> AsyncIterator[Process]:
    async with _cache(store_urls.redis_url, uuid4().hex[:8]) as cache:
        yield Process(sample_stores, cache, Recorder())


@asynccontextmanager
async def _cache(url: str, version: str) -> AsyncIterator[Cache]:
    redis = await Redis.connect(url, max_connections=8, acquire_timeout_s=5, command_timeout_s=5)
    try:
        async with open_cache(redis, version, max_entries=10_000, max_bytes=1 << 26, timeout_s=5, lease_s=60) as cache:
            yield cache
    finally:
        await redis.close()


def _states(found: Explanation) -> dict[str, tuple[int, int, int]]:
    return {one.name: (one.fresh, one.stale, one.missing) for one in found.sections}


def _sent(found: Explanation) -> list[str]:
    return sorted(one.sql for one in found.statements)


async def test_of_a_cold_cache_all_is_missing_and_fused_by_source(cached: Process) -> None:
    found = await cached.explain(DASHBOARD)
    assert found.sections == [
        ExplainedSection("known", 0, 0, 2, ["registration"]),
        ExplainedSection("punctuality", 0, 0, 2, ["utilization"]),
        ExplainedSection("registration", 0, 0, 2, ["known"]),
        ExplainedSection("utilization", 0, 0, 2, ["punctuality"]),
    ]
    told = {(one.store, tuple(one.sections), one.objects, tuple(one.arguments)) for one in found.statements}
    assert told == {
        ("postgresql", ("known", "registration"), 2, ()),
        ("clickhouse", ("punctuality", "utilization"), 2, ()),
    }
    assert sorted(await cached.load(DASHBOARD)) == _sent(found)


async def test_what_was_loaded_is_fresh_and_takes_no_statement(cached: Process) -> None:
    await cached.load(DASHBOARD)
    found = await cached.explain(DASHBOARD)
    assert set(_states(found).values()) == {(2, 0, 0)}
    assert (found.statements, await cached.load(DASHBOARD)) == ([], [])
    assert {tuple(one.fused_with) for one in found.sections} == {()}


async def test_only_what_is_missing_is_asked_for(cached: Process) -> None:
    await cached.load(DASHBOARD)
    found = await cached.explain((*DASHBOARD, section_request(Cancellations)), [*IDS, "N804JB"])
    assert _states(found) == {
        "cancellations": (0, 0, 3),
        **dict.fromkeys(("known", "punctuality", "registration", "utilization"), (2, 0, 1)),
    }
    assert {one.store: one.objects for one in found.statements} == {"postgresql": 1, "clickhouse": 3}
    assert sorted(await cached.load((*DASHBOARD, section_request(Cancellations)), [*IDS, "N804JB"])) == _sent(found)


async def test_what_is_stale_is_told_and_takes_no_statement(cached: Process) -> None:
    await cached.load((section_request(Brief),))
    await asyncio.sleep(0.005)
    found = await cached.explain((section_request(Brief),))
    assert _states(found) == {"punctuality": (0, 2, 0)}
    assert found.statements == []


async def test_sections_are_told_apart_by_their_arguments(cached: Process) -> None:
    found = await cached.explain(
        (section_request(Monthly, first=3), section_request(Monthly, first=2), section_request(Routes, first=4))
    )
    assert [(one.name, one.fused_with) for one in found.sections] == [
        ("monthly first=2", ["monthly first=3", "routes first=4"]),
        ("monthly first=3", ["monthly first=2", "routes first=4"]),
        ("routes first=4", ["monthly first=2", "monthly first=3"]),
    ]
    (statement,) = found.statements
    assert statement.arguments == {"monthly__first": "2", "monthly_2__first": "3", "routes__first": "4"}


async def test_a_look_delays_nobody_and_leaves_the_load_to_whoever_comes(
    store_urls: StoreUrls, sample_stores: Stores
) -> None:
    """A lease would make the other process wait for a minute."""
    version = uuid4().hex[:8]
    async with _cache(store_urls.redis_url, version) as one, _cache(store_urls.redis_url, version) as other:
        await Process(sample_stores, one, Recorder()).explain((section_request(Punctuality),))
        async with asyncio.timeout(30):
            assert len(await Process(sample_stores, other, Recorder()).load((section_request(Punctuality),))) == 1
        assert other.counts["waits"] == 0


async def test_without_a_cache_all_is_missing_and_only_what_is_wanted_is_asked(sample_stores: Stores) -> None:
    process = Process(sample_stores, None, Recorder())
    wanted = SectionRequest(Registration, columns=frozenset(["seats"]))
    for _ in range(2):
        found = await process.explain((section_request(Known), wanted))
        assert _states(found) == {"known": (0, 0, 2), "registration": (0, 0, 2)}
        assert await process.load((section_request(Known), wanted)) == _sent(found)
    assert "manufacturer" not in found.statements[0].sql


async def test_of_objects_that_nobody_knows_yet_as_many_are_missing(cached: Process) -> None:
    await cached.load(DASHBOARD)
    (found,) = await explain(cached.loaders().cached, [ExplainTarget(DASHBOARD, 7)])
    assert set(_states(found).values()) == {(0, 0, 7)}
    assert {one.objects for one in found.statements} == {7}


@pytest.mark.parametrize("is_cached", [True, False])
async def test_ids_that_no_store_can_hold_are_none_of_its_objects(cached: Process, is_cached: bool) -> None:
    process = cached if is_cached else Process(cached.stores, None, Recorder())
    for ids in (["N14228", "longer than any key", "N14228"], ["longer than any key"], []):
        found = await process.explain((section_request(Punctuality),), ids)
        assert _states(found) == {"punctuality": (0, 0, len({"N14228"} & {*ids}))}
        assert (await process.load((section_request(Punctuality),), ids) if ids else []) == _sent(found)
