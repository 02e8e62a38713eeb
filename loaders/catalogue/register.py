"""Register: what the aircraft is, and how its entry came to be. The register knows no period."""

from loaders.catalogue.declaration import ListSection, Section, count, instant, number, text, whole
from loaders.catalogue.sources import AIRCRAFT, FLEET_REGISTER, REGISTER


class Known(Section):
    """Whether the aircraft is tracked at all."""

    hidden = True
    relation = AIRCRAFT
    present_by = "tail_number"
    tail_number = text("tail_number", "The tail number.")


class Registration(Section):
    """The latest revision of the aircraft's entry in the register; null where the register lacks it."""

    relation = AIRCRAFT
    present_by = "revision"
    manufacturer = text("manufacturer", "Manufacturer.", nullable=True)
    model = text("model", "Model.", nullable=True)
    year = whole("year", "Year of manufacture.")
    seats = whole("seats", "Seats.", "seats")
    engines = whole("engines", "Engines.", "engines")
    engine_type = text("engine_type", "Kind of engine.", nullable=True)
    type = text("type", "Kind of aircraft.", nullable=True)
    revision = count("revision", "Number of the revision, from 1.", "")


class Revisions(ListSection):
    """The revisions of the aircraft's entry in the register, newest first."""

    type_name = "Revision"
    relation = REGISTER
    usual = 2
    order = ("revision desc",)
    revision = count("revision", "Number of the revision, from 1.", "")
    recorded_at = instant("recorded_at", "When the revision was recorded.")
    recorded_by = text("recorded_by", "Who recorded it.")
    reason = text("reason", "Why.")
    manufacturer = text("manufacturer", "Manufacturer.", nullable=True)
    model = text("model", "Model.", nullable=True)
    year = whole("year", "Year of manufacture.")
    seats = whole("seats", "Seats.", "seats")
    engines = whole("engines", "Engines.", "engines")
    engine_type = text("engine_type", "Kind of engine.", nullable=True)
    type = text("type", "Kind of aircraft.", nullable=True)


class Age(Section):
    """How old the aircraft was when its entry was last revised; null where the year of manufacture is not known."""

    relation = AIRCRAFT
    present_by = "year_built"
    year_built = count("year", "Year of manufacture.", "")
    as_of_year = count(
        "extract(year from revised_at at time zone 'UTC')::integer", "Year of the latest revision of the entry.", ""
    )
    years = count(
        "extract(year from revised_at at time zone 'UTC')::integer - year",
        "Calendar years from the one to the other.",
        "years",
    )


class ManufacturerShare(Section):
    """The manufacturer's part of the registered fleet; null where the manufacturer is not known."""

    relation = FLEET_REGISTER
    present_by = "manufacturer"
    manufacturer = text("manufacturer", "The manufacturer.")
    aircraft = whole("manufacturer_aircraft", "Registered aircraft of the manufacturer.", "aircraft")
    share = number("manufacturer_aircraft::float8 / registered", "Of all registered aircraft.", "share, 0 to 1")


class SeatRank(Section):
    """Place by number of seats in the registered fleet; null where the seats are not known."""

    relation = FLEET_REGISTER
    present_by = "seats"
    seats = count("seats", "Seats.", "seats")
    rank = whole("seat_rank", "1 for the most seats; equals share a rank.")
    aircraft = whole("seats_known", "Registered aircraft whose seats are known.", "aircraft")
    percentile = number(
        "fewer_seats::float8 / nullif(seats_known - 1, 0)",
        "Of the other aircraft, those with fewer seats.",
        "share, 0 to 1",
    )
