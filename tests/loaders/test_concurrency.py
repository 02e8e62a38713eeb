"""Cancelling stubborn tasks and closing resources with a timeout."""

import asyncio
from typing import Any

import pytest

from loaders import concurrency
from loaders.concurrency import cancel_and_wait, close_with_timeout, gather


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
