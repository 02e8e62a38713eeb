"""No tenant is told anything of another's rows, however it asks; and each of the checks fails without its tenant.

The first tenant's answers are compared with those of a gateway over its own rows alone: what depends on a row of the
other tenant differs, be it a value, a sum, an order, a page or an error. Queries are made from the schema.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest

from deploy.analytics import model as analytics_model
from deploy.analytics.data import load
from deploy.embedded.engines import StoreUrls
from gateway.auth import viewer
from loaders.cache.cache import Cache
from loaders.migrations import migrate_own
from loaders.model.loading import load_model
from loaders.objects.cache_names import CacheNames
from loaders.objects.cached_sections import CachedSections
from loaders.statements import planning
from loaders.statements.row_sources import RowsWriter
from resolvers import cursors
from tests.conftest import NewDatabase
from tests.gateway.models.generated_queries import QueryMaker, Seen
from tests.gateway.models.removed_tenants import REMOVED
from tests.gateway.models.two_tenants import (
    Gateways,
    TwoTenants,
    Way,
    alone,
    at_once,
    by_get,
    differing,
    differs,
    one_after_the_other,
    small,
)
from tests.resolvers.schemas import schema_of

DATA_ONLY: dict[str, Any] = {"response_cache_mib": 0}
LAYERS: dict[str, tuple[dict[str, Any], Way]] = {
    "the databases": ({"cache": False}, one_after_the_other),
    "memory": (DATA_ONLY, one_after_the_other),
    "Redis": ({**DATA_ONLY, "gateways": 2}, one_after_the_other),
    "loads in flight": (DATA_ONLY, at_once),
    "whole responses": ({}, by_get),
}
TABLES = [table.name for table in load_model("deploy.analytics.model").tables if table is not analytics_model.plans]


@pytest.fixture(scope="module")
async def tenants(new_database: NewDatabase, store_urls: StoreUrls) -> AsyncIterator[TwoTenants]:
    """Databases with both tenants and with the first one alone. Read them, never change them."""
    data = small()
    async with new_database() as both, new_database() as item:
        await load(data, *both.stores)
        await load(alone(data), *item.stores)
        await migrate_own(both.stores.postgres)
        yield TwoTenants(load_model("deploy.analytics.model"), data, both, item, store_urls.redis_url)


@pytest.fixture(scope="module")
async def seen(tenants: TwoTenants) -> list[Seen]:
    """Return each tenant's answers, and those of both together, to queries for all ids and values that either knows."""
    schema = schema_of(tenants.model)[0]._schema
    known = [Seen(), Seen(), Seen()]
    maker = QueryMaker(schema, known[2])
    async with tenants.serve(cache=False) as gateways:
        queries = [maker.first()]
        for _ in range(3):
            for tenant, query in ((tenant, query) for query in queries for tenant in (0, 1)):
                answer = await gateways.ask(tenant, query)
                for each in (known[tenant], known[2]):
                    each.add(schema, answer["data"])
            queries = maker.all()
    return known


@pytest.fixture(scope="module")
def maker(tenants: TwoTenants, seen: list[Seen]) -> QueryMaker:
    return QueryMaker(schema_of(tenants.model)[0]._schema, seen[2])


@pytest.fixture(scope="module")
async def right(tenants: TwoTenants, maker: QueryMaker) -> dict[str, Any]:
    """The first tenant's answers over its own rows alone, by query."""
    async with tenants.serve(of_one=True, cache=False) as gateways:
        return {query: await gateways.ask(0, query) for query in maker.all()}


def test_queries_ask_for_every_field_and_what_they_are_answered_tells_tenants_apart(
    maker: QueryMaker, seen: list[Seen]
) -> None:
    first, second, both = (each.by_field for each in seen)
    leaves = maker.leaves()
    assert leaves - both.keys() == set()
    assert {name for name in leaves if first[name] == second[name]} == set()


@pytest.mark.parametrize("layer", LAYERS)
async def test_no_answer_depends_on_another_tenants_rows(
    tenants: TwoTenants, right: dict[str, Any], layer: str
) -> None:
    settings, way = LAYERS[layer]
    async with tenants.serve(**settings) as gateways:
        assert await differing(gateways, way, right) == []


async def test_a_cursor_is_of_one_tenant(tenants: TwoTenants, maker: QueryMaker) -> None:
    async with tenants.serve() as gateways:
        assert await usable_by_others(gateways, maker) == []


async def usable_by_others(gateways: Gateways, maker: QueryMaker) -> list[str]:
    """Return the queries of pages that go on for the first tenant behind a cursor of the other one."""
    usable = []
    for page in maker.pages():
        cursor = re.search(r'"endCursor": ?"([^"]+)"', (await gateways.get(1, page.replace("%s", ""))).text)
        assert cursor is not None, page
        query = page.replace("%s", f', after: "{cursor[1]}"')
        own, other = await gateways.ask(1, query), await gateways.ask(0, query)
        assert "errors" not in own
        errors = [error["message"] for error in other.get("errors", [])]
        if not errors or not all("is not a cursor of this list" in error for error in errors):
            usable.append(query)
    return usable


async def test_stale_values_are_refreshed_for_their_own_tenant(
    tenants: TwoTenants, right: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loaders.cache.cache_loader.variants", _stale)
    async with tenants.serve(**DATA_ONLY) as gateways:
        cache: Cache = gateways.apps[0].state.stores.cache

        async def refreshed(gateways: Gateways, query: str) -> Any:
            await one_after_the_other(gateways, query)
            await at_once(gateways, query)
            await cache.settle()
            return await gateways.ask(0, query)

        assert await differing(gateways, refreshed, right) == []
        assert cache.counts["fields refreshed"] > 100


def _stale(_freshness: Any, now_ms: int) -> list[bytes]:
    """The times of values that are stale from the beginning."""
    return [b"%013d%013d%013d" % (now_ms - 1, now_ms + 600_000, now_ms + 600_000)] * 32


EXPLAINED = "{ members(first: 2) { nodes { nickname } } }"


async def test_explaining_tells_nothing_of_what_is_cached_for_others(tenants: TwoTenants) -> None:
    async with tenants.serve(**DATA_ONLY) as gateways:
        assert await explained(gateways) == [(0, 1), (0, 1), (1, 0)]


async def explained(gateways: Gateways) -> list[tuple[int, int]]:
    """How much of a page is fresh and missing: for the other tenant, then for the first one, and then once more."""
    told = []
    for tenant in (1, 0, 0):
        answer = await gateways.ask(tenant, EXPLAINED, extensions={"explain": True})
        (field,) = answer["extensions"]["explain"]["fields"]
        (section,) = field["sections"]
        told.append((section["fresh"], section["missing"]))
        key = gateways.tenants[tenant]
        assert all(each["arguments"]["tenant"] == key for each in field["statements"])
    return told


SECRET = "a secret of the tests' own, 32 bytes at least"
TOKENS: dict[str, Any] = {"jwt_secret": SECRET, "jwt_audience": "us", "jwt_issuer": "them"}


def token(gateways: Gateways, **claims: Any) -> dict[str, str]:
    """The header of a token of one subject with all scopes and these claims."""
    known = {"exp": time.time() + 600, "iss": "them", "aud": "us", "sub": "somebody"}
    text = jwt.encode({**known, "scope": " ".join(gateways.model.scopes), **claims}, SECRET)
    return {"Authorization": f"Bearer {text}"}


async def test_the_budget_of_a_subject_is_its_tenants(tenants: TwoTenants) -> None:
    async with tenants.serve(**TOKENS, rate_cost_per_minute=10_000) as gateways:
        first, second = await remaining(gateways)
        assert abs(first - second) < 300


async def remaining(gateways: Gateways) -> tuple[int, int]:
    """Return what is left of a subject's budget at the first tenant after one query, and at the other after another."""
    left = []
    for tenant in (1, 0):
        header = token(gateways, workspace=gateways.tenants[tenant])
        answer = await gateways.clients[0].post("/graphql", json={"query": EXPLAINED}, headers=header)
        match = re.search(r"r=([0-9]+)", answer.headers["ratelimit"])
        assert match is not None
        left.append(int(match[1]))
    return left[0], left[1]


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"workspace": None},
        {"workspace": ""},
        {"workspace": True},
        {"workspace": 1},
        {"workspace": 1.0},
        {"workspace": ["00000000-0000-0000-0000-000000000001"]},
        {"workspace": {"id": "00000000-0000-0000-0000-000000000001"}},
        {"workspace": "00000000-0000-0000-0000-000000000001\0"},
        {"workspace": "00000000-0000-0000-0000-000000000001' or true --"},
        {"workspace": "00000000-0000-0000-0000-000000000001" * 100},
        {"Workspace": "00000000-0000-0000-0000-000000000001"},
    ],
)
async def test_a_claim_that_is_no_tenant_is_refused(tenants: TwoTenants, claims: dict[str, Any]) -> None:
    async with tenants.serve(**TOKENS) as gateways:
        header = token(gateways, **claims)
        answer = await gateways.clients[0].post("/graphql", json={"query": EXPLAINED}, headers=header)
    assert (answer.status_code, "data" in answer.json()) == (403, False)


@pytest.mark.parametrize("removed", REMOVED)
async def test_the_check_fails_without_the_tenant_of(
    tenants: TwoTenants, right: dict[str, Any], monkeypatch: pytest.MonkeyPatch, removed: str
) -> None:
    layer, remove = REMOVED[removed]
    remove(monkeypatch)
    settings, way = LAYERS[layer]
    async with tenants.serve(**settings) as gateways:
        assert await differs(gateways, way, right)


@pytest.mark.parametrize("table", TABLES)
async def test_the_check_fails_without_the_tenant_in_statements_over(
    tenants: TwoTenants, right: dict[str, Any], monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    narrow = RowsWriter._tenant
    monkeypatch.setattr(RowsWriter, "_tenant", lambda self, each: [] if each.name == table else narrow(self, each))
    remembered = (planning._planned, planning._text)
    for each in remembered:
        each.cache_clear()
    try:
        async with tenants.serve(cache=False) as gateways:
            assert await differs(gateways, one_after_the_other, right)
    finally:
        for each in remembered:
            each.cache_clear()


async def test_the_check_of_cursors_fails_without_the_tenant_in_them(
    tenants: TwoTenants, maker: QueryMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cursors, "_associated_data", lambda identity, _tenant: [identity.encode()])
    async with tenants.serve() as gateways:
        assert len(await usable_by_others(gateways, maker)) == len(maker.pages())


async def test_the_check_of_explaining_fails_with_anothers_names(
    tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, states = CacheNames.keys, CachedSections.states

    async def states_of_other(self: CachedSections, *arguments: Any) -> Any:
        model = self.names.model
        other = CacheNames(model, gateways.tenants[1])
        with monkeypatch.context() as patch:
            patch.setattr(CacheNames, "keys", lambda _names, *rest: keys(other, *rest))
            return await states(self, *arguments)

    monkeypatch.setattr(CachedSections, "states", states_of_other)
    async with tenants.serve(**DATA_ONLY) as gateways:
        assert await explained(gateways) != [(0, 1), (0, 1), (1, 0)]


async def test_the_check_of_budgets_fails_without_the_tenant_in_their_names(
    tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer.Viewer, "budget_name", property(lambda self: self.name))
    async with tenants.serve(**TOKENS, rate_cost_per_minute=10_000) as gateways:
        first, second = await remaining(gateways)
        assert abs(first - second) >= 60
