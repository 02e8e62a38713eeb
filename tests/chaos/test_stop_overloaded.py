"""SIGTERM at four times the rate that a gateway sustains: it stops in its time, and each request has an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from deploy.embedded.engines import StoreUrls
from tests.chaos.sample_models import FLEET
from tests.conftest import Stores
from tests.gateway.test_shutdown import gateway

pytestmark = pytest.mark.chaos

TIMEOUT_S = 8.0
SLACK_S = 6.0
"""What a machine that is busy with other things adds to the time to stop."""
OVERLOAD = 4
IDS = 50
CONNECTIONS = 12
MEASURED_S, OVERLOADED_S = 5.0, 4.0
ANSWERS = {200, 503, 504}


@dataclass(slots=True)
class _Clients:
    """Clients with a connection for each request, and what became of their requests."""

    url: str
    session: aiohttp.ClientSession
    bodies: Iterator[dict[str, object]]
    statuses: list[tuple[float, int | str]] = field(default_factory=list)
    """When each request began, and the status of its answer, or why it has none."""

    async def ask(self) -> None:
        """Send one request."""
        began = time.monotonic()
        try:
            async with self.session.post(f"{self.url}/graphql", json=next(self.bodies)) as answer:
                await answer.read()
                self.statuses.append((began, answer.status))
        except (aiohttp.ClientError, OSError) as error:
            self.statuses.append((began, repr(error)))

    async def sustained_per_s(self) -> float:
        """Return how many requests a second are answered where each client asks again as soon as it is answered."""
        ends = time.monotonic() + MEASURED_S

        async def go_on() -> None:
            while time.monotonic() < ends:
                await self.ask()

        await asyncio.gather(*(go_on() for _ in range(CONNECTIONS)))
        count = len(self.statuses)
        assert {status for _, status in self.statuses} == {200}
        self.statuses.clear()
        return count / MEASURED_S

    async def overload(self, per_s: float, is_over: asyncio.Event) -> None:
        """Send requests at a rate, whatever becomes of them, until it is over; wait for all answers."""
        began, asked = time.monotonic(), set[asyncio.Task[None]]()
        while not is_over.is_set():
            due = int((time.monotonic() - began) * per_s) - len(asked)
            asked |= {asyncio.create_task(self.ask()) for _ in range(due)}
            await asyncio.sleep(0.005)
        await asyncio.gather(*asked)


def _bodies() -> Iterator[dict[str, object]]:
    seed = 0
    while True:
        seed += 1
        yield {"query": FLEET.queries["dashboard"], "variables": {"ids": FLEET.ids(seed, IDS)}}


@pytest.mark.parametrize("workers", [1, 2])
async def test_an_overloaded_gateway_stops_in_its_time_and_answers_what_it_was_asked(
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001 - loaded before it serves
    workers: int,
) -> None:
    settings: dict[str, Any] = {"GATEWAY_SHUTDOWN_TIMEOUT_S": f"{TIMEOUT_S:g}", "GATEWAY_CACHE": "false"}
    FLEET.ids(0, IDS)  # reads the sample's files, which takes seconds
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    with ExitStack() as stack:
        process, url = await asyncio.to_thread(stack.enter_context, gateway(store_urls, workers, **settings))
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(60)) as session:
            clients = _Clients(url, session, _bodies())
            per_s = OVERLOAD * await clients.sustained_per_s()
            is_over = asyncio.Event()
            load = asyncio.create_task(clients.overload(per_s, is_over))
            await asyncio.sleep(OVERLOADED_S)
            process.terminate()
            began = time.monotonic()
            await asyncio.to_thread(process.wait, 60)
            took_s = time.monotonic() - began
            is_over.set()
            await load
        await asyncio.to_thread(stack.close)
    assert took_s < TIMEOUT_S + SLACK_S
    before = [status for asked_at, status in clients.statuses if asked_at < began]
    assert set(before) <= ANSWERS
    assert 503 in before, "it was not overloaded"
    print(
        f"{per_s:.0f} requests/s: stopped after {took_s:.1f} s; {len(before)} before, {before.count(200)} answered 200"
    )
