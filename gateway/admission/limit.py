"""How many requests may be under way in a process, by how long they wait inside of it."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

INITIAL = 16
FLOOR = 4
"""Never fewer: one slow store would otherwise shut out the requests for all others."""
_LOOP_TARGET_S = 0.02
"""Time of one turn of the event loop. Small requests and the probes wait for two or three of them."""
_STORE_TARGET_S = 0.1
"""Time that a statement waits for a connection. Below it the stores would be idle from time to time."""
_WINDOW_S = 0.1
_MIN_SAMPLES = 8
_DECREASE = 0.9


class AdaptiveLimit:
    """A limit on requests under way: raised by one while they wait for nothing, lowered by a tenth while they wait.

    What is measured is the waiting itself: for the event loop, which is busy with other requests, and for a connection
    to a store, whose pool is in use. A request that waits for either would come no sooner if it were let in. The time
    that stores take is not looked at: it differs by query, by what is cached, and by the store's own state, so that no
    lowest time says how long a request would take alone.
    """

    def __init__(self, ceiling: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ceiling = max(FLOOR, ceiling)
        self._clock = clock
        self.value = min(INITIAL, self._ceiling)
        """The number of requests that may be under way."""
        self._samples: list[float] = []
        self._peak = 0
        self._window_ends_at = clock() + _WINDOW_S

    def record(self, *, loop_s: float, store_s: float, under_way: int) -> None:
        """Count a request that has ended: how long it waited, and how many were under way then."""
        self._samples.append(max(loop_s / _LOOP_TARGET_S, store_s / _STORE_TARGET_S))
        self._peak = max(self._peak, under_way)
        if len(self._samples) >= _MIN_SAMPLES and self._clock() >= self._window_ends_at:
            self._adjust(statistics.median(self._samples))
            self._samples.clear()
            self._peak = 0
            self._window_ends_at = self._clock() + _WINDOW_S

    def _adjust(self, congestion: float) -> None:
        """Move the limit for a congestion of which 1 is as much as is wanted. The median is of no single request."""
        if congestion > 1 and self._peak > self.value // 2:  # else it is not their number that makes them wait
            self.value = max(FLOOR, int(self.value * _DECREASE))
        elif congestion < 0.5 and self._peak >= self.value:
            self.value = min(self._ceiling, self.value + 1)
