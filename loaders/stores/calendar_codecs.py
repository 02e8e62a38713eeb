"""Codecs of PostgreSQL's days and instants: those that Python's calendar lacks do not fail their whole statement.

The driver's own codecs read an infinite day as the last or first one of Python's calendar, raise for years outside of
1 to 9999, which fails every other value of the statement too, and bind 9999-12-31 as infinity.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Protocol

from loaders.model.canonical import OUTSIDE_CALENDAR, OutsideCalendar

_EPOCH = dt.datetime(2000, 1, 1)
_UTC_EPOCH = _EPOCH.replace(tzinfo=dt.UTC)
_EPOCH_DAY = _EPOCH.toordinal()
_MAX_DAYS = 32_768
"""Days that are kept as read: some 90 years, and some megabytes."""
_MICROSECOND = dt.timedelta(microseconds=1)

_Wire = tuple[int]
"""Days since 2000-01-01, or microseconds."""


class _Connection(Protocol):
    async def set_type_codec(
        self,
        typename: str,
        *,
        schema: str,
        encoder: Callable[[Any], Any],
        decoder: Callable[[Any], Any],
        format: str,  # noqa: A002 (the driver's name for it)
    ) -> None: ...


async def set_calendar_codecs(connection: _Connection) -> None:
    """Have a connection read OUTSIDE_CALENDAR in place of such days and instants. Sends nothing to the server."""
    for name, encode, decode in _CODECS:
        await connection.set_type_codec(name, schema="pg_catalog", encoder=encode, decoder=decode, format="tuple")


class _Days(dict[_Wire, dt.date | OutsideCalendar]):
    """Days by what the server sends. Most columns repeat them, and to make each anew takes twice as long."""

    def __missing__(self, value: _Wire) -> dt.date | OutsideCalendar:
        try:
            day = dt.date.fromordinal(value[0] + _EPOCH_DAY)
        except (ValueError, OverflowError):
            return OUTSIDE_CALENDAR
        if len(self) < _MAX_DAYS:
            self[value] = day
        return day


def _write_day(day: dt.date) -> _Wire:
    return (day.toordinal() - _EPOCH_DAY,)


def _instant_reader(epoch: dt.datetime) -> Callable[[_Wire], dt.datetime | OutsideCalendar]:
    timedelta = dt.timedelta

    def read(value: _Wire) -> dt.datetime | OutsideCalendar:
        try:
            return epoch + timedelta(0, 0, value[0])
        except OverflowError:
            return OUTSIDE_CALENDAR

    return read


def _write_timestamp(time: dt.date) -> _Wire:
    """Return microseconds since 2000. Raises TypeError for a time with a zone."""
    if not isinstance(time, dt.datetime):
        time = dt.datetime(time.year, time.month, time.day)
    return ((time - _EPOCH) // _MICROSECOND,)


def _write_instant(instant: dt.datetime) -> _Wire:
    return ((instant - _UTC_EPOCH) // _MICROSECOND,)


_CODECS: tuple[tuple[str, Callable[[Any], _Wire], Callable[[_Wire], Any]], ...] = (
    ("date", _write_day, _Days().__getitem__),
    ("timestamp", _write_timestamp, _instant_reader(_EPOCH)),
    ("timestamptz", _write_instant, _instant_reader(_UTC_EPOCH)),
)
