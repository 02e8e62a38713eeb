"""Who listens to changes in the register: one of a group, which the next follows when it stops or is lost."""

import asyncio

import pytest

from loaders.cache.invalidation import Change
from loaders.stores.errors import StoreTimeout
from loaders.stores.postgres import Postgres
from tests.conftest import NewStores
from tests.loaders.cache.change_listeners import (
    EVERYTHING,
    REVISE,
    REVISED,
    Invalidated,
    changed,
    client,
    listening,
    start_listener,
)
from tests.loaders.stores.relay import relay

_LISTENING = """
select pid from pg_stat_activity
where datname = current_database() and application_name = 'fuseway-session'
"""


async def test_one_listens_and_the_next_takes_over_with_all_of_the_register(register: Postgres) -> None:
    first, second = Invalidated(), Invalidated()
    async with start_listener(register, first) as item:
        assert await first.next() == EVERYTHING
        async with start_listener(register, second):
            await asyncio.sleep(0.3)
            await register.execute(REVISE, "N1", 1)
            assert (await first.next()).keys == ("fleet:Aircraft::N1",)
            assert second.attempts == 0
            await item.stop()
            assert await second.next() == EVERYTHING
            await register.execute(REVISE, "N2", 1)
            assert (await second.next()).keys == ("fleet:Aircraft::N2",)
            assert first.attempts == 2


async def test_one_of_each_group_listens(register: Postgres) -> None:
    blue, green = Invalidated(), Invalidated()
    async with start_listener(register, blue, group="blue"), start_listener(register, green, group="green"):
        assert await blue.next() == await green.next() == EVERYTHING
        await register.execute(REVISE, "N1", 1)
        assert await blue.next() == await green.next() == changed("N1", tables=REVISED)


async def test_a_connection_that_the_server_ended_is_replaced_and_all_taken_for_changed(
    register: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(register) as invalidated:
        assert [row[0] for row in await register.rows(f"select pg_terminate_backend(pid) from ({_LISTENING})")] == [
            True
        ]
        assert await invalidated.next() == EVERYTHING
        await register.execute(REVISE, "N1", 1)
        assert (await invalidated.next()).keys == ("fleet:Aircraft::N1",)
    assert [record.name for record in caplog.records if "cannot be listened to" in record.message] == ["gateway"]


async def test_a_connection_that_falls_silent_is_lost_at_both_ends(database: NewStores) -> None:
    """The other takes over although the network never closed the connection, and the first comes back behind it."""
    silent, well = Invalidated(), Invalidated()
    register = database.stores.postgres
    async with (
        relay(f"{database.database_url}?sslmode=disable") as between,
        client(between.url) as behind,
        start_listener(behind, silent, lost_after_s=1.5),
    ):
        assert await silent.next() == EVERYTHING
        ((pid,),) = await register.rows(_LISTENING)
        async with asyncio.timeout(10):
            for _ in range(3):  # what it asks is prepared by then: a session amid that is not idle, and does not end
                length = len(between.sent)
                while len(between.sent) == length:  # noqa: ASYNC110 - of a relay, which has no event
                    await asyncio.sleep(0.01)
        between.silence()
        async with start_listener(register, well, lost_after_s=1.5) as other:
            assert await well.next() == EVERYTHING
            for _ in range(1_000):  # the server counts from what it has received last, and by its own clock
                sessions = await register.rows("select 1 from pg_stat_activity where pid = $1", pid)
                if not sessions:
                    break
                await asyncio.sleep(0.05)
            assert sessions == []
            between.resume()
            await other.stop()
            assert await silent.next() == EVERYTHING


async def test_a_session_that_may_be_lost_waits_for_no_answer_for_good(database: NewStores) -> None:
    async with relay(f"{database.database_url}?sslmode=disable") as between, client(between.url) as behind:

        async def ask() -> None:
            async with behind.session(lost_after_s=0.3) as session:
                asyncio.get_running_loop().call_later(0.1, between.silence)
                await session.rows("select pg_sleep(30)")

        with pytest.raises(StoreTimeout):
            await asyncio.wait_for(ask(), 20)  # the statement ends after 30
        between.resume()


async def test_a_database_that_is_away_is_tried_again(database: NewStores, caplog: pytest.LogCaptureFixture) -> None:
    invalidated = Invalidated()
    async with relay(f"{database.database_url}?sslmode=disable") as between, client(between.url) as behind:
        await between.cut()
        async with start_listener(behind, invalidated):
            await asyncio.sleep(0.5)
            assert invalidated.attempts == 0
            await between.listen()
            assert await invalidated.next() == EVERYTHING
    assert [record.levelname for record in caplog.records if "cannot be listened to" in record.message] == ["WARNING"]


async def test_stopping_leaves_no_task_and_no_connection(register: Postgres) -> None:
    before = asyncio.all_tasks()
    async with listening(register):
        assert len(await register.rows(_LISTENING)) == 1
    assert asyncio.all_tasks() == before
    await asyncio.sleep(0.2)  # the server takes leave in its own time
    assert await register.rows(_LISTENING) == []


async def test_stopping_does_not_wait_for_a_driver_that_takes_it_for_a_failure(register: Postgres) -> None:
    began = asyncio.Event()

    async def invalidate(_change: Change) -> None:
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise StoreTimeout("redis", "no answer") from None

    async with asyncio.timeout(30), start_listener(register, invalidate):  # what is invalidated takes 60
        await began.wait()
