"""The lanes of requests: small ones, the others, heavy ones, and batches in the background."""

import asyncio

import pytest

from gateway.admission.admission import Admission, Ticket
from gateway.admission.limit import INITIAL
from gateway.http.errors import HTTPError
from tests.gateway.admission.conftest import until

SMALL, MEDIUM, HEAVY = 100, 1_000, 60_000


def new() -> Admission:
    return Admission(max_wait_s=60.0, max_under_way=64, max_response_bytes=10 << 20)


async def enter(admission: Admission, shape: int = 0, viewer: str = "a") -> Ticket:
    return await admission.enter(viewer, shape)


def held(admission: Admission) -> list[int]:
    """All that requests hold."""
    door, heavy = admission.door, admission.heavy
    return [door.count, door.waiting, heavy.count, heavy.cost, heavy.waiting, admission.small, admission.held_bytes]


async def fill(admission: Admission) -> list[Ticket]:
    """Take all places."""
    return [await enter(admission) for _ in range(INITIAL)]


async def test_a_small_request_passes_a_full_door_once_its_price_is_known() -> None:
    admission = new()
    ticket = await enter(admission, shape=1)
    await ticket.price(SMALL, 100)
    ticket.sent()
    tickets = await fill(admission)
    async with asyncio.timeout(30):
        small = await enter(admission, shape=1)
        await small.price(SMALL, 100)
    assert admission.small == 1
    for each in [*tickets, small]:
        each.sent()
    assert not any(held(admission))


async def test_small_requests_are_bounded_too() -> None:
    admission = new()
    admission.keep_price(1, SMALL)
    small = [await enter(admission, shape=1) for _ in range(16)]
    further = await enter(admission, shape=1)
    assert (admission.small, admission.door.count) == (16, 1)
    for each in [*small, further]:
        each.sent()
    assert not any(held(admission))


async def test_a_request_that_is_larger_than_those_of_its_shape_waits_at_the_door() -> None:
    admission = new()
    admission.keep_price(1, SMALL)
    tickets = await fill(admission)
    grown = await enter(admission, shape=1)
    task = asyncio.create_task(grown.price(MEDIUM, 100))
    await until(lambda: admission.door.waiting == 1)
    assert admission.small == 0
    tickets.pop().sent()
    await task
    for each in [*tickets, grown]:
        each.sent()
    assert not any(held(admission))


async def test_heavy_requests_have_so_many_points_together() -> None:
    admission = new()
    first, second = await enter(admission), await enter(admission)
    await first.price(HEAVY, 100)
    task = asyncio.create_task(second.price(HEAVY, 100))
    await until(lambda: admission.heavy.waiting == 1)
    assert admission.door.count == 1, "who waits there holds no place that others could have"
    first.executed()
    await task
    second.sent()
    first.sent()
    assert not any(held(admission))


async def test_the_largest_request_is_executed_alone() -> None:
    admission = new()
    ticket = await enter(admission)
    await ticket.price(10_000_000, 100)
    ticket.sent()
    assert not any(held(admission))


async def test_heavy_requests_leave_half_of_the_places_to_others() -> None:
    admission = new()
    heavy = [await enter(admission) for _ in range(INITIAL)]
    tasks = [asyncio.create_task(ticket.price(10_001, 100)) for ticket in heavy]
    await until(lambda: admission.heavy.waiting == INITIAL // 2)
    assert admission.door.count == INITIAL // 2
    others = [await enter(admission) for _ in range(INITIAL // 2)]
    for each in heavy:
        each.sent()
    await asyncio.gather(*tasks)
    for each in [*heavy, *others]:
        each.sent()
    assert not any(held(admission))


async def test_large_answers_are_held_until_they_are_sent() -> None:
    admission = new()
    tickets = [await enter(admission) for _ in range(6)]
    for ticket in tickets[:4]:
        await ticket.price(MEDIUM, 10 << 20)
        ticket.executed()
    with pytest.raises(HTTPError) as refused:
        await tickets[4].price(MEDIUM, 10 << 20)
    assert refused.value.status == 503
    tickets[0].sent()
    await tickets[5].price(MEDIUM, 10 << 20)
    for each in tickets:
        each.sent()
    assert not any(held(admission))


async def test_what_waits_for_the_heavy_lane_holds_no_bytes() -> None:
    admission = new()
    first, second = await enter(admission), await enter(admission)
    await first.price(HEAVY, 5 << 20)
    task = asyncio.create_task(second.price(HEAVY, 5 << 20))
    await until(lambda: admission.heavy.waiting == 1)
    assert admission.held_bytes == 5 << 20
    first.executed()
    await task
    assert admission.held_bytes == 10 << 20
    for each in (first, second):
        each.sent()
    assert not any(held(admission))


async def test_a_ticket_gives_back_once() -> None:
    admission = new()
    ticket = await enter(admission)
    await ticket.price(HEAVY, 10 << 20)
    for _ in range(2):
        ticket.executed()
        ticket.sent()
    assert not any(held(admission))


@pytest.mark.parametrize("steps", range(8))
async def test_a_heavy_request_that_is_cancelled_leaves_nothing_behind(steps: int) -> None:
    admission = new()
    first, second = await enter(admission), await enter(admission)
    await first.price(HEAVY, 5 << 20)
    task = asyncio.create_task(second.price(HEAVY, 5 << 20))
    for step in range(steps):
        if step == 3:
            first.executed()
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    first.sent()
    second.sent()
    assert not any(held(admission))


async def test_the_background_waits_while_others_do() -> None:
    admission = new()
    tickets = await fill(admission)
    waiting = asyncio.create_task(enter(admission))
    await until(lambda: admission.door.waiting == 1)
    begun = asyncio.Event()

    async def export() -> None:
        async with admission.background():
            begun.set()

    task = asyncio.create_task(export())
    tickets.pop().sent()
    (ticket,) = await asyncio.gather(waiting)
    assert not begun.is_set()
    for each in [*tickets, ticket]:
        each.sent()
    async with asyncio.timeout(30):
        await task
    assert not any(held(admission))


@pytest.mark.slow
async def test_the_background_goes_on_in_the_end() -> None:
    admission = new()
    tickets = await fill(admission)
    async with asyncio.timeout(60), admission.background():
        assert admission.door.count == INITIAL + 1
    for each in tickets:
        each.sent()
    assert not any(held(admission))
