"""No tenant is told anything of another's rows, however it asks; and each of the checks fails without its tenant.

The proof is that of `fuseway.testing`, which compares the first tenant's answers with those over its own rows alone. Here
both have rows that were made so that every field tells them apart.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import jwt
import pytest

from deploy.analytics import model as analytics_model
from deploy.analytics.data import load
from deploy.embedded.engines import StoreUrls
from fuseway.testing import ModelDatabases
from fuseway.testing.copies import TenantCopies
from fuseway.testing.model_session import ModelSession
from fuseway.testing.queries import Seen
from fuseway.testing.two_tenants import DATABASES, LAYERS, TwoTenants
from gateway.auth import viewer
from loaders.model.loading import load_model
from loaders.objects.cache_names import CacheNames
from loaders.objects.cached_sections import CachedSections
from loaders.statements import planning
from loaders.statements.row_sources import RowsWriter
from resolvers import cursors
from tests.conftest import NewDatabase, NewStores
from tests.gateway.models.conftest import Analytics, Served
from tests.gateway.models.removed_tenants import REMOVED
from tests.gateway.models.two_tenants import alone, small

MODEL = "deploy.analytics.model"
TABLES = [table.name for table in load_model(MODEL).tables if table is not analytics_model.plans]


@pytest.fixture(scope="module")
async def tenants(new_database: NewDatabase, store_urls: StoreUrls) -> AsyncIterator[TwoTenants]:
    """Databases with both tenants and with the first one alone. Read them, never change them."""
    data = small()
    first, second = (str(row["id"]) for row in data.workspaces)

    def databases(new: NewStores) -> ModelDatabases:
        urls = {"DATABASE_CRM_URL": new.database_url, "CLICKHOUSE_WEB_URL": new.clickhouse_url}
        return ModelDatabases(urls, store_urls.redis_url)

    async with new_database() as both, new_database() as item:
        await load(data, *both.stores)
        await load(alone(data), *item.stores)
        session = ModelSession(load_model(MODEL), databases(both), first)
        yield TwoTenants(session, TenantCopies((first, second), databases(both), databases(item)))
        await asyncio.to_thread(session.close)


@pytest.fixture
def reset(tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A patch for gateways that are opened after it, and closed before it ends."""
    tenants.reset()
    yield monkeypatch
    tenants.reset()


def differing(tenants: TwoTenants, layer: str) -> list[str]:
    """Return the queries that the first tenant is answered otherwise than it is over its own rows alone."""
    tenants.gateways(layer)
    return [query for query in tenants.maker.all() if tenants.differing(layer, query)]


def differs(tenants: TwoTenants, layer: str) -> bool:
    """Whether there is such a query: the others are not asked behind the first one."""
    tenants.gateways(layer)
    return any(tenants.differing(layer, query) for query in tenants.maker.all())


def test_queries_ask_for_every_field_and_what_they_are_answered_tells_tenants_apart(tenants: TwoTenants) -> None:
    maker, first, second = tenants.maker, Seen(), Seen()
    for query in maker.all():
        first.add(maker.schema, tenants.right(query).get("data"))
        second.add(maker.schema, tenants.other(query).get("data"))
    leaves = maker.leaves()
    assert leaves - (first.by_field.keys() | second.by_field.keys()) == set()
    assert {name for name in leaves if first.by_field[name] == second.by_field[name]} == set()


@pytest.mark.parametrize("layer", LAYERS)
def test_no_answer_depends_on_another_tenants_rows(tenants: TwoTenants, layer: str) -> None:
    assert differing(tenants, layer) == []
    if layer == "stale values":
        (gateway,) = tenants.gateways(layer)
        assert gateway.cache is not None
        assert gateway.cache.counts["fields refreshed"] > 100


def usable_by_others(tenants: TwoTenants) -> list[str]:
    """Return the queries of pages that go on for the first tenant behind a cursor of the other one."""
    return [query for field in tenants.maker.paged() for query in tenants.foreign_cursors(field)[1]]


def test_a_cursor_is_of_one_tenant(tenants: TwoTenants) -> None:
    assert usable_by_others(tenants) == []


EXPLAINED = "{ members(first: 2) { nodes { nickname } } }"


def test_explaining_tells_nothing_of_what_is_cached_for_others(tenants: TwoTenants) -> None:
    assert explained(tenants) == [(0, 1), (0, 1), (1, 0)]


def explained(tenants: TwoTenants) -> list[tuple[int, int]]:
    """How much of a page is fresh and missing: for the other tenant, then for the first one, and then once more."""
    told = []
    gateway = tenants.gateways("memory")[0]
    scopes = tenants.session.model.scopes | {"explain"}
    for number in (1, 0, 0):
        key = tenants.copies.tenants[number]
        answer = gateway.post({"query": EXPLAINED, "extensions": {"explain": True}}, key, scopes).json()
        (field,) = answer["extensions"]["explain"]["fields"]
        (section,) = field["sections"]
        told.append((section["fresh"], section["missing"]))
        assert all(each["arguments"]["tenant"] == key for each in field["statements"])
    return told


def test_the_budget_of_a_subject_is_its_tenants(tenants: TwoTenants) -> None:
    first, second = remaining(tenants)
    assert abs(first - second) < 300


def remaining(tenants: TwoTenants) -> tuple[int, int]:
    """Return what is left of a subject's budget at the first tenant after one query, and at the other after another."""
    gateway = tenants.session.open(tenants.copies.both, rate_cost_per_minute=10_000)
    left = []
    for key in reversed(tenants.copies.tenants):
        answer = gateway.post({"query": EXPLAINED}, key, tenants.session.model.scopes)
        match = re.search(r"r=([0-9]+)", answer.headers["ratelimit"])
        assert match is not None
        left.append(int(match[1]))
    tenants.session.run(tenants.session.close_gateway(gateway))
    return left[0], left[1]


SECRET = "a secret of the tests' own, 32 bytes at least"
TOKENS: dict[str, Any] = {"jwt_secret": SECRET, "jwt_audience": "us", "jwt_issuer": "them"}


def token(scopes: frozenset[str], **claims: Any) -> dict[str, str]:
    """The header of a token of one subject with these scopes and claims."""
    known = {"exp": time.time() + 600, "iss": "them", "aud": "us", "sub": "somebody"}
    text = jwt.encode({**known, "scope": " ".join(scopes), **claims}, SECRET)
    return {"Authorization": f"Bearer {text}"}


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
async def test_a_claim_that_is_no_tenant_is_refused(
    analytics: Analytics, served: Served, claims: dict[str, Any]
) -> None:
    async with served(**TOKENS) as client:
        header = token(analytics.model.scopes, **claims)
        answer = await client.post("/graphql", json={"query": EXPLAINED}, headers=header)
    assert (answer.status_code, "data" in answer.json()) == (403, False)


@pytest.mark.parametrize("removed", REMOVED)
def test_the_check_fails_without_the_tenant_of(tenants: TwoTenants, reset: pytest.MonkeyPatch, removed: str) -> None:
    layer, remove = REMOVED[removed]
    assert tenants.maker.all()  # made before the patch
    remove(reset)
    assert differs(tenants, layer)


@pytest.mark.parametrize("table", TABLES)
def test_the_check_fails_without_the_tenant_in_statements_over(
    tenants: TwoTenants, reset: pytest.MonkeyPatch, table: str
) -> None:
    narrow = RowsWriter._tenant
    queries = {query: tenants.right(query) for query in tenants.maker.all()}
    assert queries  # answered before the patch
    reset.setattr(
        RowsWriter, "_tenant", lambda self, each, alias: [] if each.name == table else narrow(self, each, alias)
    )
    remembered = (planning._planned, planning._text)
    for each in remembered:
        each.cache_clear()
    try:
        assert differs(tenants, DATABASES)
    finally:
        for each in remembered:
            each.cache_clear()


def test_the_check_of_cursors_fails_without_the_tenant_in_them(tenants: TwoTenants, reset: pytest.MonkeyPatch) -> None:
    pages = [page for field in tenants.maker.paged() for page in tenants.maker.pages(field)]
    reset.setattr(cursors, "_associated_data", lambda identity, _tenant: [identity.encode()])
    assert len(usable_by_others(tenants)) == len(pages) > 0


def test_the_check_of_explaining_fails_with_anothers_names(tenants: TwoTenants, reset: pytest.MonkeyPatch) -> None:
    keys, states = CacheNames.keys, CachedSections.states

    async def states_of_other(self: CachedSections, *arguments: Any) -> Any:
        other = CacheNames(self.names.model, tenants.copies.tenants[1])
        with reset.context() as patch:
            patch.setattr(CacheNames, "keys", lambda _names, *rest: keys(other, *rest))
            return await states(self, *arguments)

    reset.setattr(CachedSections, "states", states_of_other)
    assert explained(tenants) != [(0, 1), (0, 1), (1, 0)]


def test_the_check_of_budgets_fails_without_the_tenant_in_their_names(
    tenants: TwoTenants, reset: pytest.MonkeyPatch
) -> None:
    reset.setattr(viewer.Viewer, "budget_name", property(lambda self: self.name))
    first, second = remaining(tenants)
    assert abs(first - second) >= 60
