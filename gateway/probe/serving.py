"""Serve a probe's status page while its checks run."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.http.security_headers import SAFE
from gateway.http_connection import ConnectionLimits
from gateway.http_protocol import ProtocolFactory
from gateway.probe.history import HistoryError
from gateway.probe.status_page import CheckHistory, status_page

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Sequence

    from starlette.requests import Request

    from gateway.probe.checks import Check
    from gateway.probe.history import History
    from gateway.probe.probe import Probe

_FRESH_S = 5.0
_LIMITS = ConnectionLimits(head_bytes=16 << 10, headers=100, head_timeout_s=5.0, body_timeout_s=5.0, connections=200)
"""Anybody may connect to the page, and the checks need files, too: a connection without a request is closed soon."""

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
                    self._page = PlainTextResponse("The history cannot be read at the moment.\n", 503, headers)
                self._fresh_until = time.monotonic() + _FRESH_S
            return self._page

    async def _made(self) -> Response:
        now, latest = datetime.now(UTC), await self._history.latest()
        histories = [
            CheckHistory(check, latest.get(check.name), await self._history.days(check.name, now))
            for check in self._checks
        ]
        return status_page(self._title, histories, now)


async def _live(_request: Request) -> Response:
    return PlainTextResponse("alive\n", headers={"Cache-Control": "no-store", **SAFE})


def serve_probe(probe: Probe, bound: socket.socket, page: PublicPage) -> None:
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

    app = Starlette(routes=[Route("/", page.__call__), Route("/livez", _live)], lifespan=lifespan)
    server = uvicorn.Server(_config(app))
    bound.listen()
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn stops for it, then raises it again, which would kill
    server.run(sockets=[bound])
    if faults:
        raise faults[0]


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=ProtocolFactory(_LIMITS),  # type: ignore[arg-type]  # uvicorn calls it as it does a class
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
        ws="none",
    )
