"""The register's two revisions, the airlines and the airports, as PostgreSQL's records."""

from collections.abc import Iterator
from datetime import UTC, datetime

from deploy.fleet.sample import files
from deploy.fleet.sample.files import known, whole

Record = tuple[object, ...]

REGISTER_COLUMNS = (
    "tail_number",
    "revision",
    "recorded_at",
    "recorded_by",
    "reason",
    "manufacturer",
    "model",
    "year",
    "type",
    "engine_type",
    "engines",
    "seats",
)
AIRLINE_COLUMNS = ("code", "name")
AIRPORT_COLUMNS = (
    "code",
    "name",
    "latitude",
    "longitude",
    "altitude_feet",
    "utc_offset_hours",
    "dst",
    "time_zone",
)

_IMPORTED_AT = datetime(2013, 12, 30, tzinfo=UTC)
_CLEANED_AT = datetime(2013, 12, 31, tzinfo=UTC)

# One maker under several names of its own. Makers that merged keep their names: DOUGLAS built before there was a
# MCDONNELL DOUGLAS, and CANADAIR before BOMBARDIER bought it.
SAME_MANUFACTURER = {
    "AIRBUS INDUSTRIE": "AIRBUS",
    "CANADAIR LTD": "CANADAIR",
    "MCDONNELL DOUGLAS AIRCRAFT CO": "MCDONNELL DOUGLAS",
    "MCDONNELL DOUGLAS CORPORATION": "MCDONNELL DOUGLAS",
}


def revisions() -> Iterator[Record]:
    """Revision 1 of each registered aircraft as the file has it, in the file's order, each followed by its revision 2
    where its manufacturer goes by another name."""
    for row in files.records("planes.csv"):
        tail_number, manufacturer = row["tailnum"], row["manufacturer"]
        rest = (known(row["model"]), whole(row["year"]), known(row["type"]), known(row["engine"]))
        counts = (whole(row["engines"]), whole(row["seats"]))
        imported = (tail_number, 1, _IMPORTED_AT, "FAA registry", "Register as imported")
        yield (*imported, known(manufacturer), *rest, *counts)
        if name := SAME_MANUFACTURER.get(manufacturer):
            reason = f"Manufacturer name brought together: {manufacturer} -> {name}"
            yield (tail_number, 2, _CLEANED_AT, "Register clean-up", reason, name, *rest, *counts)


def airlines() -> Iterator[Record]:
    """The airlines, as in AIRLINE_COLUMNS."""
    for row in files.records("airlines.csv"):
        yield row["carrier"], row["name"]


def airports() -> Iterator[Record]:
    """The airports, as in AIRPORT_COLUMNS; the time zone is None where it is not known."""
    for row in files.records("airports.csv"):
        place = (float(row["lat"]), float(row["lon"]), int(row["alt"]))
        yield row["faa"], row["name"], *place, int(row["tz"]), row["dst"], known(row["tzone"])
