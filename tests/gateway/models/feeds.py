"""Gateways in the test's process that serve a model whose tables tell of changes, and its tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import httpx

from gateway.app import build_app
from gateway.settings import Settings
from loaders.model.model import Model
from tests.conftest import NewStores
from tests.patience import REDIS_SETTINGS

TABLES = """
create schema app;
create table app.members (id int primary key, workspace_id text not null, name text not null);
create table app.memberships (member_id int not null, workspace_id text not null);
create table app.plans (code text primary key, price int not null);
create table app."Projects" (
    id int primary key, workspace_id text not null, name text not null, updated_at timestamptz not null default now()
);
create table app.tasks (project_id int not null, done bool not null default false, version bigint not null);
insert into app.members select n, w, 'Member ' || n from generate_series(1, 3) as n, (values ('a')) as t (w);
insert into app.plans values ('basic', 1);
insert into app."Projects" select n, case when n < 3 then 'a' else 'b' end, 'Project ' || n
from generate_series(1, 4) as n;
insert into app.tasks select n, false, n from generate_series(1, 4) as n
"""
DEVICES = (
    "create table devices (id Int64, workspace_id String, name String, seen_at DateTime64(6))"
    " engine = MergeTree order by (workspace_id, id)"
)


@dataclass
class Feeds:
    """The model's databases, and gateways that share a Redis and nothing with other tests."""

    model: Model
    new: NewStores
    redis_url: str

    async def execute(self, sql: str) -> None:
        """Change something as another client of the database would."""
        await self.new.stores.postgres.execute(sql)

    async def notify(self, message: str) -> None:
        """Announce a change as a trigger of the database's owner would."""
        await self.new.stores.postgres.execute("select pg_notify('app_changes', $1)", message)

    @asynccontextmanager
    async def served(self, tenants: str = "a", **settings: Any) -> AsyncIterator[list[httpx.AsyncClient]]:
        """Gateways of one process each, one for each letter: clients of that tenant."""
        urls = (("CLICKHOUSE_WEB_URL", self.new.clickhouse_url), ("DATABASE_CRM_URL", self.new.database_url))
        async with AsyncExitStack() as stack:
            clients = []
            for tenant in tenants:
                stores = {"named_urls": urls, "redis_url": self.redis_url}
                values = {**stores, **REDIS_SETTINGS, "anonymous": "all"}
                settings_of_tenant = Settings(**values | {"anonymous_tenant": tenant} | settings)
                app = build_app(settings_of_tenant, self.model)
                await stack.enter_async_context(app.router.lifespan_context(app))
                transport = httpx.ASGITransport(app)
                client = httpx.AsyncClient(transport=transport, base_url="http://test", timeout=60)
                clients.append(await stack.enter_async_context(client))
            yield clients


async def ask(client: httpx.AsyncClient, query: str) -> Any:
    """Return the data of an answer."""
    answer = (await client.post("/graphql", json={"query": query})).json()
    assert "errors" not in answer, answer
    return answer["data"]


def unique(model: Model) -> Model:
    """Return the model under a name of its own, so that no other test's cache or listener is its."""
    return replace(model, name=f"feeds-{uuid4().hex[:8]}")
