"""Time limits of tests that hold on a busy machine: they grow by how long this process waited for a processor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_STEP_S: Final = 0.02
_EXACT_S: Final = 0.002
"""By how much a step is late on a machine that does nothing else."""


class Lag:
    """The lag of a block so far."""

    def __init__(self) -> None:
        self.sum_s = 0.0
        """By how much all steps together came later than they should have."""
        self._due_at = time.monotonic() + _STEP_S

    def end_step(self) -> None:
        """Count by how much the step is late, and begin the next one."""
        now = time.monotonic()
        self.sum_s += max(0.0, now - self._due_at - _EXACT_S)
        self._due_at = now + _STEP_S


@asynccontextmanager
async def measured_lag() -> AsyncIterator[Lag]:
    """Measure by how much the event loop is late during the block, in steps of 20 ms."""
    lag = Lag()

    async def measure() -> None:
        while True:
            await asyncio.sleep(_STEP_S)
            lag.end_step()

    task = asyncio.create_task(measure())
    try:
        yield lag
    finally:
        lag.end_step()  # a block that never waits is over before the task begins
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def takes_less_than(limit_s: float) -> AsyncIterator[None]:
    """Assert that the block takes less than the limit and what the event loop was late during it.

    A stall of the machine fails no test so, while one that waits for too long fails. An exception of the block is
    raised as it is. The block is not ended at the limit: what may wait for good takes `asyncio.timeout` too.
    """
    started = time.monotonic()
    async with measured_lag() as lag:
        yield
    took_s = time.monotonic() - started
    text = (
        f"The block took {took_s:.2f} s. Its limit is {limit_s:.2f} s, and the event loop was {lag.sum_s:.2f} s late."
    )
    assert took_s < limit_s + lag.sum_s, text
