"""Performance: speed, time and distance of the flights flown."""

from loaders.catalogue.declaration import (
    ListSection,
    Section,
    count,
    grouped,
    minutes,
    number,
    percentile,
    ratio,
    total,
    whole,
)
from loaders.catalogue.sources import DEPARTED, FLIGHTS


class Speed(Section):
    """Distance over time in the air, over flights whose air time is known."""

    relation = FLIGHTS
    _mph = "distance * 60 / air_time"
    flights = count("count(air_time)", "Flights with a known air time.")
    mean_mph = number(f"avg({_mph})", "Mean of the flights' speeds.", "miles per hour")
    p50_mph = percentile(0.5, _mph, "Median speed.", "miles per hour")
    max_mph = number(f"max({_mph})", "Highest speed.", "miles per hour")


class AirTime(Section):
    """Time from take-off to landing, over flights whose air time is known."""

    relation = FLIGHTS
    flights = count("count(air_time)", "Flights with a known air time.")
    mean_minutes = minutes("avg(air_time)", "Mean air time.")
    p50_minutes = percentile(0.5, "air_time", "Median air time.")
    min_minutes = whole("min(air_time)", "Shortest air time.", "minutes")
    max_minutes = whole("max(air_time)", "Longest air time.", "minutes")
    total_hours = total("sum(ifNull(air_time, 0)) / 60", "All air time together.", "hours")


class DistanceProfile(ListSection):
    """Departed flights by length of haul: under 500, 500 to 999, 1,000 to 1,999, and from 2,000 miles."""

    type_name = "DistanceBand"
    relation = DEPARTED
    usual = 4
    first = 4
    from_miles = grouped(whole("roundDown(toInt32(distance), [0, 500, 1000, 2000])", "Shortest of the band.", "miles"))
    flights = count("count()", "Flights that departed.")
    share = ratio("count()", "sum(count()) over (partition by key)", "Of the flights that departed.")
    mean_miles = number("avg(distance)", "Mean distance.", "miles")
    distance_miles = count("sum(distance)", "Distance of all of them.", "miles")


class BlockTime(Section):
    """Time from gate to gate, over completed flights whose destination has a known time zone."""

    relation = FLIGHTS
    _actual = "dateDiff('minute', departed_at, arrived_at)"
    _planned = "dateDiff('minute', scheduled_departure, scheduled_arrival)"
    _known = "arrived_at is not null"
    flights = count("count(arrived_at)", "Completed flights with a known block time.")
    mean_minutes = minutes(f"avg({_actual})", "Mean block time.")
    mean_scheduled_minutes = minutes(
        f"avgOrNullIf({_planned}, {_known})", "Mean scheduled block time of the same flights."
    )
    p50_minutes = percentile(0.5, _actual, "Median block time.")
    mean_ground_minutes = minutes(f"avg({_actual} - air_time)", "Mean time taxiing: block time less air time.")
