"""Comparison: the aircraft beside its model, its carrier, its routes and the fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fuseway as m
from deploy.fleet.tables import carrier_benchmarks, fleet_ranks, fleet_register, model_benchmarks, route_benchmarks

if TYPE_CHECKING:
    from deploy.fleet.model import Airline


class Peers(m.Section, over=fleet_register, single=True, where="model is not null"):
    """Registered aircraft of the same model, this one included; null where the model is not known."""

    model: str = m.sql("model", "The model.")
    count: int | None = m.sql("model_aircraft", "Registered aircraft of the model.", unit="aircraft")
    mean_seats: float | None = m.sql("model_mean_seats", "Mean of their seats.", unit="seats")


class ModelBenchmark(m.Section, over=model_benchmarks):
    """All flights of all registered aircraft of the same model; null where the model is not known or none flew."""

    model: str = m.sql("any(model)", "The model.")
    aircraft: int = m.sql("any(aircraft)", "Aircraft of the model with a scheduled flight.", unit="aircraft")
    flights: int = m.sql("any(flights)", "Scheduled flights, cancelled ones too.", unit="flights")
    mean_arrival_delay: float | None = m.sql(
        "any(mean_arrival_delay)", "Mean arrival delay of completed flights.", unit="minutes"
    )
    on_time_share: float | None = m.sql(
        "any(on_time_share)", "Completed flights that were under 15 minutes late.", unit="share, 0 to 1"
    )
    cancelled_share: float | None = m.sql(
        "any(toNullable(cancelled_share))", "Cancelled over scheduled flights.", unit="share, 0 to 1"
    )


class CarrierBenchmark(m.Section, over=carrier_benchmarks):
    """All flights of the airline that flew most of the aircraft's flights, those of unnamed aircraft too. Null where
    the aircraft has none.
    """

    code: str = m.sql("any(toNullable(carrier))", "Code of the airline.")
    airline: Airline | None = m.one("any(toNullable(carrier))", "The airline.")
    aircraft: int = m.sql("any(aircraft)", "Named aircraft that the airline flew.", unit="aircraft")
    flights: int = m.sql("any(flights)", "The airline's scheduled flights, cancelled ones too.", unit="flights")
    mean_arrival_delay: float | None = m.sql(
        "any(mean_arrival_delay)", "Mean arrival delay of its completed flights.", unit="minutes"
    )
    on_time_share: float | None = m.sql(
        "any(on_time_share)", "Its completed flights that were under 15 minutes late.", unit="share, 0 to 1"
    )
    cancelled_share: float | None = m.sql(
        "any(toNullable(cancelled_share))", "Its cancelled over its scheduled flights.", unit="share, 0 to 1"
    )


class FleetRank(m.Section, over=fleet_ranks):
    """Place of the on-time share among all named aircraft with a completed flight; null for an aircraft without one."""

    on_time_share: float | None = m.sql(
        "any(toNullable(on_time_share))", "The aircraft's on-time share.", unit="share, 0 to 1"
    )
    percentile: float | None = m.sql(
        "any(worse) / nullIf(any(ranked) - 1, 0)",
        "Of the other aircraft, those with a lower on-time share; null where there are no others.",
        unit="share, 0 to 1",
    )
    rank: int | None = m.sql("any(toNullable(rank))", "1 for the highest on-time share; equals share a rank.")
    aircraft: int | None = m.sql("any(toNullable(ranked))", "Aircraft that are ranked.", unit="aircraft")


class RouteComparison(m.Section, over=route_benchmarks):
    """The aircraft on its routes beside all flights on them, unnamed aircraft too; its most flown route first."""

    origin: str = m.sql("origin", "Code of the airport of departure.")
    destination: str = m.sql("destination", "Code of the airport of arrival.")
    flights: int = m.sql("flights", "The aircraft's scheduled flights, cancelled ones too.", unit="flights")
    mean_arrival_delay: float | None = m.sql(
        "mean_arrival_delay", "Mean arrival delay of the aircraft's completed flights.", unit="minutes"
    )
    route_flights: int = m.sql("route_flights", "All scheduled flights on the route.", unit="flights")
    route_mean_arrival_delay: float | None = m.sql(
        "route_mean_arrival_delay", "Mean arrival delay of all completed flights on it.", unit="minutes"
    )
    difference: float | None = m.sql(
        "mean_arrival_delay - route_mean_arrival_delay",
        "The aircraft's mean less the route's; negative is better.",
        unit="minutes",
    )
