"""Deadlines: who has one, what it ends, and how it is moved back."""

import asyncio

import pytest

from loaders.deadline import (
    Deadline,
    current_deadline,
    longest_left,
    seconds_left,
    time_limit,
    working_until,
)

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


async def test_its_own_limit_still_ends_work_whose_deadline_was_moved_back() -> None:
    deadline = Deadline.after(SHORT_S)

    async def work() -> None:
        async with time_limit(2 * SHORT_S):
            deadline.extend(deadline.ends_at + LONG_S)
            await asyncio.sleep(LONG_S)

    with working_until(deadline), pytest.raises(TimeoutError):
        await work()


async def test_a_deadline_is_not_moved_past_its_ceiling() -> None:
    deadline = Deadline.after(SHORT_S, ceiling_s=LONG_S)
    deadline.extend(deadline.ends_at + 10 * LONG_S)
    assert deadline.ends_at == deadline.ceiling


async def test_moving_a_deadline_back_leaves_work_alone_that_is_about_to_end() -> None:
    deadline = Deadline.after(SHORT_S)

    async def work() -> None:
        async with time_limit(None):
            try:
                await asyncio.sleep(LONG_S)
            finally:
                deadline.extend(deadline.ends_at + LONG_S)

    with working_until(deadline), pytest.raises(TimeoutError):
        await work()


async def test_a_server_is_told_of_the_ceiling_where_there_is_one() -> None:
    assert longest_left(LONG_S) == LONG_S
    with working_until(Deadline.after(SHORT_S)):
        assert longest_left(LONG_S) == LONG_S
    with working_until(Deadline.after(SHORT_S, ceiling_s=1)):
        assert 0.5 < longest_left(LONG_S) <= 1
        assert longest_left(SHORT_S) == SHORT_S


async def test_a_deadline_that_is_settled_is_moved_no_more() -> None:
    deadline = Deadline.after(SHORT_S)
    deadline.settle()
    deadline.extend(deadline.ends_at + LONG_S)
    with working_until(deadline):
        assert longest_left(LONG_S) <= SHORT_S


async def test_a_deadline_that_is_shortened_ends_what_is_under_way_and_stays() -> None:
    deadline = Deadline.after(60)
    began = asyncio.get_running_loop().time()

    async def shorten() -> None:
        await asyncio.sleep(0)
        deadline.shorten(began + 0.05)
        deadline.extend(began + 60)

    shortening = asyncio.create_task(shorten())
    with pytest.raises(TimeoutError):
        async with deadline.enforced():
            await asyncio.sleep(30)
    await shortening
    assert deadline.was_shortened
    assert deadline.ends_at == began + 0.05


async def test_a_deadline_that_is_sooner_is_not_shortened_but_no_longer_moved_beyond() -> None:
    now = asyncio.get_running_loop().time()
    deadline = Deadline(now + 1)
    deadline.shorten(now + 5)
    assert (deadline.ends_at, deadline.was_shortened) == (now + 1, False)
    deadline.extend(now + 60)
    assert deadline.ends_at == now + 5


async def test_less_than_a_step_of_the_clock_is_no_time_left() -> None:
    assert Deadline.after(0.0005).left_s() == 0
    assert Deadline.after(0.05).left_s() > 0
