"""Fair use over HTTP: what is counted, what is refused, and what callers are told."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.responses import Response

from deploy.embedded.engines import StoreUrls
from gateway.http.errors import HTTPError, RequestError
from gateway.rate_limit import RateLimit, address
from loaders.api_keys import ApiKeys
from tests.conftest import Stores
from tests.gateway.auth.conftest import added
from tests.gateway.conftest import served
from tests.gateway.in_process import opened
from tests.loaders.cache.valkey import own_valkey
from tests.loaders.stores.relay import relay

TINY = "{ __typename }"
TINY_POINTS = 80
"""The least points of a request with one operation, 60 of them as a request."""
COSTLY = '{ aircraft(tailNumber: "N14228") { analysis { punctuality { flights } } } }'


@pytest.fixture
def home() -> str:
    """An address that nobody has asked from before."""
    number = uuid4().int
    return f"2001:db8:{number >> 16 & 0xFFFF:x}:{number & 0xFFFF:x}::1"


def _left(answer: httpx.Response) -> int:
    """How many tiny requests more there may be."""
    return _remaining(answer) // TINY_POINTS


def _remaining(answer: httpx.Response) -> int:
    read = re.fullmatch(r'"default";r=(\d+);t=\d+', answer.headers["ratelimit"])
    assert read, answer.headers
    return int(read[1])


@pytest.fixture(scope="session")
async def rich(sample_stores: Stores) -> dict[str, str]:
    """A header with a key of many points, which has documents read before others ask them."""
    return {"X-API-Key": await added(ApiKeys(sample_stores.postgres), cost_per_minute=1_000_000)}


@pytest.fixture(scope="module")
def two(store_urls: StoreUrls, rich: dict[str, str]) -> Iterator[list[httpx.Client]]:
    """Processes in which an address has five tiny requests a minute, and that know the queries."""
    with ExitStack() as stack:
        limited = {"GATEWAY_RATE_COST_PER_MINUTE": str(5 * TINY_POINTS)}
        urls = [stack.enter_context(served(store_urls, **limited)) for _ in range(2)]
        clients = [stack.enter_context(httpx.Client(base_url=url, timeout=60)) for url in urls]
        for client in clients:
            for query in (TINY, COSTLY):
                assert "errors" not in client.post("/graphql", json={"query": query}, headers=rich).json()
        yield clients


def test_processes_share_a_budget_and_say_what_is_left_of_it(two: list[httpx.Client], home: str) -> None:
    headers = {"X-Forwarded-For": home}
    answers = [two[index % 2].post("/graphql", json={"query": TINY}, headers=headers) for index in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert [_left(answer) for answer in answers] == [4, 3, 2, 1, 0, 0]
    assert [answer.json().get("data") for answer in answers] == [{"__typename": "Query"}] * 5 + [None]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"default";q=400;w=60'}
    refused = answers[5]
    assert 1 <= int(refused.headers["retry-after"]) <= 12
    assert refused.headers["ratelimit"].endswith(f";t={refused.headers['retry-after']}")
    assert refused.headers["cache-control"] == "no-store"
    assert refused.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert "data" not in refused.json()


def test_an_address_is_the_one_behind_the_proxy_of_ipv6_its_network(two: list[httpx.Client], home: str) -> None:
    def left(forwarded: str) -> int:
        headers = {"X-Forwarded-For": forwarded}
        return _left(two[0].post("/graphql", json={"query": TINY}, headers=headers))

    assert left(home) == 4
    assert left(home + "23") == 3
    assert left(f"198.51.100.7, {home}") == 2, "what a client says of itself does not count"
    assert left(home.replace("2001:db8", "2001:db9")) == 4


def test_a_batch_costs_what_its_operations_cost_together(two: list[httpx.Client], home: str) -> None:
    headers = {"X-Forwarded-For": home}
    batch = [{"query": TINY}, {"query": TINY}]
    assert 300 <= _remaining(two[0].post("/graphql", json=batch, headers=headers)) < 305, "of 400, an operation is 20"


def test_what_is_no_graphql_request_costs_what_each_request_does_and_other_paths_nothing(
    two: list[httpx.Client], home: str
) -> None:
    headers = {"X-Forwarded-For": home}
    bodies: tuple[object, ...] = ({}, [], {"query": 5})
    refused = [two[0].post("/graphql", json=body, headers=headers) for body in bodies]
    left = [(answer.status_code, round(_remaining(answer), -1)) for answer in refused]
    assert left == [(400, 340), (400, 280), (400, 220)], "60 each"
    assert "ratelimit" not in two[0].get("/livez", headers=headers).headers
    assert "ratelimit" not in two[0].options("/graphql", headers=headers).headers
    assert _left(two[0].post("/graphql", json={"query": TINY}, headers=headers)) == 1


def test_more_than_a_minute_has_is_refused_for_good(two: list[httpx.Client], home: str) -> None:
    answer = two[0].post("/graphql", json={"query": COSTLY}, headers={"X-Forwarded-For": home})
    (error,) = answer.json()["errors"]
    assert error["message"].startswith("At most 400 points of cost a minute can be asked for")
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert answer.status_code == 200
    assert "retry-after" not in answer.headers
    assert 325 <= _remaining(answer) < 335, "it was checked"


def test_to_be_told_the_price_costs_what_reading_takes(two: list[httpx.Client], home: str) -> None:
    headers = {"X-Forwarded-For": home, "GraphQL-Cost": "validate"}
    answer = two[0].post("/graphql", json={"query": COSTLY}, headers=headers)
    assert answer.json()["extensions"]["cost"]["estimated"]["points"] > 400
    assert 310 < _remaining(answer) < 325, "a request, an operation, its one root field"


async def test_a_request_is_counted_in_one_round_trip_and_before_any_other_store_is_asked(
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001
    home: str,
) -> None:
    async with (
        relay(store_urls.redis_url) as redis,
        relay(store_urls.clickhouse_url) as clickhouse,
        opened(
            store_urls,
            address=home,
            redis_url=redis.url,
            clickhouse_url=clickhouse.url,
            rate_cost_per_minute=100_000,
            cache=False,
        ) as client,
    ):
        ids = [f"N{index}" for index in range(200)]
        query = "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { analysis { punctuality { flights } } } }"
        batch = [{"query": query, "variables": {"ids": ids}}] * 3
        assert (await client.post("/graphql", json=batch)).status_code == 200
        answered = refused = 0
        while not refused:
            before = len(clickhouse.sent)
            redis.sent.clear()
            status = (await client.post("/graphql", json=batch)).status_code
            # Three where the first point was given a second or longer after the last, and the rest takes its time.
            assert 1 <= redis.sent.count(b":rate:") <= 3
            assert (status, len(clickhouse.sent) > before) in ((200, True), (429, False))
            answered, refused = answered + (status == 200), status == 429
        assert answered


async def test_what_is_left_is_told_to_whom_it_concerns_and_to_nobody_after(
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001
    home: str,
) -> None:
    query = f'{{ a{uuid4().hex[:8]}: airline(code: "UA") {{ name }} }}'
    async with opened(store_urls, address=home, rate_cost_per_minute=2_000) as client:
        first = await client.get("/graphql", params={"query": query})
        assert first.headers["cache-control"].startswith("public")
        assert {"ratelimit", "ratelimit-policy"}.isdisjoint(first.headers), "an edge gives this copy to others"
        private = await client.get("/graphql", params={"query": TINY})
        before = _remaining(private)
        counted = await client.post("/graphql", json={"query": query})
        assert counted.headers["cache-control"].startswith("public")
        assert _remaining(counted) < before
        kept = await client.post("/graphql", json={"query": query})
        assert "age" in kept.headers
        assert {"ratelimit", "ratelimit-policy"}.isdisjoint(kept.headers)
        after = await client.post("/graphql", json={"query": TINY})
        assert _remaining(after) >= _remaining(counted) - TINY_POINTS, "what is served from memory costs nothing"


async def test_nothing_is_counted_where_there_is_no_limit(store_urls: StoreUrls, home: str) -> None:
    async with opened(store_urls, address=home, rate_cost_per_minute=0) as client:
        answer = await client.post("/graphql", json={"query": TINY})
        assert answer.json()["data"]
        assert "ratelimit" not in answer.headers


async def test_without_redis_a_process_counts_by_itself(
    store_urls: StoreUrls, home: str, tmp_path: Path, rich: dict[str, str]
) -> None:
    with own_valkey(tmp_path) as valkey:
        async with opened(
            store_urls, address=home, redis_url=valkey.url, rate_cost_per_minute=5 * TINY_POINTS
        ) as client:
            await client.post("/graphql", json={"query": TINY}, headers=rich)
            assert _left(await client.post("/graphql", json={"query": TINY})) == 4
            valkey.kill()
            answers = [await client.post("/graphql", json={"query": TINY}) for _ in range(6)]
            assert [_left(answer) for answer in answers] == [4, 3, 2, 1, 0, 0]
            assert answers[5].status_code == 429
            await asyncio.to_thread(valkey.start)
            for _ in range(100):
                await asyncio.sleep(0.05)
                if (await client.post("/graphql", json={"query": TINY})).status_code == 200:
                    return
            raise AssertionError("Redis, which was emptied, is not asked again.")


async def test_a_viewer_has_a_budget_of_its_own_whatever_the_address() -> None:
    rate_limit = RateLimit(100)
    scopes: list[dict[str, Any]] = [{"method": "POST", "client": (f"192.0.2.{index}", 1)} for index in range(4)]
    await rate_limit.charge(scopes[0], 100)
    await rate_limit.charge(scopes[0], 150, viewer="key:a", cost_per_minute=200)
    with pytest.raises(HTTPError) as refused:
        await rate_limit.charge(scopes[1], 60, viewer="key:a", cost_per_minute=200)
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "3"})
    await rate_limit.charge(scopes[2], 100, viewer="key:b")
    with pytest.raises(RequestError):
        await rate_limit.charge(scopes[2], 101, viewer="key:c")
    await rate_limit.charge(scopes[3], 10**9, viewer="key:b", cost_per_minute=0)
    response = Response()
    rate_limit.add_headers(scopes[1], response)
    assert response.headers["ratelimit-policy"] == '"default";q=200;w=60'
    assert response.headers["ratelimit"] == '"default";r=50;t=3'


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        (("192.0.2.7", 5), "192.0.2.7"),
        (("::ffff:192.0.2.7", 5), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 5), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 5), "fe80::/64"),
        (("unknown", 0), "unknown"),
        (None, ""),
    ],
)
def test_what_an_address_counts_as(client: tuple[str, int] | None, counted: str) -> None:
    assert address({"client": client}) == counted


async def test_what_is_not_valid_is_paid_by_its_length(store_urls: StoreUrls, sample_stores: Stores, home: str) -> None:  # noqa: ARG001
    document = "{ " + " ".join(f"a{index}" for index in range(198)) + " }"
    async with opened(store_urls, address=home, rate_cost_per_minute=1_600) as client:
        answers = [await client.post("/graphql", json={"query": f"{document} #{index}"}) for index in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 110 < _remaining(answers[1]) < 220, "of 1,600 points, a request and 200 tokens have taken some 720 twice"
