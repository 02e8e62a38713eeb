"""Times of the flights: what the file says in local clocks, as instants."""

import csv
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from deploy.fleet.sample import files, flights
from deploy.fleet.sample.flights import airport_zones, scheduled_arrival

pytestmark = pytest.mark.slow

NEW_YORK = ZoneInfo("America/New_York")


def instant(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}:00Z").timestamp())


@pytest.mark.parametrize(
    ("departure", "clock", "airport", "arrival"),
    [
        ("2013-01-01T14:00", 1530, "HNL", "2013-01-02T01:30"),  # HA 51: ten hours and a half, five hours of them clocks
        ("2013-01-01T11:30", 1014, "PHX", "2013-01-01T17:14"),  # US 245
        ("2013-03-10T10:19", 903, "PHX", "2013-03-10T16:03"),  # UA 1236, the day that New York went ahead and PHX not
        ("2013-03-10T02:35", 50, "LAX", "2013-03-10T08:50"),  # AA 185, overnight, before Los Angeles went ahead
        ("2013-11-03T01:30", 18, "FLL", "2013-11-03T04:18"),  # B6 1371, overnight, before Florida went back
        ("2014-01-01T02:35", 55, "LAX", "2014-01-01T08:55"),  # AA 185, into the next year
        ("2013-07-01T12:00", 800, "LAX", "2013-07-01T15:00"),
        ("2013-07-01T12:00", 2400, "LAX", "2013-07-02T07:00"),
        ("2013-07-01T12:00", 0, "LAX", "2013-07-02T07:00"),
    ],
)
def test_the_scheduled_arrival_is_by_the_clocks_of_the_destination(
    departure: str, clock: int, airport: str, arrival: str
) -> None:
    assert scheduled_arrival(instant(departure), clock, airport_zones()[airport]) == instant(arrival)


@pytest.mark.parametrize(
    ("departure", "clock", "arrival"),
    [
        ("2013-11-03T05:00", 130, "2013-11-03T05:30"),  # the first half past one
        ("2013-11-03T05:45", 130, "2013-11-03T06:30"),  # the second one
        ("2013-11-03T06:45", 130, "2013-11-04T06:30"),  # both are over
        ("2013-03-10T06:30", 230, "2013-03-10T07:30"),  # skipped by the clocks, which show 03:30
        ("2013-07-01T12:00", 800, "2013-07-02T12:00"),  # never the departure itself
    ],
)
def test_the_scheduled_arrival_is_the_first_one_after_the_departure(departure: str, clock: int, arrival: str) -> None:
    assert scheduled_arrival(instant(departure), clock, NEW_YORK) == instant(arrival)


def test_without_a_time_zone_there_is_no_scheduled_arrival() -> None:
    assert "SJU" not in airport_zones()
    assert scheduled_arrival(instant("2013-07-01T12:00"), 800, None) is None


def test_every_column_of_a_flight() -> None:
    header, *rows = csv.reader(
        [
            "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,"
            "origin,dest,air_time,distance,hour,minute,time_hour",
            # B6 35: scheduled to arrive before the clocks went ahead, arrived after
            "2013,3,9,2306,2145,81,203,34,89,B6,35,N658JB,JFK,PBI,141,1028,21,45,2013-03-10T02:00:00Z",
            "2013,1,1,NA,1630,NA,NA,1815,NA,EV,4308,NA,EWR,RDU,NA,416,16,30,2013-01-01T21:00:00Z",
        ]
    )
    file = dict(zip(header, zip(*rows, strict=True), strict=True))
    columns = {name: list(values) for name, values in flights.columns(file, airport_zones()).items()}
    assert columns == {
        "tail_number": ["N658JB", ""],
        "date": [15773, 15706],
        "hour": [21, 16],
        "carrier": ["B6", "EV"],
        "flight_number": [35, 4308],
        "origin": ["JFK", "EWR"],
        "destination": ["PBI", "RDU"],
        "departure_delay": [81, None],
        "arrival_delay": [89, None],
        "air_time": [141, None],
        "distance": [1028, 416],
        "departed": [True, False],
        "scheduled_departure": [instant("2013-03-10T02:45"), instant("2013-01-01T21:30")],
        "scheduled_arrival": [instant("2013-03-10T05:34"), instant("2013-01-01T23:15")],
        "departed_at": [instant("2013-03-10T04:06"), None],
        "arrived_at": [instant("2013-03-10T07:03"), None],
        "weather_hour": [instant("2013-03-10T02:00"), instant("2013-01-01T21:00")],
    }


def test_the_files_agree_with_the_time_zones() -> None:
    """Every hour is New York's, and every arrival that both sides know is at the minute that the file shows.

    All but one: B6 35 of 9 March landed in the hour that the clocks skipped, and the file has it on the old time.
    """
    with files.flights() as (header, rows):
        file = dict(zip(header, zip(*rows, strict=True), strict=True))
    for *local, utc in set(zip(file["year"], file["month"], file["day"], file["hour"], file["time_hour"], strict=True)):
        year, month, day, hour = map(int, local)
        assert datetime(year, month, day, hour, tzinfo=NEW_YORK) == datetime.fromisoformat(utc)
    zones = airport_zones()
    arrivals = flights.columns(file, zones)["arrived_at"]
    differ = []
    for flight, shown, airport, index in zip(file["flight"], file["arr_time"], file["dest"], arrivals, strict=True):
        if isinstance(index, int):
            local_time = datetime.fromtimestamp(index, zones[airport])
            if local_time.hour * 100 + local_time.minute != int(shown) % 2400:
                differ.append((flight, shown, datetime.fromtimestamp(index, UTC).isoformat()))
    assert differ == [("35", "203", "2013-03-10T07:03:00+00:00")]
