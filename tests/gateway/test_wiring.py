"""Settings reach what they are for."""

from typing import Any

import pytest
from starlette.routing import Route

from deploy.embedded.engines import StoreUrls
from gateway.app import build_app, limits
from gateway.limits import Limits
from gateway.settings import Settings
from gateway.stores import Stores, open_stores
from loaders.model.databases import Kind
from loaders.stores.errors import StoreTimeout
from tests.fleet.served import MODEL
from tests.patience import REDIS_SETTINGS


@pytest.fixture
def settings(store_urls: StoreUrls) -> Settings:
    return Settings(
        database_url=store_urls.database_url,
        clickhouse_url=store_urls.clickhouse_url,
        redis_url=store_urls.redis_url,
        statement_timeout_s=0.2,
        **REDIS_SETTINGS,
    )


def test_graphiql_is_served_where_it_is_set() -> None:
    paths = {route.path for route in build_app(Settings(graphiql=True), MODEL).routes if isinstance(route, Route)}
    assert {"/", "/graphql", "/graphiql", "/export/analysis", "/livez", "/readyz"} <= paths
    without = {route.path for route in build_app(Settings(), MODEL).routes if isinstance(route, Route)}
    assert paths - without == {"/", "/graphiql"}


def test_the_settings_limits_are_the_applications() -> None:
    assert limits(Settings(max_ids=7, max_body_kib=2)) == Limits(ids=7, body_bytes=2_048)
    assert limits(Settings()) == Limits(), "the defaults are written in two places, and are the same"


def _store(stores: Stores, kind: Kind) -> Any:
    return next(store for database, store in stores.databases.items() if database.kind is kind)


async def test_a_statement_may_take_as_long_as_it_is_set(settings: Settings) -> None:
    async with open_stores(settings, MODEL) as stores:
        with pytest.raises(StoreTimeout):
            await _store(stores, Kind.POSTGRES).rows("select pg_sleep(5)")
        with pytest.raises(StoreTimeout):
            await _store(stores, Kind.CLICKHOUSE).columns("select sleep(2)", {})


async def test_a_store_that_is_away_is_named_and_the_others_are_not(settings: Settings) -> None:
    async with open_stores(settings, MODEL) as stores:
        assert await stores.outages(5) == {"postgresql": None, "clickhouse": None, "redis": None}
        await stores.redis.close()
        await _store(stores, Kind.POSTGRES).close()
        outages = await stores.outages(5)
        assert [name for name, outage in outages.items() if outage is None] == ["clickhouse"]
