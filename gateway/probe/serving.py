"""Serve a probe's status page and its metrics, each on a port of its own, while its checks run."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.http.security_headers import SAFE
from gateway.probe.history import HistoryError
from gateway.probe.status_page import CheckHistory, status_page

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Sequence

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from gateway.probe.checks import Check
    from gateway.probe.history import History
    from gateway.probe.metrics import ProbeMetrics
    from gateway.probe.probe import Probe

_FRESH_S = 5.0
_MAX_CONNECTIONS = 200
"""Connections of visitors and of Prometheus: the checks need files, too."""

_log = logging.getLogger("gateway.probe")


class PublicPage:
    """Answers GET / with the status page, which is made anew at most every five seconds: anybody may ask for it."""

    def __init__(self, title: str, checks: Sequence[Check], history: History) -> None:
        self._title = title
        self._checks = checks
        self._history = history
        self._lock = asyncio.Lock()
        self._page: Response | None = None
        self._fresh_until = 0.0

    async def __call__(self, _request: Request) -> Response:
        """Return the page; 503 where the history cannot be read."""
        async with self._lock:
            if self._page is None or time.monotonic() >= self._fresh_until:
                try:
                    self._page = await self._made()
                except HistoryError as error:
                    _log.error("The status page cannot be shown: %s", error)
                    headers = {"Cache-Control": "no-store", **SAFE}
                    return PlainTextResponse("The history cannot be read at the moment.\n", 503, headers)
                self._fresh_until = time.monotonic() + _FRESH_S
            return self._page

    async def _made(self) -> Response:
        now, latest = datetime.now(UTC), await self._history.latest()
        histories = [
            CheckHistory(check, latest.get(check.name), await self._history.days(check.name, now))
            for check in self._checks
        ]
        return status_page(self._title, histories, now)


def page_app(title: str, checks: Sequence[Check], history: History) -> Starlette:
    """Return the application of the public status page."""
    return Starlette(routes=[Route("/", PublicPage(title, checks, history).__call__), Route("/livez", _live)])


def metrics_app(metrics: ProbeMetrics) -> Starlette:
    """Return the application of the metrics."""

    async def exposition(_request: Request) -> Response:
        return Response(generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST, **SAFE})

    return Starlette(routes=[Route("/metrics", exposition)])


async def _live(_request: Request) -> Response:
    return PlainTextResponse("alive\n", headers={"Cache-Control": "no-store", **SAFE})


class _ByPort:
    """An ASGI application that hands each request to the application of the port that it came to."""

    def __init__(self, apps: dict[int, ASGIApp], lifespan: ASGIApp) -> None:
        self._apps = apps
        self._lifespan = lifespan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        else:
            await self._apps[scope["server"][1]](scope, receive, send)


def serve_probe(probe: Probe, pages: Sequence[tuple[socket.socket, ASGIApp]]) -> None:
    """Run the checks and serve, until a signal stops the process or a fault ends the checks, which is raised."""
    faults: list[BaseException] = []

    def end(checks: asyncio.Task[None]) -> None:
        server.should_exit = True
        if not checks.cancelled() and (fault := checks.exception()) is not None:
            faults.append(fault)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        checks = asyncio.create_task(probe.run())
        checks.add_done_callback(end)
        try:
            yield
        finally:
            checks.cancel()
            await asyncio.wait([checks])

    apps = {cast("int", each.getsockname()[1]): app for each, app in pages}
    server = uvicorn.Server(_config(_ByPort(apps, Starlette(lifespan=lifespan))))
    for each, _ in pages:
        each.listen()
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn stops for it, then raises it again, which would kill
    server.run(sockets=[each for each, _ in pages])
    if faults:
        raise faults[0]


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        access_log=False,
        server_header=False,
        log_level="warning",
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
        ws="none",
    )
