"""Network: where the aircraft flew, and for whom. All but the delays count cancelled flights too."""

from loaders.catalogue.declaration import (
    ListSection,
    Section,
    airline_of,
    airport_of,
    count,
    grouped,
    minutes,
    ratio,
    text,
    whole,
)
from loaders.catalogue.sources import CALLS, DESTINATIONS, FLIGHTS, most_frequent

_FLIGHTS = count("count()", "Scheduled flights, cancelled ones too.")
_SHARE = ratio("count()", "sum(count()) over (partition by key)", "Of all scheduled flights.")
_MEAN_ARRIVAL_DELAY = minutes("avg(arrival_delay)", "Mean arrival delay of completed flights.")


class Routes(ListSection):
    """Routes, the most flown first, then by code."""

    type_name = "Route"
    relation = FLIGHTS
    usual = 28
    order = ("-toInt64($flights)", "$origin", "$destination")
    origin = grouped(text("toString(origin)", "Code of the airport of departure."))
    destination = grouped(text("toString(destination)", "Code of the airport of arrival."))
    flights = _FLIGHTS
    distance_miles = count("max(distance)", "Length of the route, the longest recorded.", "miles")
    mean_arrival_delay = _MEAN_ARRIVAL_DELAY
    on_time_share = ratio(
        "countIf(on_time)", "countIf(completed)", "Completed flights that were under 15 minutes late."
    )


class Origins(ListSection):
    """Airports of departure, the most used first, then by code."""

    type_name = "Origin"
    relation = FLIGHTS
    usual = 3
    order = ("-toInt64($flights)", "$code")
    code = grouped(text("toString(origin)", "Code of the airport."))
    flights = _FLIGHTS
    share = _SHARE
    mean_departure_delay = minutes("avg(departure_delay)", "Mean departure delay of flights that departed.")


class Destinations(ListSection):
    """Airports of arrival, the most used first, then by code."""

    type_name = "Destination"
    relation = FLIGHTS
    usual = 20
    order = ("-toInt64($flights)", "$code")
    code = grouped(text("toString(destination)", "Code of the airport."))
    flights = _FLIGHTS
    share = _SHARE
    mean_arrival_delay = _MEAN_ARRIVAL_DELAY


class Carriers(ListSection):
    """Airlines that the aircraft flew for, the most flown first, then by code."""

    type_name = "CarrierUse"
    relation = FLIGHTS
    usual = 2
    order = ("-toInt64($flights)", "$code")
    code = grouped(text("toString(carrier)", "Code of the airline."))
    airline = airline_of("toString(any(carrier))", "The airline.")
    flights = _FLIGHTS
    share = _SHARE


class FarthestDestination(Section):
    """The scheduled destination that is farthest away, the lowest code of equals."""

    relation = DESTINATIONS
    present_by = "code"
    _place = "(-toInt64(distance), destination)"
    code = text(f"argMinOrNull(destination, {_place})", "Code of the airport.")
    airport = airport_of(f"argMinOrNull(destination, {_place})", "The airport.")
    distance_miles = whole("max(distance)", "Distance from the airport of departure.", "miles")
    flights = whole(f"argMinOrNull(flights, {_place})", "Scheduled flights to it.", "flights")


class AirportsServed(ListSection):
    """Every airport that the aircraft was scheduled to, at either end, the busiest first, then by code."""

    type_name = "AirportService"
    relation = CALLS
    usual = 20
    first = 100
    order = (
        "-toInt64($departures + $arrivals)",
        "$code",
    )
    code = grouped(text("code", "Code of the airport."))
    airport = airport_of("any(code)", "The airport.")
    departures = count("countIf(departing)", "Scheduled flights from it.")
    arrivals = count("countIf(not departing)", "Scheduled flights to it.")


class MainCarrier(Section):
    """The airline that flew most of the aircraft's flights, the lowest code of equals."""

    hidden = True
    relation = FLIGHTS
    code = airline_of(most_frequent("carrier"), "Code of the airline.")


class MainOrigin(Section):
    """The airport with most of the aircraft's departures, the lowest code of equals."""

    hidden = True
    relation = FLIGHTS
    code = airport_of(most_frequent("origin"), "Code of the airport.")
