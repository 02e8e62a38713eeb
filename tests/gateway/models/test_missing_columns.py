"""Columns that vanish from a served model's databases: under load, in several processes, at the start."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from deploy.analytics.data import load, make
from deploy.embedded.engines import StoreUrls
from deploy.embedded.process import free_port
from gateway.app import build_app
from gateway.settings import Settings
from loaders.model.loading import load_model
from tests.conftest import NewDatabase
from tests.gateway.conftest import environment_of
from tests.gateway.conftest import served as serving
from tests.gateway.models.conftest import Analytics
from tests.loaders.objects.asking import MEMBERS
from tests.partial import names_of
from tests.patience import PATIENCE_S
from tests.resolvers.missing import check_missing, renamed

QUERY = """query($ids: [ID!]!) { membersByIds(ids: $ids) {
  id nickname tags billing { invoices total } activity { actions p95Latency } projects { name budget }
  recentEvents(first: 2) { sentAt latencyMs project { id name } }
} }"""
NICKNAME = {"membersByIds.nickname": "membersByIds.nickname"}
LATENCY = {f"membersByIds.{name}": f"membersByIds.{name}" for name in ("activity.p95Latency", "recentEvents.latencyMs")}
BATCHES = [MEMBERS[start : start + 10] for start in range(0, 320, 10)]


@pytest.fixture(scope="module")
async def own(new_database: NewDatabase, store_urls: StoreUrls) -> AsyncIterator[Analytics]:
    """Databases with the analytics sample. Tests put back what they change."""
    data = make()
    async with new_database() as new:
        await load(data, *new.stores)
        yield Analytics(load_model("deploy.analytics.model"), data, new, store_urls.redis_url)


@pytest.fixture
async def gateways(own: Analytics, request: pytest.FixtureRequest) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients of two gateways that share one Redis."""
    tenant = str(own.data.workspaces[0]["id"])
    settings: dict[str, Any] = {"anonymous": "all", "anonymous_tenant": tenant, "rate_cost_per_minute": 0}
    apps = [build_app(Settings(**own.settings, **settings, cache=request.param), own.model) for _ in range(2)]
    async with apps[0].router.lifespan_context(apps[0]), apps[1].router.lifespan_context(apps[1]):
        clients = [httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") for app in apps]
        yield clients
        for client in clients:
            await client.aclose()


async def answer(client: httpx.AsyncClient, ids: list[str]) -> tuple[Any, list[dict[str, Any]]]:
    """Return data and errors."""
    response = await client.post("/graphql", json={"query": QUERY, "variables": {"ids": ids}}, timeout=60)
    content = response.json()
    if "errors" in content:
        assert response.headers["cache-control"] == "no-store"
    return content["data"], content.get("errors", [])


async def unreadable(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Return what the gateway says that it cannot read."""
    response = await client.get("/readyz")
    assert response.status_code == 200
    missing: list[dict[str, Any]] = response.json().get("unreadable", [])
    return missing


class Load:
    """Clients that ask both gateways without a pause, and check each answer."""

    def __init__(self, gateways: list[httpx.AsyncClient], whole: list[Any]) -> None:
        self._gateways = gateways
        self._whole = whole
        self.lacks = [frozenset[str](), frozenset[str]()]
        """The fields that the last answer of each gateway lacked."""

    async def ask(self, number: int) -> None:
        """Ask one gateway for ever, each time for other objects."""
        for place in itertools.cycle(range(len(self._whole))):
            data, errors = await answer(self._gateways[number], BATCHES[place])
            fields = frozenset(".".join(names_of(error["path"])) for error in errors)
            check_missing((data, errors), self._whole[place], {field: field for field in fields})
            self.lacks[number] = fields

    async def until(self, *fields: str) -> None:
        """Return when each gateway's last answer lacked these fields and no others."""
        async with asyncio.timeout(6 * PATIENCE_S):
            while self.lacks != [frozenset(fields)] * 2:  # noqa: ASYNC110 (of what has no event)
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("gateways", [False], indirect=True, ids=["uncached"])
async def test_under_load_each_answer_is_whole_or_lacks_what_is_missing_alone(
    own: Analytics, gateways: list[httpx.AsyncClient], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "gateway")
    load = Load(gateways, [(await answer(gateways[0], ids))[0] for ids in BATCHES[:4]])
    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(load.ask(number % 2)) for number in range(6)]
        async with renamed(own.new.stores.postgres, "app.members", "nick"):
            await load.until(*NICKNAME)
            async with renamed(own.new.stores.clickhouse, "events", "latency_ms"):
                await load.until(*NICKNAME, *LATENCY)
                for client in gateways:
                    assert [(each["section"], each["column"]) for each in await unreadable(client)] == [
                        ("Member.activity", ["p95_latency", "slow_share"]),
                        ("Member.recent_events", ["latency_ms"]),
                        ("Member.record", ["nickname"]),
                    ]
            await load.until(*NICKNAME)
        await load.until()
        for task in asking:
            task.cancel()
    for client in gateways:
        assert await unreadable(client) == []
    lines = [record.getMessage() for record in caplog.records if record.name == "gateway"]
    gone = "Not answered until it is there again: Member.record (column nickname) cannot be read: PostgreSQL refused"
    assert sum(line.startswith(gone) for line in lines) == 2, "one line a process"
    assert lines.count("Member.record (column nickname) can be read again.") == 2


@pytest.mark.parametrize("gateways", [True], indirect=True, ids=["cached"])
async def test_what_is_cached_is_served_and_nothing_wrong_is_cached(
    own: Analytics, gateways: list[httpx.AsyncClient]
) -> None:
    first, second = gateways
    known, unknown = BATCHES[4:6]
    nicks = {str(row["id"]): row["nick"] for row in own.data.members if row["workspace_id"] == UUID(int=1)}
    cached, _ = await answer(first, known)
    async with renamed(own.new.stores.postgres, "app.members", "nick"):
        for _ in range(2):  # the second time, all else comes from the cache
            data, errors = await answer(first, unknown)
            assert [error["extensions"]["affected"] for error in errors] == [10]
            assert [(each["id"], each["nickname"]) for each in data["membersByIds"]] == [(key, None) for key in unknown]
        assert await answer(first, known) == (cached, []), "it is fresh"
        both, errors = await answer(first, [*unknown, *known])
        assert errors[0]["path"] == ["membersByIds", 0, "nickname"]
        assert errors[0]["extensions"]["affected"] == 10
        assert both["membersByIds"] == [*data["membersByIds"], *cached["membersByIds"]]
        await answer(second, unknown)
    for client in gateways:
        async with asyncio.timeout(6 * PATIENCE_S):
            while await unreadable(client):  # noqa: ASYNC110 (of what has no event)
                await asyncio.sleep(0.05)
        again, errors = await answer(client, unknown)
        assert errors == []
        assert [each["nickname"] for each in again["membersByIds"]] == [nicks[key] for key in unknown]
        assert [each | {"nickname": None} for each in again["membersByIds"]] == data["membersByIds"]


async def test_a_start_without_a_column_serves_all_else_and_strict_refuses_it(
    own: Analytics, store_urls: StoreUrls, tmp_path: Path
) -> None:
    settings = {
        "GATEWAY_MODEL": "deploy.analytics.model",
        "GATEWAY_ANONYMOUS_TENANT": str(own.data.workspaces[0]["id"]),
        "DATABASE_CRM_URL": own.new.database_url,
        "CLICKHOUSE_WEB_URL": own.new.clickhouse_url,
        "GATEWAY_WORKERS": "2",
        "GATEWAY_CACHE": "false",
    }
    log = tmp_path / "log"
    with log.open("wb") as errors, ExitStack() as stack:
        async with renamed(own.new.stores.postgres, "app.members", "nick"):
            await _is_refused(os.environ | environment_of(store_urls) | settings)
            url = stack.enter_context(serving(store_urls, errors, **settings))
            async with httpx.AsyncClient(base_url=url) as client:
                for _ in range(8):
                    data, failed = await answer(client, BATCHES[0])
                    assert [error["extensions"]["section"] for error in failed] == ["Member.record"]
                    assert [each["nickname"] for each in data["membersByIds"]] == [None] * 10
        async with httpx.AsyncClient(base_url=url) as client, asyncio.timeout(6 * PATIENCE_S):
            while any([(await answer(client, BATCHES[0]))[1] for _ in range(8)]):  # noqa: ASYNC110 (of what has no event)
                await asyncio.sleep(0.05)
    lines = log.read_text()
    assert '(column nickname) cannot be read: PostgreSQL refused the statement: column "nick" does not exist' in lines


async def _is_refused(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "gateway", "serve", "--strict"]
    environment = environment | {"GATEWAY_PORT": str(free_port())}
    refused = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert refused.returncode == 1
    assert "The databases lack what the model names:\n  Member.record (column nickname) cannot" in refused.stderr
