"""Calls to Redis that may fail, and never cost a request more than their time-out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from loaders.stores.errors import SystemFault
from loaders.stores.redis import Redis

T = TypeVar("T")

_RETRY_S = 0.5
"""Between two attempts to reach a Redis that is away, made beside the requests: none waits for one."""

_log = logging.getLogger("gateway")


class BoundedCalls:
    """Calls that answer None where Redis failed, or took longer than `timeout_s`.

    Then it is left alone, and calls answer None at once, until an attempt beside the requests finds it well again.
    """

    def __init__(self, redis: Redis, timeout_s: float) -> None:
        self._redis = redis
        self._timeout_s = timeout_s
        self._retrying: asyncio.Task[None] | None = None

    @property
    def is_away(self) -> bool:
        """Whether Redis is being left alone."""
        return self._retrying is not None

    async def of(self, call: Coroutine[Any, Any, T]) -> T | None:
        """What the call answers. It is not begun where Redis is left alone."""
        if self.is_away:
            call.close()
            return None
        try:
            async with asyncio.timeout(self._timeout_s):
                return await call
        except (SystemFault, TimeoutError) as error:
            if self._retrying is None:
                _log.warning("Redis is left alone until it answers again: %s", str(error)[:500] or type(error).__name__)
                self._retrying = asyncio.create_task(self._retry())
            return None

    async def close(self) -> None:
        """Stop looking for Redis."""
        if self._retrying is not None:
            self._retrying.cancel()

    async def _retry(self) -> None:
        while True:
            await asyncio.sleep(_RETRY_S)
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._redis.ping()
            except (SystemFault, TimeoutError):
                continue
            self._retrying = None
            return
