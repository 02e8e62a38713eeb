"""The sample in both stores: its counts, rows written down by hand from the files, and loads that are interrupted."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.fleet.sample import ForeignDataError, load_sample, sample_is_loaded
from deploy.fleet.set_up import create_tables
from tests.conftest import NewDatabase, NewStores, Stores


def silent(_step: str, _fraction: float) -> None:
    """No progress is shown."""


class Interruption(Exception):  # noqa: N818  # not an error
    """Stands for whatever ends a load."""


@pytest.fixture
async def empty(new_database: NewDatabase) -> AsyncIterator[NewStores]:
    """Migrated stores without a row."""
    async with new_database() as new:
        await create_tables(*new.stores)
        yield new


@pytest.fixture
def empty_stores(empty: NewStores) -> Stores:
    return empty.stores


async def counts(stores: Stores) -> dict[str, int]:
    """Rows by table."""
    result = {}
    for table in ("aircraft", "register", "airline", "airport"):
        ((result[table],),) = await stores.postgres.rows(f"select count(*) from {table}")
    for table in ("flights", "weather"):
        result[table] = (await stores.clickhouse.columns(f"select count() from {table}", {})).columns[0][0]
    return result


WHOLE = {
    "aircraft": 4_043,
    "register": 3_322 + 518,
    "airline": 16,
    "airport": 1_458,
    "flights": 336_776,
    "weather": 26_115,
}


async def test_everything_is_loaded(sample_stores: Stores) -> None:
    assert await counts(sample_stores) == WHOLE
    assert await sample_is_loaded(*sample_stores)


async def test_flights_without_an_aircraft_are_loaded(sample_stores: Stores) -> None:
    answer = await sample_stores.clickhouse.columns(
        "select countIf(tail_number = '') as unnamed, uniqExactIf(tail_number, tail_number != '') as named,"
        " countIf(cancelled) as cancelled, countIf(diverted) as diverted, countIf(completed) as completed from flights",
        {},
    )
    assert [column[0] for column in answer.columns] == [2_512, 4_043, 8_255, 1_175, 327_346]


async def test_loading_again_changes_nothing(sample_stores: Stores) -> None:
    steps: list[str] = []
    await load_sample(*sample_stores, lambda step, _fraction: steps.append(step))
    assert steps == []
    assert await counts(sample_stores) == WHOLE


async def flight(stores: Stores, carrier: str, number: int, day: date) -> dict[str, Any]:
    """The one flight of a carrier's number on a day."""
    answer = await stores.clickhouse.columns(
        """
        select tail_number, hour, scheduled_departure, origin, destination, departure_delay, arrival_delay, air_time,
            distance, departed, scheduled_arrival, departed_at, arrived_at, weather_hour
        from flights
        where carrier = {carrier:String} and flight_number = {number:UInt16} and date = {day:Date}
        """,
        {"carrier": carrier, "number": number, "day": day},
    )
    return {name: value for name, (value,) in zip(answer.names, answer.columns, strict=True)}


def instant(month: int, day: int, hour: int, minute: int) -> datetime:
    return datetime(2013, month, day, hour, minute, tzinfo=UTC)


async def test_a_flight_is_as_in_the_file(sample_stores: Stores) -> None:
    # 2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z
    assert await flight(sample_stores, "UA", 1545, date(2013, 1, 1)) == {
        "tail_number": "N14228",
        "hour": 5,
        "scheduled_departure": instant(1, 1, 10, 15),
        "origin": "EWR",
        "destination": "IAH",
        "departure_delay": 2,
        "arrival_delay": 11,
        "air_time": 227,
        "distance": 1400,
        "departed": True,
        "scheduled_arrival": instant(1, 1, 14, 19),
        "departed_at": instant(1, 1, 10, 17),
        "arrived_at": instant(1, 1, 14, 30),
        "weather_hour": instant(1, 1, 10, 0),
    }


async def test_the_register_has_the_file_and_the_clean_up(sample_stores: Stores) -> None:
    # N102UW,1998,Fixed wing multi engine,AIRBUS INDUSTRIE,A320-214,2,182,NA,Turbo-fan
    rows = await sample_stores.postgres.rows(
        "select revision, recorded_at, recorded_by, reason, manufacturer, model, year, type, engine_type, engines,"
        " seats from register where tail_number = 'N102UW' order by revision"
    )
    rest = ("A320-214", 1998, "Fixed wing multi engine", "Turbo-fan", 2, 182)
    reason = "Manufacturer name brought together: AIRBUS INDUSTRIE -> AIRBUS"
    cleaned_at = datetime(2013, 12, 31, tzinfo=UTC)
    assert [tuple(row) for row in rows] == [
        (1, datetime(2013, 12, 30, tzinfo=UTC), "FAA registry", "Register as imported", "AIRBUS INDUSTRIE", *rest),
        (2, cleaned_at, "Register clean-up", reason, "AIRBUS", *rest),
    ]
    (latest,) = await sample_stores.postgres.rows(
        "select revision, revised_at, manufacturer, model, year, type, engine_type, engines, seats"
        " from aircraft where tail_number = 'N102UW'"
    )
    assert tuple(latest) == (2, cleaned_at, "AIRBUS", *rest)


async def test_manufacturers_are_brought_together(sample_stores: Stores) -> None:
    rows = await sample_stores.postgres.rows(
        "select manufacturer, count(*) as aircraft from aircraft where revision = 2 group by manufacturer order by 1"
    )
    assert [tuple(row) for row in rows] == [("AIRBUS", 400), ("CANADAIR", 1), ("MCDONNELL DOUGLAS", 117)]


async def test_an_aircraft_that_the_register_lacks_is_tracked(sample_stores: Stores) -> None:
    rows = await sample_stores.postgres.rows(
        "select tail_number, revision, revised_at, manufacturer from aircraft where tail_number = any($1)",
        ["N725MQ"],
    )
    assert tuple(rows[0]) == ("N725MQ", None, None, None)


async def test_places_are_as_in_the_files(sample_stores: Stores) -> None:
    # JFK,John F Kennedy Intl,40.639751,-73.778925,13,-5,A,America/New_York
    rows = await sample_stores.postgres.rows(
        "select code, name, latitude, longitude, altitude_feet, utc_offset_hours, dst, time_zone from airport"
        " where code in ('JFK', 'YAK') order by code"
    )
    assert [tuple(row) for row in rows] == [
        ("JFK", "John F Kennedy Intl", 40.639751, -73.778925, 13, -5, "A", "America/New_York"),
        ("YAK", "Yakutat", 59.3012, -139.3937, 33, -9, "A", None),
    ]
    (airline,) = await sample_stores.postgres.rows("select code, name from airline where code = 'UA'")
    assert tuple(airline) == ("UA", "United Air Lines Inc.")


async def test_weather_is_as_in_the_file(sample_stores: Stores) -> None:
    # EWR,2013,1,1,1,39.02,26.06,59.37,270,10.357019999999999,NA,0,1012,10,2013-01-01T06:00:00Z
    answer = await sample_stores.clickhouse.columns(
        """
        select temperature_f, dew_point_f, humidity_percent, wind_direction_degrees, wind_speed_mph, wind_gust_mph,
            precipitation_inches, pressure_millibars, visibility_miles
        from weather
        where origin = 'EWR' and observed_at = {at:DateTime('UTC')}
        """,
        {"at": instant(1, 1, 6, 0)},
    )
    values = [column[0] for column in answer.columns]
    assert values == [39.02, 26.06, 59.37, 270, 10.357019999999999, None, 0, 1012, 10]


async def test_an_interrupted_load_goes_on(empty_stores: Stores) -> None:
    steps: list[str] = []

    def interrupt_at(step: str, done: float) -> Callable[[str, float], None]:
        def interrupt(name: str, fraction: float) -> None:
            steps.append(name)
            if (name, fraction) == (step, done):
                raise Interruption

        return interrupt

    for step, done in (("weather", 1.0), ("register", 0.6), ("register", 1.0)):
        with pytest.raises(Interruption):
            await load_sample(*empty_stores, interrupt_at(step, done))
        assert not await sample_is_loaded(*empty_stores)
    assert (await counts(empty_stores))["aircraft"] == 0
    await load_sample(*empty_stores, silent)
    assert await sample_is_loaded(*empty_stores)
    assert await counts(empty_stores) == WHOLE
    assert steps.count("flights") == 7  # once, in seven batches


async def test_a_load_that_was_killed_is_done_again(empty: NewStores) -> None:
    load = [sys.executable, "-m", "tests.sample.interrupted", empty.database_url, empty.clickhouse_url]
    process = await asyncio.create_subprocess_exec(*load, cwd=Path(__file__).parents[2])
    assert await process.wait() == -signal.SIGKILL
    assert (await counts(empty.stores))["flights"] == 0
    await load_sample(*empty.stores, silent)
    assert await counts(empty.stores) == WHOLE


async def test_a_load_that_ended_before_its_mark_is_done_again(empty_stores: Stores) -> None:
    await load_sample(*empty_stores, silent)
    await empty_stores.clickhouse.command("drop table sample_load sync")
    assert not await sample_is_loaded(*empty_stores)
    await load_sample(*empty_stores, silent)
    assert await counts(empty_stores) == WHOLE


async def test_processes_that_load_at_once_take_turns(empty_stores: Stores) -> None:
    await asyncio.gather(load_sample(*empty_stores, silent), load_sample(*empty_stores, silent))
    assert await counts(empty_stores) == WHOLE


async def test_rows_of_somebody_else_are_left_alone(empty_stores: Stores) -> None:
    await empty_stores.clickhouse.insert("flights", ["tail_number"], [["N1"]])
    with pytest.raises(ForeignDataError, match="The table flights holds 1 rows that are not the sample's"):
        await load_sample(*empty_stores, silent)
    assert await counts(empty_stores) == {**dict.fromkeys(WHOLE, 0), "flights": 1}


async def test_aircraft_of_somebody_else_are_left_alone(empty_stores: Stores) -> None:
    await empty_stores.postgres.execute("insert into aircraft (tail_number) values ('N1')")
    with pytest.raises(ForeignDataError, match="The table aircraft holds rows that are not the sample's"):
        await load_sample(*empty_stores, silent)
    assert await counts(empty_stores) == {**dict.fromkeys(WHOLE, 0), "aircraft": 1}
