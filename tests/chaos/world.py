"""A gateway's process with a proxy before each of its stores, and what it should answer."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from redis.asyncio import Redis

from benchmarks.servers import answers, running
from deploy.embedded.engines import StoreUrls
from deploy.embedded.process import free_port
from gateway.app import build_app
from gateway.settings import Settings
from loaders.model.loading import load_model
from tests.chaos.answer_check import Answer, Expectation
from tests.chaos.engine_processes import EngineProcesses
from tests.chaos.gateway_log import GatewayLog
from tests.chaos.proxy import Proxy, proxy
from tests.chaos.sample_models import FLEET, TENANT, SampleModel
from tests.truth.compare import differences

DEADLINE_S: Final = float(os.environ.get("CHAOS_DEADLINE_S", "6"))
"""Of each request: twice what a breaker takes to open. A machine that is busy with other things needs longer."""
_LATENESS: Final = {"GATEWAY_CACHE_TIMEOUT_S": "0.5", "GATEWAY_REDIS_TIMEOUT_S": "0.5"}
"""Other tests are more patient with Redis."""
EXPORT: Final = "export"
_CURSOR_SECRET: Final = "of all gateways of the chaos tests"
_PATIENCE_S: Final = 40.0  # an answer that takes longer is taken for none


@dataclass(frozen=True, slots=True)
class Databases:
    """Where a model's data is, past the proxies, and the engines' processes where they may be stopped and killed."""

    urls: StoreUrls
    engines: EngineProcesses | None = None


@dataclass
class World:
    """Everything that a cell of the matrix needs."""

    model: SampleModel
    is_cached: bool
    proxies: Mapping[str, Proxy]
    client: httpx.AsyncClient
    reference: httpx.AsyncClient
    log: GatewayLog
    engines: EngineProcesses | None
    _references: dict[tuple[str, tuple[str, ...]], list[Any]] = field(default_factory=dict)

    async def ask(self, question: str, ids: Sequence[str], wait_s: float | None = None) -> Answer:
        """Ask the gateway, which is to answer within `wait_s`; what breaks off is an answer with status 0."""
        headers = {} if wait_s is None else {"Prefer": f"wait={wait_s}"}
        return await _ask(self.client, self.model, question, ids, headers)

    async def away(self) -> dict[str, Any]:
        """Return the stores that are away, as the gateway says, with the kinds of their failures."""
        away: dict[str, Any] = (await self.client.get("/readyz")).json().get("away", {})
        return away

    async def is_cached_whole(self, question: str, ids: Sequence[str]) -> bool:
        """Ask the gateway, and return whether it answered without any statement."""
        body = {
            "query": self.model.queries[question],
            "variables": {"ids": list(ids)},
            "extensions": {"accounting": True},
        }
        payload = (await self.client.post("/graphql", json=body)).json()
        return "errors" not in payload and not payload["extensions"]["accounting"]["statements"]

    async def expect(self, question: str, ids: Sequence[str], faulty: frozenset[str]) -> Expectation:
        """Return what the gateway should answer, which is checked against plain Python before."""
        key = (question, tuple(ids))
        if key not in self._references:
            self._references[key] = await self._true_reference(question, ids)
        proofs = [self.model.proofs(item) for item in ids]
        return Expectation(self.model.root, self._references[key], proofs, self.model.stores_of, faulty)

    async def _true_reference(self, question: str, ids: Sequence[str]) -> list[Any]:
        answer = await _ask(self.reference, self.model, question, ids)
        attempts_left = 20
        while (answer.status != 200 or answer.errors) and attempts_left:  # a killed store took its connections along
            await asyncio.sleep(0.5)
            answer = await _ask(self.reference, self.model, question, ids)
            attempts_left -= 1
        assert answer.status == 200, answer
        assert not answer.errors, answer.errors
        assert answer.items is not None
        # Beside the event loop: the proxies are in it, and a store that waits for them would look silent.
        wrong = await asyncio.to_thread(self._differences, question, ids, answer.items)
        assert not wrong, wrong
        return answer.items

    def _differences(self, question: str, ids: Sequence[str], items: list[Any]) -> list[str]:
        """Where a reference and the truth differ."""
        result = []
        for key, item in zip(ids, items, strict=True):
            true = self.model.truth("all sections" if question == EXPORT else question, key)
            actual = _common(item, true) if question == EXPORT else item
            result += differences(actual, _common(true, item) if question == EXPORT else true, key)
        return result


def _common(value: Any, other: Any) -> Any:
    """Keep the fields that both have, and the rows of lists that both have: an export selects more, at other lengths."""
    if isinstance(value, Mapping) and isinstance(other, Mapping):
        return {name: _common(value[name], other[name]) for name in value if name in other}
    if isinstance(value, list) and isinstance(other, list):
        return [_common(item, another) for item, another in zip(value, other, strict=False)]
    return value


async def _ask(
    client: httpx.AsyncClient,
    model: SampleModel,
    question: str,
    ids: Sequence[str],
    sent: Mapping[str, str] | None = None,
) -> Answer:
    start = time.monotonic()
    try:
        if question == EXPORT:
            response = await client.get(model.export, params={"ids": ",".join(ids)}, headers=sent)
        else:
            body = {"query": model.queries[question], "variables": {"ids": list(ids)}}
            response = await client.post("/graphql", json=body, headers=sent)
    except httpx.HTTPError as error:
        return Answer(0, time.monotonic() - start, None, [{"message": repr(error)}])
    seconds = time.monotonic() - start
    headers = {name.lower(): value for name, value in response.headers.items()}
    if question == EXPORT and response.status_code == 200:
        lines = [json.loads(line) for line in response.text.splitlines()]
        items = [line[model.export_field] for line in lines if "error" not in line]
        return Answer(200, seconds, items, [line for line in lines if "error" in line], headers, is_export=True)
    is_json = "json" in headers.get("content-type", "")
    payload: dict[str, Any] = response.json() if is_json else {"errors": [{"message": response.text}]}
    objects: list[Any] | None = (payload.get("data") or {}).get(model.root)
    return Answer(response.status_code, seconds, objects, payload.get("errors", ()), headers)


def _with_database(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()


def _variables(model: SampleModel, urls: StoreUrls) -> dict[str, str]:
    """The settings that name a model's databases."""
    if model is FLEET:
        return {"DATABASE_URL": urls.database_url, "CLICKHOUSE_URL": urls.clickhouse_url, "REDIS_URL": urls.redis_url}
    return {
        "DATABASE_CRM_URL": urls.database_url,
        "CLICKHOUSE_WEB_URL": urls.clickhouse_url,
        "REDIS_URL": urls.redis_url,
        "GATEWAY_ANONYMOUS_TENANT": str(TENANT),
    }


_OPEN: Final = {
    "GATEWAY_ANONYMOUS": "all",
    "GATEWAY_RATE_COST_PER_MINUTE": "1000000000",
    "GATEWAY_MAX_COST": "100000000",
    "GATEWAY_CURSOR_SECRET": _CURSOR_SECRET,
}


@asynccontextmanager
async def opened_world(
    model: SampleModel,
    databases: Databases,
    log: Path,
    *,
    is_cached: bool,
    redis_database: int,
    module: str = "gateway",
    **settings: str,
) -> AsyncIterator[World]:
    """A world whose gateway serves the model, for the length of the block; the Redis database is emptied before.

    The gateway is `python -m MODULE serve` with these settings.
    """
    urls = databases.urls
    await asyncio.to_thread(model.ids, 0, 3)  # reads the sample's files
    redis_url = _with_database(urls.redis_url, str(redis_database))
    async with AsyncExitStack() as stack:
        redis = Redis.from_url(redis_url)
        await redis.flushdb()
        await redis.aclose()
        proxies = {
            "postgres": await stack.enter_async_context(proxy(urls.database_url)),
            "clickhouse": await stack.enter_async_context(proxy(urls.clickhouse_url)),
            "redis": await stack.enter_async_context(proxy(redis_url)),
        }
        between = StoreUrls(proxies["postgres"].url, proxies["clickhouse"].url, proxies["redis"].url)
        reference = await stack.enter_async_context(_in_process(model, urls))
        caching = {"GATEWAY_CACHE": str(is_cached).lower(), "GATEWAY_REQUEST_TIMEOUT_S": str(DEADLINE_S)}
        environment = {
            "GATEWAY_MODEL": model.module, **_OPEN, **_variables(model, between), **_LATENESS, **caching, **settings,
        }  # fmt: skip
        client = await stack.enter_async_context(_process(module, log, environment))
        yield World(model, is_cached, proxies, client, reference, GatewayLog(log), databases.engines)


@asynccontextmanager
async def _process(module: str, log: Path, environment: Mapping[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway in a process of its own, which starts and ends beside this event loop."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as file:
        command = [sys.executable, "-m", module, "serve"]
        process = running(command, lambda: answers(f"{url}/livez"), {**environment, "GATEWAY_PORT": str(port)}, file)
        await asyncio.to_thread(process.__enter__)
        try:
            limits = httpx.Limits(max_connections=None)
            async with httpx.AsyncClient(base_url=url, timeout=_PATIENCE_S, limits=limits) as client:
                yield client
        finally:
            await asyncio.to_thread(process.__exit__, None, None, None)


@asynccontextmanager
async def _in_process(model: SampleModel, urls: StoreUrls) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway in this process, without proxies and cache."""
    environment = {**_OPEN, **_variables(model, urls), "GATEWAY_CACHE": "false", "GATEWAY_REQUEST_TIMEOUT_S": "60"}
    app = build_app(Settings.from_environment(environment), load_model(model.module))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test", timeout=60) as client,
    ):
        yield client
