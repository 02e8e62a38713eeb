"""The window of values that polls read again, and the rows in it that have changed since the last poll."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

from loaders.model.canonical import OUTSIDE_CALENDAR

MARGIN_S = 10.0
"""How long a transaction may take from the moment its value was chosen to its commit, so that its rows are seen."""


class PolledRow(NamedTuple):
    """A row that a poll has read: its identity, the value that grows with each change, and the server's clock.

    The clock is None where values are numbers. The value is OUTSIDE_CALENDAR for an infinite instant.
    """

    identity: tuple[Any, ...]
    value: Any
    now: dt.datetime | None


class PollWindow:
    """The greatest values that polls of one column have read, by this process's clock.

    Rows become visible when their transaction commits, in another order than that of their values. So a poll reads from
    the greatest value that was there `margin_s` before the last poll, and leaves out the rows that this one has read.
    No clock but this process's decides what is read; that of the database only keeps a value of the future, which some
    row may have by mistake, from hiding what comes before it.
    """

    def __init__(self, newest: Any, now_s: float, margin_s: float = MARGIN_S) -> None:
        self._margin_s = margin_s
        self._positions = deque([(now_s, newest)])
        self._last_s = self._began_s = now_s
        self._known: frozenset[tuple[Any, ...]] = frozenset()
        self._is_settled = False

    @property
    def after(self) -> Any:
        """The value after which the next poll reads; None to read all rows."""
        while len(self._positions) > 1 and self._positions[1][0] <= self._last_s - self._margin_s:
            self._positions.popleft()
        return self._positions[0][1]

    def is_settling(self, now_s: float) -> bool:
        """Return whether this is the first poll that knows all transactions which had begun before the first one.

        What these have changed may lie before the value that polls began at.
        """
        if self._is_settled or now_s < self._began_s + self._margin_s:
            return False
        self._is_settled = True
        return True

    def changed(self, rows: Iterable[PolledRow], now_s: float) -> list[PolledRow]:
        """Return the rows of a poll that the last one did not read, in order; the next one reads from there."""
        rows = list(rows)
        changed = [row for row in rows if _is_coarse(row) or (row.identity, row.value) not in self._known]
        self._known = frozenset((row.identity, row.value) for row in rows)
        if rows:
            self._move_to(present(rows[-1].value, rows[-1].now), now_s)
        else:
            self._last_s = now_s
        return changed

    def forget(self, newest: Any, now_s: float) -> None:
        """Note that the rows of a poll were too many, up to a value; the next one reads from there, and knows none."""
        self._known = frozenset()
        self._move_to(newest, now_s)

    def _move_to(self, value: Any, now_s: float) -> None:
        """Note the greatest value of a poll."""
        newest = self._positions[-1][1]
        if newest is None or (value is not None and value > newest):
            self._positions.append((now_s, value))
        self._last_s = now_s


def present(value: Any, now: dt.datetime | None) -> Any:
    """Return a value, or the server's time for one of the future, an infinite one among them."""
    if value is None or now is None:
        return value
    return now if value is OUTSIDE_CALENDAR else min(value, now)


def _is_coarse(row: PolledRow) -> bool:
    """Return whether the row may have changed twice within its value, so that reading it again may be news.

    Clocks of whole seconds and milliseconds say the same of several changes.
    """
    if row.now is None or row.value is OUTSIDE_CALENDAR:
        return False
    return bool(row.value <= row.now and row.value.microsecond % 1_000 == 0)
