"""Performance: speed, time and distance of the flights flown."""

from __future__ import annotations

import fuseway as m
from deploy.fleet.tables import flights


class Speed(m.Section, over=flights):
    """Distance over time in the air, over flights whose air time is known."""

    flights: int = m.sql("count(air_time)", "Flights with a known air time.", unit="flights")
    mean_mph: float | None = m.sql(
        "avg(distance * 60 / air_time)", "Mean of the flights' speeds.", unit="miles per hour"
    )
    p50_mph: float | None = m.percentile(0.5, "distance * 60 / air_time", "Median speed.", unit="miles per hour")
    max_mph: float | None = m.sql("max(distance * 60 / air_time)", "Highest speed.", unit="miles per hour")


class AirTime(m.Section, over=flights):
    """Time from take-off to landing, over flights whose air time is known."""

    flights: int = m.sql("count(air_time)", "Flights with a known air time.", unit="flights")
    mean_minutes: float | None = m.sql("avg(air_time)", "Mean air time.", unit="minutes")
    p50_minutes: float | None = m.percentile(0.5, "air_time", "Median air time.", unit="minutes")
    min_minutes: int | None = m.sql("min(air_time)", "Shortest air time.", unit="minutes")
    max_minutes: int | None = m.sql("max(air_time)", "Longest air time.", unit="minutes")
    total_hours: float = m.sql("sum(ifNull(air_time, 0)) / 60", "All air time together.", unit="hours")


class DistanceBand(m.Section, over=flights, where="departed"):
    """Departed flights by length of haul: under 500, 500 to 999, 1,000 to 1,999, and from 2,000 miles."""

    from_miles: int | None = m.group_by(
        "roundDown(toInt32(distance), [0, 500, 1000, 2000])", "Shortest of the band.", unit="miles"
    )
    flights: int = m.sql("count()", "Flights that departed.", unit="flights")
    share: float | None = m.ratio(
        "count()", "sum(count()) over (partition by tail_number)", "Of the flights that departed."
    )
    mean_miles: float | None = m.sql("avg(distance)", "Mean distance.", unit="miles")
    distance_miles: int = m.sql("sum(distance)", "Distance of all of them.", unit="miles")


class BlockTime(m.Section, over=flights):
    """Time from gate to gate, over completed flights whose destination has a known time zone."""

    flights: int = m.sql("count(arrived_at)", "Completed flights with a known block time.", unit="flights")
    mean_minutes: float | None = m.sql(
        "avg(dateDiff('minute', departed_at, arrived_at))", "Mean block time.", unit="minutes"
    )
    mean_scheduled_minutes: float | None = m.sql(
        "avgOrNullIf(dateDiff('minute', scheduled_departure, scheduled_arrival), arrived_at is not null)",
        "Mean scheduled block time of the same flights.",
        unit="minutes",
    )
    p50_minutes: float | None = m.percentile(
        0.5, "dateDiff('minute', departed_at, arrived_at)", "Median block time.", unit="minutes"
    )
    mean_ground_minutes: float | None = m.sql(
        "avg(dateDiff('minute', departed_at, arrived_at) - air_time)",
        "Mean time taxiing: block time less air time.",
        unit="minutes",
    )
