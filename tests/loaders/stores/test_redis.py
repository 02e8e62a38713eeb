"""Redis's client against the real engine."""

import asyncio

import certifi
import pytest
from redis.asyncio.connection import SSLConnection

from deploy.embedded.engines import StoreUrls
from loaders.stores.errors import StoreTimeout, StoreUnavailable
from loaders.stores.redis import Redis
from tests.loaders.stores.relay import relay


async def small_client(url: str, *, command_timeout_s: float = 2) -> Redis:
    return await Redis.connect(url, max_connections=2, acquire_timeout_s=1, command_timeout_s=command_timeout_s)


async def test_ping_answers(store_urls: StoreUrls) -> None:
    redis = await small_client(store_urls.redis_url)
    await redis.ping()
    await redis.close()


async def test_a_stopped_server_is_unavailable_and_its_return_is_noticed(store_urls: StoreUrls) -> None:
    async with relay(store_urls.redis_url) as between:
        redis = await small_client(between.url)
        await between.cut()
        with pytest.raises(StoreUnavailable):
            await redis.ping()
        await between.listen()
        await redis.ping()
        await redis.close()


async def test_a_server_that_falls_silent_is_a_timeout(store_urls: StoreUrls) -> None:
    async with relay(store_urls.redis_url) as between:
        redis = await small_client(between.url, command_timeout_s=0.2)
        between.silence()
        with pytest.raises(StoreTimeout):
            await redis.ping()
        await redis.close()


async def test_what_is_asked_of_a_closed_client_is_refused(store_urls: StoreUrls) -> None:
    redis = await small_client(store_urls.redis_url)
    await redis.close()
    with pytest.raises(StoreUnavailable, match="The client is closed"):
        await redis.ping()


async def test_a_connection_that_opens_while_its_client_is_closed_is_closed_too(store_urls: StoreUrls) -> None:
    redis = Redis.opened(store_urls.redis_url, max_connections=2, acquire_timeout_s=1, command_timeout_s=2)
    pool = redis._client.connection_pool
    pinging = asyncio.create_task(redis.ping())
    await asyncio.sleep(0)
    (connection,) = pool._in_use_connections
    assert not connection.is_connected
    await redis.close()
    await pinging
    assert not connection.is_connected


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("redis://user:secret@127.0.0.1:1/0", r"Redis at 127\.0\.0\.1:1 cannot be reached"),
        ("http://user:secret@127.0.0.1:1/0", "REDIS_URL must look like redis://"),
        ("redis://user:secret@127.0.0.1:x/0", "REDIS_URL has a port that is not a number"),
    ],
)
async def test_connecting_fails_with_the_address_and_without_the_password(url: str, message: str) -> None:
    with pytest.raises(StoreUnavailable, match=message) as failure:
        await small_client(url)
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("redis+sentinel://user:secret@127.0.0.1:1,127.0.0.1:2/cache", r"Redis at 127\.0\.0\.1:1, 127\.0\.0\.1:2 cannot"),
        ("redis+sentinel://user:secret@127.0.0.1:1,127.0.0.1:2", "REDIS_URL names no service after the sentinels"),
        ("redis+sentinel://user:secret@127.0.0.1:1/cache/first", "REDIS_URL has a database that is not a number"),
        ("redis+cluster://user:secret@127.0.0.1:1,127.0.0.1:2", r"Redis at 127\.0\.0\.1:1, 127\.0\.0\.1:2 cannot"),
        ("redis+cluster://user:secret@127.0.0.1:1/1", "REDIS_URL has a database, and a cluster has none"),
        ("redis+cluster://user:secret@127.0.0.1:1?socket_timeout=soon", "REDIS_URL has the option socket_timeout, which must be a number of seconds from 0.01 to 60"),
        ("redis+cluster://user:secret@127.0.0.1:1?sockets=1", "REDIS_URL has the option sockets, which is unknown"),
        ("redis+cluster://user:secret@127.0.0.1:1,127.0.0.1:x", "REDIS_URL has a port that is not a number"),
        ("redis+cluster://user:secret@127.0.0.1:1,", "REDIS_URL has an empty host"),
        ("redis://user:secret@127.0.0.1:1,127.0.0.1:2/0", "REDIS_URL names several hosts: write redis\\+sentinel://"),
    ],
)  # fmt: skip
async def test_several_hosts_are_named_and_what_cannot_be_is_a_sentence(url: str, message: str) -> None:
    with pytest.raises(StoreUnavailable, match=message) as failure:
        await small_client(url)
    assert "secret" not in str(failure.value)


async def test_that_no_sentinel_names_a_master_is_one_short_sentence() -> None:
    url = "redis+sentinel://user:secret@127.0.0.1:1,127.0.0.1:2/cache"
    redis = Redis.opened(url, max_connections=2, acquire_timeout_s=1, command_timeout_s=2)
    with pytest.raises(StoreUnavailable) as failure:
        await redis.ping()
    sentence = "The connection to Redis failed: None of 2 sentinels answers with a master of 'cache'."
    assert str(failure.value) == sentence
    await redis.close()


def test_a_url_of_sentinels_says_all_that_the_driver_is_told() -> None:
    authorities = certifi.where()
    redis = Redis.opened(
        f"rediss+sentinel://user:p%40ss@h1,h2:7/cache/3?sentinel_password=other&ssl_ca_certs={authorities}",
        max_connections=2,
        acquire_timeout_s=1,
        command_timeout_s=2,
    )
    pool = redis._client.connection_pool
    to_master, (first, second) = pool.connection_kwargs, pool.sentinel_manager.sentinels
    to_first, to_second = first.connection_pool.connection_kwargs, second.connection_pool.connection_kwargs
    assert pool.service_name == "cache"
    assert (to_first["host"], to_first["port"], to_second["host"], to_second["port"]) == ("h1", 26379, "h2", 7)
    assert (to_master["username"], to_master["password"], to_master["db"]) == ("user", "p@ss", 3)
    assert (to_first.get("username"), to_first["password"]) == (None, "other")
    assert to_master["ssl_ca_certs"] == to_first["ssl_ca_certs"] == authorities
    assert issubclass(pool.connection_class, SSLConnection)
    assert issubclass(first.connection_pool.connection_class, SSLConnection)
