"""Weather: conditions at the origin in the hour of the scheduled departure, and what they did to delays."""

from __future__ import annotations

import fuseway as m
from deploy.fleet.tables import weather

# Figures of several sections, behind the column that these group by: fields of a mixin would come before it.
_FLIGHTS = m.sql("count()", "Scheduled flights with such an observation, cancelled ones too.", unit="flights")
_DEPARTURE_DELAY = m.sql("avg(departure_delay)", "Mean departure delay of those that departed.", unit="minutes")
_ARRIVAL_DELAY = m.sql("avg(arrival_delay)", "Mean arrival delay of the completed ones.", unit="minutes")
_CANCELLED_SHARE = m.ratio("countIf(cancelled)", "count()", "Cancelled over scheduled flights.")


class WeatherExposure(m.Section, over=weather):
    """The weather that the aircraft's flights were scheduled into."""

    flights: int = m.sql("countIf(observed)", "Scheduled flights with an observation.", unit="flights")
    mean_temperature: float | None = m.sql("avg(temperature_f)", "Mean temperature.", unit="degrees Fahrenheit")
    mean_wind_speed: float | None = m.sql("avg(wind_speed_mph)", "Mean wind speed.", unit="miles per hour")
    max_wind_gust: float | None = m.sql("max(wind_gust_mph)", "Strongest gust.", unit="miles per hour")
    min_visibility: float | None = m.sql("min(visibility_miles)", "Worst visibility.", unit="miles")
    wet_flights: int = m.sql("countIf(precipitation_inches > 0)", "Scheduled flights in rain or snow.", unit="flights")
    freezing_flights: int = m.sql(
        "countIf(temperature_f <= 32)", "Scheduled flights at or below freezing.", unit="flights"
    )


class WindBand(m.Section, over=weather, where="wind_speed_mph is not null"):
    """By wind speed, in steps of 5 miles per hour up to 30; flights without the observation are left out."""

    from_mph: float | None = m.group_by(
        "roundDown(toFloat64(assumeNotNull(wind_speed_mph)), [0, 5, 10, 15, 20, 25, 30])",
        "Lowest wind speed of the band.",
        unit="miles per hour",
    )
    flights: int = _FLIGHTS
    mean_departure_delay: float | None = _DEPARTURE_DELAY
    mean_arrival_delay: float | None = _ARRIVAL_DELAY
    cancelled_share: float | None = _CANCELLED_SHARE


class VisibilityBand(m.Section, over=weather, where="visibility_miles is not null"):
    """By visibility: under 1 mile, from 1, 3, 5 and 10, the best that is reported. Flights without it are left out."""

    from_miles: float | None = m.group_by(
        "roundDown(toFloat64(assumeNotNull(visibility_miles)), [0, 1, 3, 5, 10])",
        "Lowest visibility of the band.",
        unit="miles",
    )
    flights: int = _FLIGHTS
    mean_departure_delay: float | None = _DEPARTURE_DELAY
    mean_arrival_delay: float | None = _ARRIVAL_DELAY
    cancelled_share: float | None = _CANCELLED_SHARE


class PrecipitationBand(m.Section, over=weather, where="precipitation_inches is not null"):
    """By precipitation in the hour: none, a trace up to 0.09, and from 0.1 and 0.3 inches."""

    from_inches: float | None = m.group_by(
        "roundDown(toFloat64(assumeNotNull(precipitation_inches)), [0, 0.01, 0.1, 0.3])",
        "Least precipitation of the band.",
        unit="inches",
    )
    flights: int = _FLIGHTS
    mean_departure_delay: float | None = _DEPARTURE_DELAY
    mean_arrival_delay: float | None = _ARRIVAL_DELAY
    cancelled_share: float | None = _CANCELLED_SHARE
