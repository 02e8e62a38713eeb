"""A survey: what the databases lack of a model, told before anything is served."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from deploy.analytics.data import load
from loaders.model.model import Model
from loaders.objects.model_survey import survey
from tests.conftest import NewDatabase, Stores
from tests.loaders.objects.asking import DATA, Asker
from tests.resolvers.missing import hidden, renamed


@pytest.fixture(scope="module")
async def stores(new_database: NewDatabase) -> AsyncIterator[Stores]:
    """Both databases with the sample's data. Tests put back what they change."""
    async with new_database() as new:
        await load(DATA, new.stores.postgres, new.stores.clickhouse)
        yield new.stores


async def test_databases_that_have_all_lack_nothing(
    analytics: Model, stores: Stores, fleet: Model, sample_stores: Stores
) -> None:
    assert await survey(analytics, Asker(analytics, stores).databases()) == []
    asker = Asker(fleet, sample_stores)
    assert await survey(fleet, asker.databases()) == []
    assert len(asker.described) < len(fleet.bound_sections)
    assert asker.sent == []


async def test_all_that_is_missing_is_told_by_section_with_the_databases_words(
    analytics: Model, stores: Stores
) -> None:
    asker = Asker(analytics, stores)
    async with (
        renamed(stores.postgres, "app.members", "nick"),
        renamed(stores.postgres, "app.project_members", ""),
        hidden(stores.clickhouse, "events", "sent_at"),
    ):
        missing = {each.section: each for each in await survey(analytics, asker.databases())}
    assert asker.sent == []
    assert {name: each.parts for name, each in missing.items()} == {
        "Member.record": {"column": ["nickname"]},
        "Workspace.members": {"column": ["nickname"]},
        "Query.members": {"column": ["nickname"]},
        "Query.member_by_email": {"column": ["nickname"]},
        "Member.projects": {},
        "Member.activity": {"column": ["last_sent_at"], "period": ["bounds"]},
        "Member.usage.activity": {"column": ["last_sent_at"], "period": ["bounds"]},
        "Project.activity": {"column": ["last_sent_at"], "period": ["bounds"]},
        "Member.usage.by_month": {},
        "Member.usage.by_project": {"period": ["bounds"]},
        "Member.recent_events": {},
    }
    assert 'column "nick" does not exist' in str(missing["Member.record"])
    assert str(missing["Member.projects"]).startswith("Member.projects cannot be read: PostgreSQL refused")


async def test_without_the_tenants_own_values_what_depends_on_them_is_missing(analytics: Model, stores: Stores) -> None:
    async with renamed(stores.postgres, "app.workspaces", "time_zone"):
        missing = [each.subject for each in await survey(analytics, Asker(analytics, stores).databases())]
    assert missing == ["Tenant.app.workspaces.time_zone (column value)", "Workspace.record (column time_zone)"]
