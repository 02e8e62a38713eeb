"""Databases of the small right model, and what is wrong with that model once lines of it are others."""

from __future__ import annotations

from pathlib import Path

from gateway.model_tools.live.check import live_problems
from gateway.model_tools.live.statements import Store
from loaders.model.databases import Kind
from loaders.model.model import Model
from loaders.model.problems import Problem
from tests.conftest import Stores
from tests.loaders.model.models import RIGHT, load

POSTGRES = """
create schema app;
create table app.accounts (id uuid primary key, name text not null, born timestamp, tags text[]);
create table app.orders (
    id bigint primary key, account_id uuid not null, total numeric(12, 2) not null, state text not null, note text,
    placed_at timestamptz not null
);
create index orders_by_account on app.orders (account_id, placed_at desc, id desc);
create table app.order_lines (order_id bigint not null, line_no integer not null, primary key (order_id, line_no));
create table app.secrets (id bigint primary key, account_id uuid not null, text text);
insert into app.accounts select ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'A' || n
    from generate_series(1, 3) as n;
insert into app.orders select n, ('00000000-0000-0000-0000-00000000000' || 1 + n % 3)::uuid, n, 'open', null,
    '2026-01-01'::timestamptz + n * interval '1 hour' from generate_series(1, 300) as n;
insert into app.order_lines select n, l from generate_series(1, 300) as n, generate_series(1, 3) as l;
analyze;
"""
CLICKHOUSE = """
create table events (
    account_id UUID, order_id Int64, kind LowCardinality(String), sent_at DateTime64(6, 'UTC'), latency UInt32,
    value Int32, worth Decimal(12, 2), maker Nullable(String)
) engine = MergeTree order by (account_id, order_id, sent_at)
"""


async def create_tables(stores: Stores) -> None:
    """Create the model's tables, with a few rows."""
    async with stores.postgres.session() as session:
        await session.execute_script(POSTGRES)
    await stores.clickhouse.command(CLICKHOUSE)


async def problems_of(model: Model, stores: Stores) -> list[Problem]:
    """Return what is wrong with a model in both stores."""
    by_kind: dict[Kind, Store] = {Kind.POSTGRES: stores.postgres, Kind.CLICKHOUSE: stores.clickhouse}
    return await live_problems(model, {database: by_kind[database.kind] for database in model.databases})


async def edited_problems(folder: Path, stores: Stores, *edits: tuple[str, str]) -> list[Problem]:
    """Return what is wrong with the right model after some edits of its text."""
    text = RIGHT
    for old, new in edits:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    return await problems_of(load(folder, text), stores)


MANY_OF_POSTGRES = """
create table app.sent (id bigint primary key, account_id uuid not null, order_id bigint not null, at timestamptz not null,
    note text, tags text[]);
insert into app.sent select n, ('00000000-0000-0000-0000-00000000000' || 1 + n % 3)::uuid, n % 5000,
    '2026-01-01'::timestamptz + n * interval '1 minute', 'note ' || n, array['tag ' || n % 3000] from generate_series(1, 60000) as n;
create table app.kept (id bigint, account_id uuid not null, order_id bigint not null, primary key (account_id, id));
insert into app.kept select n, ('00000000-0000-0000-0000-00000000000' || 1 + n % 9)::uuid, n % 5000
    from generate_series(1, 200000) as n;
analyze;
"""
MANY_OF_CLICKHOUSE = """
create table clicks (account_id UUID, order_id Int64, at DateTime('UTC')) engine = MergeTree order by (account_id, at)
as select toUUID(concat('00000000-0000-0000-0000-00000000000', toString(1 + number % 3))) as account_id,
    number % 5000 as order_id, toDateTime(number, 'UTC') as at from numbers(600000)
"""


async def create_large_tables(stores: Stores) -> None:
    """Create tables with so many rows that it matters how they are read."""
    async with stores.postgres.session() as session:
        await session.execute_script(MANY_OF_POSTGRES)
    await stores.clickhouse.command(MANY_OF_CLICKHOUSE)
