"""The deadline of the work that the current task does: requests have one each, and loads that they share have their
own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar


class Deadline:
    """The time by which work has to end, in seconds of the event loop's clock.

    Whoever joins the work may move it back: what is under way is given the longer time too.
    """

    def __init__(self, ends_at: float) -> None:
        self._ends_at = ends_at
        self._timeouts: set[asyncio.Timeout] = set()

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return a deadline that many seconds from now."""
        return cls(asyncio.get_running_loop().time() + seconds)

    @property
    def ends_at(self) -> float:
        """The time, in seconds of the event loop's clock."""
        return self._ends_at

    def left_s(self) -> float:
        """Return the seconds that are left; 0 once it has passed."""
        return max(0.0, self._ends_at - asyncio.get_running_loop().time())

    def extend(self, ends_at: float) -> None:
        """Move it back to a later time; an earlier one changes nothing."""
        if ends_at > self._ends_at:
            self._ends_at = ends_at
            for timeout in self._timeouts:
                timeout.reschedule(ends_at)

    @asynccontextmanager
    async def enforced(self) -> AsyncIterator[None]:
        """Raise TimeoutError in the block when the deadline passes."""
        async with asyncio.timeout_at(self._ends_at) as timeout:
            self._timeouts.add(timeout)
            try:
                yield
            finally:
                self._timeouts.discard(timeout)


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def current_deadline() -> Deadline | None:
    """Return the deadline of the current task's work; None where it has none, such as a refresh in the background."""
    return _current.get()


def seconds_left(at_most_s: float) -> float:
    """Return the seconds until the current deadline, and no more than `at_most_s`."""
    deadline = _current.get()
    return at_most_s if deadline is None else min(at_most_s, deadline.left_s())


@contextmanager
def working_until(deadline: Deadline | None) -> Iterator[None]:
    """Give the block, and the tasks that it starts, a deadline of their own in place of the current one."""
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


@asynccontextmanager
async def time_limit(at_most_s: float | None) -> AsyncIterator[None]:
    """Raise TimeoutError in the block at the current deadline, or after `at_most_s` if that is earlier."""
    deadline = _current.get()
    async with asyncio.timeout(at_most_s):
        if deadline is None:
            yield
            return
        async with deadline.enforced():
            yield
