"""Comparison: the aircraft beside its model, its carrier, its routes and the fleet."""

from loaders.catalogue.declaration import (
    ListSection,
    Section,
    airline_of,
    count,
    minutes,
    number,
    ratio,
    text,
    whole,
)
from loaders.catalogue.sources import (
    CARRIER_BENCHMARKS,
    FLEET_RANKS,
    FLEET_REGISTER,
    MODEL_BENCHMARKS,
    ROUTE_BENCHMARKS,
)


class Peers(Section):
    """Registered aircraft of the same model, this one included; null where the model is not known."""

    relation = FLEET_REGISTER
    present_by = "model"
    model = text("model", "The model.")
    count = whole("model_aircraft", "Registered aircraft of the model.", "aircraft")
    mean_seats = number("model_mean_seats", "Mean of their seats.", "seats")


class ModelBenchmark(Section):
    """All flights of all registered aircraft of the same model; null where the model is not known or none flew."""

    relation = MODEL_BENCHMARKS
    present_by = "model"
    model = text("toNullable(key)", "The model.")
    aircraft = count("uniqExact(tail_number)", "Aircraft of the model with a scheduled flight.", "aircraft")
    flights = count("count()", "Scheduled flights, cancelled ones too.")
    mean_arrival_delay = minutes("avg(arrival_delay)", "Mean arrival delay of completed flights.")
    on_time_share = ratio(
        "countIf(on_time)", "countIf(completed)", "Completed flights that were under 15 minutes late."
    )
    cancelled_share = ratio("countIf(cancelled)", "count()", "Cancelled over scheduled flights.")


class CarrierBenchmark(Section):
    """All flights of the airline that flew most of the aircraft's flights, those of unnamed aircraft too.

    Null where the aircraft has none.
    """

    relation = CARRIER_BENCHMARKS
    present_by = "code"
    code = text("any(toNullable(carrier))", "Code of the airline.")
    airline = airline_of("any(toNullable(carrier))", "The airline.")
    aircraft = count("any(aircraft)", "Named aircraft that the airline flew.", "aircraft")
    flights = count("any(flights)", "The airline's scheduled flights, cancelled ones too.")
    mean_arrival_delay = minutes("any(mean_arrival_delay)", "Mean arrival delay of its completed flights.")
    on_time_share = number(
        "any(on_time_share)", "Its completed flights that were under 15 minutes late.", "share, 0 to 1"
    )
    cancelled_share = number(
        "any(toNullable(cancelled_share))", "Its cancelled over its scheduled flights.", "share, 0 to 1"
    )


class FleetRank(Section):
    """Place of the on-time share among all named aircraft with a completed flight; null for an aircraft without one."""

    relation = FLEET_RANKS
    present_by = "on_time_share"
    on_time_share = number("any(toNullable(on_time_share))", "The aircraft's on-time share.", "share, 0 to 1")
    percentile = number(
        "any(worse) / nullIf(any(ranked) - 1, 0)",
        "Of the other aircraft, those with a lower on-time share; null where there are no others.",
        "share, 0 to 1",
    )
    rank = whole("any(toNullable(rank))", "1 for the highest on-time share; equals share a rank.", "")
    aircraft = whole("any(toNullable(ranked))", "Aircraft that are ranked.", "aircraft")


class RouteBenchmark(ListSection):
    """The aircraft on its routes beside all flights on them, unnamed aircraft too; its most flown route first."""

    type_name = "RouteComparison"
    relation = ROUTE_BENCHMARKS
    usual = 28
    order = ("-toInt64(flights)", "origin", "destination")
    origin = text("origin", "Code of the airport of departure.")
    destination = text("destination", "Code of the airport of arrival.")
    flights = count("flights", "The aircraft's scheduled flights, cancelled ones too.")
    mean_arrival_delay = minutes("mean_arrival_delay", "Mean arrival delay of the aircraft's completed flights.")
    route_flights = count("route_flights", "All scheduled flights on the route.")
    route_mean_arrival_delay = minutes("route_mean_arrival_delay", "Mean arrival delay of all completed flights on it.")
    difference = minutes(
        "mean_arrival_delay - route_mean_arrival_delay", "The aircraft's mean less the route's; negative is better."
    )
