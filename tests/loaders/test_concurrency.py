"""Cancelling stubborn tasks and closing resources with a timeout."""

import asyncio
from typing import Any

import pytest

from loaders import concurrency
from loaders.concurrency import SharedTask, cancel_and_wait, cancel_within, close_with_timeout, gather
from tests.lag import takes_less_than


async def test_a_task_that_takes_a_cancellation_for_something_else_is_told_again() -> None:
    told = []

    async def stubborn() -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                told.append(1)
        await asyncio.sleep(60)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await cancel_and_wait([task])
    assert (task.cancelled(), len(told)) == (True, 2)


async def test_a_task_that_never_ends_is_left_behind_and_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(concurrency, "_TIMEOUT_S", 0.5)
    let_go = asyncio.Event()

    async def deaf() -> None:
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    await cancel_and_wait([task])
    assert not task.done()
    assert "deaf" in caplog.text
    assert "Event.wait" in caplog.text
    let_go.set()
    await task


async def test_what_closes_something_and_does_not_end_is_told_to_until_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "_TIMEOUT_S", 0.5)
    told = []

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            told.append(1)
        await asyncio.Event().wait()

    async with asyncio.timeout(10):
        await close_with_timeout(stubborn())
    assert told == [1]


async def test_that_closing_failed_is_said_and_does_not_keep_the_rest_open(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise OSError("the connection is gone")

    await close_with_timeout(fails())
    assert caplog.messages == ["A resource could not be closed: the connection is gone"]


async def test_results_are_gathered_in_order_and_one_alone_needs_no_task() -> None:
    async def task_of(delay_s: float) -> tuple[float, asyncio.Task[Any] | None]:
        await asyncio.sleep(delay_s)
        return delay_s, asyncio.current_task()

    own = asyncio.current_task()
    assert await gather([task_of(0)]) == [(0, own)]
    (slow, first), (fast, second) = await gather([task_of(0.01), task_of(0)])
    assert (slow, fast) == (0.01, 0)
    assert len({own, first, second}) == 3


async def test_where_one_of_several_fails_the_others_are_cancelled() -> None:
    cancelled = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(1)
            raise

    async def fails() -> None:
        await asyncio.sleep(0)
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 (it has no text)
        await gather([waits(), fails(), waits()])
    await asyncio.sleep(0)
    assert cancelled == [1, 1]


async def test_a_shared_task_ends_when_the_last_that_waits_is_cancelled() -> None:
    gate, ends = asyncio.Event(), list[str]()

    async def work() -> str:
        try:
            await gate.wait()
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise
        return "done"

    shared = SharedTask(work())
    waiting = [asyncio.create_task(shared.result()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    assert not shared.is_abandoned
    gate.set()
    assert await asyncio.gather(*waiting[1:]) == ["done", "done"]
    gate.clear()
    abandoned = SharedTask(work())
    waiting = [asyncio.create_task(abandoned.result()) for _ in range(2)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    assert abandoned.is_abandoned
    await asyncio.sleep(0)
    assert ends == ["cancelled"]


async def test_a_task_that_goes_on_in_spite_of_its_cancellation_is_waited_for_no_longer_than_that() -> None:
    gate = asyncio.Event()

    async def deaf() -> None:
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue

    tasks = [asyncio.create_task(deaf()), asyncio.create_task(asyncio.sleep(60))]
    await asyncio.sleep(0)
    async with takes_less_than(1):  # cancel_and_wait takes five
        await cancel_within(tasks, 0.01)
    assert [task.done() for task in tasks] == [False, True]
    gate.set()
    await tasks[0]
