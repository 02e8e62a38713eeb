"""Schedule: how the aircraft kept to its timetable."""

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
    whole,
)
from loaders.catalogue.sources import COMPLETED, FLIGHTS, MONTHS, STREAKS


class Punctuality(Section):
    """Arrivals against the timetable. Delays, percentiles and shares are over completed flights."""

    relation = FLIGHTS
    flights = count("count()", "Scheduled flights, cancelled ones too.")
    mean_arrival_delay = minutes("avg(arrival_delay)", "Mean arrival delay; early arrivals count as negative.")
    p50_arrival_delay = percentile(0.5, "arrival_delay", "Median arrival delay.")
    p95_arrival_delay = percentile(0.95, "arrival_delay", "95th percentile of the arrival delay.")
    max_arrival_delay = whole("max(arrival_delay)", "Largest arrival delay.", "minutes")
    on_time_share = ratio(
        "countIf(on_time)", "countIf(completed)", "Completed flights that arrived under 15 minutes late."
    )


class DeparturePunctuality(Section):
    """Departures against the timetable, over flights that departed."""

    relation = FLIGHTS
    departures = count("countIf(departed)", "Flights that departed.")
    mean_departure_delay = minutes("avg(departure_delay)", "Mean departure delay; early departures count as negative.")
    p50_departure_delay = percentile(0.5, "departure_delay", "Median departure delay.")
    p95_departure_delay = percentile(0.95, "departure_delay", "95th percentile of the departure delay.")
    max_departure_delay = whole("max(departure_delay)", "Largest departure delay.", "minutes")
    on_time_share = ratio(
        "countIf(departed and departure_delay < 15)", "countIf(departed)", "Departures under 15 minutes late."
    )


class Cancellations(Section):
    """Flights that never departed."""

    relation = FLIGHTS
    cancelled = count("countIf(cancelled)", "Flights without a departure time.")
    share = ratio("countIf(cancelled)", "count()", "Cancelled over scheduled flights.")
    last_cancelled_on = day(
        "maxOrNullIf(date, cancelled)", "Scheduled date of the latest cancelled flight.", nullable=True
    )


class Diversions(Section):
    """Flights that departed and did not arrive as planned."""

    relation = FLIGHTS
    diverted = count("countIf(diverted)", "Flights that departed and have no arrival delay.")
    share = ratio("countIf(diverted)", "countIf(departed)", "Diverted flights over those that departed.")
    last_diverted_on = day(
        "maxOrNullIf(date, diverted)", "Scheduled date of the latest diverted flight.", nullable=True
    )


class DelayDistribution(ListSection):
    """Histogram of the arrival delay over completed flights, from early to late; empty bins are left out.

    The bins begin at -60, -30, -15, 0, 15, 30, 60, 120, 240 and 480 minutes, and one is below them all.
    """

    type_name = "DelayBin"
    relation = COMPLETED
    usual = 9
    first = 20
    from_minutes = grouped(
        whole(
            "nullIf(roundDown(toInt32(assumeNotNull(arrival_delay)),"
            " [-100000, -60, -30, -15, 0, 15, 30, 60, 120, 240, 480]), -100000)",
            "Smallest delay of the bin; null for the bin below -60.",
            "minutes",
        )
    )
    to_minutes = whole(
        "transform(ifNull($from_minutes, -100000),"
        " [-100000, -60, -30, -15, 0, 15, 30, 60, 120, 240],"
        " [-60, -30, -15, 0, 15, 30, 60, 120, 240, 480], null)",
        "The delays of the bin are below this; null for the bin from 480.",
        "minutes",
    )
    flights = count("count()", "Completed flights in the bin.")
    share = ratio("count()", "sum(count()) over (partition by key)", "Of the aircraft's completed flights.")
    order = ("ifNull($from_minutes, -100000)",)


class DelayPercentiles(Section):
    """Percentiles of the arrival delay over completed flights."""

    relation = FLIGHTS
    p5 = percentile(0.05, "arrival_delay", "5th percentile.")
    p10 = percentile(0.1, "arrival_delay", "10th percentile.")
    p25 = percentile(0.25, "arrival_delay", "25th percentile.")
    p50 = percentile(0.5, "arrival_delay", "Median.")
    p75 = percentile(0.75, "arrival_delay", "75th percentile.")
    p90 = percentile(0.9, "arrival_delay", "90th percentile.")
    p95 = percentile(0.95, "arrival_delay", "95th percentile.")
    p99 = percentile(0.99, "arrival_delay", "99th percentile.")


class Recovery(Section):
    """Delay made up on the way: the departure delay less the arrival delay, over completed flights."""

    relation = FLIGHTS
    flights = count("countIf(completed)", "Completed flights.")
    mean_recovered = minutes(
        "avg(departure_delay - arrival_delay)", "Mean delay made up; negative when delay was added."
    )
    p50_recovered = percentile(0.5, "departure_delay - arrival_delay", "Median delay made up.")
    max_recovered = whole("max(departure_delay - arrival_delay)", "Most delay made up on one flight.", "minutes")
    recovered_share = ratio(
        "countIf(completed and departure_delay > arrival_delay)",
        "countIf(completed)",
        "Completed flights that arrived with less delay than they departed with.",
    )


class Trend(Section):
    """Least-squares line through the monthly mean arrival delays: is the aircraft getting later or earlier?"""

    relation = MONTHS
    months = count("count()", "Months with a completed flight.", "months")
    slope = number(
        "if(count() < 2, null,"
        " covarPopStable(toRelativeMonthNum(month), mean_arrival_delay) / varPopStable(toRelativeMonthNum(month)))",
        "Change of the monthly mean arrival delay from one calendar month to the next, positive when it worsens; months"
        " without a completed flight count as steps. Null for fewer than two months with one.",
        "minutes a month",
    )
    best_month = day(
        "argMinOrNull(month, (mean_arrival_delay, month))",
        "First day of the month with the lowest mean arrival delay, the earliest of equals.",
        nullable=True,
    )
    worst_month = day(
        "argMinOrNull(month, (-mean_arrival_delay, month))",
        "First day of the month with the highest mean arrival delay, the earliest of equals.",
        nullable=True,
    )


class Streaks(Section):
    """Longest runs of completed flights, in the order of their schedule, that were all on time or all late."""

    relation = STREAKS
    longest_on_time = count("maxIf(length, punctual)", "Most flights in a row that were on time.")
    longest_on_time_from = day(
        "argMinOrNullIf(first_date, (-toInt64(length), first_date), punctual)",
        "First date of that run, the earliest of equals.",
        nullable=True,
    )
    longest_late = count("maxIf(length, not punctual)", "Most flights in a row that were 15 minutes late or more.")
    longest_late_from = day(
        "argMinOrNullIf(first_date, (-toInt64(length), first_date), not punctual)",
        "First date of that run, the earliest of equals.",
        nullable=True,
    )
    current_on_time = count(
        "if(argMax(punctual, last_place), argMax(length, last_place), 0)",
        "Flights on time since the last late one.",
    )
