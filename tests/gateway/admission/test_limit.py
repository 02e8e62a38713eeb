"""The limit on requests under way, by a clock and times of the test's own."""

import pytest

from gateway.admission.limit import FLOOR, INITIAL, AdaptiveLimit


class Worker:
    """A process whose requests wait longer the more of them there are: by `wait_s` for each above `useful`."""

    def __init__(self, useful: int, wait_s: float, ceiling: int = 72) -> None:
        self.now = 0.0
        self.useful = useful
        self.wait_s = wait_s
        self.limit = AdaptiveLimit(ceiling, clock=lambda: self.now)

    def work(self, requests: int, *, used: int | None = None, loop_s: float = 0.0) -> None:
        for _ in range(requests):
            self.now += 0.01
            under_way = self.limit.value if used is None else used
            store_s = max(0, under_way - self.useful) * self.wait_s
            self.limit.record(loop_s=loop_s, store_s=store_s, under_way=under_way)


@pytest.mark.parametrize("useful", [8, 20, 40])
def test_it_finds_how_many_keep_the_stores_busy(useful: int) -> None:
    worker = Worker(useful, wait_s=0.02)
    worker.work(5_000)
    assert useful <= worker.limit.value <= useful + 6


def test_it_grows_to_the_ceiling_where_nothing_waits() -> None:
    worker = Worker(useful=1_000, wait_s=1.0)
    worker.work(2_000)
    assert worker.limit.value == 72


def test_a_store_that_is_slow_for_all_never_closes_the_door() -> None:
    worker = Worker(useful=0, wait_s=10.0)
    worker.work(2_000)
    assert worker.limit.value == FLOOR


def test_a_busy_event_loop_lowers_it_too() -> None:
    worker = Worker(useful=1_000, wait_s=0.0)
    worker.work(2_000, loop_s=0.2)
    assert worker.limit.value == FLOOR


def test_it_recovers_within_seconds() -> None:
    worker = Worker(useful=0, wait_s=10.0)
    worker.work(2_000)
    worker.useful = 1_000
    began = worker.now
    worker.work(300)
    assert worker.now - began < 3.5
    assert worker.limit.value > INITIAL


def test_it_does_not_grow_while_it_is_not_used() -> None:
    worker = Worker(useful=1_000, wait_s=0.0)
    worker.work(2_000, used=2)
    assert worker.limit.value == INITIAL


def test_requests_that_wait_though_they_are_few_do_not_lower_it() -> None:
    worker = Worker(useful=0, wait_s=10.0)
    worker.work(2_000, used=1)
    assert worker.limit.value == INITIAL


def test_one_request_in_ten_that_waits_long_does_not_lower_it() -> None:
    worker = Worker(useful=1_000, wait_s=0.0)
    for _ in range(200):
        worker.work(9)
        worker.work(1, loop_s=1.0)
    assert worker.limit.value >= INITIAL


def test_a_ceiling_below_the_floor_is_the_floor() -> None:
    assert AdaptiveLimit(1).value == FLOOR
