"""Which changes in the register are announced, and what is invalidated then."""

import asyncio

import orjson
import pytest

from loaders.cache.invalidation import Change
from loaders.objects.change_messages import ChannelMessages
from loaders.objects.table_changes import TableChanges
from loaders.stores.postgres import Postgres
from tests.fleet.served import MODEL
from tests.loaders.cache.change_listeners import (
    CHANNEL,
    EVERYTHING,
    REVISE,
    REVISED,
    all_until,
    changed,
    listening,
    messages,
)


def test_everything_is_all_that_is_read_from_announced_tables() -> None:
    tables = ("public.aircraft", "public.register", "public.airline", "public.airport")
    assert sorted(EVERYTHING.sources) == sorted(f"fleet::{name}" for name in tables)


@pytest.mark.parametrize("message", ["", "[]", "now", '{"table": "flights"}', '{"table": "aircraft", "keys": [null]}'])
def test_what_cannot_be_read_is_a_change_of_everything(message: str) -> None:
    assert (
        ChannelMessages.of(CHANNEL, [TableChanges.of(MODEL, table) for table in MODEL.tables if table.options.changes])(
            message
        )
        == EVERYTHING
    )


@pytest.mark.parametrize(
    ("sql", "change"),
    [
        ("update aircraft set seats = 7 where tail_number = 'N1'", changed("N1")),
        (REVISE.replace("$1", "'N1'").replace("$2", "1"), changed("N1", tables=REVISED)),
        ("insert into aircraft (tail_number) values ('N3')", changed("N3")),
        ("delete from aircraft where tail_number = 'N2'", changed("N2")),
        ("insert into airline values ('XX', 'New')", changed("XX", tables=("airline",), of="Airline")),
        (
            "insert into airport values ('XXX', 'New', 0, 0, 0, 0, 'N')",
            changed("XXX", tables=("airport",), of="Airport"),
        ),
        ("truncate airline", Change(sources=("fleet::public.airline",))),
    ],
)
async def test_a_committed_change_is_invalidated_and_nothing_else(register: Postgres, sql: str, change: Change) -> None:
    async with listening(register) as invalidated:
        await register.execute(sql)
        assert await invalidated.next() == change
        await register.execute("insert into airport values ('ZZZ', 'Last', 0, 0, 0, 0, 'N')")
        assert await invalidated.next() == changed("ZZZ", tables=("airport",), of="Airport"), "and nothing in between"


async def test_a_revision_that_comes_late_is_announced_though_the_latest_stays(register: Postgres) -> None:
    await register.execute(REVISE, "N1", 2)
    async with listening(register) as invalidated:
        await register.execute(REVISE, "N1", 1)
        assert await invalidated.next() == changed("N1", tables=("register",))


async def test_a_key_that_is_renamed_concerns_both(register: Postgres) -> None:
    async with listening(register) as invalidated:
        await register.execute("update aircraft set tail_number = 'N9' where tail_number = 'N1'")
        change = await invalidated.next()
    assert sorted(change.keys) == ["fleet:Aircraft::N1", "fleet:Aircraft::N9"]


async def test_what_was_rolled_back_or_changes_nothing_is_not_announced(register: Postgres) -> None:
    async with listening(register) as invalidated:
        async with register.session() as session:
            await session.execute("begin")
            await session.execute("update aircraft set seats = 7 where tail_number = 'N1'")
            await session.execute("rollback")
        await register.execute("update aircraft set seats = 7 where tail_number = 'N0'")
        await register.execute("update aircraft set seats = 7 where tail_number = 'N2'")
        assert await invalidated.next() == changed("N2")


async def test_a_change_is_announced_when_it_can_be_read(register: Postgres) -> None:
    async with listening(register) as invalidated, register.session() as session:
        async with session.transaction():
            await session.execute("update aircraft set seats = 7 where tail_number = 'N1'")
            await asyncio.sleep(0.1)
            assert invalidated.is_empty, "not before the commit"
        assert (await invalidated.next()).keys == ("fleet:Aircraft::N1",)


async def test_several_changes_of_a_transaction_are_one(register: Postgres) -> None:
    async with listening(register) as invalidated:
        async with register.session() as session, session.transaction():
            for revision in (1, 2, 3):
                await session.execute(REVISE, "N1", revision)
                await session.execute(REVISE, "N2", revision)
        change = await invalidated.next()
        assert (sorted(change.keys), change.sources) == (
            ["fleet:Aircraft::N1", "fleet:Aircraft::N2"],
            changed().sources,
        )
        assert invalidated.is_empty


async def test_transactions_that_commit_within_milliseconds_are_gathered(register: Postgres) -> None:
    async with listening(register) as invalidated:
        async with register.session() as session:
            await session.execute("set synchronous_commit = off")
            await session.execute("""
                do $$ begin
                    for number in 1..100 loop
                        insert into airline values ('A' || number, 'New');
                        commit;
                        perform pg_sleep(0.001);
                    end loop;
                end $$
                """)
        keys: list[str] = []
        while len(keys) < 100:
            keys += (await invalidated.next()).keys
        assert sorted(keys) == sorted(f"fleet:Airline::A{number}" for number in range(1, 101))
        assert invalidated.attempts < 80


async def test_five_thousand_rows_are_one_change_of_the_source(register: Postgres) -> None:
    async with messages(register) as heard, listening(register) as invalidated:
        await register.execute("insert into aircraft (tail_number) select 'X' || n from generate_series(1, 5000) as n")
        assert await invalidated.next() == Change(sources=("fleet::public.aircraft",))
        assert await all_until(heard, register) == ['{"table" : "aircraft"}']


@pytest.mark.parametrize(
    "key", ["'N' || lpad(n::text, 4, '0')", "lpad(n::text, 50, 'Ü')", "lpad(n::text, 100, chr(1))"]
)
async def test_a_thousand_keys_come_in_messages_under_8000_bytes(register: Postgres, key: str) -> None:
    async with messages(register) as heard:
        rows = await register.rows(
            f"insert into aircraft (tail_number) select {key} from generate_series(1, 1000) as n returning tail_number"
        )
        result = await all_until(heard, register)
    assert max(len(message.encode()) for message in result) < 8000
    assert len(result) > 1
    keys = [item for message in result for item in orjson.loads(message)["keys"]]
    assert sorted(keys) == sorted(row["tail_number"] for row in rows)


@pytest.mark.parametrize("key", ["'N' || n", "repeat('N', 101) || n", "repeat('N', 9000) || n"])
async def test_too_many_keys_and_too_long_ones_are_all_of_the_table(register: Postgres, key: str) -> None:
    rows = 1001 if key == "'N' || n" else 1
    async with messages(register) as heard:
        await register.execute(
            f"insert into airline (code, name) select {key}, 'New' from generate_series(1, $1::int) as n", rows
        )
        assert await all_until(heard, register) == ['{"table" : "airline"}']
