"""Flights as ClickHouse's columns: times in seconds since 1970 in UTC, days since 1970, delays in minutes."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo

from deploy.fleet.sample import files
from deploy.fleet.sample.files import whole

Instant = int  # seconds since 1970 in UTC

_EPOCH_DAY = date(1970, 1, 1).toordinal()

Columns = dict[str, Sequence[object]]


def batches(size: int) -> Iterator[Columns]:
    """The flights of the file in its order, at most `size` at a time, each batch by the column's name."""
    zones = airport_zones()
    with files.flights() as (header, rows):
        while batch := list(islice(rows, size)):
            yield columns(dict(zip(header, zip(*batch, strict=True), strict=True)), zones)


def airport_zones() -> dict[str, ZoneInfo]:
    """Return the time zone of each airport that has one, by code."""
    airports = files.records("airports.csv")
    return {row["faa"]: ZoneInfo(row["tzone"]) for row in airports if row["tzone"] != "NA"}


def columns(csv: Mapping[str, Sequence[str]], zones: Mapping[str, ZoneInfo]) -> Columns:
    """Flights by our columns' names from flights by the file's. One that names no aircraft has the tail number ''."""
    return {
        "tail_number": ["" if text == "NA" else text for text in csv["tailnum"]],
        "date": [_day(*parts) for parts in zip(csv["year"], csv["month"], csv["day"], strict=True)],
        "hour": [int(text) for text in csv["hour"]],
        "carrier": csv["carrier"],
        "flight_number": [int(text) for text in csv["flight"]],
        "origin": csv["origin"],
        "destination": csv["dest"],
        "departure_delay": [whole(text) for text in csv["dep_delay"]],
        "arrival_delay": [whole(text) for text in csv["arr_delay"]],
        "air_time": [whole(text) for text in csv["air_time"]],
        "distance": [int(text) for text in csv["distance"]],
        "departed": [text != "NA" for text in csv["dep_time"]],
        **_times(csv, zones),
    }


def _times(csv: Mapping[str, Sequence[str]], zones: Mapping[str, ZoneInfo]) -> Columns:
    hours = [_instant(text) for text in csv["time_hour"]]
    departures = [hour + 60 * int(minute) for hour, minute in zip(hours, csv["minute"], strict=True)]
    arrivals = [
        scheduled_arrival(departure, int(clock), zones.get(airport))
        for departure, clock, airport in zip(departures, csv["sched_arr_time"], csv["dest"], strict=True)
    ]
    return {
        "scheduled_departure": departures,
        "scheduled_arrival": arrivals,
        "departed_at": [_later(index, whole(delay)) for index, delay in zip(departures, csv["dep_delay"], strict=True)],
        "arrived_at": [_later(index, whole(delay)) for index, delay in zip(arrivals, csv["arr_delay"], strict=True)],
        "weather_hour": hours,
    }


def scheduled_arrival(departure: Instant, clock: int, zone: ZoneInfo | None) -> Instant | None:
    """Return the first instant after a departure when the destination's clocks show `clock` (hhmm, or 2400).

    None where the zone is not known. Where the clocks are put back, the first of the two instants that is late enough.
    """
    if zone is None:
        return None
    shown = time(clock // 100 % 24, clock % 100)
    day = datetime.fromtimestamp(departure, zone).date()
    while True:
        for fold in (0, 1):
            arrival = int(datetime.combine(day, shown.replace(fold=fold), zone).timestamp())
            if arrival > departure:
                return arrival
        day += timedelta(days=1)


@cache
def _day(year: str, month: str, day: str) -> int:
    return date(int(year), int(month), int(day)).toordinal() - _EPOCH_DAY


@cache
def _instant(text: str) -> Instant:
    return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())


def _later(index: Instant | None, minutes: int | None) -> Instant | None:
    return None if index is None or minutes is None else index + 60 * minutes
