"""Caching as clients and operators meet it: two gateways in processes of their own over the real stores."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import replace

import httpx
import pytest

from deploy.embedded.engines import StoreUrls
from tests.conftest import Stores
from tests.gateway.conftest import served
from tests.loaders.stores.relay import Relay, relay
from tests.queries import DASHBOARD

ONE = '{ aircraft(tailNumber: "N14228") { id registration { seats } operator { name } } }'


@pytest.fixture(scope="module")
def two(store_urls: StoreUrls, sample_stores: Stores) -> Iterator[tuple[httpx.Client, httpx.Client]]:  # noqa: ARG001
    with ExitStack() as stack:
        urls = [stack.enter_context(served(store_urls)) for _ in range(2)]
        one, other = (stack.enter_context(httpx.Client(base_url=url, timeout=60)) for url in urls)
        yield one, other


@pytest.fixture
async def between(store_urls: StoreUrls) -> AsyncIterator[Relay]:
    async with relay(store_urls.clickhouse_url) as between:
        yield between


def _invalidate(urls: StoreUrls, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {
        "DATABASE_URL": urls.database_url,
        "CLICKHOUSE_URL": urls.clickhouse_url,
        "REDIS_URL": urls.redis_url,
    }
    command = [sys.executable, "-m", "gateway", "invalidate", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_an_answer_says_how_long_it_is_fresh_and_is_not_sent_again(two: tuple[httpx.Client, httpx.Client]) -> None:
    first = two[0].get("/graphql", params={"query": ONE})
    assert first.headers["cache-control"].startswith("public, max-age=")
    assert 0 <= int(first.headers["cache-control"].split("=")[1].split(",")[0]) <= 66
    assert first.headers["cache-control"].endswith("stale-while-revalidate=600")
    again = two[0].get("/graphql", params={"query": ONE}, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other = two[0].get("/graphql", params={"query": ONE}, headers={"If-None-Match": '"another"'})
    assert other.json() == first.json()


@pytest.mark.parametrize(
    ("query", "control"),
    [
        ("{ fleet(first: -1) { totalCount } }", "no-store"),
        ("{ fleet(first: 1) { nodes { id } } }", "no-cache"),
        ("{ __typename }", "no-cache"),
    ],
)
def test_errors_are_never_kept_and_pages_are_asked_for_again(
    two: tuple[httpx.Client, httpx.Client], query: str, control: str
) -> None:
    for _ in range(2):
        answer = two[0].get("/graphql", params={"query": query})
        assert answer.headers["cache-control"] == control
        assert "age" not in answer.headers


def test_a_kept_answer_is_the_same_and_tells_its_age(two: tuple[httpx.Client, httpx.Client]) -> None:
    body = {"query": DASHBOARD, "variables": {"ids": ["N14228", "N725MQ", "nothing"]}}
    answers = [two[1].post("/graphql", json=body) for _ in range(3)]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert "age" in answers[2].headers
    refused = two[1].post("/graphql", json=body, headers={"Cache-Control": "no-cache"})
    assert "age" not in refused.headers
    assert "age" not in two[1].post("/graphql", json=body | {"variables": {"ids": ["N14228"]}}).headers


def test_an_acknowledged_invalidation_is_known_to_both(
    two: tuple[httpx.Client, httpx.Client], store_urls: StoreUrls
) -> None:
    for client in two:
        for _ in range(2):
            answer = client.get("/graphql", params={"query": ONE})
        assert "age" in answer.headers
    assert _invalidate(store_urls, "N725MQ").stdout == "invalidated\n"
    assert all("age" in client.get("/graphql", params={"query": ONE}).headers for client in two)
    assert _invalidate(store_urls, "N14228").stdout == "invalidated\n"
    assert all("age" not in client.get("/graphql", params={"query": ONE}).headers for client in two)
    assert _invalidate(store_urls, "--section", "registration").stdout == "invalidated\n"
    assert all("age" not in client.get("/graphql", params={"query": ONE}).headers for client in two)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [((), "An invalidation names what has changed"), (("--section", "nonsense"), "no section or source nonsense")],
)
def test_an_invalidation_of_nothing_is_a_sentence(
    store_urls: StoreUrls, arguments: tuple[str, ...], sentence: str
) -> None:
    done = _invalidate(store_urls, *arguments)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_hundred_cold_queries_at_once_over_two_gateways_are_a_statement_a_source(
    store_urls: StoreUrls, sample_stores: Stores, between: Relay
) -> None:
    urls = replace(store_urls, clickhouse_url=between.url)
    asked = ["N14228", "N725MQ", "N804JB", "N865DA"]
    rows = await sample_stores.clickhouse.columns("select distinct tail_number from flights limit 300", {})
    body = {"query": DASHBOARD, "variables": {"ids": [*asked, *rows.columns[0]]}}
    with ExitStack() as stack:
        both = [await asyncio.to_thread(stack.enter_context, served(urls)) for _ in range(2)]
        assert (await asyncio.to_thread(_invalidate, store_urls, "--everything")).returncode == 0
        sent = len(between.sent)
        async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=100)) as client:
            answers = await asyncio.gather(
                *(client.post(f"{url}/graphql", json=body) for url in both for _ in range(50))
            )
        await asyncio.to_thread(stack.close)
    assert all(answer.status_code == 200 for answer in answers)
    assert len({answer.content for answer in answers}) == 1
    assert bytes(between.sent[sent:]).count(b"POST /") == 1
