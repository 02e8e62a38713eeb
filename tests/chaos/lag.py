"""How long this process waited for a processor: what a busy machine adds to each time that is measured."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

_STEP_S: Final = 0.02


@dataclass(slots=True)
class Lag:
    """The lag of a block so far."""

    sum_s: float = 0.0
    """By how much all steps together came later than they should have."""


@asynccontextmanager
async def measured_lag() -> AsyncIterator[Lag]:
    """Measure by how much the event loop is late during the block, in steps of 20 ms."""
    lag = Lag()

    async def measure() -> None:
        while True:
            start = time.monotonic()
            await asyncio.sleep(_STEP_S)
            lag.sum_s += max(0.0, time.monotonic() - start - _STEP_S - 0.002)

    task = asyncio.create_task(measure())
    try:
        yield lag
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
