"""Redis fails while requests are answered: none is refused, and nothing is in the log but that Redis is away."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from deploy.embedded.engines import StoreUrls
from loaders.persisted_documents import digest
from tests.chaos.gateway_log import GatewayLog
from tests.chaos.network_faults import (
    BLACK_HOLE,
    CUT,
    CUT_MID_ANSWER,
    GARBAGE,
    HALF_CLOSED,
    REFUSED,
    TRUNCATED,
    Fault,
)
from tests.chaos.proxy import proxy
from tests.conftest import Stores
from tests.gateway.conftest import served
from tests.gateway.in_process import opened
from tests.lag import takes_less_than
from tests.loaders.cache.valkey import own_valkey
from tests.loaders.stores.relay import Relay, relay
from tests.queries import DASHBOARD

REQUESTS = 800
IN_FLIGHT = 16


@asynccontextmanager
async def resetting(between: Relay, seed: int) -> AsyncIterator[None]:
    """Reset connections at random for the length of the block."""
    chance = random.Random(seed)

    async def reset() -> None:
        while True:
            between.reset_some(chance)
            await asyncio.sleep(chance.random() / 50)

    task = asyncio.create_task(reset())
    try:
        yield
    finally:
        task.cancel()


async def test_resets_at_random_refuse_no_request_and_leave_nothing_in_the_log(
    store_urls: StoreUrls,
    sample_stores: Stores,
    tmp_path: Path,
) -> None:
    rows = await sample_stores.clickhouse.columns("select distinct tail_number from flights limit 200", {})
    log = tmp_path / "log"
    async with relay(store_urls.redis_url) as between:
        with ExitStack() as stack:
            urls = replace(store_urls, redis_url=between.url)
            url = await asyncio.to_thread(stack.enter_context, served(urls, stack.enter_context(log.open("wb"))))
            bodies = [
                {"query": DASHBOARD, "variables": {"ids": list(rows.columns[0][start : start + 5])}}
                for start in range(0, 195, 5)
            ]
            free = asyncio.Semaphore(IN_FLIGHT)

            async def ask(client: httpx.AsyncClient, number: int) -> httpx.Response:
                async with free:
                    if number % 2:
                        return await client.post(f"{url}/graphql", json=bodies[number % len(bodies)])
                    return await client.post(f"{url}/graphql", json={"query": f"{{ __typename # {number}\n}}"})

            async with resetting(between, 1), httpx.AsyncClient(timeout=60) as client:
                answers = await asyncio.gather(*(ask(client, number) for number in range(REQUESTS)))
            await asyncio.to_thread(stack.close)
    refused = [answer.text[:300] for answer in answers if answer.status_code != 200 or "errors" in answer.json()]
    assert refused == []
    assert "Redis failed" in log.read_text(), "it was away"
    assert GatewayLog(log).violations() == []


TIMEOUT_S = 4.0
FAULTS = [REFUSED, CUT, CUT_MID_ANSWER, HALF_CLOSED, BLACK_HOLE, Fault("drip", bytes_per_s=5), GARBAGE, TRUNCATED]


async def _ask_for_all(client: httpx.AsyncClient, number: int) -> None:
    """Ask for what uses the budget, a persisted document and the cache."""
    query = f'{{ aircraft(tailNumber: "N14228") {{ id }} airline(code: "UA") {{ name }} }} # {number} {uuid4()}'
    named = {"persistedQuery": {"version": 1, "sha256Hash": digest(query)}}
    answer = await client.post("/graphql", json={"query": query, "extensions": named})
    assert (answer.status_code, "errors" in answer.json()) == (200, False), answer.text


async def _check_that_one_timeout_is_lost(client: httpx.AsyncClient) -> None:
    async with takes_less_than(1.8 * TIMEOUT_S):  # no request waits twice
        await asyncio.gather(*(_ask_for_all(client, number) for number in range(10)))
    for number in range(10):
        async with takes_less_than(TIMEOUT_S):  # none that comes later waits at all
            await _ask_for_all(client, number)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_requests_lose_one_timeout_at_most(
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001 - loaded before it is asked for
    fault: Fault,
) -> None:
    async with (
        proxy(store_urls.redis_url) as between,
        opened(store_urls, redis_url=between.url, cache_timeout_s=TIMEOUT_S) as client,
    ):
        await _ask_for_all(client, 0)
        await between.switch(fault)
        await _check_that_one_timeout_is_lost(client)


async def test_requests_lose_one_timeout_at_most_where_redis_is_stopped(
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001 - loaded before it is asked for
    tmp_path: Path,
) -> None:
    with own_valkey(tmp_path) as valkey:
        async with opened(store_urls, redis_url=valkey.url, cache_timeout_s=TIMEOUT_S) as client:
            await _ask_for_all(client, 0)
            valkey.stop()
            await _check_that_one_timeout_is_lost(client)
