"""Flights: single flights of the aircraft, picked and ordered."""

from __future__ import annotations

import datetime as dt

import fuseway as m
from deploy.fleet.tables import flights

# Columns of a flight, which the sections show in orders of their own.
_DATE = m.sql("date", "New York's calendar date of the scheduled departure.")
_SCHEDULED_DEPARTURE = m.sql("scheduled_departure", "Scheduled departure.", unit="UTC")
_CARRIER = m.sql("toString(carrier)", "Code of the airline.")
_FLIGHT_NUMBER = m.sql("flight_number", "Flight number.")
_ORIGIN = m.sql("toString(origin)", "Code of the airport of departure.")
_DESTINATION = m.sql("toString(destination)", "Code of the airport of arrival.")
_DISTANCE_MILES = m.sql("distance", "Distance.", unit="miles")
_AIR_TIME = m.sql("air_time", "Time in the air.", unit="minutes")
_DEPARTURE_DELAY = m.sql("departure_delay", "Departure delay; null when cancelled.", unit="minutes")
_ARRIVAL_DELAY = m.sql("arrival_delay", "Arrival delay; null when cancelled or diverted.", unit="minutes")
_STATUS = m.sql(
    "multiIf(cancelled, 'CANCELLED', diverted, 'DIVERTED', 'COMPLETED')", "CANCELLED, DIVERTED or COMPLETED."
)


class RecentFlight(m.Section, over=flights):
    """The latest scheduled flights, newest first; at one time by airline, flight number and airport of departure."""

    date: dt.date = _DATE
    scheduled_departure: dt.datetime = _SCHEDULED_DEPARTURE
    carrier: str = _CARRIER
    flight_number: int = _FLIGHT_NUMBER
    origin: str = _ORIGIN
    destination: str = _DESTINATION
    departure_delay: int | None = _DEPARTURE_DELAY
    arrival_delay: int | None = _ARRIVAL_DELAY
    status: str = _STATUS


class LongFlight(m.Section, over=flights, where="departed"):
    """The longest flights that departed, by distance, the earliest first of equals."""

    date: dt.date = _DATE
    carrier: str = _CARRIER
    flight_number: int = _FLIGHT_NUMBER
    origin: str = _ORIGIN
    destination: str = _DESTINATION
    distance_miles: int = _DISTANCE_MILES
    air_time: int | None = _AIR_TIME


class DelayedFlight(m.Section, over=flights, where="completed"):
    """The completed flights with the largest arrival delay, the earliest first of equals."""

    date: dt.date = _DATE
    carrier: str = _CARRIER
    flight_number: int = _FLIGHT_NUMBER
    origin: str = _ORIGIN
    destination: str = _DESTINATION
    departure_delay: int | None = _DEPARTURE_DELAY
    arrival_delay: int | None = _ARRIVAL_DELAY


class RecoveredFlight(m.Section, over=flights, where="completed and departure_delay > arrival_delay"):
    """The completed flights that made up most delay on the way, and at least a minute, the earliest first of equals."""

    date: dt.date = _DATE
    carrier: str = _CARRIER
    flight_number: int = _FLIGHT_NUMBER
    origin: str = _ORIGIN
    destination: str = _DESTINATION
    departure_delay: int | None = _DEPARTURE_DELAY
    arrival_delay: int | None = _ARRIVAL_DELAY
    recovered: int | None = m.sql("departure_delay - arrival_delay", "Delay made up.", unit="minutes")


class LoggedFlight(m.Section, over=flights):
    """Every scheduled flight in the order of the schedule, paged."""

    date: dt.date = _DATE
    scheduled_departure: dt.datetime = _SCHEDULED_DEPARTURE
    carrier: str = _CARRIER
    flight_number: int = _FLIGHT_NUMBER
    origin: str = _ORIGIN
    destination: str = _DESTINATION
    distance_miles: int = _DISTANCE_MILES
    air_time: int | None = _AIR_TIME
    departure_delay: int | None = _DEPARTURE_DELAY
    arrival_delay: int | None = _ARRIVAL_DELAY
    status: str = _STATUS
