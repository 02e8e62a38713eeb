"""GET /status: the tables of `gateway top` as a page without a script, for viewers with the scope alone."""

import asyncio
from collections.abc import Iterable
from typing import Any

import httpx
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from gateway.auth.errors import Unauthenticated
from gateway.auth.viewer import Viewer
from gateway.observability.recent_scrapes import RecentScrapes
from gateway.observability.status_page import StatusPage
from tests.gateway.observability.expositions import AFTER, BEFORE

HOSTILE = '# TYPE fuseway_statement_seconds_total counter\nfuseway_statement_seconds_total{store="<script>"} 5\n'


class Collector:
    """Yields the scrapes in turn, the last one again and again, and counts how often it is asked."""

    def __init__(self, *texts: str) -> None:
        self._texts = texts
        self.asked = 0

    def __call__(self) -> Iterable[Metric]:
        text = self._texts[min(self.asked, len(self._texts) - 1)]
        self.asked += 1
        return text_string_to_metric_families(text)


async def _operator(_request: Request) -> Viewer:
    return Viewer("key:operator", frozenset({"status"}))


async def _reader(_request: Request) -> Viewer:
    return Viewer("key:reader", frozenset({"analysis:read", "export", "explain"}))


async def _nobody(_request: Request) -> Viewer:
    raise Unauthenticated("An API key or a token is needed.", invalid=False)


async def _get(collector: Collector, viewer_of: Any = _operator) -> httpx.Response:
    page = StatusPage(RecentScrapes(collector, first_s=0.01), viewer_of)
    app = Starlette(routes=[Route("/status", page.__call__)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        return await client.get("/status")


async def test_the_page_shows_what_takes_the_time() -> None:
    answer = await _get(Collector(BEFORE, AFTER))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    slow, other = answer.text.index("<td>Aircraft.analysis.monthly</td>"), answer.text.index("<td>Aircraft.record</td>")
    assert slow < other
    assert "<td>OPEN</td>" in answer.text
    for title in ("Gateway", "Sections by time of their statements", "Statements by time", "Stores", "Operations"):
        assert title in answer.text


async def test_the_page_needs_no_script_and_allows_none() -> None:
    answer = await _get(Collector(HOSTILE))
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert '<meta http-equiv="refresh" content="5">' in answer.text


async def test_the_page_needs_its_scope() -> None:
    collector = Collector(BEFORE)
    answer = await _get(collector, _reader)
    error = {"message": "The status page needs the scope status.", "extensions": {"code": "FORBIDDEN"}}
    assert (answer.status_code, answer.json()) == (403, {"errors": [error]})
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="status"'
    assert (await _get(collector, _nobody)).status_code == 401
    assert collector.asked == 0


async def test_all_who_ask_at_once_share_two_scrapes() -> None:
    collector = Collector(BEFORE, AFTER)
    recent = RecentScrapes(collector, first_s=0.01)
    intervals = await asyncio.gather(*(recent.interval() for _ in range(20)))
    assert collector.asked == 2
    assert all(interval is intervals[0] for interval in intervals)
