"""Flights: single flights of the aircraft, picked and ordered."""

from loaders.catalogue.declaration import ConnectionSection, ListSection, count, day, instant, text, whole
from loaders.catalogue.sources import FLIGHTS

_DATE = day("date", "New York's calendar date of the scheduled departure.")
_SCHEDULED = instant("scheduled_departure", "Scheduled departure.")
_CARRIER = text("toString(carrier)", "Code of the airline.")
_NUMBER = count("flight_number", "Flight number.", "")
_ORIGIN = text("toString(origin)", "Code of the airport of departure.")
_DESTINATION = text("toString(destination)", "Code of the airport of arrival.")
_DISTANCE = count("distance", "Distance.", "miles")
_AIR_TIME = whole("air_time", "Time in the air.", "minutes")
_DEPARTURE_DELAY = whole("departure_delay", "Departure delay; null when cancelled.", "minutes")
_ARRIVAL_DELAY = whole("arrival_delay", "Arrival delay; null when cancelled or diverted.", "minutes")
_STATUS = text(
    "multiIf(cancelled, 'CANCELLED', diverted, 'DIVERTED', 'COMPLETED')", "CANCELLED, DIVERTED or COMPLETED."
)
_PLACE = ("scheduled_departure", "toString(carrier)", "flight_number", "toString(origin)")


class RecentFlights(ListSection):
    """The latest scheduled flights, newest first; at one time by airline, flight number and airport of departure."""

    type_name = "RecentFlight"
    relation = FLIGHTS
    usual = 250
    order = ("-toInt64(toUnixTimestamp(scheduled_departure))", *_PLACE[1:])
    date = _DATE
    scheduled_departure = _SCHEDULED
    carrier = _CARRIER
    flight_number = _NUMBER
    origin = _ORIGIN
    destination = _DESTINATION
    departure_delay = _DEPARTURE_DELAY
    arrival_delay = _ARRIVAL_DELAY
    status = _STATUS


class LongestFlights(ListSection):
    """The longest flights that departed, by distance, the earliest first of equals."""

    type_name = "LongFlight"
    relation = FLIGHTS
    usual = 250
    only = "departed"
    order = ("-toInt64(distance)", *_PLACE)
    date = _DATE
    carrier = _CARRIER
    flight_number = _NUMBER
    origin = _ORIGIN
    destination = _DESTINATION
    distance_miles = _DISTANCE
    air_time = _AIR_TIME


class WorstDelays(ListSection):
    """The completed flights with the largest arrival delay, the earliest first of equals."""

    type_name = "DelayedFlight"
    relation = FLIGHTS
    usual = 250
    only = "completed"
    order = ("-toInt64(assumeNotNull(arrival_delay))", *_PLACE)
    date = _DATE
    carrier = _CARRIER
    flight_number = _NUMBER
    origin = _ORIGIN
    destination = _DESTINATION
    departure_delay = _DEPARTURE_DELAY
    arrival_delay = _ARRIVAL_DELAY


class BestRecoveries(ListSection):
    """The completed flights that made up most delay on the way, and at least a minute, the earliest first of equals."""

    type_name = "RecoveredFlight"
    relation = FLIGHTS
    usual = 140
    only = "completed and departure_delay > arrival_delay"
    order = ("toInt64(assumeNotNull(arrival_delay)) - toInt64(assumeNotNull(departure_delay))", *_PLACE)
    date = _DATE
    carrier = _CARRIER
    flight_number = _NUMBER
    origin = _ORIGIN
    destination = _DESTINATION
    departure_delay = _DEPARTURE_DELAY
    arrival_delay = _ARRIVAL_DELAY
    recovered = whole("departure_delay - arrival_delay", "Delay made up.", "minutes")


class FlightLog(ConnectionSection):
    """Every scheduled flight in the order of the schedule, paged."""

    type_name = "LoggedFlight"
    relation = FLIGHTS
    usual = 250
    first = 50
    order = _PLACE
    cursor = (
        ("scheduled_departure", "DateTime('UTC')"),
        ("carrier", "String"),
        ("flight_number", "UInt16"),
        ("origin", "String"),
    )
    date = _DATE
    scheduled_departure = _SCHEDULED
    carrier = _CARRIER
    flight_number = _NUMBER
    origin = _ORIGIN
    destination = _DESTINATION
    distance_miles = _DISTANCE
    air_time = _AIR_TIME
    departure_delay = _DEPARTURE_DELAY
    arrival_delay = _ARRIVAL_DELAY
    status = _STATUS
