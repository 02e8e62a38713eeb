"""The queue before a gate: turns, bounds, and what has waited too long."""

import asyncio

import pytest

from gateway.admission.fair_gate import FairGate
from gateway.admission.overloaded import OverloadedError
from gateway.http.errors import HTTPError
from loaders.deadline import Deadline, working_until
from tests.gateway.admission.conftest import Clock, until


class Gate:
    """A gate with some places, and the order in which requests came in."""

    def __init__(self, clock: Clock, places: int = 1, max_waiting: int = 100, max_cost: int = 1_000) -> None:
        self.places = places
        self.gate = FairGate(
            lambda cost: self.gate.count < self.places and self.gate.cost + cost <= max_cost,
            max_wait_s=1.0,
            max_waiting=max_waiting,
            clock=clock,
        )
        self.order: list[str] = []

    async def enter(self, viewer: str, name: str = "", cost: int = 1) -> None:
        if not self.gate.enter_now(cost):
            await self.gate.wait(viewer, cost)
        self.order.append(name or viewer)

    async def begin(self, viewer: str, name: str = "", cost: int = 1) -> "asyncio.Task[None]":
        """A request that has come to wait."""
        waiting = self.gate.waiting + 1
        task = asyncio.create_task(self.enter(viewer, name, cost))
        await until(lambda: self.gate.waiting == waiting)
        return task

    async def serve_all(self, cost: int = 1) -> None:
        while self.gate.count:
            self.gate.leave(cost)
            await asyncio.sleep(0)
            await asyncio.sleep(0)


async def test_a_viewer_with_a_hundred_connections_does_not_delay_another(clock: Clock) -> None:
    gate = Gate(clock)
    await gate.enter("many")
    tasks = [await gate.begin("many") for _ in range(50)]
    tasks.append(await gate.begin("one"))
    await gate.serve_all()
    await asyncio.gather(*tasks)
    assert gate.order.index("one") <= 2


async def test_viewers_take_turns_and_their_own_requests_stay_in_order(clock: Clock) -> None:
    gate = Gate(clock)
    await gate.enter("", "first")
    tasks = [await gate.begin("a", f"a{index}") for index in range(3)]
    tasks += [await gate.begin("b", f"b{index}") for index in range(2)]
    await gate.serve_all()
    await asyncio.gather(*tasks)
    assert gate.order == ["first", "a0", "b0", "a1", "b1", "a2"]


async def test_nobody_passes_those_that_wait(clock: Clock) -> None:
    gate = Gate(clock)
    await gate.enter("a")
    task = await gate.begin("b")
    gate.places = 2
    assert not gate.gate.enter_now(1)
    gate.gate.admit()
    await task


async def test_a_full_queue_refuses_at_once(clock: Clock) -> None:
    gate = Gate(clock, max_waiting=2)
    await gate.enter("a")
    tasks = [await gate.begin("a") for _ in range(2)]
    with pytest.raises(HTTPError) as refused:
        await gate.enter("a")
    assert (refused.value.status, refused.value.error.extensions) == (
        503,
        {"code": "OVERLOADED", "retryAfter": int(refused.value.headers["Retry-After"])},
    )
    assert gate.gate.counters.refused_full == 1
    await gate.serve_all()
    await asyncio.gather(*tasks)


async def test_a_full_queue_makes_room_for_a_viewer_with_fewer(clock: Clock) -> None:
    gate = Gate(clock, max_waiting=3)
    await gate.enter("a")
    tasks = [await gate.begin("a", f"a{index}") for index in range(3)]
    task = asyncio.create_task(gate.enter("b"))
    with pytest.raises(HTTPError):
        await tasks.pop()  # the newest one of the viewer with the most
    assert gate.gate.waiting == 3
    await gate.serve_all()
    await asyncio.gather(task, *tasks)
    assert gate.order == ["a", "a0", "b", "a1"]


async def test_what_has_waited_too_long_is_refused(clock: Clock) -> None:
    gate = Gate(clock)
    await gate.enter("a")
    task = await gate.begin("b")
    clock.now += 0.9
    gate.gate.expire()
    assert not task.done()
    clock.now += 0.2
    gate.gate.expire()
    with pytest.raises(HTTPError):
        await task
    assert (gate.gate.waiting, gate.gate.counters.refused_late) == (0, 1)


async def test_a_queue_that_does_not_pass_has_less_patience(clock: Clock) -> None:
    gate = Gate(clock)
    await gate.enter("a")
    for _ in range(3):  # it is never empty
        last = await gate.begin("b")
        clock.now += 0.4
    gate.gate.admit()
    gate.gate.expire()
    refused = gate.gate.counters.refused_late
    assert refused == 2  # one for its age, one for half of it
    assert not last.done()
    clock.now += 0.2
    gate.gate.expire()
    assert gate.gate.waiting == 0
    clock.now += 5  # it has been empty: patience is back
    task = await gate.begin("b")
    clock.now += 0.9
    gate.gate.expire()
    assert gate.gate.waiting == 1
    await gate.serve_all()
    await task


async def test_who_is_refused_does_not_hold_up_who_is_behind(clock: Clock) -> None:
    gate = Gate(clock, places=10, max_cost=100)
    await gate.enter("a", cost=50)
    large = await gate.begin("b", cost=90)
    clock.now += 0.6
    small = await gate.begin("b", cost=20)
    clock.now += 0.39
    gate.gate.expire()
    assert not small.done()
    clock.now += 0.02
    gate.gate.expire()
    with pytest.raises(HTTPError):
        await large
    async with asyncio.timeout(30):
        await small
    assert gate.order == ["a", "b"]


async def test_it_is_swept_without_being_asked(clock: Clock) -> None:
    gate = Gate(clock)
    await gate.enter("a")
    task = await gate.begin("b")
    clock.now += 2
    async with asyncio.timeout(30):
        with pytest.raises(HTTPError):
            await task


async def test_nobody_waits_longer_than_their_own_deadline(clock: Clock) -> None:
    gate = Gate(clock)
    await gate.enter("a")
    with working_until(Deadline.after(0.2)):
        task = await gate.begin("b")
    clock.now += 0.25
    gate.gate.expire()
    with pytest.raises(HTTPError):
        await task


async def test_who_is_cancelled_frees_the_place_at_once(clock: Clock) -> None:
    gate = Gate(clock)
    await gate.enter("a")
    task = await gate.begin("b")
    task.cancel()
    await asyncio.wait([task])
    assert (task.cancelled(), gate.gate.waiting, gate.gate.counters.left) == (True, 0, 1)


async def test_who_is_cancelled_does_not_hold_up_who_is_behind(clock: Clock) -> None:
    gate = Gate(clock, places=10, max_cost=100)
    await gate.enter("a", cost=60)
    large = await gate.begin("b", cost=80)
    small = await gate.begin("b", cost=10)
    large.cancel()
    await small


@pytest.mark.parametrize("is_let_in", [False, True])
async def test_a_request_that_is_cancelled_leaves_nothing_behind(clock: Clock, is_let_in: bool) -> None:
    """Also where it was let in meanwhile, and has not run since."""
    gate = Gate(clock)
    await gate.enter("a")
    task = await gate.begin("b")
    if is_let_in:
        gate.gate.leave(1)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert (gate.gate.waiting, gate.gate.count, gate.gate.cost) == (0, *([0, 0] if is_let_in else [1, 1]))


@pytest.mark.parametrize("event", ["room", "time", "another"])
async def test_a_request_that_is_cancelled_and_has_not_run_since_takes_no_place(clock: Clock, event: str) -> None:
    gate = Gate(clock, max_waiting=1)
    await gate.enter("a")
    task = await gate.begin("b")
    task.cancel()
    if event == "room":
        gate.gate.leave(1)
    elif event == "time":
        clock.now += 5
        gate.gate.expire()
    else:
        with pytest.raises(HTTPError):
            await gate.enter("b")
    await asyncio.wait([task])
    assert task.cancelled()
    assert (gate.gate.waiting, gate.gate.count) == (0, 0 if event == "room" else 1)


async def test_what_it_did_is_counted(clock: Clock) -> None:
    gate = Gate(clock)
    await gate.enter("a")
    task = await gate.begin("b")
    clock.now += 0.5
    gate.gate.leave(1)
    await task
    counters = gate.gate.counters
    assert (counters.admitted, counters.waited, counters.waited_s) == (2, 1, 0.5)


def test_refused_clients_come_back_at_different_times() -> None:
    waits = {OverloadedError(60.0).headers["Retry-After"] for _ in range(500)}
    assert len(waits) >= 4
    assert all(1 <= int(wait) <= 6 for wait in waits)
