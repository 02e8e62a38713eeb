"""Airports and airlines by code: order, duplicates, empty and unknown keys."""

from loaders.airlines import Airline, AirlineByCodeLoader
from loaders.airports import AirportByCodeLoader
from tests.asking import Recorder
from tests.conftest import Stores


async def test_airlines_keep_the_order_asked_and_are_loaded_once(sample_stores: Stores) -> None:
    recorder = Recorder()
    loader = AirlineByCodeLoader(recorder.relational(sample_stores.postgres))
    found = await loader.load_many(["UA", "no", "9E", "UA", "\0"])
    united = Airline("UA", "United Air Lines Inc.")
    assert found == [united, None, Airline("9E", "Endeavor Air Inc."), united, None]
    assert [one.arguments for one in recorder.sent] == [(["UA", "no", "9E"],)]


async def test_airports_have_their_place_on_earth(sample_stores: Stores) -> None:
    recorder = Recorder()
    loader = AirportByCodeLoader(recorder.relational(sample_stores.postgres))
    kennedy, unknown = await loader.load_many(["JFK", "BQN"])
    assert unknown is None
    assert kennedy is not None
    assert (kennedy.name, kennedy.altitude_feet, kennedy.time_zone) == ("John F Kennedy Intl", 13, "America/New_York")
    assert (round(kennedy.latitude, 3), round(kennedy.longitude, 3)) == (40.640, -73.779)
    assert len(recorder.sent) == 1


async def test_no_codes_are_no_statement(sample_stores: Stores) -> None:
    recorder = Recorder()
    assert await AirportByCodeLoader(recorder.relational(sample_stores.postgres)).load_many([]) == []
    assert recorder.sent == []
