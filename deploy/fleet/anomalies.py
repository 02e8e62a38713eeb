"""Anomalies: what stands out, and what is missing."""

from __future__ import annotations

import datetime as dt

import fuseway as m
from deploy.fleet.tables import day_deviations, flights


class OutlierDay(m.Section, over=day_deviations):
    """Days whose mean arrival delay is over 3 standard deviations from the mean of the aircraft's days, in order. The
    deviation is that of the population, over days with a completed flight.
    """

    date: dt.date = m.sql("date", "The day.")
    flights: int = m.sql("flights", "Completed flights.", unit="flights")
    mean_arrival_delay: float | None = m.sql("mean_arrival_delay", "Mean arrival delay.", unit="minutes")
    deviations: float | None = m.sql("deviations", "Distance from the mean of the days.", unit="standard deviations")


class MissingData(m.Section, over=flights):
    """Flights whose record lacks something."""

    flights: int = m.sql("count()", "Scheduled flights.", unit="flights")
    without_departure_time: int = m.sql(
        "countIf(not departed)", "Without a departure time: the cancelled ones.", unit="flights"
    )
    without_arrival_delay: int = m.sql(
        "countIf(arrival_delay is null)", "Without an arrival delay: cancelled or diverted.", unit="flights"
    )
    without_air_time: int = m.sql("countIf(air_time is null)", "Without an air time.", unit="flights")
    incomplete_share: float | None = m.ratio(
        "countIf(air_time is null or arrival_delay is null)", "count()", "Flights that lack any of these."
    )
