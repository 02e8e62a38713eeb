"""The deadline of the work that the current task does: requests have one each, and loads that they share have their
own."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

_CLOCK_STEP_S = 0.001
"""Less than this is no time left: uvloop's clock goes in such steps, and its timers may come as much too early."""


class Deadline:
    """The time by which work has to end, in seconds of the event loop's clock.

    Whoever joins the work may move it back: what is under way is given the longer time too. `ceiling` is the latest
    time that it may be moved to; without one, any. A server is told of the ceiling alone, as its limit is not moved.
    """

    def __init__(self, ends_at: float, *, ceiling: float = math.inf) -> None:
        self._ends_at = ends_at
        self._ceiling = max(ends_at, ceiling)
        self.was_shortened = False
        """Whether it is earlier than it was meant to be."""
        self._timeouts: dict[asyncio.Timeout, float] = {}
        """Limits under way, and the latest time that each allows by itself."""

    @classmethod
    def after(cls, seconds: float, *, ceiling_s: float = math.inf) -> Deadline:
        """Return a deadline that many seconds from now, which may be moved to `ceiling_s` from now."""
        now = asyncio.get_running_loop().time()
        return cls(now + seconds, ceiling=now + ceiling_s)

    @property
    def ends_at(self) -> float:
        """The time, in seconds of the event loop's clock."""
        return self._ends_at

    @property
    def ceiling(self) -> float:
        """The latest time that it may be moved to, in seconds of the event loop's clock."""
        return self._ceiling

    def left_s(self) -> float:
        """Return the seconds that are left; 0 once it has passed."""
        left = self._ends_at - asyncio.get_running_loop().time()
        return left if left > _CLOCK_STEP_S else 0.0

    def extend(self, ends_at: float) -> None:
        """Move it back to a later time, its ceiling at most; an earlier one changes nothing."""
        ends_at = min(ends_at, self._ceiling)
        if ends_at > self._ends_at:
            self._move(ends_at)

    def shorten(self, ends_at: float) -> None:
        """Move it forward to an earlier time, for what is under way too. It cannot be moved back afterwards."""
        if ends_at < self._ends_at:
            self.was_shortened = True
            self._move(ends_at)
        self._ceiling = min(self._ceiling, max(ends_at, self._ends_at))

    def settle(self) -> None:
        """Keep it from being moved back, so that servers may be told of it."""
        self._ceiling = self._ends_at

    def _move(self, ends_at: float) -> None:
        self._ends_at = ends_at
        for timeout, latest in self._timeouts.items():
            if not timeout.expired():  # one that is about to raise cannot be moved
                timeout.reschedule(min(ends_at, latest))

    @asynccontextmanager
    async def enforced(self, at_most_s: float | None = None) -> AsyncIterator[None]:
        """Raise TimeoutError in the block when the deadline passes, or after `at_most_s` if that is earlier."""
        latest = math.inf if at_most_s is None else asyncio.get_running_loop().time() + at_most_s
        ends_at = min(self._ends_at, latest)
        async with asyncio.timeout_at(None if ends_at == math.inf else ends_at) as timeout:
            self._timeouts[timeout] = latest
            try:
                yield
            finally:
                del self._timeouts[timeout]


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def current_deadline() -> Deadline | None:
    """Return the deadline of the current task's work; None where it has none, such as a refresh in the background."""
    return _current.get()


def seconds_left(at_most_s: float) -> float:
    """Return the seconds until the current deadline, and no more than `at_most_s`."""
    deadline = _current.get()
    return at_most_s if deadline is None else min(at_most_s, deadline.left_s())


def longest_left(at_most_s: float) -> float:
    """Return the seconds until the ceiling of the current deadline, and no more than `at_most_s`.

    This is the limit to tell a server, which cannot be told of a deadline that is moved back later.
    """
    deadline = _current.get()
    if deadline is None or deadline.ceiling == math.inf:
        return at_most_s
    return max(0.0, min(at_most_s, deadline.ceiling - asyncio.get_running_loop().time()))


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
    if deadline is None:
        async with asyncio.timeout(at_most_s):
            yield
    else:
        async with deadline.enforced(at_most_s):
            yield
