"""Calls to Redis that may fail, and never cost a request more than their time-out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

from loaders.concurrency import cancel_and_wait
from loaders.stores.errors import SystemFault

T = TypeVar("T")

_RETRY_S = 0.5
"""Between two attempts to reach a Redis that is away, made beside the requests: none waits for one."""

_log = logging.getLogger("gateway")


class BoundedCalls:
    """Calls that answer None where Redis failed, or took longer than `timeout_s`.

    Then it is left alone, and calls answer None at once, until `probe`, made beside the requests, succeeds as soon.
    """

    def __init__(self, probe: Callable[[], Awaitable[object]], timeout_s: float) -> None:
        self._probe = probe
        self._timeout_s = timeout_s
        self._retrying: asyncio.Task[None] | None = None

    @property
    def is_away(self) -> bool:
        """Whether Redis is being left alone."""
        return self._retrying is not None

    async def of(self, call: Coroutine[Any, Any, T]) -> T | None:
        """What the call answers. It is not begun where Redis is left alone."""
        if self._retrying is not None:
            call.close()
            return None
        try:
            async with asyncio.timeout(self._timeout_s):
                return await call
        except (SystemFault, TimeoutError) as error:
            self.fail(error)
            return None

    def fail(self, error: Exception) -> None:
        """Leave Redis alone from now on, for what a call raised or what is wrong with its answer."""
        if self._retrying is None:
            _log.warning("Redis is left alone until it answers again: %s", str(error)[:500] or type(error).__name__)
            self._retrying = asyncio.create_task(self._retry(), context=Context())  # no request's

    async def close(self) -> None:
        """Stop looking for Redis; returns when that has ended."""
        if self._retrying is not None:
            await cancel_and_wait([self._retrying])

    async def _retry(self) -> None:
        while True:
            await asyncio.sleep(_RETRY_S)
            started = time.monotonic()
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._probe()
            except Exception:  # noqa: S112  # whatever it is, Redis would be left alone for good; why is in the log
                continue
            _log.warning("Redis answers again, within %.0f ms.", (time.monotonic() - started) * 1000)
            self._retrying = None
            return
