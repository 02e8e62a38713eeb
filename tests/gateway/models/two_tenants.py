"""Two tenants with the same keys in one pair of databases, and one of them alone in another: both are served alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields, replace
from typing import Any
from uuid import uuid4

import httpx

from deploy.analytics.data import AnalyticsData, make, member_id
from gateway.app import build_app
from gateway.settings import Settings
from loaders.api_keys import ApiKeys
from loaders.model.model import Model
from tests.conftest import NewStores
from tests.gateway.auth.conftest import added
from tests.patience import REDIS_SETTINGS

MEMBERS = 6
"""The number of members of each tenant."""
NO_LIMITS = {
    "max_statements": 1_000,
    "max_cost": 1_000_000_000,
    "max_aliases": 10_000,
    "max_root_fields": 1_000,
    "max_tokens": 100_000,
    "max_depth": 50,
    "rate_cost_per_minute": 0,
    "cursor_secret": "one for all gateways",
}


def small(data: AnalyticsData | None = None) -> AnalyticsData:
    """Return a few rows of the sample's first two tenants; the second one's members have each another's address."""
    data = make() if data is None else data
    tenants = [row["id"] for row in data.workspaces[:2]]
    members = [member_id(number) for number in range(MEMBERS)]

    def mine(row: dict[str, Any]) -> bool:
        return row["workspace_id"] in tenants and row.get("member_id", row.get("id")) in members

    taken = AnalyticsData(workspaces=data.workspaces[:2], plans=data.plans)
    taken.members = [dict(row) for row in data.members if mine(row)]
    taken.projects = [row for row in data.projects if row["workspace_id"] in tenants][:3]
    taken.projects += [{**row, "workspace_id": tenants[1], "Name": f"Other {row['Name']}"} for row in taken.projects]
    projects = {row["id"] for row in taken.projects}
    for name in ("invoices", "events"):
        setattr(taken, name, [row for row in getattr(data, name) if mine(row)][:200])
    taken.events = [
        {**row, "project_id": row["project_id"] if row["project_id"] in projects else None} for row in taken.events
    ]
    invoices = {row["id"] for row in taken.invoices}
    taken.invoice_lines = [row for row in data.invoice_lines if row["invoice_id"] in invoices]
    for place, tenant in enumerate(tenants):
        taken.project_members += [
            {"workspace_id": tenant, "project_id": project, "member_id": members[(number + place) % MEMBERS]}
            for number, project in enumerate(sorted(projects))
        ]
    for number, row in enumerate(row for row in taken.members if row["workspace_id"] == tenants[1]):
        row["email"] = f"member{(number + 1) % MEMBERS}@example.org"
        row["nick"] = f"other{number}"
    return taken


def alone(data: AnalyticsData) -> AnalyticsData:
    """Return the rows of the first tenant, and those of everyone."""
    first = data.workspaces[0]["id"]
    invoices = {row["id"] for row in data.invoices if row["workspace_id"] == first}
    own = {
        each.name: [row for row in getattr(data, each.name) if row.get("workspace_id", first) == first]
        for each in fields(data)
    }
    return replace(
        AnalyticsData(**own),
        workspaces=data.workspaces[:1],
        invoice_lines=[row for row in data.invoice_lines if row["invoice_id"] in invoices],
    )


@dataclass(frozen=True)
class TwoTenants:
    """The databases of both and of one alone, and the model that both are served by."""

    model: Model
    data: AnalyticsData
    both: NewStores
    alone: NewStores
    redis_url: str

    @asynccontextmanager
    async def serve(self, *, of_one: bool = False, gateways: int = 1, **settings: Any) -> AsyncIterator[Gateways]:
        """Serve the model under a name of its own, so that nothing is cached yet that another gateway cached."""
        model, new = replace(self.model, name=f"tenants-{uuid4().hex}"), self.alone if of_one else self.both
        keys = ApiKeys(self.both.stores.postgres)
        texts = [
            await added(keys, [*sorted(model.scopes), "export", "explain"], model=model.name, tenant=str(row["id"]))
            for row in self.data.workspaces
        ]
        urls = (("CLICKHOUSE_WEB_URL", new.clickhouse_url), ("DATABASE_CRM_URL", new.database_url))
        options = {"own_database_url": self.both.database_url, "redis_url": self.redis_url, **REDIS_SETTINGS}
        async with AsyncExitStack() as stack:
            apps = [
                build_app(Settings(**{"named_urls": urls, **options, **NO_LIMITS, **settings}), model)
                for _ in range(gateways)
            ]
            clients = []
            for app in apps:
                await stack.enter_async_context(app.router.lifespan_context(app))
                client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", timeout=60)
                clients.append(await stack.enter_async_context(client))
            headers = [{"Authorization": f"Bearer {text}"} for text in texts]
            yield Gateways(clients, headers, [str(row["id"]) for row in self.data.workspaces], apps, model)


@dataclass(frozen=True)
class Gateways:
    """Gateways that serve one model over one Redis, and a header of each tenant."""

    clients: Sequence[httpx.AsyncClient]
    keys: Sequence[dict[str, str]]
    tenants: Sequence[str]
    apps: Sequence[Any]
    model: Model

    async def ask(self, tenant: int, query: str, gateway: int = 0, **body: Any) -> Any:
        """Return the whole answer to one tenant's query by POST."""
        answer = await self.clients[gateway].post("/graphql", json={"query": query, **body}, headers=self.keys[tenant])
        return answer.json()

    async def get(self, tenant: int, query: str, **headers: str) -> httpx.Response:
        """Return the answer to one tenant's query by GET."""
        return await self.clients[0].get("/graphql", params={"query": query}, headers={**self.keys[tenant], **headers})


Way = Callable[[Gateways, str], Any]
"""Asks a query as both tenants, and returns what the first one is answered."""


async def one_after_the_other(gateways: Gateways, query: str) -> Any:
    """Ask as the other tenant first."""
    await gateways.ask(1, query)
    return await gateways.ask(0, query, gateway=len(gateways.clients) - 1)


async def at_once(gateways: Gateways, query: str) -> Any:
    """Ask as both at the same moment."""
    return (await asyncio.gather(gateways.ask(1, query), gateways.ask(0, query)))[1]


async def by_get(gateways: Gateways, query: str) -> Any:
    """Ask as the other tenant first, by GET, so that whole responses are cached."""
    other = await gateways.get(1, query)
    known = {"If-None-Match": other.headers["etag"]} if "etag" in other.headers else {}
    answer = await gateways.get(0, query, **known)
    return (other if answer.status_code == 304 else answer).json()


async def differing(gateways: Gateways, way: Way, right: dict[str, Any]) -> list[str]:
    """Return the queries that the first tenant is answered otherwise than it was without the other tenant's rows."""
    return [query for query, answer in right.items() if await way(gateways, query) != answer]


async def differs(gateways: Gateways, way: Way, right: dict[str, Any]) -> bool:
    """Whether there is such a query: the others are not asked behind the first one."""
    for query, answer in right.items():
        if await way(gateways, query) != answer:
            return True
    return False
