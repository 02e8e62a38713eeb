"""Use: how much, and in what rhythm, the aircraft was flown."""

from __future__ import annotations

import datetime as dt

import fuseway as m
from deploy.fleet.tables import days, flights, rotations

_RECENT = "previous_arrival is not null and date - previous_date <= 1 and departed_at > previous_arrival"
_GAP = "dateDiff('minute', previous_arrival, departed_at)"


class Utilization(m.Section, over=flights):
    """How much the aircraft was flown."""

    flights: int = m.sql("count()", "Scheduled flights, cancelled ones too.", unit="flights")
    hours_flown: float = m.sql("sum(ifNull(air_time, 0)) / 60", "Sum of the air times that are known.", unit="hours")
    distance_miles: int = m.sql(
        "sumIf(distance, departed)", "Distance of the flights that were not cancelled.", unit="miles"
    )
    destinations: int = m.sql("uniqExact(destination)", "Different destinations of scheduled flights.", unit="airports")


class Activity(m.Section, over=flights):
    """The span of days on which the aircraft had scheduled flights."""

    first_date: dt.date | None = m.sql("minOrNull(date)", "Date of the first scheduled flight.")
    last_date: dt.date | None = m.sql("maxOrNull(date)", "Date of the last scheduled flight.")
    days_active: int = m.sql("uniqExact(date)", "Days with a scheduled flight.", unit="days")
    idle_days: int = m.sql(
        "if(count() = 0, 0, dateDiff('day', min(date), max(date)) + 1 - uniqExact(date))",
        "Days between the first and the last date without a scheduled flight.",
        unit="days",
    )


class LegsPerDay(m.Section, over=days):
    """Flights that departed on one day, over days with at least one."""

    days: int = m.sql("countIf(legs > 0)", "Days with a departure.", unit="days")
    mean_legs: float | None = m.sql(
        "avgOrNullIf(legs, legs > 0)", "Mean departures on such a day.", unit="flights a day"
    )
    max_legs: int = m.sql("max(legs)", "Most departures on one day.", unit="flights")
    multi_leg_share: float | None = m.ratio(
        "countIf(legs > 1)", "countIf(legs > 0)", "Such days with more than one departure."
    )


class Turnarounds(m.Section, over=rotations):
    """Time from an arrival to the aircraft's next recorded departure, scheduled for the same or next date. The sample
    records departures from New York alone, so the flight back is part of it. A departure that is recorded before
    the arrival is left out: two aircraft shared the tail number, or the record is wrong.
    """

    turnarounds: int = m.sql(f"countIf({_RECENT})", "Turnarounds within the same or the next date.", unit="turnarounds")
    mean_minutes: float | None = m.sql(f"avgOrNullIf({_GAP}, {_RECENT})", "Mean turnaround.", unit="minutes")
    p50_minutes: float | None = m.sql(
        f"toFloat64(quantileExactOrNullIf(0.5)({_GAP}, {_RECENT}))", "Median turnaround.", unit="minutes"
    )
    min_minutes: int | None = m.sql(f"minOrNullIf({_GAP}, {_RECENT})", "Shortest turnaround.", unit="minutes")


class Rotations(m.Section, over=rotations):
    """From one departure from New York to the next: out, back and out again."""

    rotations: int = m.sql("count()", "Departures that follow another departure.", unit="rotations")
    same_day: int = m.sql(
        "countIf(date = previous_date)", "Rotations that began and ended on one date.", unit="rotations"
    )
    mean_hours: float | None = m.sql(
        "avgOrNullIf(dateDiff('minute', previous_departure, departed_at), date - previous_date <= 1) / 60",
        "Mean time between the departures of rotations that end on the same or the next date.",
        unit="hours",
    )
    longest_gap_days: float | None = m.sql(
        "max(dateDiff('minute', previous_departure, departed_at)) / 1440",
        "Longest time between two departures.",
        unit="days",
    )


class BusyDay(m.Section, over=days, where="legs > 0"):
    """Days with the most departures, the earliest first of equals."""

    date: dt.date = m.sql("date", "The day.")
    legs: int = m.sql("legs", "Flights that departed.", unit="flights")
    distance_miles: int = m.sql("distance", "Distance flown.", unit="miles")


class NightFlights(m.Section, over=flights):
    """Flights scheduled to depart from 22:00 to 05:59, New York's time."""

    flights: int = m.sql(
        "countIf(hour >= 22 or hour < 6)", "Scheduled flights at night, cancelled ones too.", unit="flights"
    )
    share: float | None = m.ratio("countIf(hour >= 22 or hour < 6)", "count()", "Of all scheduled flights.")
    mean_arrival_delay: float | None = m.sql(
        "avgOrNullIf(arrival_delay, completed and (hour >= 22 or hour < 6))",
        "Mean arrival delay of the completed ones.",
        unit="minutes",
    )


class Quarter(m.Section, over=flights):
    """The year by quarter, all years together."""

    quarter: int = m.group_by("toQuarter(date)", "1 for January to March, and so on.")
    flights: int = m.sql("count()", "Scheduled flights, cancelled ones too.", unit="flights")
    share: float | None = m.ratio(
        "count()", "sum(count()) over (partition by tail_number)", "Of all scheduled flights."
    )
    cancelled_share: float | None = m.ratio(
        "countIf(cancelled)", "count()", "Cancelled over scheduled flights of the quarter."
    )
    mean_arrival_delay: float | None = m.sql(
        "avg(arrival_delay)", "Mean arrival delay of completed flights.", unit="minutes"
    )
    p95_arrival_delay: float | None = m.percentile(
        0.95, "arrival_delay", "95th percentile of the arrival delay.", unit="minutes"
    )
