"""Gather, share, limit and cancel tasks, and close resources with a timeout."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Sequence
from contextvars import Context
from functools import partial
from types import TracebackType
from typing import Any, Generic, NoReturn, TypeVar

T = TypeVar("T")

_CANCEL_INTERVAL_S = 0.3
_SWALLOWED_S = 0.05
"""How long a block takes to end after its timeout, before it is taken for one that swallowed its cancellation."""
_TIMEOUT_S = 5.0
"""A driver that never returns must not keep the process from stopping: after this, it is abandoned."""

_log = logging.getLogger("gateway")


_ending: set[asyncio.Task[None]] = set()
"""Tasks that wait for others to end, kept here since the event loop holds only weak references."""


async def gather(coroutines: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Return the results in order, as asyncio.gather does, but cancel the others where one fails.

    A coroutine that is alone needs no task.
    """
    if len(coroutines) == 1:
        return [await coroutines[0]]
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        raise
    finally:
        tasks.clear()  # the frame of an error holds them, and they hold the error


class SharedTask(Generic[T]):
    """A task that several others await. It is cancelled when the last of them no longer does."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._task = asyncio.create_task(_outcome(coroutine))
        self._waiters = 0
        self.is_abandoned = False
        """Whether it was cancelled, since nobody waited any more: it has no result then."""

    async def result(self) -> T:
        """Return its result. Whoever waits may be cancelled without the others."""
        self._waiters += 1
        try:
            return (await asyncio.shield(self._task))()
        finally:
            self._waiters -= 1
            if not self._waiters and not self._task.done():
                self.is_abandoned = self._task.cancel()


async def _outcome(coroutine: Coroutine[Any, Any, T]) -> Callable[[], T]:
    """Return what returns or raises what the coroutine did.

    A task that raises keeps the frames that it came through; these hold whoever keeps the task.
    """
    try:
        value = await coroutine
    except Exception as error:
        return partial(_raise, error)
    return lambda: value


def _raise(error: Exception) -> NoReturn:
    try:
        raise error
    finally:
        del error  # its traceback has this frame


async def cancel_within(tasks: Collection[asyncio.Task[Any]], seconds: float) -> None:
    """Cancel the tasks, and return when all of them are done or the time is over. What takes longer is left to end."""
    running = [task for task in tasks if not task.done()]
    for task in running:
        task.cancel()
    if running and seconds:
        await asyncio.wait(running, timeout=seconds)
    if late := [task for task in running if not task.done()]:
        ending = asyncio.create_task(cancel_and_wait(late), context=Context())
        _ending.add(ending)
        ending.add_done_callback(_ending.discard)


def is_cancelled() -> bool:
    """Return whether the current task was cancelled: drivers let CancelledErrors of their own tasks out."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class InsistentTimeout:
    """Raise TimeoutError in the block after some seconds, as `asyncio.timeout` does, and cancel it again until it ends.

    Drivers swallow a cancellation that comes while they end a wait of their own: `asyncio.wait_for` does until Python
    3.12. The block would then wait on without a timeout.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._cancels = 0

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("A timeout needs a task.")
        self._task = task
        self._cancelled_before = task.cancelling()
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(self._seconds, self._expire)

    def _expire(self) -> None:
        self._cancels += 1
        self._task.cancel()
        self._timer = self._loop.call_later(_SWALLOWED_S, self._expire)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        for _ in range(self._cancels):
            self._task.uncancel()
        if self._cancels and kind is asyncio.CancelledError and self._task.cancelling() <= self._cancelled_before:
            raise TimeoutError from error


async def cancel_and_wait(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel the tasks and return when all of them are done. A task that does not end in time is abandoned and logged.

    Each task is cancelled repeatedly, because a driver that is handling its own timeout may swallow a cancellation.
    """
    deadline = asyncio.get_running_loop().time() + _TIMEOUT_S
    while running := [task for task in tasks if not task.done()]:
        if asyncio.get_running_loop().time() > deadline:
            for task in running:
                _log.error(
                    "A task did not end within %g s of its cancellation and is abandoned. It waits in: %s",
                    _TIMEOUT_S,
                    _where(task),
                )
            return
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=_CANCEL_INTERVAL_S)


async def close_with_timeout(closing: Coroutine[Any, Any, object]) -> None:
    """Await `closing`, and cancel it when it takes longer than some seconds. A failure is logged, never raised.

    Drivers may wait without a bound for connections in use or for a server's reply, which must not keep the caller
    from closing its other resources.
    """
    task = asyncio.create_task(closing)
    try:
        await asyncio.wait([task], timeout=_TIMEOUT_S)
    finally:
        await cancel_and_wait([task])
    if task.done() and not task.cancelled() and (error := task.exception()) is not None:
        _log.warning("A resource could not be closed: %s", str(error)[:500] or type(error).__name__)


def _where(task: asyncio.Task[Any]) -> str:
    """Return the chain of awaited coroutines that the task is suspended in, outermost first."""
    places: list[str] = []
    waits: Any = task.get_coro()
    while waits is not None:
        frame = getattr(waits, "cr_frame", None) or getattr(waits, "ag_frame", None) or getattr(waits, "gi_frame", None)
        places.append(f"{frame.f_code.co_qualname}:{frame.f_lineno}" if frame is not None else repr(waits)[:200])
        waits = (
            getattr(waits, "cr_await", None) or getattr(waits, "ag_await", None) or getattr(waits, "gi_yieldfrom", None)
        )
    return " > ".join(places)
