"""Wait until a condition holds, or until a store that was away is used again."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

from loaders.stores.errors import StoreError
from tests.lag import measured_lag

T = TypeVar("T")

BACK_WITHIN_S = 3.0
"""How long after its return a store may stay unused, as docs/reliability.md promises."""


async def when_back(ask: Callable[[], Awaitable[T]], within_s: float = BACK_WITHIN_S) -> T:
    """Return the first answer of a store; the last error where it has not come in that time and the event loop's lag."""
    until = monotonic() + within_s
    async with measured_lag() as lag:
        while True:
            try:
                return await ask()
            except StoreError:
                if monotonic() > until + lag.sum_s:
                    raise
            await asyncio.sleep(0.05)


async def until(condition: Callable[[], Awaitable[bool]], within_s: float = 30.0) -> None:
    """Return when the condition holds. Raises TimeoutError where it never does."""
    async with asyncio.timeout(within_s):
        while not await condition():  # noqa: ASYNC110 - of another process, which has no event
            await asyncio.sleep(0.005)
