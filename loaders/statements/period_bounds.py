"""Bounds of a period over a table: calendar dates, or the instants at which they begin and end in its time zone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from loaders.errors import CallerError
from loaders.model.databases import Value
from loaders.statements.parameters import Source, StatementScope
from loaders.statements.section_request import SectionRequest

FIRST_DATE, LAST_DATE = dt.date(1900, 1, 1), dt.date(2299, 12, 30)
"""The dates that both databases can compare with; ClickHouse would take others for some of these."""


def period_start(zone: str | Value) -> Source:
    """Return the source of the first date, or of the instant at which it begins in a zone."""

    def start(scope: StatementScope, requests: Sequence[SectionRequest]) -> Any:
        period = requests[0].period
        if period is None or period.start is None:
            raise TypeError("The period has no start.")
        date = _within(period.start)
        return _begin_of(date, _zone(zone, scope)) if zone else date

    return start


def period_end(zone: str | Value) -> Source:
    """Return the source of the last date, or of the instant at which the next one begins in a zone."""

    def end(scope: StatementScope, requests: Sequence[SectionRequest]) -> Any:
        period = requests[0].period
        if period is None or period.end is None:
            raise TypeError("The period has no end.")
        date = _within(period.end)
        return _begin_of(date + dt.timedelta(days=1), _zone(zone, scope)) if zone else date

    return end


def _within(date: dt.date) -> dt.date:
    return min(max(date, FIRST_DATE), LAST_DATE)


def _begin_of(date: dt.date, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(date, dt.time(), zone).astimezone(dt.UTC)


def _zone(zone: str | Value, scope: StatementScope) -> ZoneInfo:
    name = scope.tenant_value(zone) if isinstance(zone, Value) else zone
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise CallerError(f"There is no time zone {name!r}: write its IANA name, such as Europe/Vienna.") from error
