"""Try several hosts of one store, so that one that is silent costs a moment and not the whole time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

_HEAD_START_S = 0.25
"""How long a host has before the next one is tried beside it, as in RFC 8305. One that fails sooner is passed at once.
"""


async def first_to_answer(
    attempts: Sequence[Callable[[], Coroutine[Any, Any, T]]],
    discard: Callable[[T], None],
    *,
    head_start_s: float = _HEAD_START_S,
) -> tuple[int, T]:
    """Return the place and the result of the first attempt that succeeds; each has a head start before the next one.

    `discard` takes the results of others. Raises the last error where all fail.
    """
    tasks: list[asyncio.Task[T]] = []
    try:
        for attempt in attempts:
            tasks.append(asyncio.create_task(attempt()))
            await asyncio.wait(_running(tasks), timeout=head_start_s, return_when=asyncio.FIRST_COMPLETED)
            if (place := _succeeded(tasks)) is not None:
                return place, tasks.pop(place).result()
        while running := _running(tasks):
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            if (place := _succeeded(tasks)) is not None:
                return place, tasks.pop(place).result()
        return len(tasks) - 1, tasks.pop().result()  # raises
    finally:
        for task in tasks:
            task.add_done_callback(lambda done: _discard(done, discard))
            task.cancel()


def _running(tasks: Sequence[asyncio.Task[T]]) -> list[asyncio.Task[T]]:
    return [task for task in tasks if not task.done()]


def _succeeded(tasks: Sequence[asyncio.Task[T]]) -> int | None:
    done = (place for place, task in enumerate(tasks) if task.done())
    return next((place for place in done if tasks[place].exception() is None), None)


def _discard(task: asyncio.Task[T], discard: Callable[[T], None]) -> None:
    if not task.cancelled() and task.exception() is None:
        discard(task.result())
