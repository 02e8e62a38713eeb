"""Who hears of changes in the register, and what is invalidated then."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
import pytest

from deploy.embedded.engines import StoreUrls
from loaders.cache.fields import Field
from loaders.cache.invalidation import Change, Invalidator
from loaders.cache.register_feed import CHANNEL, WHOLE_REGISTER, RegisterFeed, announced
from loaders.catalogue import SECTIONS
from loaders.migrations import migrate
from loaders.stores.errors import StoreTimeout, StoreUnavailable
from loaders.stores.postgres import Postgres
from tests.conftest import NewDatabase, NewStores
from tests.loaders.cache.conftest import OpenCache, open_redis
from tests.loaders.cache.stores import LONG, Truth
from tests.loaders.stores.relay import relay

SHARED = ("model_fleet", "registered_fleet", "whole_fleet")
OF_AIRCRAFT = ("aircraft", "register", *SHARED)

REVISE = (
    "insert into register (tail_number, revision, recorded_at, recorded_by, reason)"
    " values ($1, $2, now(), 'test', 'test')"
)
_LISTENING = """
select pid from pg_locks
where locktype = 'advisory' and granted
    and database = (select oid from pg_database where datname = current_database())
"""
_SESSIONS = """
select pid from pg_stat_activity
where datname = current_database() and application_name = 'fleet-gateway-session'
"""


class Invalidated:
    """An invalidator that writes down what it is told. While `fails`, it says that Redis is away."""

    def __init__(self) -> None:
        self._changes: asyncio.Queue[Change] = asyncio.Queue()
        self._failed: asyncio.Queue[Change] = asyncio.Queue()
        self.fails = False
        self.attempts = 0

    async def __call__(self, change: Change) -> None:
        self.attempts += 1
        if self.fails:
            self._failed.put_nowait(change)
            raise StoreUnavailable("redis", "away")
        self._changes.put_nowait(change)

    async def next(self) -> Change:
        async with asyncio.timeout(10):
            return await self._changes.get()

    async def next_failed(self) -> Change:
        async with asyncio.timeout(10):
            return await self._failed.get()

    @property
    def is_empty(self) -> bool:
        return self._changes.empty()


@pytest.fixture
async def database(new_database: NewDatabase) -> AsyncIterator[NewStores]:
    """Migrated, with the aircraft N1 and N2."""
    async with new_database() as new:
        await migrate(*new.stores)
        await new.stores.postgres.execute("insert into aircraft (tail_number) values ('N1'), ('N2')")
        yield new


@pytest.fixture
def register(database: NewStores) -> Postgres:
    return database.stores.postgres


@asynccontextmanager
async def feeding(
    postgres: Postgres,
    invalidate: Callable[[Change], Awaitable[None]],
    *,
    group: str = "redis",
    lost_after_s: float = 5,
) -> AsyncIterator[RegisterFeed]:
    feed = RegisterFeed(postgres, invalidate, group=group, pause_s=0.1, lost_after_s=lost_after_s)
    feed.start()
    try:
        yield feed
    finally:
        await feed.stop()


@asynccontextmanager
async def listening(postgres: Postgres) -> AsyncIterator[Invalidated]:
    """What a feed invalidates after it has begun to listen."""
    invalidated = Invalidated()
    async with feeding(postgres, invalidated):
        assert await invalidated.next() == WHOLE_REGISTER
        yield invalidated


@asynccontextmanager
async def messages(postgres: Postgres) -> AsyncIterator[asyncio.Queue[str]]:
    """What is announced, as it is written."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with postgres.session() as session:
        await session.listen(CHANNEL, heard.put_nowait)
        yield heard


async def all_until(heard: asyncio.Queue[str], postgres: Postgres) -> list[str]:
    """The messages up to now: notifications come in the order of the commits."""
    await postgres.execute("select pg_notify($1, 'now')", CHANNEL)
    found = []
    async with asyncio.timeout(10):
        while (message := await heard.get()) != "now":
            found.append(message)
    return found


def test_the_whole_register_is_all_that_is_read_from_it() -> None:
    shared = {one.relation.source.name for one in SECTIONS.values() if one.relation.source.shared}
    assert shared == set(SHARED)
    assert sorted(WHOLE_REGISTER.sources) == sorted([*OF_AIRCRAFT, "airline", "airport"])


@pytest.mark.parametrize("message", ["", "[]", "now", '{"table": "flights"}', '{"table": "aircraft", "keys": [1]}'])
def test_what_cannot_be_read_is_a_change_of_everything(message: str) -> None:
    assert announced(message) == WHOLE_REGISTER


@pytest.mark.parametrize(
    ("sql", "change"),
    [
        ("update aircraft set seats = 7 where tail_number = 'N1'", Change(("aircraft:N1",), SHARED)),
        (REVISE.replace("$1", "'N1'").replace("$2", "1"), Change(("aircraft:N1",), SHARED)),
        ("insert into aircraft (tail_number) values ('N3')", Change(("aircraft:N3",), SHARED)),
        ("delete from aircraft where tail_number = 'N2'", Change(("aircraft:N2",), SHARED)),
        ("insert into airline values ('XX', 'New')", Change(("airline:XX",))),
        ("insert into airport values ('XXX', 'New', 0, 0, 0, 0, 'N')", Change(("airport:XXX",))),
        ("truncate airline", Change(sources=("airline",))),
    ],
)
async def test_a_committed_change_is_invalidated_and_nothing_else(register: Postgres, sql: str, change: Change) -> None:
    async with listening(register) as invalidated:
        await register.execute(sql)
        assert await invalidated.next() == change
        await register.execute("insert into airport values ('ZZZ', 'Last', 0, 0, 0, 0, 'N')")
        assert await invalidated.next() == Change(("airport:ZZZ",)), "and nothing in between"


async def test_a_revision_that_comes_late_is_announced_though_the_latest_stays(register: Postgres) -> None:
    await register.execute(REVISE, "N1", 2)
    async with listening(register) as invalidated:
        await register.execute(REVISE, "N1", 1)
        assert await invalidated.next() == Change(("aircraft:N1",), SHARED)


async def test_a_key_that_is_renamed_concerns_both(register: Postgres) -> None:
    async with listening(register) as invalidated:
        await register.execute("update aircraft set tail_number = 'N9' where tail_number = 'N1'")
        change = await invalidated.next()
    assert sorted(change.keys) == ["aircraft:N1", "aircraft:N9"]


async def test_what_was_rolled_back_or_changes_nothing_is_not_announced(register: Postgres) -> None:
    async with listening(register) as invalidated:
        async with register.session() as session:
            await session.execute("begin")
            await session.execute("update aircraft set seats = 7 where tail_number = 'N1'")
            await session.execute("rollback")
        await register.execute("update aircraft set seats = 7 where tail_number = 'N0'")
        await register.execute("update aircraft set seats = 7 where tail_number = 'N2'")
        assert await invalidated.next() == Change(("aircraft:N2",), SHARED)


async def test_a_change_is_announced_when_it_can_be_read(register: Postgres) -> None:
    async with listening(register) as invalidated, register.session() as session:
        async with session.transaction():
            await session.execute("update aircraft set seats = 7 where tail_number = 'N1'")
            await asyncio.sleep(0.1)
            assert invalidated.is_empty, "not before the commit"
        assert (await invalidated.next()).keys == ("aircraft:N1",)


async def test_several_changes_of_a_transaction_are_one(register: Postgres) -> None:
    async with listening(register) as invalidated:
        async with register.session() as session, session.transaction():
            for revision in (1, 2, 3):
                await session.execute(REVISE, "N1", revision)
                await session.execute(REVISE, "N2", revision)
        change = await invalidated.next()
        assert (sorted(change.keys), change.sources) == (["aircraft:N1", "aircraft:N2"], SHARED)
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
        assert sorted(keys) == sorted(f"airline:A{number}" for number in range(1, 101))
        assert invalidated.attempts < 80


async def test_five_thousand_rows_are_one_change_of_the_source(register: Postgres) -> None:
    async with messages(register) as heard, listening(register) as invalidated:
        await register.execute("insert into aircraft (tail_number) select 'X' || n from generate_series(1, 5000) as n")
        assert await invalidated.next() == Change(sources=OF_AIRCRAFT)
        assert await all_until(heard, register) == ['{"table" : "aircraft"}']


@pytest.mark.parametrize(
    "key", ["'N' || lpad(n::text, 4, '0')", "lpad(n::text, 50, 'Ü')", "lpad(n::text, 100, chr(1))"]
)
async def test_a_thousand_keys_come_in_messages_under_8000_bytes(register: Postgres, key: str) -> None:
    async with messages(register) as heard:
        rows = await register.rows(
            f"insert into aircraft (tail_number) select {key} from generate_series(1, 1000) as n returning tail_number"
        )
        found = await all_until(heard, register)
    assert max(len(message.encode()) for message in found) < 8000
    assert len(found) > 1
    keys = [one for message in found for one in orjson.loads(message)["keys"]]
    assert sorted(keys) == sorted(row["tail_number"] for row in rows)


@pytest.mark.parametrize("key", ["'N' || n", "repeat('N', 101) || n", "repeat('N', 9000) || n"])
async def test_too_many_keys_and_too_long_ones_are_all_of_the_table(register: Postgres, key: str) -> None:
    rows = 1001 if key == "'N' || n" else 1
    async with messages(register) as heard:
        await register.execute(
            f"insert into airline (code, name) select {key}, 'New' from generate_series(1, $1::int) as n", rows
        )
        assert await all_until(heard, register) == ['{"table" : "airline"}']


async def test_one_listens_and_the_next_takes_over_with_all_of_the_register(register: Postgres) -> None:
    first, second = Invalidated(), Invalidated()
    async with feeding(register, first) as one:
        assert await first.next() == WHOLE_REGISTER
        async with feeding(register, second):
            await asyncio.sleep(0.3)
            await register.execute(REVISE, "N1", 1)
            assert (await first.next()).keys == ("aircraft:N1",)
            assert second.attempts == 0
            await one.stop()
            assert await second.next() == WHOLE_REGISTER
            await register.execute(REVISE, "N2", 1)
            assert (await second.next()).keys == ("aircraft:N2",)
            assert first.attempts == 2


async def test_one_of_each_group_listens(register: Postgres) -> None:
    blue, green = Invalidated(), Invalidated()
    async with feeding(register, blue, group="blue"), feeding(register, green, group="green"):
        assert await blue.next() == await green.next() == WHOLE_REGISTER
        await register.execute(REVISE, "N1", 1)
        assert await blue.next() == await green.next() == Change(("aircraft:N1",), SHARED)


async def test_a_connection_that_the_server_ended_is_replaced_and_all_taken_for_changed(
    register: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(register) as invalidated:
        assert [row[0] for row in await register.rows(f"select pg_terminate_backend(pid) from ({_LISTENING})")] == [
            True
        ]
        assert await invalidated.next() == WHOLE_REGISTER
        await register.execute(REVISE, "N1", 1)
        assert (await invalidated.next()).keys == ("aircraft:N1",)
    assert [record.name for record in caplog.records if "cannot be listened to" in record.message] == ["gateway"]


async def test_a_connection_that_falls_silent_is_lost_at_both_ends(database: NewStores) -> None:
    """The other takes over although the network never closed the connection, and the first comes back behind it."""
    silent, well = Invalidated(), Invalidated()
    register = database.stores.postgres
    async with (
        relay(f"{database.database_url}?sslmode=disable") as between,
        _client(between.url) as behind,
        feeding(behind, silent, lost_after_s=0.5),
    ):
        assert await silent.next() == WHOLE_REGISTER
        ((pid,),) = await register.rows(_LISTENING)
        between.silence()
        async with feeding(register, well, lost_after_s=0.5) as other:
            assert await well.next() == WHOLE_REGISTER
            assert await register.rows("select 1 from pg_stat_activity where pid = $1", pid) == []
            between.resume()
            await other.stop()
            assert await silent.next() == WHOLE_REGISTER


async def test_a_session_that_may_be_lost_waits_for_no_answer_for_good(database: NewStores) -> None:
    async with relay(f"{database.database_url}?sslmode=disable") as between, _client(between.url) as behind:

        async def ask() -> None:
            async with behind.session(lost_after_s=0.3) as session:
                asyncio.get_running_loop().call_later(0.1, between.silence)
                await session.rows("select pg_sleep(30)")

        with pytest.raises(StoreTimeout):
            await asyncio.wait_for(ask(), 5)
        between.resume()


@asynccontextmanager
async def _client(url: str) -> AsyncIterator[Postgres]:
    client = await Postgres.connect(url, min_size=1, max_size=1, acquire_timeout_s=5, statement_timeout_s=5)
    try:
        yield client
    finally:
        await client.close()


async def test_what_cannot_be_made_known_is_kept_and_comes_as_one(
    register: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(register) as invalidated:
        invalidated.fails = True
        await register.execute(REVISE, "N1", 1)
        assert [await invalidated.next_failed() for _ in range(2)] == 2 * [Change(("aircraft:N1",), SHARED)]
        await register.execute(REVISE, "N2", 1)
        while await invalidated.next_failed() != Change(("aircraft:N1", "aircraft:N2"), SHARED):
            pass
        invalidated.fails = False
        assert await invalidated.next() == Change(("aircraft:N1", "aircraft:N2"), SHARED)
        await register.execute(REVISE, "N2", 2)
        assert await invalidated.next() == Change(("aircraft:N2",), SHARED), "nothing is kept any more"
    assert len([record for record in caplog.records if "cannot be made known" in record.message]) == 1


async def test_more_objects_than_are_kept_are_all_of_the_register(register: Postgres) -> None:
    async with listening(register) as invalidated:
        invalidated.fails = True
        for batch in range(11):
            await register.execute(
                "insert into airline (code, name) select $1 || '-' || n, 'New' from generate_series(1, 1000) as n",
                str(batch),
            )
        while not (kept := await invalidated.next_failed()).sources:
            assert len(kept.keys) <= 10_000
        assert set(kept.sources) == set(WHOLE_REGISTER.sources)
        assert len(kept.keys) <= 1_000, "those that came later"
        invalidated.fails = False
        assert set((await invalidated.next()).sources) == set(WHOLE_REGISTER.sources)


async def test_a_database_that_is_away_is_tried_again(database: NewStores, caplog: pytest.LogCaptureFixture) -> None:
    invalidated = Invalidated()
    async with relay(f"{database.database_url}?sslmode=disable") as between, _client(between.url) as behind:
        await between.cut()
        async with feeding(behind, invalidated):
            await asyncio.sleep(0.5)
            assert invalidated.attempts == 0
            await between.listen()
            assert await invalidated.next() == WHOLE_REGISTER
    assert [record.levelname for record in caplog.records if record.name == "gateway"] == ["WARNING"]


async def test_stopping_leaves_no_task_no_lock_and_no_connection(register: Postgres) -> None:
    before = asyncio.all_tasks()
    async with listening(register):
        assert len(await register.rows(_LISTENING)) == len(await register.rows(_SESSIONS)) == 1
    assert asyncio.all_tasks() == before
    await asyncio.sleep(0.2)  # the server takes leave in its own time
    assert await register.rows(_LISTENING) == []
    assert await register.rows(_SESSIONS) == []


async def test_stopping_does_not_wait_for_a_driver_that_takes_it_for_a_failure(register: Postgres) -> None:
    began = asyncio.Event()

    async def invalidate(_change: Change) -> None:
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise StoreTimeout("redis", "no answer") from None

    async with asyncio.timeout(5), feeding(register, invalidate):
        await began.wait()


async def test_caches_serve_what_was_written_also_where_redis_was_away_meanwhile(
    database: NewStores, process: OpenCache, store_urls: StoreUrls
) -> None:
    register, truth = database.stores.postgres, Truth()
    entry = Field("entry", "register", LONG, lambda value: value, "entry")
    async with process() as cache, relay(store_urls.redis_url) as between, open_redis(between.url) as redis:
        invalidated = Invalidated()

        async def invalidate(change: Change) -> None:
            await Invalidator(redis).invalidate(change)
            await invalidated(change)

        async def served() -> int:
            fetched = await cache.fetch(["aircraft:N1"], (entry,), truth)
            await cache.settle()
            version: int = fetched.values[entry][0][2]
            return version

        async def revise(revision: int) -> None:
            truth.versions["aircraft:N1"] = revision
            await register.execute(REVISE, "N1", revision)

        async with feeding(register, invalidate):
            await invalidated.next()
            assert await served() == 0
            await revise(1)
            await invalidated.next()
            assert await served() == 1
            await between.cut()
            await revise(2)
            await asyncio.sleep(0.3)
            assert await served() == 1, "nobody could be told"
            await between.listen()
            await invalidated.next()
            assert await served() == 2
