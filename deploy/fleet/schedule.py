"""Schedule: how the aircraft kept to its timetable."""

from __future__ import annotations

import datetime as dt

import fuseway as m
from deploy.fleet.tables import flights, months, streaks


class Punctuality(m.Section, over=flights):
    """Arrivals against the timetable. Delays, percentiles and shares are over completed flights."""

    flights: int = m.sql("count()", "Scheduled flights, cancelled ones too.", unit="flights")
    mean_arrival_delay: float | None = m.sql(
        "avg(arrival_delay)", "Mean arrival delay; early arrivals count as negative.", unit="minutes"
    )
    p50_arrival_delay: float | None = m.percentile(0.5, "arrival_delay", "Median arrival delay.", unit="minutes")
    p95_arrival_delay: float | None = m.percentile(
        0.95, "arrival_delay", "95th percentile of the arrival delay.", unit="minutes"
    )
    max_arrival_delay: int | None = m.sql("max(arrival_delay)", "Largest arrival delay.", unit="minutes")
    on_time_share: float | None = m.ratio(
        "countIf(on_time)", "countIf(completed)", "Completed flights that arrived under 15 minutes late."
    )


class DeparturePunctuality(m.Section, over=flights):
    """Departures against the timetable, over flights that departed."""

    departures: int = m.sql("countIf(departed)", "Flights that departed.", unit="flights")
    mean_departure_delay: float | None = m.sql(
        "avg(departure_delay)", "Mean departure delay; early departures count as negative.", unit="minutes"
    )
    p50_departure_delay: float | None = m.percentile(0.5, "departure_delay", "Median departure delay.", unit="minutes")
    p95_departure_delay: float | None = m.percentile(
        0.95, "departure_delay", "95th percentile of the departure delay.", unit="minutes"
    )
    max_departure_delay: int | None = m.sql("max(departure_delay)", "Largest departure delay.", unit="minutes")
    on_time_share: float | None = m.ratio(
        "countIf(departed and departure_delay < 15)", "countIf(departed)", "Departures under 15 minutes late."
    )


class Cancellations(m.Section, over=flights):
    """Flights that never departed."""

    cancelled: int = m.sql("countIf(cancelled)", "Flights without a departure time.", unit="flights")
    share: float | None = m.ratio("countIf(cancelled)", "count()", "Cancelled over scheduled flights.")
    last_cancelled_on: dt.date | None = m.sql(
        "maxOrNullIf(date, cancelled)", "Scheduled date of the latest cancelled flight."
    )


class Diversions(m.Section, over=flights):
    """Flights that departed and did not arrive as planned."""

    diverted: int = m.sql("countIf(diverted)", "Flights that departed and have no arrival delay.", unit="flights")
    share: float | None = m.ratio(
        "countIf(diverted)", "countIf(departed)", "Diverted flights over those that departed."
    )
    last_diverted_on: dt.date | None = m.sql(
        "maxOrNullIf(date, diverted)", "Scheduled date of the latest diverted flight."
    )


class DelayBin(m.Section, over=flights, where="completed"):
    """Histogram of the arrival delay over completed flights, from early to late; empty bins are left out. The bins
    begin at -60, -30, -15, 0, 15, 30, 60, 120, 240 and 480 minutes, and one is below them all.
    """

    from_minutes: int | None = m.group_by(
        "nullIf(roundDown(toInt32(assumeNotNull(arrival_delay)), [-100000, -60, -30, -15, 0, 15, 30, 60, 120, 240,"
        " 480]), -100000)",
        "Smallest delay of the bin; null for the bin below -60.",
        unit="minutes",
    )
    to_minutes: int | None = m.sql(
        f"transform(ifNull({m.field('from_minutes')}, -100000),"
        " [-100000, -60, -30, -15, 0, 15, 30, 60, 120, 240],"
        " [-60, -30, -15, 0, 15, 30, 60, 120, 240, 480], null)",
        "The delays of the bin are below this; null for the bin from 480.",
        unit="minutes",
    )
    flights: int = m.sql("count()", "Completed flights in the bin.", unit="flights")
    share: float | None = m.ratio(
        "count()", "sum(count()) over (partition by tail_number)", "Of the aircraft's completed flights."
    )


class DelayPercentiles(m.Section, over=flights):
    """Percentiles of the arrival delay over completed flights."""

    p5: float | None = m.percentile(0.05, "arrival_delay", "5th percentile.", unit="minutes")
    p10: float | None = m.percentile(0.1, "arrival_delay", "10th percentile.", unit="minutes")
    p25: float | None = m.percentile(0.25, "arrival_delay", "25th percentile.", unit="minutes")
    p50: float | None = m.percentile(0.5, "arrival_delay", "Median.", unit="minutes")
    p75: float | None = m.percentile(0.75, "arrival_delay", "75th percentile.", unit="minutes")
    p90: float | None = m.percentile(0.9, "arrival_delay", "90th percentile.", unit="minutes")
    p95: float | None = m.percentile(0.95, "arrival_delay", "95th percentile.", unit="minutes")
    p99: float | None = m.percentile(0.99, "arrival_delay", "99th percentile.", unit="minutes")


class Recovery(m.Section, over=flights):
    """Delay made up on the way: the departure delay less the arrival delay, over completed flights."""

    flights: int = m.sql("countIf(completed)", "Completed flights.", unit="flights")
    mean_recovered: float | None = m.sql(
        "avg(departure_delay - arrival_delay)", "Mean delay made up; negative when delay was added.", unit="minutes"
    )
    p50_recovered: float | None = m.percentile(
        0.5, "departure_delay - arrival_delay", "Median delay made up.", unit="minutes"
    )
    max_recovered: int | None = m.sql(
        "max(departure_delay - arrival_delay)", "Most delay made up on one flight.", unit="minutes"
    )
    recovered_share: float | None = m.ratio(
        "countIf(completed and departure_delay > arrival_delay)",
        "countIf(completed)",
        "Completed flights that arrived with less delay than they departed with.",
    )


class Trend(m.Section, over=months):
    """Least-squares line through the monthly mean arrival delays: is the aircraft getting later or earlier?"""

    months: int = m.sql("count()", "Months with a completed flight.", unit="months")
    slope: float | None = m.sql(
        "if(count() < 2, null, covarPopStable(toRelativeMonthNum(month), mean_arrival_delay) / "
        "varPopStable(toRelativeMonthNum(month)))",
        "Change of the monthly mean arrival delay from one calendar month to the next, positive when it worsens; "
        "months without a completed flight count as steps. Null for fewer than two months with one.",
        unit="minutes a month",
    )
    best_month: dt.date | None = m.sql(
        "argMinOrNull(month, (mean_arrival_delay, month))",
        "First day of the month with the lowest mean arrival delay, the earliest of equals.",
    )
    worst_month: dt.date | None = m.sql(
        "argMinOrNull(month, (-mean_arrival_delay, month))",
        "First day of the month with the highest mean arrival delay, the earliest of equals.",
    )


class Streaks(m.Section, over=streaks):
    """Longest runs of completed flights, in the order of their schedule, that were all on time or all late."""

    longest_on_time: int = m.sql("maxIf(length, punctual)", "Most flights in a row that were on time.", unit="flights")
    longest_on_time_from: dt.date | None = m.sql(
        "argMinOrNullIf(first_date, (-toInt64(length), first_date), punctual)",
        "First date of that run, the earliest of equals.",
    )
    longest_late: int = m.sql(
        "maxIf(length, not punctual)", "Most flights in a row that were 15 minutes late or more.", unit="flights"
    )
    longest_late_from: dt.date | None = m.sql(
        "argMinOrNullIf(first_date, (-toInt64(length), first_date), not punctual)",
        "First date of that run, the earliest of equals.",
    )
    current_on_time: int = m.sql(
        "if(argMax(punctual, last_place), argMax(length, last_place), 0)",
        "Flights on time since the last late one.",
        unit="flights",
    )
