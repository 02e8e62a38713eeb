"""The start of `gateway serve` while stores are away: it serves what it can, and waits for PostgreSQL alone."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from deploy.embedded.engines import StoreUrls
from deploy.embedded.process import free_port
from tests.gateway.conftest import OPEN, environment_of
from tests.lag import takes_less_than
from tests.loaders.stores.relay import Relay, relay
from tests.loaders.stores.waiting import BACK_WITHIN_S, until

QUERY = {
    "query": '{ aircraft(tailNumber: "N14228") { registration { manufacturer } analysis { punctuality { flights } } } }'
}
REGISTERED = {"manufacturer": "BOEING"}
WHOLE = {"data": {"aircraft": {"registration": REGISTERED, "analysis": {"punctuality": {"flights": 111}}}}}


@asynccontextmanager
async def _serving(urls: StoreUrls, log: Path, **settings: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `gateway serve`, which may not serve yet."""
    port = free_port()
    environment = (
        os.environ | environment_of(urls) | OPEN | {"GATEWAY_PORT": str(port), "GATEWAY_WORKERS": "1"} | settings
    )
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "serve", env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=errors
        )
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                yield client
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


@asynccontextmanager
async def _away(url: str) -> AsyncIterator[Relay]:
    """A relay before a store that refuses connections until it listens again."""
    async with relay(url) as between:
        await between.cut()
        yield between


async def _is_live(client: httpx.AsyncClient) -> bool:
    with suppress(httpx.TransportError):
        return (await client.get("/livez")).status_code == 200
    return False


async def test_it_starts_without_clickhouse_and_redis_and_uses_them_when_they_come(
    store_urls: StoreUrls, sample_stores: object, tmp_path: Path
) -> None:
    del sample_stores  # loaded before it is read
    log = tmp_path / "log"
    async with _away(store_urls.clickhouse_url) as clickhouse, _away(store_urls.redis_url) as redis:
        urls = replace(store_urls, clickhouse_url=clickhouse.url, redis_url=redis.url)
        async with _serving(urls, log) as client:
            await until(lambda: _is_live(client), 60)
            ready = await client.get("/readyz")
            assert (ready.status_code, set(ready.json()["away"])) == (200, {"clickhouse", "redis"})
            assert ready.json()["away"]["clickhouse"]["kind"] == "unreachable"
            answer = (await client.post("/graphql", json=QUERY)).json()
            assert answer["data"]["aircraft"] == {"registration": REGISTERED, "analysis": {"punctuality": None}}
            await asyncio.gather(clickhouse.listen(), redis.listen())
            async with takes_less_than(BACK_WITHIN_S + 1):
                await until(lambda: _is_whole(client))
            await until(lambda: _is_all_ok(client))
    lines = log.read_text()
    assert "The gateway starts without clickhouse, which is used as soon as it answers:" in lines
    assert "The gateway starts without redis, which is used as soon as it answers:" in lines


async def _is_all_ok(client: httpx.AsyncClient) -> bool:
    return "away" not in (await client.get("/readyz")).json()


async def _is_whole(client: httpx.AsyncClient) -> bool:
    return bool((await client.post("/graphql", json=QUERY)).json() == WHOLE)


async def test_it_waits_for_postgresql(store_urls: StoreUrls, sample_stores: object, tmp_path: Path) -> None:
    del sample_stores  # loaded before it is read
    log = tmp_path / "log"

    async def is_waiting() -> bool:
        return "is not used until it answers again" in log.read_text()

    async with (
        _away(f"{store_urls.database_url}?sslmode=disable") as postgres,
        _serving(replace(store_urls, database_url=postgres.url), log) as client,
    ):
        await until(is_waiting, 60)
        with pytest.raises(httpx.ConnectError):  # so that a proxy asks another gateway
            await client.get("/livez")
        await postgres.listen()
        await until(lambda: _is_live(client), 60)
        answer = (await client.post("/graphql", json=QUERY)).json()
        assert answer == WHOLE


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_it_ends_when_postgresql_does_not_come(store_urls: StoreUrls, tmp_path: Path, workers: str) -> None:
    log = tmp_path / "log"

    async def has_ended() -> bool:
        return "which GATEWAY_START_TIMEOUT_S sets" in log.read_text()

    async with _away(store_urls.database_url) as postgres:
        urls = replace(store_urls, database_url=postgres.url)
        async with _serving(urls, log, GATEWAY_START_TIMEOUT_S="0.5", GATEWAY_WORKERS=workers):
            await until(has_ended, 60)
    error = log.read_text().splitlines()[-1]
    assert error.startswith(f"gateway: PostgreSQL at 127.0.0.1:{postgres.port} cannot be reached:")
    assert "waited 0.5 s" in error
