"""Wait until a condition holds, or until a store that was away is used again."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

from loaders.stores.errors import StoreError

T = TypeVar("T")

BACK_WITHIN_S = 3.0
"""How long after its return a store may stay unused, as docs/reliability.md promises."""


async def when_back(ask: Callable[[], Awaitable[T]], within_s: float = BACK_WITHIN_S) -> T:
    """Return the first answer of a store; the last error where it has not come in time."""
    until = monotonic() + within_s
    while True:
        try:
            return await ask()
        except StoreError:
            if monotonic() > until:
                raise
        await asyncio.sleep(0.05)


async def until(condition: Callable[[], Awaitable[bool]], within_s: float = 30.0) -> float:
    """Return the seconds that it takes until the condition holds. Raises TimeoutError."""
    started = monotonic()
    async with asyncio.timeout(within_s):
        while True:
            if await condition():
                return monotonic() - started
            await asyncio.sleep(0.005)
