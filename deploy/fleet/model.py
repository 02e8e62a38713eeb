"""The fleet's types and ways in."""

from __future__ import annotations

import datetime as dt

import fuseway as m
from deploy.fleet.anomalies import MissingData, OutlierDay
from deploy.fleet.comparison import CarrierBenchmark, FleetRank, ModelBenchmark, Peers, RouteComparison
from deploy.fleet.flights import DelayedFlight, LoggedFlight, LongFlight, RecentFlight, RecoveredFlight
from deploy.fleet.network import AirportService, CarrierUse, Destination, FarthestDestination, Origin, Route
from deploy.fleet.performance import AirTime, BlockTime, DistanceBand, Speed
from deploy.fleet.register import Age, ManufacturerShare, Registration, Revision, SeatRank
from deploy.fleet.schedule import (
    Cancellations,
    DelayBin,
    DelayPercentiles,
    DeparturePunctuality,
    Diversions,
    Punctuality,
    Recovery,
    Streaks,
    Trend,
)
from deploy.fleet.series import Day, DistanceToDate, Hour, Month, Week, Weekday
from deploy.fleet.tables import aircraft, airlines, airports, flights, mode_of
from deploy.fleet.use import Activity, BusyDay, LegsPerDay, NightFlights, Quarter, Rotations, Turnarounds, Utilization
from deploy.fleet.weather import PrecipitationBand, VisibilityBand, WeatherExposure, WindBand


class Analysis(m.Group):
    """The analysis of one aircraft: about fifty sections, over all of its flights or those of a period."""

    punctuality: Punctuality = m.section("tail_number")
    departure_punctuality: DeparturePunctuality = m.section("tail_number")
    cancellations: Cancellations = m.section("tail_number")
    diversions: Diversions = m.section("tail_number")
    delay_distribution: list[DelayBin] = m.section("tail_number", order="from_minutes nulls first", first=20, usual=9)
    delay_percentiles: DelayPercentiles = m.section("tail_number")
    recovery: Recovery = m.section("tail_number")
    trend: Trend = m.section("tail_number")
    streaks: Streaks = m.section("tail_number")
    utilization: Utilization = m.section("tail_number")
    activity: Activity = m.section("tail_number")
    legs_per_day: LegsPerDay = m.section("tail_number")
    turnarounds: Turnarounds = m.section("tail_number")
    rotations: Rotations = m.section("tail_number")
    busiest_days: list[BusyDay] = m.section("tail_number", order="legs desc, date", usual=200)
    night_flights: NightFlights = m.section("tail_number")
    seasonality: list[Quarter] = m.section("tail_number", order="quarter", first=4, usual=4)
    monthly: list[Month] = m.section("tail_number", order="month", first=120, usual=12)
    weekly: list[Week] = m.section("tail_number", order="week", first=530, usual=45)
    daily: list[Day] = m.section("tail_number", order="date", first=366, max=4000, usual=200)
    by_weekday: list[Weekday] = m.section("tail_number", order="weekday", first=7, usual=7)
    by_hour: list[Hour] = m.section("tail_number", order="hour", first=24, usual=16)
    cumulative_distance: list[DistanceToDate] = m.section("tail_number", order="date", first=366, max=4000, usual=200)
    routes: list[Route] = m.section("tail_number", order="flights desc, origin, destination", usual=28)
    origins: list[Origin] = m.section("tail_number", order="flights desc, code", usual=3)
    destinations: list[Destination] = m.section("tail_number", order="flights desc, code", usual=20)
    carriers: list[CarrierUse] = m.section("tail_number", order="flights desc, code", usual=2)
    farthest_destination: FarthestDestination | None = m.section("tail_number")
    airports_served: list[AirportService] = m.section(
        "tail_number", order="departures + arrivals desc, code", first=100, usual=20
    )
    recent_flights: list[RecentFlight] = m.section(
        "tail_number", order="scheduled_departure desc, carrier, flight_number, origin", usual=250
    )
    longest_flights: list[LongFlight] = m.section(
        "tail_number", order="distance desc, scheduled_departure, carrier, flight_number, origin", usual=250
    )
    worst_delays: list[DelayedFlight] = m.section(
        "tail_number", order="arrival_delay desc, scheduled_departure, carrier, flight_number, origin", usual=250
    )
    best_recoveries: list[RecoveredFlight] = m.section(
        "tail_number",
        order="arrival_delay - departure_delay, scheduled_departure, carrier, flight_number, origin",
        usual=140,
    )
    flight_log: m.Page[LoggedFlight] = m.section(
        "tail_number", order="scheduled_departure, carrier, flight_number, origin", first=50, usual=250
    )
    speed: Speed = m.section("tail_number")
    air_time: AirTime = m.section("tail_number")
    distance_profile: list[DistanceBand] = m.section("tail_number", order="from_miles", first=4, usual=4)
    block_time: BlockTime = m.section("tail_number")
    weather_exposure: WeatherExposure = m.section("tail_number")
    delay_by_wind: list[WindBand] = m.section("tail_number", order="from_mph", usual=7)
    delay_by_visibility: list[VisibilityBand] = m.section("tail_number", order="from_miles", usual=5)
    delay_by_precipitation: list[PrecipitationBand] = m.section("tail_number", order="from_inches", usual=4)
    peers: Peers | None = m.section("tail_number")
    model_benchmark: ModelBenchmark | None = m.section("tail_number")
    carrier_benchmark: CarrierBenchmark | None = m.section("tail_number")
    fleet_rank: FleetRank | None = m.section("tail_number")
    route_benchmark: list[RouteComparison] = m.section(
        "tail_number", order="flights desc, origin, destination", usual=28
    )
    registration: Registration | None = m.section("tail_number")
    revisions: list[Revision] = m.section("tail_number", order="revision desc", usual=2)
    age: Age | None = m.section("tail_number")
    manufacturer_share: ManufacturerShare | None = m.section("tail_number")
    seat_rank: SeatRank | None = m.section("tail_number")
    outlier_days: list[OutlierDay] = m.section("tail_number", order="date", first=50, usual=3)
    missing_data: MissingData = m.section("tail_number")


class Aircraft(m.Object, table=aircraft, readable_with=("register:read", "analysis:read")):
    """An aircraft that is tracked."""

    registration: Registration | None = m.section("tail_number")
    revisions: list[Revision] = m.section("tail_number", order="revision desc", required=True, usual=2)
    tail_number: str = m.key("The mark on the tail, such as N725MQ.")
    operator: Airline | None = m.one(
        mode_of("carrier"),
        "The airline that flew most of its flights, the lowest code of equals; null with none.",
        over=flights,
        by="tail_number",
        readable_with=("register:read",),
    )
    home_base: Airport | None = m.one(
        mode_of("origin"),
        "The airport with most of its departures, the lowest code of equals; null with none.",
        over=flights,
        by="tail_number",
        readable_with=("register:read",),
    )
    analysis: Analysis = m.nested("The analysis, section by section.", period=True, scope="analysis:read")


class Airport(m.Object, table=airports):
    """An airport, as the register of airports has it."""

    code: str = m.key("FAA code, such as JFK.")
    name: str = m.column(description="Name.")
    latitude: float = m.column(unit="degrees north")
    longitude: float = m.column(unit="degrees east")
    altitude_feet: int = m.column(description="Altitude.", unit="feet")
    utc_offset_hours: float = m.column(description="Offset of standard time.", unit="hours from UTC")
    time_zone: str | None = m.column(description="IANA time zone, such as America/New_York; null if unknown.")


class Airline(m.Object, table=airlines):
    """An airline."""

    code: str = m.key("IATA code, such as UA.")
    name: str = m.column(description="Name.")


class FleetFilter(m.Filter):
    """Which aircraft; all that is given must hold."""

    registered: bool = m.present("revision", "Whether the register has an entry.")
    manufacturer: str = m.equals("manufacturer", "Manufacturer, exactly.")
    model: str = m.equals("model", "Model, exactly.")
    tail_number_prefix: str = m.prefix("tail_number", "What the tail number begins with.")
    seats: int = m.between("seats", "Number of seats. Unit: seats.")
    year: int = m.between("year", "Year of manufacture.")


class FleetOrder(m.Order, default="tail_number"):
    """How the fleet is ordered; the tail number decides between equals."""

    # Aircraft that lack the value come first, ascending, and last, descending.
    tail_number = m.by("tail_number", "The tail number.")
    revised_at = m.by(
        "coalesce(revised_at, '1900-01-01 00:00:00+00'::timestamptz)",
        "When the register entry was last revised.",
        type=dt.datetime,
        nulls="never",
    )
    seats = m.by("coalesce(seats, -1)", "Number of seats.", type=int, nulls="never")
    year = m.by("coalesce(year, -1)", "Year of manufacture.", type=int, nulls="never")


class Query(m.Query):
    """Where every query begins."""

    aircraft: Aircraft | None = m.by_key(
        argument="tailNumber", description="One aircraft; null where nothing is known of it."
    )
    aircraft_by_ids: list[Aircraft | None] = m.by_key(
        description="Aircraft in the order asked; null where nothing is known of an id. An id that is asked twice is"
        " answered twice and loaded once."
    )
    fleet: m.Page[Aircraft] = m.page(
        "The tracked aircraft, page by page (Relay).", order=FleetOrder, filter=FleetFilter, first=50
    )
    airport: Airport | None = m.by_key(
        argument="code", description="An airport; null where the register of airports lacks it."
    )
    airline: Airline | None = m.by_key(
        argument="code", description="An airline; null where the register of airlines lacks it."
    )
    node: m.Node | None = m.by_key(
        description="Anything by its `nodeId`, such as Aircraft:N725MQ; null where nothing is known of it."
    )
    nodes: list[m.Node | None] = m.by_key(
        description="Several nodes, in the order asked; null where nothing is known of an id."
    )


DESCRIPTIONS = {
    "Aircraft.id": "The tail number.",
    "Aircraft.analysis(period:)": "Narrows the analysis to the flights of these dates.",
    "AircraftConnection": "A page of the fleet (Relay).",
    "AircraftConnection.edges": "The aircraft of the page, in order.",
    "AircraftConnection.nodes": "The aircraft of the page, without their cursors.",
    "AircraftConnection.totalCount": "Aircraft on all pages together; costs a statement of its own. Unit: aircraft.",
    "AircraftEdge": "An aircraft and its place in the fleet.",
    "AircraftEdge.cursor": "The aircraft's place in this order.",
    "AircraftEdge.node": "The aircraft.",
    "Airline.id": "The code.",
    "Airport.id": "The code.",
    "FleetOrderField": "What the fleet is ordered by. Aircraft that lack the value come first, ascending.",
    "FleetOrderField.TAIL_NUMBER": "The tail number.",
    "FleetOrderField.REVISED_AT": "When the register entry was last revised.",
    "FleetOrderField.SEATS": "Number of seats.",
    "FleetOrderField.YEAR": "Year of manufacture.",
    "Node.id": "The key within the type: a tail number or a code.",
    "Node.nodeId": "The id that `node` and `nodes` take: type and key, such as Aircraft:N725MQ.",
    "Period": "Calendar dates in New York, both inclusive; an absent end is open. It must not end before it begins.",
    "Query.aircraft(tailNumber:)": "Tail number, such as N725MQ.",
    "Query.aircraftByIds(ids:)": "Tail numbers, at most 500 by default.",
    "Query.airline(code:)": "The code, such as JFK or UA.",
    "Query.airport(code:)": "The code, such as JFK or UA.",
    "Query.fleet(first:)": "Aircraft on the page, 0 to 1,000.",
    "Query.fleet(filter:)": "Which aircraft.",
    "Query.node(id:)": "A `nodeId`: `Aircraft:N725MQ`.",
    "Query.nodes(ids:)": "Each a `nodeId`: `Aircraft:N725MQ`.",
}
"""Descriptions, by schema coordinate, in the place of those that the gateway writes for any model."""

model = m.Model(
    "fleet",
    query=Query,
    types=[Aircraft, Airport, Airline],
    descriptions=DESCRIPTIONS,
    setup="deploy.fleet.set_up:set_up",
    examples="examples",
    exports={"analysis": Aircraft},
)
