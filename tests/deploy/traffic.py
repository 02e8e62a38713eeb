"""Requests of every kind to a gateway, and what else makes its metrics move: changes, overload, stores that are away."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from benchmarks.asking import TEXTS
from loaders.stores.postgres import Postgres
from tests.chaos.network_faults import Fault
from tests.chaos.proxy import Proxy

AWAY: Final = Fault("away", cuts=True)
_TIMEOUT_S: Final = 60.0
_CROWD: Final = 320
"""Requests at once: more than two workers execute and let wait."""
_DEFERRED: Final = (
    "query Deferred($ids: [ID!]!) { aircraftByIds(ids: $ids) { id ... @defer { registration { seats } } } }"
)
_CACHED: Final = 'query Airline { airline(code: "UA") { name } }'
_PARTS: Final = {"Accept": "multipart/mixed;incrementalSpec=v0.2"}
_UNCACHED: Final = {"Cache-Control": "no-cache"}


@dataclass
class Traffic:
    """Asks a gateway at `url`; PostgreSQL announces changes, and ClickHouse is behind a proxy."""

    url: str
    ids: Sequence[str]
    postgres: Postgres
    clickhouse: Proxy
    _starts: itertools.count[int] = field(default_factory=itertools.count)

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Ask without end in the block."""
        async with self._client() as client:
            task = asyncio.create_task(self._go_on(client))
            try:
                yield
                if task.done():
                    task.result()  # what it failed with
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def exceptions(self) -> None:
        """Make happen what happens seldom: more requests at once than there are places, and ClickHouse away."""
        async with self._client() as client:
            crowd = [self._dashboard(client, 200) for _ in range(_CROWD)]
            await asyncio.gather(*crowd)
            await self.clickhouse.switch(AWAY)
            for _ in range(20):
                await self._dashboard(client, 20)
            await self.clickhouse.heal()

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, timeout=_TIMEOUT_S, limits=httpx.Limits(max_connections=None))

    async def _go_on(self, client: httpx.AsyncClient) -> None:
        while True:
            await asyncio.gather(
                *(self._dashboard(client, 50) for _ in range(4)),
                *(self._everywhere(client, "trends", 20) for _ in range(2)),
                *(client.get("/graphql", params={"query": _CACHED}) for _ in range(5)),
                client.post("/graphql", json={"query": "query Wrong { nothing }"}),
                client.post("/graphql", json=_body(_DEFERRED, self._some(5)), headers=_PARTS),
                client.get("/export/analysis", params={"ids": ",".join(self._some(3))}),
                self._leave(client),
                self._announce(),
            )

    async def _dashboard(self, client: httpx.AsyncClient, count: int) -> None:
        await client.post("/graphql", json=_body(TEXTS["dashboard"], self._some(count)), headers=_UNCACHED)

    async def _everywhere(self, client: httpx.AsyncClient, query: str, count: int) -> None:
        """Ask the same over connections of their own, so that both workers want the same."""
        body = _body(TEXTS[query], self._some(count))
        headers = {**_UNCACHED, "Connection": "close"}
        await asyncio.gather(*(client.post("/graphql", json=body, headers=headers) for _ in range(4)))

    async def _leave(self, client: httpx.AsyncClient) -> None:
        timeout = httpx.Timeout(_TIMEOUT_S, read=0.05)
        with suppress(httpx.ReadTimeout):
            await client.post("/graphql", json=_body(TEXTS["everything"], self._some(200)), timeout=timeout)

    async def _announce(self) -> None:
        change = json.dumps({"table": "register", "keys": [self._some(1)[0]]})
        await self.postgres.execute("select pg_notify('gateway_changes', $1)", change)

    def _some(self, count: int) -> list[str]:
        """Return other ids each time, until all were asked for."""
        start = next(self._starts) * 7
        return [self.ids[(start + index) % len(self.ids)] for index in range(count)]


def _body(query: str, ids: Sequence[str]) -> dict[str, Any]:
    return {"query": query, "variables": {"ids": list(ids)}}
