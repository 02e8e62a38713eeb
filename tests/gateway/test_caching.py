"""Caching as clients and operators meet it: two gateways in processes of their own over the real stores."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import asyncpg
import httpx
import pytest

from benchmarks.servers import wait_until
from deploy.embedded.engines import StoreUrls
from tests.conftest import Stores
from tests.gateway.command_line import CommandResult, run_command
from tests.gateway.conftest import environment_of, invalidate, served
from tests.loaders.stores.relay import Relay, relay
from tests.queries import DASHBOARD

ONE = '{ aircraft(tailNumber: "N14228") { id registration { seats } operator { name } } }'


@pytest.fixture(scope="module")
def two(store_urls: StoreUrls, sample_stores: Stores) -> Iterator[tuple[httpx.Client, httpx.Client]]:  # noqa: ARG001
    with ExitStack() as stack:
        urls = [stack.enter_context(served(store_urls)) for _ in range(2)]
        item, other = (stack.enter_context(httpx.Client(base_url=url, timeout=60)) for url in urls)
        wait_until(lambda: all("warnings" not in client.get("/readyz").json() for client in (item, other)))
        yield item, other


@pytest.fixture
async def between(store_urls: StoreUrls) -> AsyncIterator[Relay]:
    async with relay(store_urls.clickhouse_url) as between:
        yield between


def test_an_answer_says_how_long_it_is_fresh_and_is_not_sent_again(
    two: tuple[httpx.Client, httpx.Client], store_urls: StoreUrls
) -> None:
    assert invalidate(store_urls, "Aircraft:N14228").returncode == 0  # what other tests had cached may be stale by now
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
        ("{ __typename }", "no-cache"),
    ],
)
def test_errors_and_what_no_table_answers_are_never_kept(
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
    # what another test loaded may be stale by now: the answer is kept once that has been refreshed
    wait_until(lambda: "age" in two[1].post("/graphql", json=body).headers)
    refused = two[1].post("/graphql", json=body, headers={"Cache-Control": "no-cache"})
    assert "age" not in refused.headers
    assert "age" not in two[1].post("/graphql", json=body | {"variables": {"ids": ["N14228"]}}).headers


def test_an_acknowledged_invalidation_is_known_to_both(
    two: tuple[httpx.Client, httpx.Client], store_urls: StoreUrls
) -> None:
    for client in two:  # what another test loaded may be stale at first
        wait_until(lambda client=client: "age" in client.get("/graphql", params={"query": ONE}).headers)  # type: ignore[misc]
    assert invalidate(store_urls, "Aircraft:N725MQ").stdout == "invalidated\n"
    assert all("age" in client.get("/graphql", params={"query": ONE}).headers for client in two)
    assert invalidate(store_urls, "Aircraft:N14228").stdout == "invalidated\n"
    assert all("age" not in client.get("/graphql", params={"query": ONE}).headers for client in two)
    assert invalidate(store_urls, "--section", "Aircraft.registration").stdout == "invalidated\n"
    assert all("age" not in client.get("/graphql", params={"query": ONE}).headers for client in two)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Say what has changed: Type:key, --section, --table, --tenant or --everything."),
        (("--section", "nonsense"), "The model has no section nonsense. There are Aircraft.analysis.activity"),
    ],
)
def test_an_invalidation_of_nothing_is_a_sentence(
    store_urls: StoreUrls, arguments: tuple[str, ...], sentence: str
) -> None:
    done = invalidate(store_urls, *arguments)
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
        assert (await asyncio.to_thread(invalidate, store_urls, "--everything")).returncode == 0
        sent = len(between.sent)
        async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=100)) as client:
            answers = await asyncio.gather(
                *(client.post(f"{url}/graphql", json=body) for url in both for _ in range(50))
            )
        await asyncio.to_thread(stack.close)
    assert all(answer.status_code == 200 for answer in answers)
    assert len({answer.content for answer in answers}) == 1
    assert bytes(between.sent[sent:]).count(b"POST /") == 1


def test_a_change_in_postgresql_is_served_soon_without_a_word_to_the_gateway(
    two: tuple[httpx.Client, httpx.Client], store_urls: StoreUrls
) -> None:
    query = '{ aircraft(tailNumber: "N804JB") { registration { seats } } }'
    for client in two:
        for _ in range(2):
            before = client.get("/graphql", params={"query": query}).json()
    change = "update aircraft set seats = seats where tail_number = 'N804JB'"
    asyncio.run(_executed(store_urls.database_url, change))
    deadline = time.monotonic() + 10
    for client in two:
        while "age" in (answer := client.get("/graphql", params={"query": query})).headers:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert answer.json() == before


async def _executed(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def test_an_account_is_given_to_whoever_asks(two: tuple[httpx.Client, httpx.Client], store_urls: StoreUrls) -> None:
    query = """{ aircraft(tailNumber: "N865DA") {
        operator { name } analysis { punctuality { flights } utilization { destinations } monthly { month } }
    } }"""
    assert invalidate(store_urls, "Aircraft:N865DA").returncode == 0
    body = {"query": query, "extensions": {"accounting": True}}
    answers = [two[0].post("/graphql", json=body) for _ in range(2)]
    cold, warm = (answer.json()["extensions"]["accounting"] for answer in answers)
    assert cold["statements"]["clickhouse"] == 2
    assert cold["bytes"].keys() == cold["rows"].keys() == cold["statements"].keys()
    assert 50 < cold["bytes"]["clickhouse"] < 500, "a row of a dozen numbers, and a row of its one month"
    assert sorted(map(sorted, cold["fused"])) == [
        ["Aircraft.analysis.monthly"],
        ["Aircraft.analysis.punctuality", "Aircraft.analysis.utilization", "Aircraft.operator"],
        ["Aircraft.record"],
    ]
    assert {"section": "Aircraft.analysis.punctuality", "missed": 1} in cold["cached"]
    assert (warm["statements"], warm["fused"]) == ({}, [])
    assert {"section": "Aircraft.analysis.punctuality", "fresh": 1} in warm["cached"]
    assert all(answer.headers["cache-control"] == "no-cache" for answer in answers)
    assert "extensions" not in two[0].post("/graphql", json={"query": query}).json()


def _warm(urls: StoreUrls, *arguments: str) -> CommandResult:
    return run_command("warm", *arguments, environment=os.environ | environment_of(urls))


def test_what_was_warmed_is_not_asked_of_the_stores(
    two: tuple[httpx.Client, httpx.Client], store_urls: StoreUrls, tmp_path: Path
) -> None:
    ids = ["N14228", "N725MQ", "N804JB"]
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "dashboard.graphql").write_text(DASHBOARD)
    (tmp_path / "ids.txt").write_text("\n".join(ids))
    assert invalidate(store_urls, "--everything").returncode == 0
    done = _warm(store_urls, str(tmp_path / "documents"), "--ids", str(tmp_path / "ids.txt"))
    assert (done.returncode, done.stderr) == (0, "3 of 3 objects\n")
    body = {"query": DASHBOARD, "variables": {"ids": ids}, "extensions": {"accounting": True}}
    accounts = [client.post("/graphql", json=body).json()["extensions"]["accounting"] for client in two]
    assert [account["statements"].get("clickhouse", 0) for account in accounts] == [0, 0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{ __typename }", "must hold one query whose variable is $ids"),
        ("query($ids: [ID!]!) {", "cannot be read: Syntax Error"),
        ("query($ids: [ID!]!) { nonsense(ids: $ids) }", "Cannot query field 'nonsense'"),
    ],
)
def test_a_document_that_cannot_be_warmed_is_a_sentence(
    store_urls: StoreUrls, tmp_path: Path, text: str, sentence: str
) -> None:
    (tmp_path / "one.graphql").write_text(text)
    (tmp_path / "ids.txt").write_text("N14228")
    done = _warm(store_urls, str(tmp_path / "one.graphql"), "--ids", str(tmp_path / "ids.txt"))
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_gateway_warms_itself_when_it_starts(
    store_urls: StoreUrls, sample_stores: Stores, tmp_path: Path
) -> None:
    document = "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { analysis { nightFlights { flights } } } }"
    (tmp_path / "night.graphql").write_text(document)
    rows = await sample_stores.postgres.rows("select tail_number from aircraft order by tail_number desc limit 100")
    assert (await asyncio.to_thread(invalidate, store_urls, "--everything")).returncode == 0
    settings = {"GATEWAY_WARM_DOCUMENTS": str(tmp_path), "GATEWAY_WARM_RATE": "100000"}
    with ExitStack() as stack:
        url = await asyncio.to_thread(stack.enter_context, served(store_urls, **settings))
        async with httpx.AsyncClient() as client:
            for (never_asked,) in rows:
                body = {"query": document, "variables": {"ids": [never_asked]}, "extensions": {"accounting": True}}
                answer = (await client.post(f"{url}/graphql", json=body)).json()
                if not answer["extensions"]["accounting"]["statements"]:
                    break
                await asyncio.sleep(0.1)
            else:
                pytest.fail("nothing was warmed within ten seconds")
        await asyncio.to_thread(stack.close)
