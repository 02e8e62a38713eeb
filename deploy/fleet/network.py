"""Network: where the aircraft flew, and for whom. All but the delays count cancelled flights too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fuseway as m
from deploy.fleet.tables import calls, destinations, flights

if TYPE_CHECKING:
    from deploy.fleet.model import Airline, Airport


class Route(m.Section, over=flights):
    """Routes, the most flown first, then by code."""

    origin: str = m.group_by("toString(origin)", "Code of the airport of departure.")
    destination: str = m.group_by("toString(destination)", "Code of the airport of arrival.")
    flights: int = m.sql("count()", "Scheduled flights, cancelled ones too.", unit="flights")
    distance_miles: int = m.sql("max(distance)", "Length of the route, the longest recorded.", unit="miles")
    mean_arrival_delay: float | None = m.sql(
        "avg(arrival_delay)", "Mean arrival delay of completed flights.", unit="minutes"
    )
    on_time_share: float | None = m.ratio(
        "countIf(on_time)", "countIf(completed)", "Completed flights that were under 15 minutes late."
    )


class Origin(m.Section, over=flights):
    """Airports of departure, the most used first, then by code."""

    code: str = m.group_by("toString(origin)", "Code of the airport.")
    flights: int = m.sql("count()", "Scheduled flights, cancelled ones too.", unit="flights")
    share: float | None = m.ratio(
        "count()", "sum(count()) over (partition by tail_number)", "Of all scheduled flights."
    )
    mean_departure_delay: float | None = m.sql(
        "avg(departure_delay)", "Mean departure delay of flights that departed.", unit="minutes"
    )


class Destination(m.Section, over=flights):
    """Airports of arrival, the most used first, then by code."""

    code: str = m.group_by("toString(destination)", "Code of the airport.")
    flights: int = m.sql("count()", "Scheduled flights, cancelled ones too.", unit="flights")
    share: float | None = m.ratio(
        "count()", "sum(count()) over (partition by tail_number)", "Of all scheduled flights."
    )
    mean_arrival_delay: float | None = m.sql(
        "avg(arrival_delay)", "Mean arrival delay of completed flights.", unit="minutes"
    )


class CarrierUse(m.Section, over=flights):
    """Airlines that the aircraft flew for, the most flown first, then by code."""

    code: str = m.group_by("toString(carrier)", "Code of the airline.")
    airline: Airline | None = m.one("toString(any(carrier))", "The airline.")
    flights: int = m.sql("count()", "Scheduled flights, cancelled ones too.", unit="flights")
    share: float | None = m.ratio(
        "count()", "sum(count()) over (partition by tail_number)", "Of all scheduled flights."
    )


class FarthestDestination(m.Section, over=destinations):
    """The scheduled destination that is farthest away, the lowest code of equals."""

    code: str = m.sql("argMinOrNull(destination, (-toInt64(distance), destination))", "Code of the airport.")
    airport: Airport | None = m.one("argMinOrNull(destination, (-toInt64(distance), destination))", "The airport.")
    distance_miles: int | None = m.sql("max(distance)", "Distance from the airport of departure.", unit="miles")
    flights: int | None = m.sql(
        "argMinOrNull(flights, (-toInt64(distance), destination))", "Scheduled flights to it.", unit="flights"
    )


class AirportService(m.Section, over=calls):
    """Every airport that the aircraft was scheduled to, at either end, the busiest first, then by code."""

    code: str = m.group_by("code", "Code of the airport.")
    airport: Airport | None = m.one("any(code)", "The airport.")
    departures: int = m.sql("countIf(departing)", "Scheduled flights from it.", unit="flights")
    arrivals: int = m.sql("countIf(not departing)", "Scheduled flights to it.", unit="flights")
