"""Answers from the edge's cache: before the gateway, and before a bare application with the same headers."""

import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from benchmarks.asking import BenchmarkError
from benchmarks.nginx import running_edge, unlimited
from benchmarks.processes import endpoint
from benchmarks.rates import SECONDS, Rates, measure_rates
from benchmarks.servers import installed
from benchmarks.warm import CACHED, CACHED_IDS, SETTINGS, cached_path

_SAME_HEADERS = ("content-type", "cache-control", "etag", "vary")


def measure_edge(
    urls: Mapping[str, str], ids: Sequence[str], query: str, rounds: int, seconds: int = SECONDS
) -> Rates | None:
    """The GET of `measure_cached` through nginx; None without nginx or wrk.

    Raises BenchmarkError where the edge does not keep an answer.
    """
    nginx, wrk = installed("nginx"), installed("wrk")
    if nginx is None or wrk is None:
        return None
    path = cached_path(query, ids[:CACHED_IDS])
    with ExitStack() as running:
        gateway = running.enter_context(endpoint("gateway", urls, SETTINGS[CACHED]))
        answer = _public(gateway + path)
        size = len(answer.content)
        headers = [f"{name}:{answer.headers[name]}" for name in _SAME_HEADERS if name in answer.headers]
        bare = running.enter_context(endpoint("bare", urls, arguments=[str(size), *headers], ready="/"))
        before_gateway, before_bare = (running.enter_context(_edge(nginx, item)) + path for item in (gateway, bare))
        _fill(before_gateway)
        _fill(before_bare)
        return measure_rates(wrk, before_gateway, before_bare, size, rounds, seconds)


_TRIES, _PAUSE_S = 30, 0.2
"""What is stale is refreshed meanwhile."""


@contextmanager
def _edge(nginx: str, origin: str) -> Iterator[str]:
    """The URL of an edge of its own before this one."""
    with (
        tempfile.TemporaryDirectory(prefix="edge-") as folder,
        running_edge(nginx, Path(folder), [urlsplit(origin).netloc], unlimited) as started,
    ):
        yield started.url


def _fill(url: str) -> None:
    """An answer that came while Redis was late, on a busy machine, is not kept: the next is."""
    statuses: list[str] = []
    while len(statuses) < _TRIES:
        statuses.append(_get(url).headers["x-cache-status"])
        if statuses[-1] == "HIT":
            return
        time.sleep(_PAUSE_S)
    raise BenchmarkError(f"The edge does not keep the answer: {', '.join(statuses)}.")


def _public(url: str) -> httpx.Response:
    """An answer that may be kept: not one that came while Redis was late, whose headers would be the bare one's too."""
    seen = Counter[str]()
    for _ in range(_TRIES):
        answer = _get(url)
        if re.search("max-age=[1-9]", answer.headers["cache-control"]):
            return answer
        seen[f"{answer.status_code} {answer.headers['cache-control']}"] += 1
        time.sleep(_PAUSE_S)
    raise BenchmarkError(f"No answer of {url[:80]} may be kept: {dict(seen)}.")


def _get(url: str) -> httpx.Response:
    """As wrk asks, so that it finds the copy that this leaves."""
    with httpx.Client() as client:
        for name in ("accept", "accept-encoding"):
            del client.headers[name]
        return client.get(url)
