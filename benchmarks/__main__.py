"""`make bench`: one query for all aircraft against a request for each, as a browser sends them."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.served import served_gateway

RESULTS = Path(__file__).parent / "results.md"
SIZES = (1, 50, 500)
ROUNDS = 7
BROWSER_CONNECTIONS = 6
"""As many connections a browser opens to one HTTP/1.1 host; the other requests queue behind them."""

DASHBOARD = (Path(__file__).parent / "dashboard.graphql").read_text()
BUSIEST = "{ fleet(first: 1000) { nodes { id analysis { punctuality { flights } } } pageInfo { endCursor } } }"

Ask = Callable[[httpx.AsyncClient, list[str]], Awaitable[list[object]]]


@dataclass(frozen=True, slots=True)
class Row:
    """Medians of one size, in milliseconds."""

    size: int
    one_query_ms: float
    one_each_ms: float


async def one_query(client: httpx.AsyncClient, ids: list[str]) -> list[object]:
    """All aircraft in one request."""
    return await _asked(client, ids)


async def one_each(client: httpx.AsyncClient, ids: list[str]) -> list[object]:
    """A request for each aircraft, six at a time."""
    free = asyncio.Semaphore(BROWSER_CONNECTIONS)

    async def asked(key: str) -> list[object]:
        async with free:
            return await _asked(client, [key])

    return [one for answer in await asyncio.gather(*map(asked, ids)) for one in answer]


async def _asked(client: httpx.AsyncClient, ids: list[str]) -> list[object]:
    answer = await client.post("/graphql", json={"query": DASHBOARD, "variables": {"ids": ids}})
    body = answer.raise_for_status().json()
    if "errors" in body:
        raise RuntimeError(body["errors"][0]["message"])
    aircraft: list[object] = body["data"]["aircraftByIds"]
    return aircraft


async def measure(url: str) -> list[Row]:
    """Interleaved, so that whatever else the machine does meets both alike; the answers must be equal."""
    async with httpx.AsyncClient(base_url=url, timeout=300) as client:
        fleet = (await client.post("/graphql", json={"query": BUSIEST})).json()["data"]["fleet"]["nodes"]
        fleet.sort(key=lambda one: -one["analysis"]["punctuality"]["flights"])
        ids = [one["id"] for one in fleet]
        rows = []
        for size in SIZES:
            if await one_query(client, ids[:size]) != await one_each(client, ids[:size]):
                raise RuntimeError("The two ways to ask do not answer the same.")
            times: dict[Ask, list[float]] = {one_query: [], one_each: []}
            for _ in range(ROUNDS):
                for ask, taken in times.items():
                    taken.append(await _timed(ask, client, ids[:size]))
            rows.append(Row(size, statistics.median(times[one_query]), statistics.median(times[one_each])))
        return rows


async def _timed(ask: Ask, client: httpx.AsyncClient, ids: list[str]) -> float:
    started = time.perf_counter()
    await ask(client, ids)
    return (time.perf_counter() - started) * 1000


def table(rows: list[Row]) -> str:
    """The results as a page."""
    lines = [
        "# Benchmarks",
        "",
        f"`make bench`: the dashboard query without any cache, medians of {ROUNDS} interleaved rounds in one run, one",
        f"worker, engines and client on the same machine. *One each* sends a request for each aircraft,"
        f" {BROWSER_CONNECTIONS} at a time.",
        "",
        "| aircraft | one query, ms | one each, ms | one each / one query |",
        "| ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        ratio = row.one_each_ms / row.one_query_ms
        lines.append(f"| {row.size:,} | {row.one_query_ms:,.0f} | {row.one_each_ms:,.0f} | {ratio:,.1f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and write the page."""
    with served_gateway() as url:
        page = table(asyncio.run(measure(url)))
    RESULTS.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
