"""Days and instants of PostgreSQL that Python's calendar lacks are wrong in their places alone."""

import asyncio
from datetime import UTC, date, datetime

import pytest

from deploy.embedded.engines import StoreUrls
from loaders.model.canonical import OUTSIDE_CALENDAR, ScalarError
from loaders.model.scalars import DATE, INSTANT, Scalar
from loaders.stores.errors import StatementFailed
from loaders.stores.poolers import TIME_ZONE, Mode, Pooler
from loaders.stores.postgres import Postgres
from tests.pgbouncer import pgbouncer

_DAY, _INSTANT = date(2013, 1, 2), datetime(2013, 1, 2, 3, 4, 5, 678_901, UTC)
_DAYS = ["infinity", "-infinity", "4713-01-01 BC", "0001-12-31 BC", "10000-01-01", "5874897-12-31"]
_INSTANTS = ["infinity", "-infinity", "4713-01-01 00:00Z BC", "0001-12-31 23:59:59.999999Z BC", "294276-12-31 23:59Z"]
_READ = "select text::{type} as value from unnest($1::text[]) with ordinality as each (text, n) order by n"


@pytest.mark.parametrize(
    ("scalar", "ordinary", "outside"), [(DATE, _DAY, _DAYS), (INSTANT, _INSTANT, _INSTANTS)], ids=["date", "instant"]
)
async def test_what_the_calendar_lacks_is_an_error_in_its_place_and_the_others_answer(
    postgres: Postgres, scalar: Scalar, ordinary: date, outside: list[str]
) -> None:
    rows = await postgres.rows(_READ.format(type=scalar.postgres), [str(ordinary), *outside, None, str(ordinary)])
    first, *wrong, null, last = scalar.decode([row["value"] for row in rows])
    assert (first, null, last) == (ordinary, None, ordinary)
    message = f"{scalar.name} cannot represent this value: it is infinite, or outside of the years 1 to 9999."
    assert [(type(error), str(error)) for error in wrong] == [(ScalarError, message)] * len(outside)


async def test_they_are_errors_in_arrays_and_rows_too(postgres: Postgres) -> None:
    sql = "select array['infinity', $1, null]::date[] as days, array[row('infinity'::timestamptz, 7)] as pairs"
    (row,) = await postgres.rows(sql, _DAY)
    ((wrong, day, null),) = DATE.decode_lists([row["days"]])
    assert (type(wrong), day, null) == (ScalarError, _DAY, None)
    assert [tuple(pair) for pair in row["pairs"]] == [(OUTSIDE_CALENDAR, 7)]


async def test_times_without_a_zone_do_not_fail_their_statement(postgres: Postgres) -> None:
    columns = (
        await postgres.typed_columns("select 'infinity'::timestamp, $1::timestamp", datetime(2013, 1, 2))
    ).columns
    assert [list(column) for column in columns] == [[OUTSIDE_CALENDAR], [datetime(2013, 1, 2)]]


async def test_the_calendars_ends_are_bound_and_read_as_themselves(postgres: Postgres) -> None:
    sql = (
        "select day, day::text as day_text, at, to_char(at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') as at_text"
        " from (select $1::date as day, $2::timestamptz as at) as bound"
    )
    for day, instant in [
        (date.min, datetime.min.replace(tzinfo=UTC)),
        (date.max, datetime.max.replace(tzinfo=UTC)),
        (_DAY, _INSTANT),
    ]:
        (row,) = await postgres.rows(sql, day, instant)
        text = instant.replace(tzinfo=None).isoformat(" ", "microseconds")
        assert tuple(row) == (day, day.isoformat(), instant, text)


@pytest.mark.parametrize(("type_", "value"), [("date", "2013-01-02"), ("timestamptz", datetime(2013, 1, 2))])
async def test_what_is_no_day_and_no_instant_is_refused(postgres: Postgres, type_: str, value: object) -> None:
    with pytest.raises(StatementFailed):
        await postgres.rows(f"select $1::{type_}", value)


@pytest.mark.parametrize("mode", [Mode.SESSION, Mode.TRANSACTION])
async def test_they_are_errors_by_way_of_a_pooler(store_urls: StoreUrls, mode: Mode) -> None:
    with pgbouncer(store_urls.database_url, mode.value, pool_size=3) as url:
        client = await Postgres.connect(
            url, min_size=3, max_size=3, acquire_timeout_s=10, statement_timeout_s=10, pooler=Pooler.of(mode)
        )
        sql = "select 'infinity'::date, $1::date, array['infinity'::timestamptz], pg_sleep(0.05)"
        answers = await asyncio.gather(*(client.rows(sql, _DAY) for _ in range(3)))
        await client.close()
    assert [tuple(row)[:3] for (row,) in answers] == [(OUTSIDE_CALENDAR, _DAY, [OUTSIDE_CALENDAR])] * 3


@pytest.mark.parametrize("zone", ["UTC", "Europe/Vienna", "America/Caracas"])
async def test_times_without_a_zone_are_instants_in_the_zone_that_is_said_as_the_server_reads_them(
    store_urls: StoreUrls, zone: str
) -> None:
    times = [
        "2013-01-02 03:04:05.678901",
        "2013-07-02 00:00",
        "2013-10-27 02:30",
        "2013-03-31 02:30",
        "2016-05-01 02:45",
    ]
    client = await Postgres.connect(
        store_urls.database_url,
        min_size=1,
        max_size=1,
        acquire_timeout_s=60,
        statement_timeout_s=60,
        session_settings={TIME_ZONE: zone},
    )
    try:
        sql = "select t::timestamp as time, (t::timestamp)::timestamptz as instant from unnest($1::text[]) as each (t)"
        rows = await client.rows(f"{sql} union all select 'infinity', 'infinity'", times)
        assert [row["time"] for row in rows] == [row["instant"] for row in rows]
        assert rows[0]["time"].tzinfo is UTC
        (row,) = await client.rows("select $1::timestamp = $2::timestamptz as same", _INSTANT, _INSTANT)
        assert row["same"]
    finally:
        await client.close()
