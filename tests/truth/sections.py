"""Every section by its name in GraphQL: how to ask for it, and what it must answer."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import cast

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    build_schema,
    get_named_type,
    is_leaf_type,
)

from tests.truth import (
    anomalies,
    comparison,
    flights,
    network,
    performance,
    register,
    schedule,
    series,
    use,
    weather,
)
from tests.truth.case import Case, Json

TRUTH: dict[str, Callable[[Case], Json]] = {
    "punctuality": schedule.punctuality,
    "departurePunctuality": schedule.departure_punctuality,
    "cancellations": schedule.cancellations,
    "diversions": schedule.diversions,
    "delayDistribution": schedule.delay_distribution,
    "delayPercentiles": schedule.delay_percentiles,
    "recovery": schedule.recovery,
    "trend": schedule.trend,
    "streaks": schedule.streaks,
    "utilization": use.utilization,
    "activity": use.activity,
    "legsPerDay": use.legs_per_day,
    "turnarounds": use.turnarounds,
    "rotations": use.rotations,
    "busiestDays": use.busiest_days,
    "nightFlights": use.night_flights,
    "seasonality": use.seasonality,
    "monthly": series.monthly,
    "weekly": series.weekly,
    "daily": series.daily,
    "byWeekday": series.by_weekday,
    "byHour": series.by_hour,
    "cumulativeDistance": series.cumulative_distance,
    "routes": network.routes,
    "origins": network.origins,
    "destinations": network.destinations,
    "carriers": network.carriers,
    "farthestDestination": network.farthest_destination,
    "airportsServed": network.airports_served,
    "recentFlights": flights.recent_flights,
    "longestFlights": flights.longest_flights,
    "worstDelays": flights.worst_delays,
    "bestRecoveries": flights.best_recoveries,
    "flightLog": flights.flight_log,
    "speed": performance.speed,
    "airTime": performance.air_time,
    "distanceProfile": performance.distance_profile,
    "blockTime": performance.block_time,
    "weatherExposure": weather.weather_exposure,
    "delayByWind": weather.delay_by_wind,
    "delayByVisibility": weather.delay_by_visibility,
    "delayByPrecipitation": weather.delay_by_precipitation,
    "peers": comparison.peers,
    "modelBenchmark": comparison.model_benchmark,
    "carrierBenchmark": comparison.carrier_benchmark,
    "fleetRank": comparison.fleet_rank,
    "routeBenchmark": comparison.route_benchmark,
    "registration": register.registration,
    "revisions": register.revisions,
    "age": register.age,
    "manufacturerShare": register.manufacturer_share,
    "seatRank": register.seat_rank,
    "outlierDays": anomalies.outlier_days,
    "missingData": anomalies.missing_data,
}
"""The expected value of each field of an analysis; of a list, all of it."""

OF_AIRCRAFT: dict[str, Callable[[Case], Json]] = {
    "operator": network.operator,
    "homeBase": network.home_base,
    "registration": register.registration,
    "revisions": register.revisions,
}
"""The expected value of the fields beside the analysis; their case has no period."""


def expected(name: str, case: Case, first: int | None = None) -> Json:
    """What an analysis must answer for a section; a list is cut at the default `first` where none is given."""
    return _shaped(analysis_fields()[name], TRUTH[name](case), first)


def expected_of_aircraft(name: str, case: Case) -> Json:
    """What an aircraft must answer for a field beside its analysis."""
    return _shaped(_fields("Aircraft")[name], OF_AIRCRAFT[name](case), None)


def _shaped(field: GraphQLField, value: Json, first: int | None) -> Json:
    if "first" not in field.args:
        return value
    rows = cast(Sequence[Json], value)[: default_first(field) if first is None else first]
    return {"edges": [{"node": row} for row in rows]} if "after" in field.args else rows


def arguments(field: GraphQLField) -> set[str]:
    """The names of a field's arguments."""
    return set(field.args)


def default_first(field: GraphQLField) -> int:
    """How many rows a list has where none is given."""
    argument = field.args["first"].ast_node
    assert argument is not None
    assert isinstance(argument.default_value, IntValueNode)
    return int(argument.default_value.value)


@cache
def _schema() -> GraphQLSchema:
    return build_schema(Path(__file__).parents[2].joinpath("schema.graphql").read_text())


def _object(named: GraphQLNamedType) -> GraphQLObjectType:
    assert isinstance(named, GraphQLObjectType)
    return named


def _fields(type_name: str) -> dict[str, GraphQLField]:
    fields: dict[str, GraphQLField] = _object(_schema().type_map[type_name]).fields
    return fields


def analysis_fields() -> dict[str, GraphQLField]:
    """The sections as the schema has them."""
    return _fields("Analysis")


def _selection(field: GraphQLField) -> str:
    """All leaves of a field; of a connection its rows, of a link the code and the name."""
    fields = _object(get_named_type(field.type)).fields
    if "edges" in fields:
        rows = _object(get_named_type(fields["edges"].type)).fields
        return f"edges {{ node {{ {_selection(rows['node'])} }} }}"
    if "id" in fields:
        return "code name"
    leaves = [
        name if is_leaf_type(get_named_type(of.type)) else f"{name} {{ code name }}" for name, of in fields.items()
    ]
    return " ".join(leaves)


SELECTION: dict[str, str] = {name: _selection(field) for name, field in analysis_fields().items()}
"""The text that asks for every leaf of a section, without the field's name and braces."""

SELECTION_OF_AIRCRAFT: dict[str, str] = {name: _selection(_fields("Aircraft")[name]) for name in OF_AIRCRAFT}
"""The same of the fields beside the analysis."""
