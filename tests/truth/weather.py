"""The weather at the airport of departure, in the hour that a flight was scheduled into."""

from bisect import bisect_right
from collections.abc import Callable, Sequence

from tests.truth.case import Case, Json, cancelled, mean, mean_delay, mean_departure_delay, share
from tests.truth.records import FlightRow, Weather

WIND_EDGES = (0, 5, 10, 15, 20, 25, 30)
VISIBILITY_EDGES = (0, 1, 3, 5, 10)
PRECIPITATION_EDGES = (0, 0.01, 0.1, 0.3)
FREEZING_FAHRENHEIT = 32


def _observed(case: Case) -> list[tuple[FlightRow, Weather]]:
    weather = case.sample.weather
    places = [(flight, (flight.origin, flight.scheduled_hour)) for flight in case.flights]
    return [(flight, weather[place]) for flight, place in places if place in weather]


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def weather_exposure(case: Case) -> Json:
    """Over scheduled flights with an observation."""
    observations = [observation for _, observation in _observed(case)]
    temperatures = _known([observation.temperature for observation in observations])
    return {
        "flights": len(observations),
        "meanTemperature": mean(temperatures),
        "meanWindSpeed": mean(_known([observation.wind_speed for observation in observations])),
        "maxWindGust": max(_known([observation.wind_gust for observation in observations]), default=None),
        "minVisibility": min(_known([observation.visibility for observation in observations]), default=None),
        "wetFlights": sum((observation.precipitation or 0) > 0 for observation in observations),
        "freezingFlights": sum(temperature <= FREEZING_FAHRENHEIT for temperature in temperatures),
    }


def _by_band(case: Case, name: str, edges: Sequence[float], observed: Callable[[Weather], float | None]) -> Json:
    bands: dict[float, list[FlightRow]] = {}
    for flight, observation in _observed(case):
        value = observed(observation)
        if value is not None:
            bands.setdefault(edges[bisect_right(edges, value) - 1], []).append(flight)
    return [
        {
            name: float(edge),
            "flights": len(flights),
            "meanDepartureDelay": mean_departure_delay(flights),
            "meanArrivalDelay": mean_delay(flights),
            "cancelledShare": share(cancelled(flights), len(flights)),
        }
        for edge, flights in sorted(bands.items())
    ]


def delay_by_wind(case: Case) -> Json:
    """In miles per hour."""
    return _by_band(case, "fromMph", WIND_EDGES, lambda observation: observation.wind_speed)


def delay_by_visibility(case: Case) -> Json:
    """In miles."""
    return _by_band(case, "fromMiles", VISIBILITY_EDGES, lambda observation: observation.visibility)


def delay_by_precipitation(case: Case) -> Json:
    """In inches."""
    return _by_band(case, "fromInches", PRECIPITATION_EDGES, lambda observation: observation.precipitation)
