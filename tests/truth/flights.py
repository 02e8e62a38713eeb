"""Flights one by one."""

from tests.truth.case import Case, Json, Row, iso_day, iso_instant
from tests.truth.records import FlightRow


def _flight(flight: FlightRow) -> Row:
    return {
        "date": iso_day(flight.date),
        "carrier": flight.carrier,
        "flightNumber": flight.number,
        "origin": flight.origin,
        "destination": flight.destination,
    }


def _delays(flight: FlightRow) -> Row:
    return {"departureDelay": flight.departure_delay, "arrivalDelay": flight.arrival_delay}


def _length(flight: FlightRow) -> Row:
    return {"distanceMiles": flight.distance, "airTime": flight.air_time}


def _standing(flight: FlightRow) -> Row:
    return {"scheduledDeparture": iso_instant(flight.scheduled_departure), "status": flight.status}


def recent_flights(case: Case) -> Json:
    """Newest first; those of one instant by airline, number and origin."""
    newest_first = sorted(case.flights, key=lambda flight: -flight.scheduled_departure.timestamp())
    return [{**_flight(flight), **_standing(flight), **_delays(flight)} for flight in newest_first]


def longest_flights(case: Case) -> Json:
    """Departed flights by distance."""
    longest_first = sorted(case.departed, key=lambda flight: -flight.distance)
    return [{**_flight(flight), **_length(flight)} for flight in longest_first]


def worst_delays(case: Case) -> Json:
    """Completed flights by arrival delay."""
    latest_first = sorted(case.completed, key=lambda flight: -flight.delay)
    return [{**_flight(flight), **_delays(flight)} for flight in latest_first]


def best_recoveries(case: Case) -> Json:
    """Completed flights that made up delay, by how much; one that lost time recovered nothing."""
    recoveries = [flight for flight in case.completed if flight.recovered > 0]
    best_first = sorted(recoveries, key=lambda flight: -flight.recovered)
    return [{**_flight(flight), **_delays(flight), "recovered": flight.recovered} for flight in best_first]


def flight_log(case: Case) -> Json:
    """Every scheduled flight."""
    return [{**_flight(flight), **_standing(flight), **_length(flight), **_delays(flight)} for flight in case.flights]
