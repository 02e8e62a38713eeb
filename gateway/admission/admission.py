"""The requests under way in a process: which lane each is in, and what they hold together."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from gateway.admission.fair_gate import FairGate
from gateway.admission.limit import AdaptiveLimit
from gateway.admission.overloaded import OverloadedError
from gateway.observability.gateway_metrics import REFUSED, WAITS
from loaders.lru_cache import LRUCache
from loaders.metrics import Stopwatch
from loaders.request_tracker import current_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_SMALL_POINTS = 500
"""Price of a small request, five milliseconds of CPU: a look-up by keys, and nothing of ClickHouse's."""
_MAX_SMALL = 16
"""Small requests under way beside the others. Together they hold the event loop for less than 100 ms."""
_HEAVY_POINTS = 10_000
"""Price of a heavy request, a tenth of a second of CPU."""
_MAX_HEAVY_POINTS = 100_000
"""Points of the heavy requests under way, together: one of the largest, or ten of the smallest."""
_HEAVY_BYTES = 1 << 20
"""Size of a large answer, by estimate. It is held until the client has taken it."""
_MAX_LARGE_ANSWERS = 4
"""Answers of the largest size that may be held at once, in bytes."""
_REFUSED_ANSWERS = REFUSED.labels("answers")
_MAX_KNOWN_PRICES = 10_000
_BACKGROUND_WAIT_S = 5.0
"""A batch in the background goes on after this time, whatever waits: an export would otherwise never end."""
_BACKGROUND_POLL_S = 0.05


class Admission:
    """Decides which requests of a process are executed.

    - A request is known to be small by the price that one of its shape had last. It passes beside the others, a few at
      a time, so that small ones are answered while large ones wait for a store.
    - The others enter by the door, as many at a time as the adaptive limit says.
    - Of these, heavy ones may have half of the places, and so many points and bytes together.
    """

    def __init__(self, *, max_wait_s: float, max_under_way: int, max_response_bytes: int) -> None:
        self.limit = AdaptiveLimit(max_under_way)
        self.door = FairGate(lambda _: self.door.count < self.limit.value, max_wait_s=max_wait_s)
        self.heavy = FairGate(self._heavy_fits, max_wait_s=max_wait_s)
        self.small = 0
        """Number of small requests under way."""
        self.max_heavy_points = _MAX_HEAVY_POINTS
        """Points of the heavy requests under way, together."""
        self.held_bytes = 0
        """Size of the large answers that are made or sent, by estimate."""
        self._max_held_bytes = _MAX_LARGE_ANSWERS * max_response_bytes
        self._prices = LRUCache[int, int](max_entries=_MAX_KNOWN_PRICES)
        self._background = asyncio.Lock()

    def _heavy_fits(self, points: int) -> bool:
        if self.heavy.count >= max(1, self.limit.value // 2):
            return False
        return not self.heavy.count or self.heavy.cost + points <= _MAX_HEAVY_POINTS

    async def enter(self, viewer: str, shape: int) -> Ticket:
        """Let a request in, at once or when its turn comes, and return its ticket.

        `viewer` is who waits in turn with others, `shape` what requests of about the same price share. Raises
        OverloadedError if it is refused.
        """
        price = self._prices.get(shape)
        if price is not None and price <= _SMALL_POINTS and self.small < _MAX_SMALL:
            self.small += 1
            WAITS.observe(0.0)
            return Ticket(self, viewer, shape, is_small=True)
        if self.door.enter_now(1):
            WAITS.observe(0.0)
        else:
            with Stopwatch(WAITS.observe):
                await self.door.wait(viewer, 1)
        return Ticket(self, viewer, shape, is_small=False)

    def keep_price(self, shape: int, points: int) -> None:
        """Remember the price of a request, for the next ones of its shape."""
        self._prices.put(shape, points)

    def reserve_bytes(self, size: int) -> None:
        """Count a large answer. Raises OverloadedError where all of them would be too large."""
        if self.held_bytes and self.held_bytes + size > self._max_held_bytes:
            _REFUSED_ANSWERS.value += 1
            raise OverloadedError
        self.held_bytes += size

    @asynccontextmanager
    async def background(self) -> AsyncIterator[None]:
        """Execute a batch of an export, or of what fills the cache, in the block: when nobody waits, and half of the
        places are free."""
        async with self._background:  # they go on in turns
            ends_at = time.monotonic() + _BACKGROUND_WAIT_S
            while self._is_busy() and time.monotonic() < ends_at:  # noqa: ASYNC110 - three things would set an event
                await asyncio.sleep(_BACKGROUND_POLL_S)
            self.door.enter_regardless(1)
        try:
            yield
        finally:
            self.door.leave(1)

    def _is_busy(self) -> bool:
        return self.door.waiting > 0 or self.heavy.waiting > 0 or self.door.count >= max(1, self.limit.value // 2)


class Ticket:
    """The place of one request, from when it is let in to when it has been answered."""

    __slots__ = (
        "_admission",
        "_bytes",
        "_heavy_points",
        "_holds_place",
        "_is_small",
        "_loop_s",
        "_shape",
        "_timer",
        "_viewer",
    )

    def __init__(
        self,
        admission: Admission,
        viewer: str,
        shape: int,
        *,
        is_small: bool,
    ) -> None:
        self._admission = admission
        self._viewer = viewer
        self._shape = shape
        self._is_small = is_small
        self._holds_place = not is_small
        self._heavy_points = 0
        self._bytes = 0
        self._loop_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        asyncio.get_running_loop().call_soon(self._measure_loop, time.perf_counter())

    def _measure_loop(self, began: float) -> None:
        self._loop_s = time.perf_counter() - began

    async def price(self, points: int, size: int) -> None:
        """Say what the request costs and how large its answer may be, before it is executed. It may have to wait again.

        Raises OverloadedError if it is refused.
        """
        admission = self._admission
        admission.keep_price(self._shape, points)
        if self._is_small and points > _SMALL_POINTS:
            self._leave_small()
            if not admission.door.enter_now(1):
                with Stopwatch(WAITS.observe):
                    await admission.door.wait(self._viewer, 1)
            self._holds_place = True
        if points > _HEAVY_POINTS or size > _HEAVY_BYTES:
            await self._enter_heavy(points)
        if size > _HEAVY_BYTES:  # what waits for the lane holds none
            admission.reserve_bytes(size)
            self._bytes = size

    async def _enter_heavy(self, points: int) -> None:
        """Wait without a place at the door, so that others have it meanwhile."""
        admission = self._admission
        if not admission.heavy.enter_now(points):
            self._leave_door()
            with Stopwatch(WAITS.observe):
                await admission.heavy.wait(self._viewer, points)
            admission.door.enter_regardless(1)
            self._holds_place = True
        self._heavy_points = points

    def executed_by(self, ends_at: float) -> None:
        """Give back the place at a time of the loop's clock, unless that is done before."""
        self._timer = asyncio.get_running_loop().call_at(ends_at, self.executed)

    def executed(self) -> None:
        """Give back the place once the answer is made; may be called again."""
        admission = self._admission
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heavy_points:
            points, self._heavy_points = self._heavy_points, 0
            admission.heavy.leave(points)
        if self._holds_place:
            tracker = current_request()
            store_s = tracker.stats.waited_s if tracker is not None else 0.0
            admission.limit.record(loop_s=self._loop_s, store_s=store_s, under_way=admission.door.count)
        self._leave_door()
        self._leave_small()

    def sent(self) -> None:
        """Give back everything once the answer is sent, or will not be."""
        self.executed()
        self._admission.held_bytes -= self._bytes
        self._bytes = 0

    def _leave_door(self) -> None:
        if self._holds_place:
            self._holds_place = False
            self._admission.door.leave(1)

    def _leave_small(self) -> None:
        if self._is_small:
            self._is_small = False
            self._admission.small -= 1
