"""Deadlines: who has one, what it ends, and how it is moved back."""

import asyncio

import pytest

from loaders.deadline import Deadline, current_deadline, seconds_left, time_limit, working_until

SHORT_S, LONG_S = 0.02, 30.0


async def test_work_ends_at_the_deadline() -> None:
    with working_until(Deadline.after(SHORT_S)), pytest.raises(TimeoutError):
        async with time_limit(LONG_S):
            await asyncio.sleep(LONG_S)


async def test_its_own_limit_ends_work_before_the_deadline() -> None:
    with working_until(Deadline.after(LONG_S)), pytest.raises(TimeoutError):
        async with time_limit(SHORT_S):
            await asyncio.sleep(LONG_S)


async def test_what_is_under_way_is_given_the_longer_time() -> None:
    deadline = Deadline.after(SHORT_S)

    async def work() -> str:
        async with time_limit(None):
            await asyncio.sleep(5 * SHORT_S)
        return "done"

    with working_until(deadline):
        task = asyncio.create_task(work())
    await asyncio.sleep(0)
    deadline.extend(deadline.ends_at + LONG_S)
    assert await task == "done"


async def test_a_deadline_is_never_moved_forward() -> None:
    deadline = Deadline.after(LONG_S)
    before = deadline.ends_at
    deadline.extend(before - 1)
    assert deadline.ends_at == before


async def test_a_deadline_that_has_passed_leaves_no_time() -> None:
    with working_until(Deadline.after(-1)):
        assert seconds_left(LONG_S) == 0
        with pytest.raises(TimeoutError):
            async with time_limit(LONG_S):
                await asyncio.sleep(0)


async def test_tasks_inherit_the_deadline_and_a_block_may_have_none() -> None:
    async def inherited() -> Deadline | None:
        return current_deadline()

    deadline = Deadline.after(LONG_S)
    with working_until(deadline):
        assert await asyncio.create_task(inherited()) is deadline
        with working_until(None):
            assert await asyncio.create_task(inherited()) is None
            assert seconds_left(LONG_S) == LONG_S
        assert current_deadline() is deadline
    assert current_deadline() is None
