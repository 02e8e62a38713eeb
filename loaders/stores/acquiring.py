"""Wait for one of a bounded number of connections to a store."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from loaders.deadline import seconds_left, time_limit
from loaders.request_tracker import record_wait
from loaders.stores.errors import StoreTimeout

if TYPE_CHECKING:
    from loaders.metrics import StoreMetrics

T = TypeVar("T")


async def acquired(acquire: Callable[[], Awaitable[T]], metrics: StoreMetrics, timeout_s: float) -> T:
    """Return what `acquire` waits for, and count the wait for the request.

    Raises StoreTimeout where nothing is free at the deadline, or after `timeout_s` if that is earlier.
    """
    timeout_s = seconds_left(timeout_s)
    began = time.monotonic()
    try:
        async with time_limit(timeout_s):
            return await acquire()
    except TimeoutError as error:
        raise StoreTimeout(
            metrics.store, f"No connection to {metrics.store} became free within {timeout_s:.3g} s."
        ) from error
    finally:
        waited_s = time.monotonic() - began
        metrics.waits.observe(waited_s)
        record_wait(waited_s)
