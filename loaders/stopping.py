"""Ending what may not end at once: tasks, and what closes something."""

import asyncio
import logging
from collections.abc import Collection, Coroutine
from typing import Any

_AGAIN_S = 0.3
_WITHIN_S = 5.0
"""Then they are left behind: nothing that stops may wait for good for a driver that does not let go."""

_log = logging.getLogger("gateway")


async def ended(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Return when all of them have ended. One that has not in time is left behind, with a line in the log.

    They are cancelled more than once: a driver that is cancelled while it gives up may take it for that.
    """
    deadline = asyncio.get_running_loop().time() + _WITHIN_S
    while running := [task for task in tasks if not task.done()]:
        if asyncio.get_running_loop().time() > deadline:
            for task in running:
                _log.error("A task does not end when it is told to: %s", _where(task))
            return
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=_AGAIN_S)


async def closed(closing: Coroutine[Any, Any, object]) -> None:
    """Return when it has ended; it is told to where it takes seconds. What fails is said in the log, and no more.

    Drivers wait without a bound for what others hold or a server does not say, and the rest is to be closed as well.
    """
    task = asyncio.create_task(closing)
    try:
        await asyncio.wait([task], timeout=_WITHIN_S)
    finally:
        await ended([task])
    if task.done() and not task.cancelled() and (error := task.exception()) is not None:
        _log.warning("What stops could not be closed as it should: %s", str(error)[:500] or type(error).__name__)


def _where(task: asyncio.Task[Any]) -> str:
    """What the task waits for, from the outside in."""
    places: list[str] = []
    waits: Any = task.get_coro()
    while waits is not None:
        frame = getattr(waits, "cr_frame", None) or getattr(waits, "ag_frame", None) or getattr(waits, "gi_frame", None)
        places.append(f"{frame.f_code.co_qualname}:{frame.f_lineno}" if frame is not None else repr(waits)[:200])
        waits = (
            getattr(waits, "cr_await", None) or getattr(waits, "ag_await", None) or getattr(waits, "gi_yieldfrom", None)
        )
    return " > ".join(places)
