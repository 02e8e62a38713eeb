"""The gateway and its commands by way of a real PgBouncer."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.embedded.engines import StoreUrls
from tests.asking import SCHEMA
from tests.conftest import NewDatabase
from tests.gateway.conftest import environment_of, served
from tests.gateway.test_export import _rounded
from tests.loaders.cache.valkey import own_valkey
from tests.pgbouncer import pgbouncer
from tests.queries import DASHBOARD, TRENDS, everything

_IDS = ["N725MQ", "N14228", "N804JB", "nothing"]
_FLEET = """query ($after: String) {
    fleet(first: 20, after: $after) { pageInfo { hasNextPage endCursor } edges { node { id registration { seats } } } }
}"""
_RECORDS = '{ airline(code: "AA") { name } airport(code: "JFK") { name } aircraft(tailNumber: "N14228") { id revisions(first: 3) { revision reason } } }'
_QUERIES: list[tuple[str, dict[str, Any]]] = [
    *((DASHBOARD, {"ids": _IDS[:count]}) for count in (1, 2, 4)),
    *((TRENDS, {"ids": _IDS[:count]}) for count in (1, 3)),
    (everything(SCHEMA._schema), {"ids": _IDS}),
    (_FLEET, {}),
    (_RECORDS, {}),
]
_DIRECT = {"GATEWAY_CACHE": "false", "GATEWAY_ACQUIRE_TIMEOUT_S": "60", "GATEWAY_CURSOR_SECRET": "of both"}
"""Without a cache every query sends its statements; those of a busy machine wait for ClickHouse. Cursors are the same."""
pytestmark = pytest.mark.usefixtures("sample_stores")

_TRANSACTION = {"GATEWAY_POSTGRES_POOLER": "transaction"}


@pytest.fixture
def alone(pooled: StoreUrls, tmp_path: Path) -> Iterator[StoreUrls]:
    """The same with a Redis that no other gateway shares, which might hear of changes."""
    with own_valkey(tmp_path) as valkey:
        yield replace(pooled, redis_url=valkey.url)


@pytest.fixture(scope="module")
def pooled(store_urls: StoreUrls) -> Iterator[StoreUrls]:
    """The stores, with PostgreSQL behind a PgBouncer whose two connections go round by transactions."""
    with pgbouncer(store_urls.database_url, "transaction", pool_size=2) as url:
        yield replace(store_urls, database_url=url)


def _answers(url: str, threads: int) -> list[Any]:
    """The answers to all queries, each asked several times at once."""
    with httpx.Client(base_url=url, timeout=120) as client, ThreadPoolExecutor(threads) as pool:

        def ask(query: tuple[str, dict[str, Any]]) -> Any:
            answer = client.post("/graphql", json={"query": query[0], "variables": query[1]}).json()
            assert "errors" not in answer, answer["errors"]
            return _rounded(answer["data"])

        answers = list(pool.map(ask, _QUERIES * (2 if threads > 1 else 1)))
        answers.append(client.get("/export/analysis", params={"ids": ",".join(_IDS)}).text.count('"aircraft":'))
    return answers


@pytest.mark.parametrize(
    ("mode", "settings"),
    [("transaction", {"max_client_conn": 100}), ("session", {"default_pool_size": 13})],
)
def test_all_that_can_be_asked_is_answered_as_without_a_pooler(
    store_urls: StoreUrls,
    mode: str,
    settings: dict[str, int],
) -> None:
    with served(store_urls, **_DIRECT) as url:
        expected = _answers(url, 1)
    with (
        pgbouncer(store_urls.database_url, mode, **settings) as pooled,
        served(replace(store_urls, database_url=pooled), GATEWAY_POSTGRES_POOLER=mode, **_DIRECT) as url,
    ):
        answers = _answers(url, 8)
    assert answers == expected[:-1] * 2 + expected[-1:]


def _gateway(urls: StoreUrls, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | environment_of(urls) | _TRANSACTION | settings
    command = [sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_keys_are_made_listed_and_revoked_by_way_of_a_pooler(pooled: StoreUrls) -> None:
    made = _gateway(pooled, "keys", "add", "behind a pooler")
    assert made.returncode == 0
    listed = _gateway(pooled, "keys", "list")
    (line,) = [line for line in listed.stdout.splitlines() if "behind a pooler" in line]
    assert _gateway(pooled, "keys", "revoke", line.split()[0]).returncode == 0


@pytest.mark.parametrize("command", ["migrate", "setup"])
def test_migrations_say_that_they_need_a_connection_past_the_pooler(
    pooled: StoreUrls,
    command: str,
) -> None:
    answer = _gateway(pooled, command)
    assert answer.returncode != 0
    assert re.fullmatch(r"gateway: .* Set DATABASE_DIRECT_URL to PostgreSQL itself, past any pooler\.\n", answer.stderr)
    assert "Traceback" not in answer.stderr


async def test_migrations_are_made_past_the_pooler(new_database: NewDatabase, store_urls: StoreUrls) -> None:
    async with new_database() as new:
        with pgbouncer(new.database_url, "transaction") as url:
            urls = StoreUrls(database_url=url, clickhouse_url=new.clickhouse_url, redis_url=store_urls.redis_url)
            answer = _gateway(urls, "migrate", DATABASE_DIRECT_URL=new.database_url)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout == "applied gateway/0001_api_keys.sql\n"


_ONE = {"query": '{ aircraft(tailNumber: "N14228") { id registration { seats } } }'}


def _warnings_become(client: httpx.Client, expected: list[str]) -> None:
    """Wait for it: with a Redis that is new, it takes some seconds until all processes are known to listen."""
    for _ in range(600):
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["ready"]) == (200, True)
        if answer.json().get("warnings", []) == expected:
            return
        time.sleep(0.05)
    raise AssertionError(answer.text)


def test_changes_are_heard_past_the_pooler(alone: StoreUrls, store_urls: StoreUrls) -> None:
    with (
        served(alone, **_TRANSACTION, DATABASE_DIRECT_URL=store_urls.database_url) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        _warnings_become(client, [])
        assert client.get("/graphql", params=_ONE).headers["cache-control"].endswith("stale-while-revalidate=600")


def test_a_gateway_that_hears_no_changes_says_so_and_keeps_answers_for_half_a_minute(alone: StoreUrls) -> None:
    with served(alone, **_TRANSACTION) as url, httpx.Client(base_url=url, timeout=60) as client:
        _warnings_become(
            client,
            [
                "Notifications of PostgreSQL do not come back: DATABASE_URL and DATABASE_DIRECT_URL must lead to the same"
                " primary, the latter past any pooler."
            ],
        )
        control = client.get("/graphql", params=_ONE).headers["cache-control"]
    (age,) = re.findall(r"public, max-age=(\d+)", control)
    assert int(age) <= 30
    assert "stale-while-revalidate" not in control or control.endswith("stale-while-revalidate=0")
