"""Recent scrapes of the gateway, for pages that are loaded again and again."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from prometheus_client.multiprocess import MultiProcessCollector

from gateway.observability.exposition import ProcessMetrics
from gateway.observability.scrape import Interval, Scrape
from gateway.observability.slot_files import current_slot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client import Metric
    from prometheus_client.registry import Collector

_REUSED_S = 1.0
"""Time for which an interval is given again: collecting takes CPU of a worker, and anybody with the scope may ask."""
_MIN_LENGTH_S = 5.0
"""An interval is as long, where the page was loaded before: shorter ones hold few requests."""
_MAX_AGE_S = 60.0
"""A scrape is not compared with one that is older: that would not be lately."""


def all_workers() -> Collector:
    """Return what collects the metrics of all workers of this process's gateway, from any of them."""
    slot = current_slot()
    return ProcessMetrics() if slot is None else MultiProcessCollector(None, slot.directory)


class RecentScrapes:
    """Keeps the two latest scrapes that are apart, so that a new one has something to be compared with.

    Nothing is collected unless somebody asks. The first who asks waits for `first_s` seconds, which are the interval.
    """

    def __init__(self, collect: Callable[[], Iterable[Metric]], *, first_s: float = 1.0) -> None:
        self._collect = collect
        self._first_s = first_s
        self._lock = asyncio.Lock()
        self._latest: Interval | None = None
        self._kept: tuple[Scrape, Scrape] | None = None

    async def interval(self) -> Interval:
        """Return the interval until now, which all who ask within a second share."""
        async with self._lock:
            if self._latest is None or time.monotonic() - self._latest.after.taken_at >= _REUSED_S:
                self._latest = await self._measured()
            return self._latest

    async def _measured(self) -> Interval:
        after = await self._scraped()
        if self._kept is None or after.taken_at - self._kept[0].taken_at > _MAX_AGE_S:
            self._kept = (after, after)
            await asyncio.sleep(self._first_s)
            after = await self._scraped()
        before, middle = self._kept
        if after.taken_at - middle.taken_at >= _MIN_LENGTH_S:
            self._kept = (middle, after)
        return Interval(before, after)

    async def _scraped(self) -> Scrape:
        return await asyncio.to_thread(lambda: Scrape.of(self._collect(), time.monotonic()))
