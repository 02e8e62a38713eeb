"""Observe each request, from before anything is done for it to when its answer is sent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gateway.observability.http_metrics import IN_FLIGHT, RequestMetrics
from gateway.observability.request_observation import CACHED, OBSERVATION, RequestObservation

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

    from gateway.observability.operation_names import OperationNames
    from gateway.observability.request_log import RequestLog


class ObservationMiddleware:
    """ASGI middleware that records each request in metrics and in the log. It is the outermost.

    Requests for the paths in `unobserved` are left out: probes come every few seconds, and are nobody's.
    """

    def __init__(
        self, app: ASGIApp, names: OperationNames, unobserved: Collection[str], log: RequestLog | None = None
    ) -> None:
        self._app = app
        self._names = names
        self._unobserved = unobserved
        self._metrics = RequestMetrics()
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] in self._unobserved:
            await self._app(scope, receive, send)
            return
        observation = scope[OBSERVATION] = RequestObservation(send)
        IN_FLIGHT.value += 1
        try:
            await self._app(scope, receive, observation.forward)
        finally:
            IN_FLIGHT.value -= 1
            self._record(observation, scope)
            del scope[OBSERVATION]  # it refers to what sends, and that to the scope: only the collector would free them

    def _record(self, observation: RequestObservation, scope: Scope) -> None:
        seconds = time.perf_counter() - observation.started_at
        outcome = observation.outcome
        if outcome != CACHED:
            outcome = observation.outcome = observation.final_outcome(scope)
        self._metrics.record(self._names.label(observation.operation), outcome, seconds)
        if self._log is not None:
            self._log.write(observation, scope["headers"], seconds)
