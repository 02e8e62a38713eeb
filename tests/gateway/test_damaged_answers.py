"""The gateway behind a proxy that damages ClickHouse's answers: no wrong value is served, or kept for later."""

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from redis.asyncio import Redis

from deploy.embedded.engines import StoreUrls
from tests.conftest import Stores
from tests.gateway.in_process import opened
from tests.loaders.stores.proxy import FAULTS, proxy
from tests.queries import DASHBOARD

IDS = ["N14228", "N725MQ", "N10156", "N0"]
LISTS = """query ($ids: [ID!]!) { aircraftByIds(ids: $ids) { id analysis {
  monthly { month flights } modelBenchmark { model flights } flightLog(first: 3) { edges { cursor } }
} } }"""


@pytest.fixture
async def urls(store_urls: StoreUrls, sample_stores: Stores) -> StoreUrls:  # noqa: ARG001 - loaded before it is read
    """The stores, with an empty database of Redis."""
    redis_url = urlsplit(store_urls.redis_url)._replace(path="/5").geturl()
    redis = Redis.from_url(redis_url)
    await redis.flushdb()
    await redis.aclose()
    return replace(store_urls, redis_url=redis_url)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_damaged_answer_is_an_error_and_is_not_cached(urls: StoreUrls, fault: str) -> None:
    async with opened(urls, cache=False, cursor_secret="of all") as client:
        right = {query: await _ask(client, query) for query in (DASHBOARD, LISTS)}
    assert all(answer.keys() == {"data"} for answer in right.values())
    async with proxy(urls.clickhouse_url, 7) as between:
        behind = replace(urls, clickhouse_url=between.url)
        async with opened(behind, cursor_secret="of all") as client:
            between.fault = FAULTS[fault]
            for query in (DASHBOARD, LISTS) * 5:
                answer = await _ask(client, query)
                assert answer["errors"]
                assert _is_part(answer["data"], right[query]["data"])
            between.fault = None
            await _until_whole(client, DASHBOARD)
            for query in (DASHBOARD, LISTS) * 2:
                assert await _ask(client, query) == right[query]
        async with opened(behind, cursor_secret="of all") as client:
            for query in (DASHBOARD, LISTS):
                assert await _ask(client, query) == right[query]


async def _ask(client: httpx.AsyncClient, query: str) -> Any:
    return (await client.post("/graphql", json={"query": query, "variables": {"ids": IDS}})).json()


async def _until_whole(client: httpx.AsyncClient, query: str) -> None:
    """Ask until ClickHouse, which was taken to be away, is used again."""
    async with asyncio.timeout(10):
        while True:
            if "errors" not in await _ask(client, query):
                return
            await asyncio.sleep(0.05)


def _is_part(answer: Any, right: Any) -> bool:
    """Whether each value is the right one, or null."""
    if answer is None or right is None:
        return answer is None
    if isinstance(answer, dict):
        return all(_is_part(value, right[name]) for name, value in answer.items())
    if isinstance(answer, list):
        return len(answer) == len(right) and all(map(_is_part, answer, right))
    return bool(answer == right)
