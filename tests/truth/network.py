"""Where the aircraft was scheduled to fly, and for whom."""

from collections import Counter

from tests.truth.case import (
    Case,
    Json,
    by_flights,
    grouped,
    mean_delay,
    mean_departure_delay,
    on_time_share,
    share,
)


def routes(case: Case) -> Json:
    """By both ends."""
    by_ends = grouped(case.flights, lambda flight: (flight.origin, flight.destination))
    return [
        {
            "origin": origin,
            "destination": destination,
            "flights": len(flights),
            "distanceMiles": max(flight.distance for flight in flights),
            "meanArrivalDelay": mean_delay(flights),
            "onTimeShare": on_time_share(flights),
        }
        for (origin, destination), flights in by_flights(by_ends)
    ]


def origins(case: Case) -> Json:
    """By the airport of departure."""
    return [
        {
            "code": code,
            "flights": len(flights),
            "share": share(len(flights), len(case.flights)),
            "meanDepartureDelay": mean_departure_delay(flights),
        }
        for code, flights in by_flights(grouped(case.flights, lambda flight: flight.origin))
    ]


def destinations(case: Case) -> Json:
    """By the airport of arrival."""
    return [
        {
            "code": code,
            "flights": len(flights),
            "share": share(len(flights), len(case.flights)),
            "meanArrivalDelay": mean_delay(flights),
        }
        for code, flights in by_flights(grouped(case.flights, lambda flight: flight.destination))
    ]


def carriers(case: Case) -> Json:
    """By the airline."""
    return [
        {
            "code": code,
            "airline": case.airline(code),
            "flights": len(flights),
            "share": share(len(flights), len(case.flights)),
        }
        for code, flights in by_flights(grouped(case.flights, lambda flight: flight.carrier))
    ]


def farthest_destination(case: Case) -> Json:
    """The distance is the longest that was scheduled to it, from whichever airport."""
    if not case.flights:
        return None
    by_code = sorted(grouped(case.flights, lambda flight: flight.destination).items())
    code, flights = max(by_code, key=lambda item: max(flight.distance for flight in item[1]))
    return {
        "code": code,
        "airport": case.airport(code),
        "distanceMiles": max(flight.distance for flight in flights),
        "flights": len(flights),
    }


def airports_served(case: Case) -> Json:
    """Both ends of each flight."""
    departures = Counter(flight.origin for flight in case.flights)
    arrivals = Counter(flight.destination for flight in case.flights)
    calls = departures + arrivals
    return [
        {"code": code, "airport": case.airport(code), "departures": departures[code], "arrivals": arrivals[code]}
        for code in sorted(calls, key=lambda code: (-calls[code], code))
    ]


def operator(case: Case) -> Json:
    """The airline that flew most, the lowest code of equals."""
    ranked = by_flights(grouped(case.flights, lambda flight: flight.carrier))
    return case.airline(ranked[0][0]) if ranked else None


def home_base(case: Case) -> Json:
    """The airport of most departures, cancelled ones too, the lowest code of equals."""
    ranked = by_flights(grouped(case.flights, lambda flight: flight.origin))
    return case.airport(ranked[0][0]) if ranked else None
