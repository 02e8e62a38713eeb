"""What a poll reads again, and what of it has changed."""

from __future__ import annotations

import datetime as dt
from typing import Any

from loaders.objects.poll_window import PolledRow, PollWindow

NOON = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)


def instant(seconds: float) -> dt.datetime:
    """Return an instant by its seconds after noon."""
    return NOON + dt.timedelta(seconds=seconds)


def row(key: int, value: Any, now: dt.datetime | None = None) -> PolledRow:
    """Return a row as a poll reads it; without the server's time, its value is a number."""
    return PolledRow((key,), value, now)


def test_a_row_is_told_once_though_the_margin_reads_it_again() -> None:
    window = PollWindow(10, 0)
    assert window.changed([row(1, 11), row(2, 12)], 1) == [row(1, 11), row(2, 12)]
    assert window.after == 10, "a transaction may commit 11 late"
    assert window.changed([row(1, 11), row(2, 12)], 2) == []
    assert window.changed([row(2, 12), row(1, 13)], 3) == [row(1, 13)]


def test_a_value_that_is_committed_late_is_told_within_the_margin() -> None:
    window = PollWindow(10, 0)
    window.changed([row(1, 20)], 1)
    assert window.changed([row(2, 15), row(1, 20)], 9) == [row(2, 15)]


def test_polls_go_on_behind_what_was_there_a_margin_before_the_last_one() -> None:
    window = PollWindow(10, 0, margin_s=5)
    for second in range(1, 9):
        window.changed([row(second, 10 + second)], second)
    assert window.after == 13, "the greatest value of the third second"
    window.changed([], 100)
    assert window.after == 18
    assert window.changed([], 101) == []


def test_an_empty_table_is_read_from_its_first_row() -> None:
    window = PollWindow(None, 0, margin_s=5)
    assert window.after is None
    assert window.changed([row(1, 1)], 1) == [row(1, 1)]
    assert window.after is None
    window.changed([row(1, 1)], 7)
    assert window.after == 1


def test_a_value_of_the_future_hides_nothing_and_is_told_once() -> None:
    window = PollWindow(instant(0), 0, margin_s=5)
    future = instant(86_400)
    assert window.changed([row(1, future, instant(1))], 1) == [row(1, future, instant(1))]
    window.changed([row(1, future, instant(9))], 9)
    assert window.after == instant(1), "the server's time then"
    assert window.changed([row(2, instant(10.000_1), instant(11)), row(1, future, instant(11))], 11) == [
        row(2, instant(10.000_1), instant(11))
    ]


def test_what_clocks_of_milliseconds_cannot_tell_apart_is_told_as_long_as_it_is_read() -> None:
    window = PollWindow(instant(0), 0)
    coarse, fine = row(1, instant(1.005), instant(2)), row(2, instant(1.005_001), instant(2))
    assert window.changed([coarse, fine], 2) == [coarse, fine]
    assert window.changed([coarse, fine], 3) == [coarse]


def test_rows_that_were_too_many_are_unknown_and_read_again() -> None:
    window = PollWindow(10, 0, margin_s=5)
    window.changed([row(1, 11)], 1)
    window.forget(5_000, 2)
    assert window.after == 10
    assert window.changed([row(1, 11)], 3) == [row(1, 11)]
    window.changed([], 9)
    assert window.after == 5_000


def test_transactions_that_had_begun_before_the_first_poll_are_waited_for_once() -> None:
    window = PollWindow(10, 100, margin_s=5)
    assert [window.is_settling(now_s) for now_s in (101, 104.9, 105, 106)] == [False, False, True, False]
