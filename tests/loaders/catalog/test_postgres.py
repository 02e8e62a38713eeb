"""Catalogs of PostgreSQL, from the real engine."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from loaders.catalog.catalog import Column, ForeignKey, Index, TableCatalog
from loaders.catalog.postgres import read_postgres
from loaders.model.databases import Kind
from loaders.stores.postgres import Postgres
from loaders.stores.protocols import Row
from tests.conftest import NewDatabase

SCHEMA = (
    "create schema app",
    """create schema "Odd names" """,
    "create type app.mood as enum ('sad', 'it''s ok', 'happy')",
    "create domain app.mood_of_day as app.mood not null",
    "create domain app.short as varchar(20)",
    "create domain app.shorter as app.short",
    """create table app.people (
        tenant_id uuid not null,
        id bigint generated always as identity primary key,
        email text,
        mood app.mood not null default 'sad',
        moods app.mood[],
        day app.mood_of_day,
        nick app.shorter,
        nicks app.short[],
        price numeric(12, 2),
        seen timestamptz not null,
        gone text,
        unique (tenant_id, email)
    )""",
    "alter table app.people drop column gone",
    "comment on table app.people is 'Somebody.'",
    "comment on column app.people.email is 'Where they read.'",
    "create index people_recent on app.people (tenant_id, seen desc nulls last) include (price) where email is not null",
    'create unique index people_lower on app.people (lower(email), nick collate "C")',
    "create index people_moods on app.people using gin (moods)",
    "create unique index people_some on app.people (nick) where nick <> ''",
    'create table "Odd names"."Order ""x""" ("user" bigint references app.people (id), "A b" text, primary key ("user", "A b"))',
    "create view app.happy as select id, mood from app.people where mood = 'happy'",
    "create materialized view app.counts as select mood, count(*) as n from app.people group by mood",
    "create unique index on app.counts (mood)",
    "create table app.events (id bigint not null, day date not null, primary key (id, day)) partition by range (day)",
    "create table app.events_2025 partition of app.events for values from ('2025-01-01') to ('2026-01-01')",
    "create table app.events_2026 partition of app.events for values from ('2026-01-01') to ('2027-01-01')",
    "create table app.notes (event_id bigint, day date, foreign key (event_id, day) references app.events)",
    "insert into app.events select n, '2026-02-01' from generate_series(1, 300) as n",
    "insert into app.people (tenant_id, mood, day, seen) select gen_random_uuid(), 'sad', 'sad', now() from generate_series(1, 50)",
    "analyze app.people, app.events_2026",
    "create schema gateway_internal",
    "create table gateway_internal.api_keys (id text)",
)


class CountedStore:
    """A store that counts its statements."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self.statements = 0

    async def rows(self, sql: str, *arguments: object) -> list[Row]:
        """Run one statement."""
        self.statements += 1
        return list(await self._postgres.rows(sql, *arguments))


@pytest.fixture(scope="module")
async def store(new_database: NewDatabase) -> AsyncIterator[CountedStore]:
    async with new_database() as new:
        for statement in SCHEMA:
            await new.stores.postgres.execute(statement)
        yield CountedStore(new.stores.postgres)


@pytest.fixture
async def people(store: CountedStore) -> TableCatalog:
    return (await read_postgres(store, "crm", ["app.people"])).tables["app.people"]


async def test_all_tables_of_users_are_read_by_name_without_partitions_and_own_ones(store: CountedStore) -> None:
    catalog = await read_postgres(store, "crm")
    assert (catalog.kind, catalog.name) == (Kind.POSTGRES, "crm")
    assert catalog.version[:2].isdigit()
    assert list(catalog.tables) == [
        'Odd names.Order "x"', "app.counts", "app.events", "app.happy", "app.notes", "app.people",
    ]  # fmt: skip


async def test_tables_that_are_named_are_read_and_no_others(store: CountedStore) -> None:
    catalog = await read_postgres(store, "", ["app.events_2026", "app.missing", 'Odd names.Order "x"'])
    assert list(catalog.tables) == ['Odd names.Order "x"', "app.events_2026"]
    assert not (await read_postgres(store, "", [])).tables


def test_columns_have_types_in_the_databases_words_labels_and_comments(people: TableCatalog) -> None:
    labels = ("sad", "it's ok", "happy")
    assert people.columns == {
        "tenant_id": Column("tenant_id", "uuid"),
        "id": Column("id", "bigint"),
        "email": Column("email", "text", is_nullable=True, comment="Where they read."),
        "mood": Column("mood", "app.mood", labels=labels),
        "moods": Column("moods", "app.mood[]", is_nullable=True, labels=labels),
        "day": Column("day", "app.mood", labels=labels),
        "nick": Column("nick", "character varying(20)", is_nullable=True),
        "nicks": Column("nicks", "character varying(20)[]", is_nullable=True),
        "price": Column("price", "numeric(12,2)", is_nullable=True),
        "seen": Column("seen", "timestamp with time zone"),
    }
    assert list(people.columns)[:3] == ["tenant_id", "id", "email"]
    assert people.comment == "Somebody."


def test_keys_and_indexes_are_those_that_hold_for_all_rows(people: TableCatalog) -> None:
    assert people.primary_key == ("id",)
    assert people.unique == (("id",), ("tenant_id", "email"))
    assert people.indexes == (
        Index("people_pkey", ("id",), is_unique=True),
        Index("people_lower", ("lower(email)", 'nick COLLATE "C"'), is_unique=True),
        Index("people_moods", ("moods",), method="gin"),
        Index("people_recent", ("tenant_id", "seen"), condition="email IS NOT NULL"),
        Index("people_some", ("nick",), is_unique=True, condition="nick::text <> ''::text"),
        Index("people_tenant_id_email_key", ("tenant_id", "email"), is_unique=True),
    )


async def test_foreign_keys_lead_to_tables_by_their_names(store: CountedStore) -> None:
    tables = (await read_postgres(store, "")).tables
    odd = tables['Odd names.Order "x"']
    assert odd.foreign_keys == (ForeignKey(("user",), "app.people", ("id",)),)
    assert odd.primary_key == ("user", "A b")
    assert odd.indexes[0].terms == ('"user"', '"A b"')
    assert tables["app.notes"].foreign_keys == (ForeignKey(("event_id", "day"), "app.events", ("id", "day")),)


async def test_rows_are_estimates_where_there_are_any(store: CountedStore) -> None:
    tables = (await read_postgres(store, "")).tables
    assert {name: table.rows for name, table in tables.items()} == {
        'Odd names.Order "x"': None,
        "app.counts": None,
        "app.events": 300,
        "app.happy": None,
        "app.notes": None,
        "app.people": 50,
    }


async def test_views_are_said_to_be_some(store: CountedStore) -> None:
    tables = (await read_postgres(store, "")).tables
    assert {name for name, table in tables.items() if table.is_view} == {"app.counts", "app.happy"}
    assert tables["app.counts"].unique == (("mood",),)
    assert tables["app.happy"].columns["mood"].labels == ("sad", "it's ok", "happy")


async def test_hundreds_of_tables_take_no_more_statements(store: CountedStore) -> None:
    store.statements = 0
    await read_postgres(store, "", ["app.people"])
    for_few = store.statements
    await read_postgres(store, "")
    assert store.statements - for_few == for_few == 5


async def test_what_the_account_may_not_read_is_missing(new_database: NewDatabase) -> None:
    async with new_database() as new:
        postgres = new.stores.postgres
        await postgres.execute("create table public.seen (id int, secret text)")
        await postgres.execute("create table public.hidden (id int)")
        await postgres.execute("revoke all on public.seen, public.hidden from current_user")
        await postgres.execute("grant select (id) on public.seen to current_user")
        catalog = await read_postgres(postgres, "")
    assert {name: list(table.columns) for name, table in catalog.tables.items()} == {"public.seen": ["id"]}


async def test_keys_and_indexes_of_columns_that_cannot_be_read_are_missing(new_database: NewDatabase) -> None:
    async with new_database() as new:
        postgres = new.stores.postgres
        for statement in (
            "create table public.owners (id int primary key, code text unique, name text)",
            "create table public.things (id int primary key, owner_code text references owners (code), n int, o int)",
            "create index on public.things (n, o)",
            "create index things_n on public.things (n)",
            "revoke all on public.owners, public.things from current_user",
            "grant select (id, name) on public.owners to current_user",
            "grant select (owner_code, n) on public.things to current_user",
        ):
            await postgres.execute(statement)
        catalog = await read_postgres(postgres, "")
    owners, things = catalog.tables["public.owners"], catalog.tables["public.things"]
    assert list(owners.columns) == ["id", "name"]
    assert (owners.primary_key, owners.unique) == (("id",), (("id",),))
    assert list(things.columns) == ["owner_code", "n"]
    assert (things.primary_key, things.unique, things.foreign_keys) == ((), (), ())
    assert [index.name for index in things.indexes] == ["things_n"]
