"""The truth itself, against what was counted by hand and with grep in the files."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.truth.case import Case, Json, percentile
from tests.truth.compare import differences
from tests.truth.data import Sample
from tests.truth.fleet import rank
from tests.truth.records import Period, next_showing
from tests.truth.sections import expected

pytestmark = pytest.mark.slow

ALWAYS = Period()

# N173AT flew nine times, each time from LGA to ATL and each time as planned, with these departure and arrival delays:
# 89/101, 33/38, -6/-7, 0/3, -1/-8, 127/121, -1/-3, 14/31, 166/180.
NINE_FLIGHTS: dict[str, Json] = {
    "punctuality": {
        "flights": 9,
        "meanArrivalDelay": 456 / 9,
        "p50ArrivalDelay": 31.0,
        "p95ArrivalDelay": 180.0,
        "maxArrivalDelay": 180,
        "onTimeShare": 4 / 9,
    },
    "departurePunctuality": {
        "departures": 9,
        "meanDepartureDelay": 421 / 9,
        "p50DepartureDelay": 14.0,
        "p95DepartureDelay": 166.0,
        "maxDepartureDelay": 166,
        "onTimeShare": 5 / 9,
    },
    "cancellations": {"cancelled": 0, "share": 0.0, "lastCancelledOn": None},
    "delayDistribution": [
        {"fromMinutes": -15, "toMinutes": 0, "flights": 3, "share": 3 / 9},
        {"fromMinutes": 0, "toMinutes": 15, "flights": 1, "share": 1 / 9},
        {"fromMinutes": 30, "toMinutes": 60, "flights": 2, "share": 2 / 9},
        {"fromMinutes": 60, "toMinutes": 120, "flights": 1, "share": 1 / 9},
        {"fromMinutes": 120, "toMinutes": 240, "flights": 2, "share": 2 / 9},
    ],
    "recovery": {
        "flights": 9,
        "meanRecovered": -35 / 9,
        "p50Recovered": -3.0,
        "maxRecovered": 7,
        "recoveredShare": 4 / 9,
    },
    "trend": {"months": 7, "slope": 752 * 7 / 496, "bestMonth": "2013-05-01", "worstMonth": "2013-12-01"},
    "streaks": {
        "longestOnTime": 3,
        "longestOnTimeFrom": "2013-04-09",
        "longestLate": 2,
        "longestLateFrom": "2013-02-05",
        "currentOnTime": 0,
    },
    "utilization": {"flights": 9, "hoursFlown": 1023 / 60, "distanceMiles": 6858, "destinations": 1},
    "activity": {"firstDate": "2013-02-05", "lastDate": "2013-12-17", "daysActive": 9, "idleDays": 307},
    "rotations": {"rotations": 8, "sameDay": 0, "meanHours": None, "longestGapDays": 131 + 717 / 1440},
    "turnarounds": {"turnarounds": 0, "meanMinutes": None, "p50Minutes": None, "minMinutes": None},
    "weatherExposure": {
        "flights": 9,
        "meanTemperature": 54.32,
        "meanWindSpeed": 87.45928 / 9,
        "maxWindGust": None,
        "minVisibility": 3.0,
        "wetFlights": 1,
        "freezingFlights": 2,
    },
    "delayByWind": [
        {
            "fromMph": 0.0,
            "flights": 1,
            "meanDepartureDelay": -6.0,
            "meanArrivalDelay": -7.0,
            "cancelledShare": 0.0,
        },
        {
            "fromMph": 5.0,
            "flights": 4,
            "meanDepartureDelay": (89 + 33 + 0 - 1) / 4,
            "meanArrivalDelay": (101 + 38 + 3 - 8) / 4,
            "cancelledShare": 0.0,
        },
        {
            "fromMph": 10.0,
            "flights": 3,
            "meanDepartureDelay": (127 - 1 + 14) / 3,
            "meanArrivalDelay": (121 - 3 + 31) / 3,
            "cancelledShare": 0.0,
        },
        {
            "fromMph": 15.0,
            "flights": 1,
            "meanDepartureDelay": 166.0,
            "meanArrivalDelay": 180.0,
            "cancelledShare": 0.0,
        },
    ],
    "peers": {"model": "737-76N", "count": 23, "meanSeats": 3427 / 23},
    "age": {"yearBuilt": 2004, "asOfYear": 2013, "years": 9},
    "manufacturerShare": {"manufacturer": "BOEING", "aircraft": 1630, "share": 1630 / 3322},
    "routeBenchmark": [
        {
            "origin": "LGA",
            "destination": "ATL",
            "flights": 9,
            "meanArrivalDelay": 456 / 9,
            "routeFlights": 10263,
            "routeMeanArrivalDelay": 113689 / 10041,
            "difference": 456 / 9 - 113689 / 10041,
        }
    ],
}


@pytest.mark.parametrize("section", NINE_FLIGHTS)
def test_the_truth_of_nine_flights(section: str, sample: Sample) -> None:
    assert differences(expected(section, Case(sample, "N173AT", ALWAYS)), NINE_FLIGHTS[section]) == []


def test_the_best_recoveries_of_nine_flights(sample: Sample) -> None:
    rows = expected("bestRecoveries", Case(sample, "N173AT", ALWAYS))
    assert isinstance(rows, list)
    assert [(row["date"], row["recovered"]) for row in rows] == [
        ("2013-05-28", 7),
        ("2013-07-08", 6),
        ("2013-07-26", 2),
        ("2013-04-09", 1),
    ]


def test_arrivals_are_in_the_destination_s_time(sample: Sample) -> None:
    # N357SW: once to BWI in New York's time and seven times to airports in Chicago's. On 5 November it reached Austin
    # at 13:01 (19:01 UTC) and left Newark again at 20:31 (01:31 UTC).
    case = Case(sample, "N357SW", ALWAYS)
    assert expected("blockTime", case) == {
        "flights": 8,
        "meanMinutes": 1373 / 8,
        "meanScheduledMinutes": 1470 / 8,
        "p50Minutes": 163.0,
        "meanGroundMinutes": 187 / 8,
    }
    assert expected("turnarounds", case) == {
        "turnarounds": 1,
        "meanMinutes": 390.0,
        "p50Minutes": 390.0,
        "minMinutes": 390,
    }


def test_the_busiest_aircraft_counts_what_the_file_has(sample: Sample) -> None:
    case = Case(sample, "N725MQ", ALWAYS)
    assert (len(case.flights), len(case.departed), len(case.completed)) == (575, 546, 544)
    assert sum(flight.on_time for flight in case.flights) == 418
    assert sum(flight.delay for flight in case.completed) == 2542
    assert expected("utilization", case) == {
        "flights": 575,
        "hoursFlown": 48921 / 60,
        "distanceMiles": 306006,
        "destinations": len({flight.destination for flight in case.flights}),
    }


def test_flights_of_one_instant_are_in_order_of_their_number(sample: Sample) -> None:
    day = date(2013, 1, 13)
    assert [flight.number for flight in Case(sample, "N12564", Period(day, day)).flights] == [3272, 4106]


def test_a_carrier_s_benchmark_counts_unnamed_aircraft_s_flights_too(sample: Sample) -> None:
    case = Case(sample, next(f.tail_number or "" for f in sample.flights if f.carrier == "UA"), ALWAYS)
    assert expected("carrierBenchmark", case) == {
        "code": "UA",
        "airline": {"code": "UA", "name": "United Air Lines Inc."},
        "aircraft": 620,
        "flights": 58665,
        "meanArrivalDelay": 205589 / 57782,
        "onTimeShare": 44778 / 57782,
        "cancelledShare": 686 / 58665,
    }


def test_seats_are_ranked_among_all_registered(sample: Sample) -> None:
    assert expected("seatRank", Case(sample, "N12564", ALWAYS)) == {
        "seats": 55,
        "rank": 2811,
        "aircraft": 3322,
        "percentile": 122 / 3321,
    }


def test_manufacturers_are_brought_together(sample: Sample) -> None:
    latest = [sample.latest(tail_number) for tail_number in sample.register]
    names = [revision.manufacturer for revision in latest if revision]
    assert (names.count("AIRBUS"), names.count("MCDONNELL DOUGLAS")) == (400 + 336, 120 + 103 + 14)
    assert [revision.manufacturer for revision in sample.register["N105UW"]] == ["AIRBUS INDUSTRIE", "AIRBUS"]


def test_the_files_hold_what_they_hold(sample: Sample) -> None:
    assert len(sample.flights) == 336_776
    assert sum(flight.cancelled for flight in sample.flights) == 8_255
    assert sum(map(len, sample.flights_of.values())) == 334_264
    assert len(sample.flights_of) == 4_043
    assert len(sample.register) == 3_322
    assert len(sample.weather) == 26_115
    assert (len(sample.airlines), len(sample.airports)) == (16, 1_458)


@pytest.mark.parametrize(
    ("zone", "clock", "after", "shown"),
    [
        ("America/New_York", 2400, "2013-01-02T03:00", "2013-01-02T05:00"),
        ("America/New_York", 2200, "2013-01-02T03:00", "2013-01-03T03:00"),
        ("Pacific/Honolulu", 1530, "2013-01-01T15:00", "2013-01-02T01:30"),
        ("America/New_York", 100, "2013-11-03T04:30", "2013-11-03T05:00"),
        ("America/New_York", 100, "2013-11-03T05:30", "2013-11-03T06:00"),
        ("America/Chicago", 300, "2013-03-10T05:00", "2013-03-10T08:00"),
    ],
    ids=["2400", "a_day_later", "honolulu", "first_of_two", "second_of_two", "summer_time_begins"],
)
def test_the_next_instant_that_a_clock_shows(zone: str, clock: int, after: str, shown: str) -> None:
    start = datetime.fromisoformat(after).replace(tzinfo=UTC)
    assert next_showing(ZoneInfo(zone), clock, start) == datetime.fromisoformat(shown).replace(tzinfo=UTC)


def test_a_clock_that_skips_an_hour_never_shows_it() -> None:
    assert next_showing(ZoneInfo("America/New_York"), 230, datetime(2013, 3, 10, 5, tzinfo=UTC)) is None


def test_percentiles_are_values_that_occur() -> None:
    assert percentile([2, 1], 0.5) == 2
    assert percentile(range(1, 21), 0.95) == 20
    assert percentile([], 0.5) is None


def test_equals_share_the_best_rank() -> None:
    assert rank(0.5, [0.5, 0.9, 0.5, 0.1]) == (2, 1 / 3)
    assert rank(0.5, [0.5]) == (1, None)
