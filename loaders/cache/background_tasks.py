"""Tasks of a cache that outlive the request which started them."""

import asyncio
import logging
from collections.abc import Coroutine
from contextvars import Context
from typing import Any

from loaders.concurrency import cancel_and_wait, close_with_timeout

_log = logging.getLogger("gateway")


class BackgroundTasks:
    """The running tasks: asyncio itself would not keep them from being garbage-collected."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def run(
        self, work: Coroutine[Any, Any, None], context: Context | None = None, *, awaited: bool = False
    ) -> asyncio.Task[None]:
        """Start a task. The failure of an `awaited` one is left to its awaiters, that of any other is logged."""
        task = asyncio.create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._discard if awaited else self._discard_and_log)
        return task

    async def settle(self) -> None:
        """Wait until no task is running."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """Wait some seconds for the tasks, and cancel those that take longer."""
        await close_with_timeout(self.settle())
        await cancel_and_wait(self._tasks)

    def _discard(self, task: asyncio.Task[None]) -> BaseException | None:
        self._tasks.discard(task)
        return None if task.cancelled() else task.exception()

    def _discard_and_log(self, task: asyncio.Task[None]) -> None:
        if (error := self._discard(task)) is not None:
            _log.error("Cached values could not be refreshed or written.", exc_info=error)
