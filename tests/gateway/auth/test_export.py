"""The export is for those who may: it needs its own scope, and those of what it holds."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from deploy.embedded.engines import StoreUrls
from gateway import export_endpoint
from gateway.admission.admission import Admission
from gateway.auth.authentication import Authenticator, Policy, ViewerOf, viewer_of
from gateway.auth.errors import Unauthenticated
from gateway.auth.viewer import Viewer
from gateway.export import BATCH
from gateway.http.application import Application
from gateway.rate_limit import RateLimit
from gateway.settings import Settings
from gateway.stores import Stores, open_stores
from loaders.api_keys import ApiKeys
from resolvers.scopes import Scope
from tests.asking import SCHEMA
from tests.conftest import NewStores
from tests.fleet.served import ALL_SCOPES, ANONYMOUS, MODEL
from tests.gateway.auth.conftest import added


@pytest.fixture
async def stores(key_stores: NewStores, store_urls: StoreUrls) -> AsyncIterator[Stores]:
    """Without aircraft."""
    settings = Settings(
        database_url=key_stores.database_url,
        clickhouse_url=key_stores.clickhouse_url,
        redis_url=store_urls.redis_url,
    )
    async with open_stores(settings, MODEL) as opened:
        yield opened


def _client(stores: Stores, viewer_of: ViewerOf, max_ids: int = 10) -> httpx.AsyncClient:
    app = Application(routes=export_endpoint.routes(SCHEMA, max_ids, RateLimit(0), viewer_of))
    app.state.stores = stores
    app.admission = Admission(max_wait_s=10, max_under_way=10, max_response_bytes=1 << 20)
    app.authenticator = Authenticator(Policy.of(Settings(), MODEL), stores)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")


@pytest.fixture
async def client(stores: Stores) -> AsyncIterator[httpx.AsyncClient]:
    """The export's application."""
    async with _client(stores, viewer_of) as client:
        yield client


async def test_an_export_needs_every_scope(client: httpx.AsyncClient, keys: ApiKeys) -> None:
    for missing in sorted(ALL_SCOPES - {Scope.EXPLAIN, Scope.STATUS}):
        key = await added(keys, sorted(ALL_SCOPES - {missing}))
        answer = await client.get("/export/analysis?ids=N1", headers={"X-API-Key": key})
        error = {"message": f"The export needs the scope {missing}.", "extensions": {"code": "FORBIDDEN"}}
        assert (answer.status_code, answer.json()) == (403, {"errors": [error]})
    key = await added(keys, sorted(ALL_SCOPES))
    answer = await client.get("/export/analysis?ids=N1", headers={"Authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.text) == (200, '{"id":"N1","aircraft":null}\n')


async def test_an_export_without_a_good_credential_is_401(client: httpx.AsyncClient) -> None:
    for headers, challenge in [({}, "Bearer"), ({"X-API-Key": "x"}, 'Bearer error="invalid_token"')]:
        answer = await client.get("/export/analysis?ids=N1", headers=headers)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, challenge)
        assert answer.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_a_key_that_is_revoked_ends_its_export_at_the_next_batch(stores: Stores) -> None:
    ids, asked = [f"N{index}" for index in range(BATCH + 1)], 0

    async def viewer_once(_request: object) -> Viewer:
        nonlocal asked
        asked += 1
        if asked > 2:  # once to begin with, once for the first batch
            raise Unauthenticated("The API key has been revoked.")
        return ANONYMOUS

    async with _client(stores, viewer_once, max_ids=100) as client:
        answer = await client.get(f"/export/analysis?ids={','.join(ids)}")
    *lines, last = map(json.loads, answer.text.splitlines())
    assert [line["id"] for line in lines] == ids[:BATCH]
    code = {"code": "UNAUTHENTICATED"}
    assert last == {"error": "The API key has been revoked.", "extensions": code, "after": lines[-1]["id"]}
