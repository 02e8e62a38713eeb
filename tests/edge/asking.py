"""What clients ask the edge, and how it came by what it answers."""

import asyncio
import time
from collections import Counter

import httpx

from benchmarks.nginx import Edge

QUERY = "/graphql?query=%7B__typename%7D"
SHORT = "public, max-age=1"
RENEWED_BEHIND = "public, max-age=1, stale-while-revalidate=60"
STATUS = "x-cache-status"


def pass_seconds(count: int) -> None:
    """Sleep until so many seconds have begun and one has ended: nginx counts an answer's age in whole ones."""
    time.sleep(int(time.time()) + count + 1.05 - time.time())


async def statuses_of_50(edge: Edge) -> Counter[str]:
    """How the edge came by its answers to 50 clients that ask the same at once."""
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(base_url=edge.url, timeout=20, limits=limits) as client:
        answers = await asyncio.gather(*(client.get(QUERY) for _ in range(50)))
    return Counter(answer.headers[STATUS] for answer in answers)
