"""Circuit breakers: a store that failed is not asked again until a probe in the background has succeeded."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, MutableSet
from contextvars import Context
from dataclasses import dataclass
from typing import Any, TypeVar

from loaders.concurrency import InsistentTimeout, cancel_and_wait, is_cancelled
from loaders.stores.errors import FailureKind, StatementFailed, StoreError

T = TypeVar("T")

_PROBE_INTERVAL_S = 0.5
"""How often an open breaker tries the store again, in a task of its own that no request waits for."""

_log = logging.getLogger("gateway")


@dataclass(frozen=True, slots=True)
class Outage:
    """Why a store is away, and since when, in seconds of Unix time."""

    kind: FailureKind
    reason: str
    since: float

    @classmethod
    def of(cls, error: Exception) -> Outage:
        """Return the outage that an error shows, from now on."""
        kind = error.kind if isinstance(error, StoreError) else FailureKind.SILENT
        return cls(kind, str(error)[:500] or type(error).__name__, time.time())


class CircuitBreaker:
    """Open while a store is away: `call` returns None at once then, and whoever asks `is_open` need not try.

    It opens when a call fails or takes longer than `timeout_s`, or by `trip`. It closes when `probe`, which a
    background task calls, succeeds within the same time. `name` is the store's in the log.
    `beside` holds all breakers around the same server: when it does not answer one of them, all open, so that a request
    that asks it for several things waits for one timeout. Each closes by its own probe.
    """

    def __init__(
        self,
        probe: Callable[[], Awaitable[object]],
        timeout_s: float,
        *,
        name: str = "Redis",
        beside: MutableSet[CircuitBreaker] | None = None,
    ) -> None:
        self._probe = probe
        self._timeout_s = timeout_s
        self._name = name
        self._probing: asyncio.Task[None] | None = None
        self.outage: Outage | None = None
        """Why the store is away; None while it is not."""
        self._beside = beside if beside is not None else set()
        self._beside.add(self)

    @property
    def is_open(self) -> bool:
        """Whether calls are skipped because the store failed lately."""
        return self._probing is not None

    async def call(self, call: Coroutine[Any, Any, T]) -> T | None:
        """Return the result of the call, or None where it failed, was late, or was not started because this is open."""
        if self._probing is not None:
            call.close()
            return None
        try:
            async with InsistentTimeout(self._timeout_s):
                return await call
        except (StoreError, TimeoutError) as error:
            self.trip(error)
            return None

    def trip(self, error: Exception) -> None:
        """Open the breaker because of an error that a call raised, or that its reply showed."""
        if self._probing is not None:
            return
        outage = Outage.of(error)
        _log.warning("%s failed and is not used until it answers again: %s", self._name, outage.reason)
        self._open(outage, is_told=True)
        if not isinstance(error, StatementFailed):
            for breaker in list(self._beside):
                breaker._open(outage, is_told=False)

    def _open(self, outage: Outage, *, is_told: bool) -> None:
        if self._probing is None:
            self.outage = outage
            self._probing = asyncio.create_task(
                self._probe_until_closed(is_told), context=Context()
            )  # not the context of a request

    async def close(self) -> None:
        """Stop probing, and return when the probe has ended."""
        self._beside.discard(self)
        if self._probing is not None:
            await cancel_and_wait([self._probing])

    async def _probe_until_closed(self, is_told: bool) -> None:
        while True:
            await asyncio.sleep(_PROBE_INTERVAL_S)
            started = time.monotonic()
            try:
                async with InsistentTimeout(self._timeout_s):
                    await self._probe()
            except asyncio.CancelledError:
                if is_cancelled():
                    raise
                continue
            except Exception:  # noqa: S112  # an error here would leave the breaker open for good; its cause is logged already
                continue
            if is_told:
                _log.warning("%s answers again, within %.0f ms.", self._name, (time.monotonic() - started) * 1000)
            self._probing = self.outage = None
            return
