"""The queries, the endpoints that answer them, and one client that asks them all alike."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson

TEXTS = {path.stem: path.read_text() for path in (Path(__file__).parent / "queries").glob("*.graphql")}
FLOOR, STOCK, GATEWAY = "floor", "stock", "gateway"
TIMEOUT_S = 600.0
KEEP_ALIVE_S = 3.0
"""Shorter than the five seconds after which uvicorn closes a connection that nothing is asked on."""


_CURSORS = frozenset({"cursor", "startCursor", "endCursor"})


class BenchmarkError(Exception):
    """The run cannot go on: an endpoint failed, or answers differ."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of the three, by name, and where it is served."""

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """The headers that requests to it have."""

    def path(self, query: str) -> str:
        """Where the query is asked."""
        return f"{self.url}/{query}" if self.name == FLOOR else f"{self.url}/graphql"

    def body(self, query: str, ids: Sequence[str]) -> bytes:
        """Return the body to post: the floor needs no query."""
        return orjson.dumps({"ids": ids} if self.name == FLOOR else {"query": TEXTS[query], "variables": {"ids": ids}})


class Client:
    """A session that keeps its connections."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def ask(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
        """The answer's bytes. Raises BenchmarkError for any status but 200."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        async with self._session.post(path, data=body, headers=sent) as answer:
            content = await answer.read()
            if answer.status != 200:
                raise BenchmarkError(f"{path} answers {answer.status}: {content[:200]!r}")
            return content

    async def look(self, url: str) -> None:
        """Read the answer to a GET."""
        async with self._session.get(url) as answer:
            await answer.read()

    async def usage(self, endpoint: Endpoint) -> dict[str, float]:
        """What the endpoint's process has used so far."""
        async with self._session.get(f"{endpoint.url}/usage") as answer:
            used: dict[str, float] = await answer.json()
            return used


def session(connections: int) -> aiohttp.ClientSession:
    """A session that opens at most as many connections."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    connector = aiohttp.TCPConnector(limit=connections, keepalive_timeout=KEEP_ALIVE_S)
    # Without a wish, nothing is compressed: the floor does not either.
    return aiohttp.ClientSession(connector=connector, timeout=timeout, skip_auto_headers=["Accept-Encoding"])


async def check_equal(client: Client, endpoints: Sequence[Endpoint], query: str, ids: Sequence[str]) -> None:
    """Raise BenchmarkError unless all endpoints answer the same. The first is the floor, which answers no errors."""
    floor, *others = endpoints
    expected = await client.ask(floor.path(query), floor.body(query, ids), floor.headers)
    for other in others:
        content = await client.ask(other.path(query), other.body(query, ids), other.headers)
        if content != expected and (different := difference(orjson.loads(expected), orjson.loads(content))):
            raise BenchmarkError(f"{query}, {len(ids):,} ids: {floor.name} and {other.name} differ{different}")


def difference(item: Any, other: Any, path: str = "") -> str:
    """Where two answers differ, empty where they do not.

    Floats may differ in the last digits: a sum depends on the order in which threads add. So does what is left of a
    slope of nothing. Cursors may be any texts: only who wrote them can read them, and the gateway seals its own.
    """
    if item == other or _are_cursors(path, item, other):
        return ""
    if isinstance(item, dict) and isinstance(other, dict) and item.keys() == other.keys():
        return next((result for key in item if (result := difference(item[key], other[key], f"{path}.{key}"))), "")
    if isinstance(item, list) and isinstance(other, list) and len(item) == len(other):
        pairs = enumerate(zip(item, other, strict=True))
        return next((result for index, (a, b) in pairs if (result := difference(a, b, f"{path}[{index}]"))), "")
    if isinstance(item, float) and isinstance(other, float) and math.isclose(item, other, abs_tol=1e-9):
        return ""
    return f" at {path or 'the root'}: {str(item)[:80]} and {str(other)[:80]}"


def _are_cursors(path: str, item: Any, other: Any) -> bool:
    return path.rpartition(".")[2] in _CURSORS and bool(item and other) and type(item) is type(other) is str
