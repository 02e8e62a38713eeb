"""Register: what the aircraft is, and how its entry came to be. The register knows no period."""

from __future__ import annotations

import datetime as dt

import fuseway as m
from deploy.fleet.tables import aircraft, fleet_register, register


class Registration(m.Section, over=aircraft, single=True, where="revision is not null"):
    """The latest revision of the aircraft's entry in the register; null where the register lacks it."""

    manufacturer: str | None = m.sql("manufacturer", "Manufacturer.")
    model: str | None = m.sql("model", "Model.")
    year: int | None = m.sql("year", "Year of manufacture.")
    seats: int | None = m.sql("seats", "Seats.", unit="seats")
    engines: int | None = m.sql("engines", "Engines.", unit="engines")
    engine_type: str | None = m.sql("engine_type", "Kind of engine.")
    type: str | None = m.sql("type", "Kind of aircraft.")
    revision: int = m.sql("revision", "Number of the revision, from 1.")


class Revision(m.Section, over=register):
    """The revisions of the aircraft's entry in the register, newest first."""

    revision: int = m.sql("revision", "Number of the revision, from 1.")
    recorded_at: dt.datetime = m.sql("recorded_at", "When the revision was recorded.", unit="UTC")
    recorded_by: str = m.sql("recorded_by", "Who recorded it.")
    reason: str = m.sql("reason", "Why.")
    manufacturer: str | None = m.sql("manufacturer", "Manufacturer.")
    model: str | None = m.sql("model", "Model.")
    year: int | None = m.sql("year", "Year of manufacture.")
    seats: int | None = m.sql("seats", "Seats.", unit="seats")
    engines: int | None = m.sql("engines", "Engines.", unit="engines")
    engine_type: str | None = m.sql("engine_type", "Kind of engine.")
    type: str | None = m.sql("type", "Kind of aircraft.")


class Age(m.Section, over=aircraft, single=True, where="year is not null"):
    """How old the aircraft was when its entry was last revised; null where the year of manufacture is not known."""

    year_built: int = m.sql("year", "Year of manufacture.")
    as_of_year: int = m.sql(
        "extract(year from revised_at at time zone 'UTC')::integer", "Year of the latest revision of the entry."
    )
    years: int = m.sql(
        "extract(year from revised_at at time zone 'UTC')::integer - year",
        "Calendar years from the one to the other.",
        unit="years",
    )


class ManufacturerShare(m.Section, over=fleet_register, single=True, where="manufacturer is not null"):
    """The manufacturer's part of the registered fleet; null where the manufacturer is not known."""

    manufacturer: str = m.sql("manufacturer", "The manufacturer.")
    aircraft: int | None = m.sql("manufacturer_aircraft", "Registered aircraft of the manufacturer.", unit="aircraft")
    share: float | None = m.sql(
        "manufacturer_aircraft::float8 / registered", "Of all registered aircraft.", unit="share, 0 to 1"
    )


class SeatRank(m.Section, over=fleet_register, single=True, where="seats is not null"):
    """Place by number of seats in the registered fleet; null where the seats are not known."""

    seats: int = m.sql("seats", "Seats.", unit="seats")
    rank: int | None = m.sql("seat_rank", "1 for the most seats; equals share a rank.")
    aircraft: int | None = m.sql("seats_known", "Registered aircraft whose seats are known.", unit="aircraft")
    percentile: float | None = m.sql(
        "fewer_seats::float8 / nullif(seats_known - 1, 0)",
        "Of the other aircraft, those with fewer seats.",
        unit="share, 0 to 1",
    )
