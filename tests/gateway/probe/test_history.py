"""The history knows how long a check passed and failed, and says unknown where nobody looked."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from gateway.probe.history import DAYS, Day, History, HistoryError, Latest, Result

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
EVERY_S = 60.0


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """A new history."""
    history = History(tmp_path / "history.sqlite")
    yield history
    history.close()


def _result(seconds: float, outcome: str = "ok", *, start: datetime = NOON, name: str = "orders") -> Result:
    return Result(name, EVERY_S, start.timestamp() + seconds, outcome, outcome == "ok", 0.25)


async def _today(history: History, seconds: float) -> Day:
    return (await history.days("orders", NOON + timedelta(seconds=seconds)))[-1]


async def test_a_result_stands_for_the_time_since_the_one_before(history: History) -> None:
    for seconds, outcome in [(0, "ok"), (60, "ok"), (121, "null"), (180, "ok")]:
        await history.add(_result(seconds, outcome))
    today = await _today(history, 180)
    assert (today.up_s, today.down_s, today.passed, today.failed, today.duration_s) == (119, 61, 3, 1, 0.75)
    assert today.unknown_s == 12 * 3_600 + 180 - 180  # the morning, when there was no probe
    assert await history.latest() == {"orders": Latest(NOON.timestamp() + 180, "ok")}


async def test_while_the_probe_was_down_nothing_is_known(history: History) -> None:
    for seconds in (0, 60, 7_260, 7_320):  # two hours without a result
        await history.add(_result(seconds))
    today = await _today(history, 7_320)
    assert (today.up_s, today.down_s) == (120, 0)
    assert today.unknown_s == 12 * 3_600 + 7_200


async def test_a_check_that_was_missed_is_unknown_and_one_that_is_late_is_not(history: History) -> None:
    for seconds in (0, 89, 89 + 91):
        await history.add(_result(seconds))
    assert (await _today(history, 180)).up_s == 89


async def test_a_clock_that_is_set_back_counts_nothing_twice(history: History) -> None:
    for seconds in (0, 60, 30, 90):
        await history.add(_result(seconds))
    assert (await _today(history, 90)).up_s == 120


async def test_time_around_midnight_belongs_to_both_days(history: History) -> None:
    midnight = datetime(2026, 3, 11, tzinfo=UTC)
    for seconds in (-20, 40):
        await history.add(_result(seconds, start=midnight))
    yesterday, today = (await history.days("orders", midnight + timedelta(seconds=40)))[-2:]
    assert (yesterday.day, yesterday.up_s, today.day, today.up_s) == (date(2026, 3, 10), 20, date(2026, 3, 11), 40)


async def test_the_history_is_bounded_to_ninety_days(history: History, tmp_path: Path) -> None:
    for day in range(200):
        for seconds in (0, 60):
            await history.add(_result(seconds, start=NOON + timedelta(days=day)))
        await history.add(_result(0, start=NOON, name="gone"))
    days = await history.days("orders", NOON + timedelta(days=199))
    assert len(days) == DAYS
    assert [day.up_s for day in days] == [60] * DAYS
    history.close()
    with sqlite3.connect(tmp_path / "history.sqlite") as database:
        ((count,),) = database.execute("select count(*) from days where name = 'orders'").fetchall()
    database.close()
    assert count == DAYS


async def test_a_check_without_results_is_all_unknown(history: History) -> None:
    days = await history.days("never", NOON)
    assert sum(day.unknown_s for day in days) == (DAYS - 1) * 86_400 + 12 * 3_600


async def test_the_history_is_there_after_a_restart(history: History, tmp_path: Path) -> None:
    await history.add(_result(0))
    history.close()
    again = History(tmp_path / "history.sqlite")
    await again.add(_result(60))
    assert (await _today(again, 60)).up_s == 60
    again.close()


@pytest.mark.usefixtures("history")
def test_a_second_probe_does_not_count_in_the_same_file(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="another probe uses it"):
        History(tmp_path / "history.sqlite")


def test_a_file_that_is_no_history_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database" * 100)
    with pytest.raises(HistoryError, match="file is not a database"):
        History(tmp_path / "text")
    with pytest.raises(HistoryError, match="name another file"):
        History(tmp_path / "missing" / "file")
