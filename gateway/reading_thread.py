"""Run work that would block the event loop in one thread: parsing large bodies and documents."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from gateway.http.errors import HTTPError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_MAX_INLINE_POINTS = 600
"""Maximum points of work (six milliseconds) done on the event loop; more is done in a thread."""
_MAX_WAITING = 64
"""Requests that wait for the thread. Without a bound, they would pile up, each with its body."""


class ReadingThread:
    """Runs one function at a time in a thread, in turns with the event loop.

    Python switches threads within half a millisecond (see `gateway.app`). Other requests take somewhat longer
    meanwhile, and none waits for the tens of milliseconds that the largest documents take.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading")
        self._waiting = 0

    async def run(self, points: int, function: Callable[[], T]) -> T:
        """Return the function's result, for about so many points of work. Raises HTTPError 503 if too many requests
        wait."""
        if points <= _MAX_INLINE_POINTS:
            return function()
        if self._waiting >= _MAX_WAITING:
            message = "Too many large requests are being read: try again in a second."
            raise HTTPError(503, message, "OVERLOADED", {"Retry-After": "1"})
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, function)
        finally:
            self._waiting -= 1
