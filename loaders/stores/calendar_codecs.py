"""Codecs of PostgreSQL's days and instants: those that Python's calendar lacks do not fail their whole statement.

The driver's own codecs read an infinite day as the last or first one of Python's calendar, raise for years outside of
1 to 9999, which fails every other value of the statement too, and bind 9999-12-31 as infinity.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from loaders.model.canonical import OUTSIDE_CALENDAR, OutsideCalendar

_EPOCH = dt.datetime(2000, 1, 1)
_UTC_EPOCH = _EPOCH.replace(tzinfo=dt.UTC)
_EPOCH_DAY = _EPOCH.toordinal()
_MAX_DAYS = 32_768
"""Days that are kept as read: some 90 years, and some megabytes."""
_MICROSECOND = dt.timedelta(microseconds=1)

_Wire = tuple[int]
"""Days since 2000-01-01, or microseconds."""
_Codec = tuple[str, Callable[[Any], _Wire], Callable[[_Wire], Any]]
"""The name of a type, and how its values are bound and read."""


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


async def set_calendar_codecs(connection: _Connection, zone: str = "") -> None:
    """Have a connection read OUTSIDE_CALENDAR in place of such days and instants. Sends nothing to the server.

    With a time zone, what the database keeps without one is read and bound as instants in it.
    """
    codecs = _CODECS if not zone else (*_CODECS, _zone_codec(ZoneInfo(zone)))
    for name, encode, decode in codecs:
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


def _zone_codec(zone: dt.tzinfo) -> _Codec:
    """Return the codec of times in a zone.

    As the server does, it reads a time that is there twice, or not at all, by the smaller of both offsets from UTC.
    """

    def read(value: _Wire) -> dt.datetime | OutsideCalendar:
        try:
            time = _EPOCH + dt.timedelta(0, 0, value[0])
            offsets = (time.replace(tzinfo=zone, fold=fold).utcoffset() or dt.timedelta() for fold in (0, 1))
            return (time - min(offsets)).replace(tzinfo=dt.UTC)
        except OverflowError:
            return OUTSIDE_CALENDAR

    def write(time: dt.date) -> _Wire:
        if isinstance(time, dt.datetime) and time.tzinfo is not None:
            time = time.astimezone(zone).replace(tzinfo=None)
        return _write_timestamp(time)

    return "timestamp", write, read


def _write_instant(instant: dt.datetime) -> _Wire:
    return ((instant - _UTC_EPOCH) // _MICROSECOND,)


_CODECS: tuple[_Codec, ...] = (
    ("date", _write_day, _Days().__getitem__),
    ("timestamp", _write_timestamp, _instant_reader(_EPOCH)),
    ("timestamptz", _write_instant, _instant_reader(_UTC_EPOCH)),
)
