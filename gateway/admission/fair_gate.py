"""A gate with a short queue: viewers take turns, and what has waited too long is refused."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.admission.overloaded import OverloadedError
from loaders.deadline import current_deadline
from loaders.tracing import child_span

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_WAITING = 128
"""Requests that wait. A hundred clients that ask at once are answered one after the other; more only grow memory."""
_STANDING_SHARE = 0.5
"""The part of the longest wait that is left once the queue has not been empty for that long: a queue that does not pass
makes all wait, and answers none the sooner."""
_SWEEP_S = 0.025


@dataclass(slots=True)
class GateCounters:
    """Counts of what a gate has done so far, for metrics."""

    admitted: int = 0
    waited: int = 0
    """How many of those admitted had to wait."""
    waited_s: float = 0.0
    """Seconds that these waited, together."""
    refused_full: int = 0
    refused_late: int = 0
    left: int = 0
    """Requests that were cancelled while they waited, since their clients hung up."""


@dataclass(slots=True, eq=False)
class _Waiter:
    viewer: str
    cost: int
    since: float
    expires_at: float
    is_queued: bool = True
    admitted: asyncio.Future[bool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def resolve(self, *, admitted: bool) -> None:
        if not self.admitted.done():
            self.admitted.set_result(admitted)


class FairGate:
    """Lets requests in while they fit, `fits(cost)`, and has the others wait: first in, first out for each viewer.

    When there is room, viewers have it in turns, so that one with many requests does not delay those of another. Where
    the queue is full, the newest request of the viewer with the most is refused. A request waits `max_wait_s`, and less
    where its deadline is sooner, or where the queue has not been empty for `max_wait_s`.
    """

    def __init__(
        self,
        fits: Callable[[int], bool],
        *,
        max_wait_s: float,
        max_waiting: int = MAX_WAITING,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fits = fits
        self._max_wait_s = max_wait_s
        self._max_waiting = max_waiting
        self._clock = clock
        self._queues: OrderedDict[str, deque[_Waiter]] = OrderedDict()
        self._standing_since = 0.0
        self._sweeps = False
        self.waiting = 0
        """Number of requests that wait."""
        self.count = 0
        """Number of requests that are in."""
        self.cost = 0
        """Cost of those, together."""
        self.counters = GateCounters()

    def enter_now(self, cost: int) -> bool:
        """Let a request in if it fits and none waits. Return whether it is in."""
        if self.waiting or not self._fits(cost):
            return False
        self.enter_regardless(cost)
        return True

    def enter_regardless(self, cost: int) -> None:
        """Let a request in that may not wait any more."""
        self.counters.admitted += 1
        self.count += 1
        self.cost += cost

    def leave(self, cost: int) -> None:
        """Give a place back, and let in who waits for it."""
        self.count -= 1
        self.cost -= cost
        self.admit()

    async def wait(self, viewer: str, cost: int) -> None:
        """Wait until a request is in. A client that hangs up cancels it. Raises OverloadedError if it is refused."""
        waiter = self._add(viewer, cost)
        try:
            with child_span("queue"):
                is_in = await waiter.admitted
        except asyncio.CancelledError:
            self._abandon(waiter)
            raise
        if not is_in:
            raise OverloadedError(self._standing_s())

    def admit(self) -> None:
        """Let in who waits, as many as fit, a viewer after the other."""
        while self._queues:
            viewer, own = next(iter(self._queues.items()))
            if not self._fits(own[0].cost):
                return
            waiter = own[0]
            self._remove(waiter)
            if waiter.admitted.cancelled():  # its task has not run since
                self.counters.left += 1
                continue
            if own:
                self._queues.move_to_end(viewer)
            self.enter_regardless(waiter.cost)
            self.counters.waited += 1
            self.counters.waited_s += self._clock() - waiter.since
            waiter.resolve(admitted=True)

    def expire(self) -> None:
        """Refuse who has waited too long, and let in who fits then."""
        now = self._clock()
        is_standing = self._standing_s() >= self._max_wait_s
        longest = self._max_wait_s * (_STANDING_SHARE if is_standing else 1.0)
        for own in list(self._queues.values()):
            for waiter in [item for item in own if now >= min(item.expires_at, item.since + longest)]:
                self._remove(waiter)
                self.counters.refused_late += 1
                waiter.resolve(admitted=False)
        self.admit()  # the first one may have been too costly to fit

    def _standing_s(self) -> float:
        """Return for how many seconds the queue has not been empty."""
        return self._clock() - self._standing_since if self.waiting else 0.0

    def _add(self, viewer: str, cost: int) -> _Waiter:
        own = self._queues.get(viewer, ())
        if self.waiting >= self._max_waiting:
            self._make_room(len(own))
        now = self._clock()
        deadline = current_deadline()
        waiter = _Waiter(viewer, cost, now, now + self._max_wait_s)
        if deadline is not None:
            waiter.expires_at = min(waiter.expires_at, now + deadline.left_s())
        if not self.waiting:
            self._standing_since = now
        self._queues.setdefault(viewer, deque()).append(waiter)
        self.waiting += 1
        self._sweep_later()
        return waiter

    def _make_room(self, own: int) -> None:
        """Refuse the newest request of the viewer with the most. Raises OverloadedError where that is the new one."""
        longest = max(self._queues.values(), key=len)
        self.counters.refused_full += 1
        if len(longest) <= own + 1:
            raise OverloadedError(self._standing_s())
        last = longest[-1]
        self._remove(last)
        last.resolve(admitted=False)

    def _abandon(self, waiter: _Waiter) -> None:
        """Forget a waiter whose task was cancelled, or give back what it was let in to meanwhile."""
        if waiter.is_queued:
            self._remove(waiter)
            self.counters.left += 1
            self.admit()  # it may have been the first, and too costly to fit
        elif not waiter.admitted.cancelled() and waiter.admitted.result():
            self.leave(waiter.cost)

    def _remove(self, waiter: _Waiter) -> None:
        waiter.is_queued = False
        self.waiting -= 1
        own = self._queues[waiter.viewer]
        own.remove(waiter)
        if not own:
            del self._queues[waiter.viewer]

    def _sweep_later(self) -> None:
        if not self._sweeps:
            self._sweeps = True
            asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep)

    def _sweep(self) -> None:
        self._sweeps = False
        self.expire()
        if self.waiting:
            self._sweep_later()
