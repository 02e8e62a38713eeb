"""The analytics sample with one of its databases away: tenants, links, look-ups, functions of columns and pages."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from deploy.analytics.data import load
from gateway.execution.json_chunks import encode
from gateway.schema import build_schema
from loaders.model.databases import Database, Kind
from loaders.objects.request_loaders import RequestLoaders
from resolvers.request_context import RequestContext
from tests.conftest import NewDatabase, Stores
from tests.loaders.objects.asking import DATA, MEMBERS, NOBODY, TENANTS, Asker
from tests.models import loaded_model
from tests.partial import Failing, check_partial

MODEL = loaded_model("deploy.analytics.model")
SCHEMA = build_schema(MODEL)
FIRST, SECOND = map(str, TENANTS[:2])
IDS, ACTIVE = [*MEMBERS[220:], NOBODY], 80
"""Members, of whom the first ones have sent events in each tenant, and nobody."""
USED = """
  id activity { actions bytesSent } activityRank { rank }
  recentEvents(first: 3) { sentAt kind project { id } }
"""
OWN = "nickname tags label settings avatar email"
LISTS = """
  invoices(first: 3) { totalCount edges { cursor node { id note plan { name } lines { id } } } nodes { total } }
  lastInvoice { id plan { id } } billing { total }
"""


@pytest.fixture(scope="module")
async def analytics_stores(new_database: NewDatabase) -> AsyncIterator[Stores]:
    """Both databases with the sample's data. Read them, never change them."""
    async with new_database() as new:
        await load(DATA, new.stores.postgres, new.stores.clickhouse)
        yield new.stores


async def answer(
    stores: Stores, query: str, *, away: Kind | None = None, tenant: str = FIRST
) -> tuple[Any, list[dict[str, Any]]]:
    """Return data and errors of a query with the databases of one kind away."""
    asker = Asker(MODEL, stores, tenant)
    databases: dict[Database, Any] = {
        database: Failing() if database.kind is away else store for database, store in asker.databases().items()
    }
    loaders = RequestLoaders.over(MODEL, databases, tenant=asker.scope())
    context = RequestContext(loaders, SCHEMA.field_scopes, True)
    result: Any = await SCHEMA.execute(query, variable_values={"ids": IDS}, context_value=context)
    await context.release()
    data, errors = json.loads(b"".join(encode([result.data, [error.formatted for error in result.errors or ()]])))
    return data, errors


def members(selection: str) -> str:
    return f"query($ids: [ID!]!) {{ membersByIds(ids: $ids) {{ {selection} }} }}"


@pytest.mark.parametrize("tenant", [FIRST, SECOND])
async def test_without_clickhouse_the_records_are_the_truth(analytics_stores: Stores, tenant: str) -> None:
    query = members(f"{USED} {OWN} {LISTS}")
    whole, none = await answer(analytics_stores, query, tenant=tenant)
    assert none == []
    data, errors = await answer(analytics_stores, query, away=Kind.CLICKHOUSE, tenant=tenant)
    failed = check_partial(data, errors, whole)
    assert {names[1] for names in failed} == {"activity", "activityRank", "recentEvents"}
    assert {each["affected"] for each in failed.values()} == {sum(each is not None for each in whole["membersByIds"])}


@pytest.mark.parametrize("tenant", [FIRST, SECOND])
async def test_without_postgresql_what_its_tenants_events_prove_is_the_truth(
    analytics_stores: Stores, tenant: str
) -> None:
    query = members(
        "id activity { actions bytesSent } recentEvents(first: 3) { sentAt kind } nickname billing { total }"
    )
    whole, _ = await answer(analytics_stores, query, tenant=tenant)
    data, errors = await answer(analytics_stores, query, away=Kind.POSTGRES, tenant=tenant)
    proven = [place for place, each in enumerate(whole["membersByIds"]) if each and each["recentEvents"]]
    failed = check_partial(data, errors, whole)
    assert [place for place, each in enumerate(data["membersByIds"]) if each] == proven == list(range(ACTIVE))
    assert failed["membersByIds",]["affected"] == len(IDS) - ACTIVE
    for name in ("nickname", "billing"):
        assert failed["membersByIds", name]["affected"] == ACTIVE


async def test_a_non_null_own_column_takes_the_proven_object_along(analytics_stores: Stores) -> None:
    query = members("id role recentEvents(first: 3) { kind }")
    data, errors = await answer(analytics_stores, query, away=Kind.POSTGRES)
    assert data == {"membersByIds": [None] * len(IDS)}
    affected = {tuple(error["path"][2:]): error["extensions"]["affected"] for error in errors}
    assert affected == {("role",): ACTIVE, (): len(IDS) - ACTIVE}


async def test_links_to_objects_that_nothing_proves_are_errors_in_their_places(analytics_stores: Stores) -> None:
    query = members("id recentEvents(first: 3) { kind project { id name } }")
    whole, _ = await answer(analytics_stores, query)
    data, errors = await answer(analytics_stores, query, away=Kind.POSTGRES)
    failed = check_partial(data, errors, whole)
    links = [event["project"] for each in whole["membersByIds"] if each for event in each["recentEvents"]]
    assert failed["membersByIds", "recentEvents", "project"]["section"] == "Project.record"
    assert failed["membersByIds", "recentEvents", "project"]["affected"] >= sum(each is not None for each in links) > 0


async def test_look_ups_pages_and_the_tenants_own_object_are_errors_in_their_places(analytics_stores: Stores) -> None:
    query = """{
      workspace { name } memberByEmail(email: "a@example.com") { id } invoiceLine(id: "1:1") { text }
      node(id: "Plan:1") { id }
    }"""
    data, errors = await answer(analytics_stores, query, away=Kind.POSTGRES)
    assert data == {"workspace": None, "memberByEmail": None, "invoiceLine": None, "node": None}
    assert {error["path"][0]: error["extensions"]["section"] for error in errors} == {
        "workspace": "Workspace.record",
        "memberByEmail": "Query.member_by_email",
        "invoiceLine": "InvoiceLine.record",
        "node": "Plan.record",
    }
