"""The library's tables and rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

POSTGRES = (
    "create schema library",
    """
    create table library.readers (
        city_id integer not null, id bigint not null, name text not null, email text, joined_on date not null,
        shelves text[] not null, primary key (city_id, id), unique (city_id, email)
    )
    """,
    """
    create table library.loans (
        city_id integer not null, id bigint not null, reader_id bigint not null, fee numeric(8, 2),
        lent_at timestamptz not null, note text, primary key (city_id, id),
        foreign key (city_id, reader_id) references library.readers
    )
    """,
    "create index on library.loans (city_id, reader_id)",
    """
    insert into library.readers
    select city, id, 'Reader ' || id % 50 || ' of ' || city, 'reader' || (id + city) || '@example.org',
        date '2020-01-01' + (id * city) % 700, array[left('abcde', 1 + id % 5), 'city' || city]
    from generate_series(1, 2) as city, generate_series(1, 60) as id
    """,
    """
    insert into library.loans
    select city, id, 1 + id % 55, case when id % 9 = 0 then null else (id * city * 37 % 900)::numeric / 100 end,
        timestamptz '2026-01-01 00:00:00Z' + id * interval '7 hours 1 microsecond',
        case when id % 3 = 0 then 'note ' || id * city end
    from generate_series(1, 2) as city, generate_series(1, 240) as id
    """,
)
CLICKHOUSE = (
    "create table visits (city_id Int32, reader_id Int64, day Date, pages UInt16) order by (city_id, reader_id, day)",
    """
    insert into visits
    select 1 + number % 2, 1 + intDiv(number, 2) % (40 + number % 2), toDate('2026-01-01') + number % 90, number % 11
    from numbers(900)
    """,
)


async def set_up(stores: Mapping[Any, Any]) -> str:
    """Create the tables and fill them, in empty databases. Return the key of a city."""
    for database, store in stores.items():
        if database.variable == "DATABASE_URL":
            for statement in POSTGRES:
                await store.execute(statement)
        else:
            for statement in CLICKHOUSE:
                await store.command(statement)
    return "1"
