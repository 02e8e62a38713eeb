"""The probes: whether the process is alive, and whether it can answer."""

import asyncio
import time
from contextvars import Context
from dataclasses import replace
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.http_connection import CONNECTION
from gateway.stores import Stores
from loaders.objects.section_fault import UnreadableSection
from loaders.stores.circuit_breaker import Outage

PATHS = LIVE, READY = "/livez", "/readyz"

_FRESH_S = 1.0
"""Time for which one check of the stores is reused: anybody may call the probes, at any rate."""
_WITHIN_S = 0.8
"""Maximum time of a check. Orchestrators give a probe a second, if they are not told otherwise."""


async def live(_request: Request) -> Response:
    """Answer 200 while the event loop runs. The stores are not checked, so that their failures never cause a
    restart."""
    return PlainTextResponse("alive\n", headers={"Cache-Control": "no-store"})


class Ready:
    """Answers 200 while a database that holds objects answers, since nothing is known of any without one; else 503.

    The states of the other stores are reported, but do not count: while they are down, what they hold is null or comes
    from elsewhere, and taking every replica out of service would lose the rest too. Probes within a second share one
    check of the stores, so that each store is checked once at a time, however many probes there are.
    """

    def __init__(self, fresh_s: float = _FRESH_S, within_s: float = _WITHIN_S) -> None:
        self._fresh_s = fresh_s
        self._within_s = within_s
        self._outages: dict[str, Outage | None] = {}
        self._fresh_until = 0.0
        self._look: asyncio.Task[None] | None = None

    async def answer(self, request: Request) -> Response:
        """Return the answer to one probe."""
        connection = request.scope.get(CONNECTION)
        if connection is not None and connection.stops_at is not None:
            return JSONResponse({"ready": False, "stopping": True}, 503, headers={"Cache-Control": "no-store"})
        stores: Stores = request.app.state.stores
        if self._look is None and time.monotonic() >= self._fresh_until:
            self._look = asyncio.create_task(
                self._look_at(stores), context=Context()
            )  # no request counts its statements
        if self._look is not None:
            await asyncio.shield(self._look)  # which others wait for, too
        status = 200 if any(self._outages[name] is None for name in stores.required) else 503
        away = {name: outage for name, outage in self._outages.items() if outage is not None}
        content: dict[str, object] = {
            "ready": status == 200,
            "stores": {name: "away" if name in away else "ok" for name in self._outages},
        }
        if away:
            content["away"] = {name: _reason(outage) for name, outage in away.items()}
        if stores.faults:
            content["unreadable"] = [_unreadable(each) for each in stores.faults.unreadable()]
        if stores.warnings:
            content["warnings"] = stores.warnings
        return JSONResponse(content, status, headers={"Cache-Control": "no-store"})

    async def _look_at(self, stores: Stores) -> None:
        try:
            before, outages = self._outages, await stores.outages(self._within_s)
            self._outages = {name: outage and _longest(before.get(name), outage) for name, outage in outages.items()}
            self._fresh_until = time.monotonic() + self._fresh_s
        finally:
            self._look = None


def _longest(before: Outage | None, outage: Outage) -> Outage:
    """Return an outage since it was first seen."""
    return outage if before is None else replace(outage, since=min(before.since, outage.since))


def _reason(outage: Outage) -> dict[str, str]:
    """Return what anybody may be told of an outage, which is not where the store is."""
    return {"kind": outage.kind, "since": _instant(outage.since)}


def _unreadable(each: UnreadableSection) -> dict[str, object]:
    """Return what anybody may be told of a section, which is neither its tables nor the store's own words."""
    return {"section": each.section, **each.parts, "store": each.store, "since": _instant(each.since)}


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def routes() -> list[BaseRoute]:
    """Return the probes."""
    return [Route(LIVE, live), Route(READY, Ready().answer)]
