"""The analytics sample in databases of its own, and who asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from deploy.analytics.data import AnalyticsData, load
from loaders.model.loading import load_model
from loaders.model.model import Model
from tests.conftest import NewDatabase, Stores
from tests.loaders.objects.asking import DATA, TENANTS, Asker
from tests.loaders.statements import truth


@pytest.fixture(scope="session")
def analytics() -> Model:
    """The analytics sample's model."""
    return load_model("deploy.analytics.model")


@pytest.fixture(scope="session")
def fleet() -> Model:
    """The fleet's model."""
    return load_model("deploy.fleet.model")


@pytest.fixture(scope="package")
async def analytics_stores(new_database: NewDatabase) -> AsyncIterator[Stores]:
    """Both databases with the analytics sample's data. Read them, never change them."""
    async with new_database() as new:
        await load(DATA, new.stores.postgres, new.stores.clickhouse)
        yield new.stores


@pytest.fixture(params=TENANTS, ids=["first", "second", "third"])
def tenant(request: pytest.FixtureRequest) -> UUID:
    """One tenant after the other."""
    asked: UUID = request.param
    return asked


@pytest.fixture
def own(tenant: UUID) -> AnalyticsData:
    """What the tenant may see."""
    return truth.own(DATA, tenant)


@pytest.fixture
def asker(analytics: Model, analytics_stores: Stores, tenant: UUID) -> Asker:
    """Asks the analytics sample for the tenant."""
    return Asker(analytics, analytics_stores, str(tenant))
