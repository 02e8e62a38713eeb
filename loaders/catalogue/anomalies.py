"""Anomalies: what stands out, and what is missing."""

from loaders.catalogue.declaration import ListSection, Section, count, day, minutes, number, ratio
from loaders.catalogue.sources import DAY_DEVIATIONS, FLIGHTS


class OutlierDays(ListSection):
    """Days whose mean arrival delay is over 3 standard deviations from the mean of the aircraft's days, in order.

    The deviation is that of the population, over days with a completed flight.
    """

    type_name = "OutlierDay"
    relation = DAY_DEVIATIONS
    usual = 3
    first = 50
    order = ("date",)
    date = day("date", "The day.")
    flights = count("flights", "Completed flights.")
    mean_arrival_delay = minutes("mean_arrival_delay", "Mean arrival delay.")
    deviations = number("deviations", "Distance from the mean of the days.", "standard deviations")


class MissingData(Section):
    """Flights whose record lacks something."""

    relation = FLIGHTS
    flights = count("count()", "Scheduled flights.")
    without_departure_time = count("countIf(not departed)", "Without a departure time: the cancelled ones.")
    without_arrival_delay = count("countIf(arrival_delay is null)", "Without an arrival delay: cancelled or diverted.")
    without_air_time = count("countIf(air_time is null)", "Without an air time.")
    incomplete_share = ratio(
        "countIf(air_time is null or arrival_delay is null)", "count()", "Flights that lack any of these."
    )
