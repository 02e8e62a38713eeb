"""Use: how much, and in what rhythm, the aircraft was flown."""

from loaders.catalogue.declaration import (
    ListSection,
    Section,
    count,
    day,
    grouped,
    minutes,
    number,
    percentile,
    ratio,
    total,
    whole,
)
from loaders.catalogue.sources import DAYS, FLIGHTS, ROTATIONS


class Utilization(Section):
    """How much the aircraft was flown."""

    relation = FLIGHTS
    flights = count("count()", "Scheduled flights, cancelled ones too.")
    hours_flown = total("sum(ifNull(air_time, 0)) / 60", "Sum of the air times that are known.", "hours")
    distance_miles = count("sumIf(distance, departed)", "Distance of the flights that were not cancelled.", "miles")
    destinations = count("uniqExact(destination)", "Different destinations of scheduled flights.", "airports")


class Activity(Section):
    """The span of days on which the aircraft had scheduled flights."""

    relation = FLIGHTS
    first_date = day("minOrNull(date)", "Date of the first scheduled flight.", nullable=True)
    last_date = day("maxOrNull(date)", "Date of the last scheduled flight.", nullable=True)
    days_active = count("uniqExact(date)", "Days with a scheduled flight.", "days")
    idle_days = count(
        "if(count() = 0, 0, dateDiff('day', min(date), max(date)) + 1 - uniqExact(date))",
        "Days between the first and the last date without a scheduled flight.",
        "days",
    )


class LegsPerDay(Section):
    """Flights that departed on one day, over days with at least one."""

    relation = DAYS
    days = count("countIf(legs > 0)", "Days with a departure.", "days")
    mean_legs = number("avgOrNullIf(legs, legs > 0)", "Mean departures on such a day.", "flights a day")
    max_legs = count("max(legs)", "Most departures on one day.")
    multi_leg_share = ratio("countIf(legs > 1)", "countIf(legs > 0)", "Such days with more than one departure.")


class Turnarounds(Section):
    """Time from an arrival to the aircraft's next recorded departure, scheduled for the same or next date.

    The sample records departures from New York alone, so the flight back is part of it. A departure that is recorded
    before the arrival is left out: two aircraft shared the tail number, or the record is wrong.
    """

    relation = ROTATIONS
    _recent = "previous_arrival is not null and date - previous_date <= 1 and departed_at > previous_arrival"
    _gap = "dateDiff('minute', previous_arrival, departed_at)"
    turnarounds = count(f"countIf({_recent})", "Turnarounds within the same or the next date.", "turnarounds")
    mean_minutes = minutes(f"avgOrNullIf({_gap}, {_recent})", "Mean turnaround.")
    p50_minutes = minutes(f"toFloat64(quantileExactOrNullIf(0.5)({_gap}, {_recent}))", "Median turnaround.")
    min_minutes = whole(f"minOrNullIf({_gap}, {_recent})", "Shortest turnaround.", "minutes")


class Rotations(Section):
    """From one departure from New York to the next: out, back and out again."""

    relation = ROTATIONS
    rotations = count("count()", "Departures that follow another departure.", "rotations")
    same_day = count("countIf(date = previous_date)", "Rotations that began and ended on one date.", "rotations")
    mean_hours = number(
        "avgOrNullIf(dateDiff('minute', previous_departure, departed_at), date - previous_date <= 1) / 60",
        "Mean time between the departures of rotations that end on the same or the next date.",
        "hours",
    )
    longest_gap_days = number(
        "max(dateDiff('minute', previous_departure, departed_at)) / 1440",
        "Longest time between two departures.",
        "days",
    )


class BusiestDays(ListSection):
    """Days with the most departures, the earliest first of equals."""

    type_name = "BusyDay"
    relation = DAYS
    usual = 200
    order = ("-toInt64(legs)", "date")
    only = "legs > 0"
    date = day("date", "The day.")
    legs = count("legs", "Flights that departed.")
    distance_miles = count("distance", "Distance flown.", "miles")


class NightFlights(Section):
    """Flights scheduled to depart from 22:00 to 05:59, New York's time."""

    relation = FLIGHTS
    flights = count("countIf(hour >= 22 or hour < 6)", "Scheduled flights at night, cancelled ones too.")
    share = ratio("countIf(hour >= 22 or hour < 6)", "count()", "Of all scheduled flights.")
    mean_arrival_delay = minutes(
        "avgOrNullIf(arrival_delay, completed and (hour >= 22 or hour < 6))",
        "Mean arrival delay of the completed ones.",
    )


class Seasonality(ListSection):
    """The year by quarter, all years together."""

    type_name = "Quarter"
    relation = FLIGHTS
    usual = 4
    first = 4
    quarter = grouped(count("toQuarter(date)", "1 for January to March, and so on.", ""))
    flights = count("count()", "Scheduled flights, cancelled ones too.")
    share = ratio("count()", "sum(count()) over (partition by key)", "Of all scheduled flights.")
    cancelled_share = ratio("countIf(cancelled)", "count()", "Cancelled over scheduled flights of the quarter.")
    mean_arrival_delay = minutes("avg(arrival_delay)", "Mean arrival delay of completed flights.")
    p95_arrival_delay = percentile(0.95, "arrival_delay", "95th percentile of the arrival delay.")
