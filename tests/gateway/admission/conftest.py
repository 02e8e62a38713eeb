"""A clock of the test's own, and waiting for what has no event."""

import asyncio
from collections.abc import Callable

import pytest


async def until(condition: Callable[[], bool]) -> None:
    """Let other tasks run until it is so."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - a condition has no event
            await asyncio.sleep(0)


@pytest.fixture
def clock() -> "Clock":
    return Clock()


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now
