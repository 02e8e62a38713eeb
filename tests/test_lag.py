"""Time limits that grow by the lag of the event loop."""

import asyncio
import time

import pytest

from tests.lag import takes_less_than


@pytest.mark.slow
async def test_a_block_that_waits_for_longer_than_its_limit_fails() -> None:
    with pytest.raises(AssertionError, match=r"took [0-9.]+ s\. Its limit is 0\.05 s, .* was [0-9.]+ s late"):
        async with takes_less_than(0.05):
            await asyncio.sleep(2)  # a machine that stalls for a second in the meantime does not excuse it


async def test_a_block_that_is_held_up_by_the_event_loop_passes() -> None:
    async with takes_less_than(0.05):
        asyncio.get_running_loop().call_soon(time.sleep, 0.3)
        await asyncio.sleep(0.01)


async def test_a_block_that_never_waits_and_is_held_up_passes() -> None:
    async with takes_less_than(0.05):
        time.sleep(0.3)  # noqa: ASYNC251 - a stall of the machine


async def test_an_exception_of_a_block_that_was_too_slow_is_raised() -> None:
    async def fail() -> None:
        async with takes_less_than(0.01):
            await asyncio.sleep(0.05)
            raise ValueError("of the block")

    with pytest.raises(ValueError, match="of the block"):
        await fail()
