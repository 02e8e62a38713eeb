"""Flights: single flights of the aircraft, picked and ordered."""

from __future__ import annotations

import datetime as dt

import fuseway as m
from deploy.fleet.tables import flights


class RecentFlight(m.Section, over=flights):
    """The latest scheduled flights, newest first; at one time by airline, flight number and airport of departure."""

    date: dt.date = m.sql("date", "New York's calendar date of the scheduled departure.")
    scheduled_departure: dt.datetime = m.sql("scheduled_departure", "Scheduled departure.", unit="UTC")
    carrier: str = m.sql("toString(carrier)", "Code of the airline.")
    flight_number: int = m.sql("flight_number", "Flight number.")
    origin: str = m.sql("toString(origin)", "Code of the airport of departure.")
    destination: str = m.sql("toString(destination)", "Code of the airport of arrival.")
    departure_delay: int | None = m.sql("departure_delay", "Departure delay; null when cancelled.", unit="minutes")
    arrival_delay: int | None = m.sql(
        "arrival_delay", "Arrival delay; null when cancelled or diverted.", unit="minutes"
    )
    status: str = m.sql(
        "multiIf(cancelled, 'CANCELLED', diverted, 'DIVERTED', 'COMPLETED')", "CANCELLED, DIVERTED or COMPLETED."
    )


class LongFlight(m.Section, over=flights, where="departed"):
    """The longest flights that departed, by distance, the earliest first of equals."""

    date: dt.date = m.sql("date", "New York's calendar date of the scheduled departure.")
    carrier: str = m.sql("toString(carrier)", "Code of the airline.")
    flight_number: int = m.sql("flight_number", "Flight number.")
    origin: str = m.sql("toString(origin)", "Code of the airport of departure.")
    destination: str = m.sql("toString(destination)", "Code of the airport of arrival.")
    distance_miles: int = m.sql("distance", "Distance.", unit="miles")
    air_time: int | None = m.sql("air_time", "Time in the air.", unit="minutes")


class DelayedFlight(m.Section, over=flights, where="completed"):
    """The completed flights with the largest arrival delay, the earliest first of equals."""

    date: dt.date = m.sql("date", "New York's calendar date of the scheduled departure.")
    carrier: str = m.sql("toString(carrier)", "Code of the airline.")
    flight_number: int = m.sql("flight_number", "Flight number.")
    origin: str = m.sql("toString(origin)", "Code of the airport of departure.")
    destination: str = m.sql("toString(destination)", "Code of the airport of arrival.")
    departure_delay: int | None = m.sql("departure_delay", "Departure delay; null when cancelled.", unit="minutes")
    arrival_delay: int | None = m.sql(
        "arrival_delay", "Arrival delay; null when cancelled or diverted.", unit="minutes"
    )


class RecoveredFlight(m.Section, over=flights, where="completed and departure_delay > arrival_delay"):
    """The completed flights that made up most delay on the way, and at least a minute, the earliest first of equals."""

    date: dt.date = m.sql("date", "New York's calendar date of the scheduled departure.")
    carrier: str = m.sql("toString(carrier)", "Code of the airline.")
    flight_number: int = m.sql("flight_number", "Flight number.")
    origin: str = m.sql("toString(origin)", "Code of the airport of departure.")
    destination: str = m.sql("toString(destination)", "Code of the airport of arrival.")
    departure_delay: int | None = m.sql("departure_delay", "Departure delay; null when cancelled.", unit="minutes")
    arrival_delay: int | None = m.sql(
        "arrival_delay", "Arrival delay; null when cancelled or diverted.", unit="minutes"
    )
    recovered: int | None = m.sql("departure_delay - arrival_delay", "Delay made up.", unit="minutes")


class LoggedFlight(m.Section, over=flights):
    """Every scheduled flight in the order of the schedule, paged."""

    date: dt.date = m.sql("date", "New York's calendar date of the scheduled departure.")
    scheduled_departure: dt.datetime = m.sql("scheduled_departure", "Scheduled departure.", unit="UTC")
    carrier: str = m.sql("toString(carrier)", "Code of the airline.")
    flight_number: int = m.sql("flight_number", "Flight number.")
    origin: str = m.sql("toString(origin)", "Code of the airport of departure.")
    destination: str = m.sql("toString(destination)", "Code of the airport of arrival.")
    distance_miles: int = m.sql("distance", "Distance.", unit="miles")
    air_time: int | None = m.sql("air_time", "Time in the air.", unit="minutes")
    departure_delay: int | None = m.sql("departure_delay", "Departure delay; null when cancelled.", unit="minutes")
    arrival_delay: int | None = m.sql(
        "arrival_delay", "Arrival delay; null when cancelled or diverted.", unit="minutes"
    )
    status: str = m.sql(
        "multiIf(cancelled, 'CANCELLED', diverted, 'DIVERTED', 'COMPLETED')", "CANCELLED, DIVERTED or COMPLETED."
    )
