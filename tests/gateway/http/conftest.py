"""Gateways within the tests' own process, each with settings of its own, over stores that count what is sent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette

from deploy.embedded.engines import StoreUrls
from gateway.settings import Settings
from tests.asking import Recorder
from tests.conftest import Stores
from tests.fleet.served import MODEL
from tests.gateway.apps import new_app
from tests.gateway.http.connection import Connection
from tests.gateway.in_process import OPEN
from tests.patience import REDIS_SETTINGS

_UNBOUNDED: dict[str, Any] = {"cache": False, "rate_cost_per_minute": 0, "request_timeout_s": 60.0}
"""The time is for machines that do much else."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A client of it, and what it sends to its stores."""

    app: Starlette
    client: httpx.AsyncClient
    recorder: Recorder

    async def post(self, body: object, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post("/graphql", json=body, headers=named)

    async def ask(self, query: str, **variables: object) -> Any:
        """The answer to one operation."""
        return (await self.post({"query": query, "variables": variables})).json()


class NewGateway(Protocol):
    """Call it with settings for a gateway that serves for the length of the block. Nothing is cached unless set."""

    def __call__(self, **settings: Any) -> AbstractAsyncContextManager[Gateway]: ...


async def kept(ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """The first answer that was kept: a gateway that has just begun lets go of everything once."""
    for _ in range(1_000):
        answer = await ask()
        if "age" in answer.headers:
            return answer
        await asyncio.sleep(0.01)
    raise AssertionError("No answer was kept.")


@pytest.fixture(scope="session")
def new_gateway(store_urls: StoreUrls, sample_stores: Stores) -> NewGateway:  # noqa: ARG001 - loaded before it serves
    urls = {"database_url": store_urls.database_url, "clickhouse_url": store_urls.clickhouse_url}
    urls["redis_url"] = urlsplit(store_urls.redis_url)._replace(path="/9").geturl()

    @asynccontextmanager
    async def create(**settings: Any) -> AsyncIterator[Gateway]:
        async with Redis.from_url(urls["redis_url"]) as redis:
            await redis.flushdb()  # of what another gateway has left, some may be stale
        app = new_app(Settings(**{**urls, **REDIS_SETTINGS, **OPEN, **_UNBOUNDED, **settings}), MODEL)
        recorder = Recorder()
        async with app.router.lifespan_context(app):
            stores = app.state.stores
            app.state.stores = replace(stores, databases=recorder.databases(stores.databases))
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                yield Gateway(app, client, recorder)

    return create


@pytest.fixture(scope="session")
async def gateway(new_gateway: NewGateway) -> AsyncIterator[Gateway]:
    """With the default settings and no cache."""
    async with new_gateway() as item:
        yield item


@pytest.fixture
def connection(gateway_url: str) -> Iterator[Connection]:
    connection = Connection(gateway_url)
    yield connection
    connection.close()
