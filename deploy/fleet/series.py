"""Series: the same few figures along the calendar and the clock. What has no flight is left out."""

from __future__ import annotations

import datetime as dt

import fuseway as m
from deploy.fleet.tables import day_distances, flights

# Figures of several sections, behind the column that these group by: fields of a mixin would come before it.
_FLIGHTS = m.sql("count()", "Scheduled flights, cancelled ones too.", unit="flights")
_CANCELLED = m.sql("countIf(cancelled)", "Flights that never departed.", unit="flights")
_ARRIVAL_DELAY = m.sql("avg(arrival_delay)", "Mean arrival delay of completed flights.", unit="minutes")
_ON_TIME_SHARE = m.ratio(
    "countIf(on_time)", "countIf(completed)", "Completed flights that arrived under 15 minutes late."
)


class Month(m.Section, over=flights):
    """Month by month, in order."""

    month: dt.date = m.group_by("toStartOfMonth(date)", "First day of the month.")
    flights: int = _FLIGHTS
    cancelled: int = _CANCELLED
    mean_arrival_delay: float | None = _ARRIVAL_DELAY


class Week(m.Section, over=flights):
    """Week by week, in order."""

    week: dt.date = m.group_by("toMonday(date)", "Monday of the week.")
    flights: int = _FLIGHTS
    cancelled: int = _CANCELLED
    mean_arrival_delay: float | None = _ARRIVAL_DELAY


class Day(m.Section, over=flights):
    """Day by day, in order."""

    date: dt.date = m.group_by("date", "The day.")
    flights: int = _FLIGHTS
    cancelled: int = _CANCELLED
    mean_arrival_delay: float | None = _ARRIVAL_DELAY
    distance_miles: int = m.sql(
        "sumIf(distance, departed)", "Distance of the flights that were not cancelled.", unit="miles"
    )


class Weekday(m.Section, over=flights):
    """By day of the week."""

    weekday: int = m.group_by("toDayOfWeek(date)", "1 for Monday to 7 for Sunday (ISO 8601).")
    flights: int = _FLIGHTS
    cancelled: int = _CANCELLED
    mean_arrival_delay: float | None = _ARRIVAL_DELAY
    on_time_share: float | None = _ON_TIME_SHARE


class Hour(m.Section, over=flights):
    """By hour of the scheduled departure."""

    hour: int = m.group_by("toUInt8(hour)", "Hour of the scheduled departure, New York's time, 0 to 23.")
    flights: int = _FLIGHTS
    cancelled: int = _CANCELLED
    mean_arrival_delay: float | None = _ARRIVAL_DELAY
    on_time_share: float | None = _ON_TIME_SHARE


class DistanceToDate(m.Section, over=day_distances):
    """Distance flown up to and including each day with a departure, in order."""

    date: dt.date = m.sql("date", "The day.")
    distance_miles: int = m.sql("distance", "Distance flown on the day.", unit="miles")
    cumulative_miles: int = m.sql(
        "cumulative_distance",
        "Distance flown since the aircraft's first flight, or since the period began.",
        unit="miles",
    )
