"""Listening by way of poolers and relays: what does not pass changes on is found out, and heals."""

import pytest

from loaders.stores.echo import Echo, NotificationLostError
from tests.conftest import NewStores
from tests.loaders.cache.change_listeners import EVERYTHING, REVISE, Invalidated, start_listener
from tests.loaders.cache.watched_health import WatchedHealth, behind, errors, lead_to, until
from tests.loaders.stores.relay import relay
from tests.pgbouncer import pgbouncer

_LOCKS = (
    "select 1 from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = $1)"
)


async def test_a_pooler_by_transactions_is_found_out_and_takes_no_lock(
    database: NewStores, caplog: pytest.LogCaptureFixture
) -> None:
    """It answers LISTEN, and passes nothing on. When the session's way leads past it, all heals by itself."""
    name = database.database_url.rpartition("/")[2]
    listener_health, invalidated = WatchedHealth(), Invalidated()
    with pgbouncer(database.database_url, "transaction", pool_size=1) as pooled:
        async with (
            relay(pooled) as between,
            behind(database, between.url) as client,
            start_listener(client, invalidated, listener_health=listener_health),
        ):
            await until(lambda: bool(errors(caplog)))
            assert not listener_health.is_healthy
            assert "DATABASE_DIRECT_URL" in str(listener_health.reason)
            assert await client.rows(_LOCKS, name) == []
            assert invalidated.attempts == 0
            lead_to(between, database.database_url)
            await listener_health.until(True)
            assert await invalidated.next() == EVERYTHING
            await database.stores.postgres.execute(REVISE, "N1", 1)
            assert (await invalidated.next()).keys == ("fleet:Aircraft::N1",)
    assert len(errors(caplog)) == 1, "it is said once"


async def test_a_pooler_that_is_put_in_between_later_is_found_out(
    database: NewStores, caplog: pytest.LogCaptureFixture
) -> None:
    listener_health = WatchedHealth()
    with pgbouncer(database.database_url, "transaction") as pooled:
        url = f"{database.database_url}?sslmode=disable"
        async with (
            relay(url) as between,
            behind(database, between.url) as client,
            start_listener(client, Invalidated(), listener_health=listener_health),
        ):
            await listener_health.until(True)
            await between.cut()
            lead_to(between, pooled)
            await between.listen()
            await listener_health.until(False)
    assert listener_health.drops == 1
    assert len(errors(caplog)) == 1


async def test_a_pooler_by_sessions_passes_changes_on(database: NewStores) -> None:
    listener_health, invalidated = WatchedHealth(), Invalidated()
    with pgbouncer(database.database_url, "session") as pooled:
        async with (
            behind(database, pooled) as client,
            start_listener(client, invalidated, listener_health=listener_health),
        ):
            assert await invalidated.next() == EVERYTHING
            await listener_health.until(True)
            await database.stores.postgres.execute(REVISE, "N1", 1)
            assert (await invalidated.next()).keys == ("fleet:Aircraft::N1",)


async def test_a_connection_that_falls_silent_is_found_out_and_replaced(
    database: NewStores, caplog: pytest.LogCaptureFixture
) -> None:
    """As one does behind NAT: nobody closes it, and nothing comes."""
    listener_health, invalidated = WatchedHealth(), Invalidated()
    async with (
        relay(f"{database.database_url}?sslmode=disable") as between,
        behind(database, between.url) as client,
        start_listener(client, invalidated, listener_health=listener_health, lost_after_s=60),
    ):
        await listener_health.until(True)
        assert await invalidated.next() == EVERYTHING
        between.silence()
        await listener_health.until(False)
        between.resume()
        await listener_health.until(True)
        assert await invalidated.next() == EVERYTHING, "what was announced meanwhile was lost"
    assert len(errors(caplog)) == 1


async def test_another_database_is_found_out(database: NewStores) -> None:
    """Notifications stay within a database."""
    url = database.database_url.rpartition("/")[0] + "/postgres"
    async with behind(database, url) as client, client.session() as session:
        with pytest.raises(NotificationLostError, match="another database"):
            await Echo.start(client, session)


async def test_the_connection_of_a_pooler_listens_to_nothing_after_the_test(database: NewStores) -> None:
    with pgbouncer(database.database_url, "transaction", pool_size=1) as pooled:
        async with behind(database, pooled) as client, client.session() as session:
            with pytest.raises(NotificationLostError, match="pooler's"):
                await Echo.start(client, session)
            assert await session.rows("select pg_listening_channels()") == []
