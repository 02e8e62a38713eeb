"""The probe of the stores: one look for all who ask within a second, however long a store hangs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from deploy.embedded.engines import StoreUrls
from gateway.health import Ready
from gateway.stores import Stores
from tests.fleet.served import MODEL
from tests.gateway.in_process import opened
from tests.lag import takes_less_than
from tests.loaders.cache.valkey import OwnValkey, own_valkey
from tests.loaders.stores.relay import relay
from tests.loaders.stores.waiting import until

REFUSES = "Nothing cached is served: Redis is away, or refuses to take changes."


class Pinged:
    """A store that counts its pings and answers them as it is told."""

    def __init__(self, answer: Callable[[], Awaitable[None]] | None = None) -> None:
        self.pings = 0
        self.was_pinged = asyncio.Event()
        self._answer = answer

    outage = None

    async def check(self) -> None:
        await self.ping()

    async def ping(self) -> None:
        self.pings += 1
        self.was_pinged.set()
        await asyncio.sleep(0)
        if self._answer is not None:
            await self._answer()


@asynccontextmanager
async def _asking(ready: Ready, *stores: Pinged) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[Route("/readyz", ready.answer)])
    *databases, redis = stores
    app.state.stores = Stores(dict(zip(MODEL.databases, databases, strict=True)), redis, MODEL)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        yield client


async def test_all_who_ask_within_a_second_share_one_look() -> None:
    stores = Pinged(), Pinged(), Pinged()
    async with _asking(Ready(fresh_s=60), *stores) as client:
        answers = await asyncio.gather(*(client.get("/readyz") for _ in range(50)))
        answers.append(await client.get("/readyz"))
    assert {answer.status_code for answer in answers} == {200}
    assert [store.pings for store in stores] == [1, 1, 1]


async def test_a_look_that_is_old_is_not_answered() -> None:
    stores = Pinged(), Pinged(), Pinged()
    async with _asking(Ready(fresh_s=0), *stores) as client:
        for _ in range(3):
            await client.get("/readyz")
    assert [store.pings for store in stores] == [3, 3, 3]


@pytest.mark.parametrize(("hanging", "status"), [("postgresql", 503), ("clickhouse", 200), ("redis", 200)])
async def test_a_store_that_hangs_is_away_and_pinged_once(hanging: str, status: int) -> None:
    names = ("postgresql", "clickhouse", "redis")
    stores = [Pinged(asyncio.Event().wait if name == hanging else None) for name in names]  # type: ignore[arg-type]
    async with _asking(Ready(fresh_s=60, within_s=0.05), *stores) as client:
        answers = await asyncio.gather(*(client.get("/readyz") for _ in range(20)))
    states = {name: "away" if name == hanging else "ok" for name in names}
    reasons = answers[0].json()["away"]
    assert (reasons.keys(), reasons[hanging]["kind"]) == ({hanging}, "silent")
    assert datetime.now(UTC) - datetime.fromisoformat(reasons[hanging]["since"]) < timedelta(minutes=1)
    content = {"ready": status == 200, "stores": states, "away": reasons}
    assert [answer.json() for answer in answers] == [content] * 20
    assert {answer.status_code for answer in answers} == {status}
    assert [store.pings for store in stores] == [1, 1, 1]


async def test_a_client_that_leaves_does_not_end_the_look_of_others() -> None:
    may_answer = asyncio.Event()
    stores = Pinged(may_answer.wait), Pinged(), Pinged()  # type: ignore[arg-type]
    async with _asking(Ready(fresh_s=60), *stores) as client:
        first, second = (asyncio.create_task(client.get("/readyz")) for _ in range(2))
        await stores[0].was_pinged.wait()
        first.cancel()
        may_answer.set()
        assert (await second).status_code == 200
    assert stores[0].pings == 1


async def _until_said(client: httpx.AsyncClient, redis: str, *, is_refusing: bool) -> None:
    """Wait until the probe says so of Redis, and is ready at any time."""
    async with asyncio.timeout(30):
        while True:
            answer = await client.get("/readyz")
            assert (answer.status_code, answer.json()["ready"]) == (200, True)
            said = (answer.json()["stores"]["redis"], REFUSES in answer.json().get("warnings", []))
            if said == (redis, is_refusing):
                return
            await asyncio.sleep(0.1)


async def test_a_redis_that_answers_and_refuses_changes_is_a_warning(store_urls: StoreUrls, tmp_path: Path) -> None:
    def refuse(valkey: OwnValkey, bytes_at_most: int) -> None:
        valkey.ask("CONFIG", "SET", "maxmemory", bytes_at_most)

    with own_valkey(tmp_path, "--appendonly", "no", "--maxmemory-policy", "noeviction") as valkey:
        async with opened(store_urls, redis_url=valkey.url) as client:
            await _until_said(client, "ok", is_refusing=False)
            await asyncio.to_thread(refuse, valkey, 1)
            await _until_said(client, "ok", is_refusing=True)
            await asyncio.to_thread(refuse, valkey, 0)
            await _until_said(client, "ok", is_refusing=False)
            await asyncio.to_thread(valkey.kill)
            await _until_said(client, "away", is_refusing=True)


@pytest.mark.parametrize(("name", "status"), [("clickhouse", 200), ("postgresql", 503)])
async def test_a_database_in_a_black_hole_is_named_within_a_second(
    store_urls: StoreUrls, sample_stores: object, name: str, status: int
) -> None:
    del sample_stores  # loaded before it is read
    url = f"{store_urls.database_url}?sslmode=disable" if name == "postgresql" else store_urls.clickhouse_url
    async with relay(url) as between:
        variable = "database_url" if name == "postgresql" else "clickhouse_url"
        async with opened(replace(store_urls, **{variable: between.url}), cache=False) as client:
            assert (await client.get("/readyz")).json()["stores"][name] == "ok"
            between.silence()
            await asyncio.sleep(1.1)  # what was found a second ago is still said
            async with takes_less_than(1.5):
                answer = await client.get("/readyz")
            assert (answer.status_code, answer.json()["away"][name]["kind"]) == (status, "silent")
            since = answer.json()["away"][name]["since"]
            await asyncio.sleep(1.1)
            assert (await client.get("/readyz")).json()["away"][name]["since"] == since
            between.resume()
            async with takes_less_than(5):
                await until(lambda: _is_ok(client, name))


async def _is_ok(client: httpx.AsyncClient, name: str) -> bool:
    return bool((await client.get("/readyz")).json()["stores"][name] == "ok")
