"""Weather: conditions at the origin in the hour of the scheduled departure, and what they did to delays."""

from loaders.catalogue.declaration import Column, ListSection, Section, count, grouped, minutes, number, ratio
from loaders.catalogue.sources import WEATHER

_FLIGHTS = count("count()", "Scheduled flights with such an observation, cancelled ones too.")
_DEPARTURE_DELAY = minutes("avg(departure_delay)", "Mean departure delay of those that departed.")
_ARRIVAL_DELAY = minutes("avg(arrival_delay)", "Mean arrival delay of the completed ones.")
_CANCELLED_SHARE = ratio("countIf(cancelled)", "count()", "Cancelled over scheduled flights.")


def _band(observation: str, edges: str, description: str, unit: str) -> Column:
    return grouped(number(f"roundDown(toFloat64(assumeNotNull({observation})), {edges})", description, unit))


class WeatherExposure(Section):
    """The weather that the aircraft's flights were scheduled into."""

    relation = WEATHER
    flights = count("countIf(observed)", "Scheduled flights with an observation.")
    mean_temperature = number("avg(temperature_f)", "Mean temperature.", "degrees Fahrenheit")
    mean_wind_speed = number("avg(wind_speed_mph)", "Mean wind speed.", "miles per hour")
    max_wind_gust = number("max(wind_gust_mph)", "Strongest gust.", "miles per hour")
    min_visibility = number("min(visibility_miles)", "Worst visibility.", "miles")
    wet_flights = count("countIf(precipitation_inches > 0)", "Scheduled flights in rain or snow.")
    freezing_flights = count("countIf(temperature_f <= 32)", "Scheduled flights at or below freezing.")


class DelayByWind(ListSection):
    """By wind speed, in steps of 5 miles per hour up to 30; flights without the observation are left out."""

    type_name = "WindBand"
    relation = WEATHER
    usual = 7
    only = "wind_speed_mph is not null"
    from_mph = _band("wind_speed_mph", "[0, 5, 10, 15, 20, 25, 30]", "Lowest wind speed of the band.", "miles per hour")
    flights = _FLIGHTS
    mean_departure_delay = _DEPARTURE_DELAY
    mean_arrival_delay = _ARRIVAL_DELAY
    cancelled_share = _CANCELLED_SHARE


class DelayByVisibility(ListSection):
    """By visibility: under 1 mile, from 1, 3, 5 and 10, the best that is reported. Flights without it are left out."""

    type_name = "VisibilityBand"
    relation = WEATHER
    usual = 5
    only = "visibility_miles is not null"
    from_miles = _band("visibility_miles", "[0, 1, 3, 5, 10]", "Lowest visibility of the band.", "miles")
    flights = _FLIGHTS
    mean_departure_delay = _DEPARTURE_DELAY
    mean_arrival_delay = _ARRIVAL_DELAY
    cancelled_share = _CANCELLED_SHARE


class DelayByPrecipitation(ListSection):
    """By precipitation in the hour: none, a trace up to 0.09, and from 0.1 and 0.3 inches."""

    type_name = "PrecipitationBand"
    relation = WEATHER
    usual = 4
    only = "precipitation_inches is not null"
    from_inches = _band("precipitation_inches", "[0, 0.01, 0.1, 0.3]", "Least precipitation of the band.", "inches")
    flights = _FLIGHTS
    mean_departure_delay = _DEPARTURE_DELAY
    mean_arrival_delay = _ARRIVAL_DELAY
    cancelled_share = _CANCELLED_SHARE
