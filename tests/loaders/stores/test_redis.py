"""Redis's client against the real engine."""

import pytest

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


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("redis://user:secret@127.0.0.1:1/0", r"Redis at 127\.0\.0\.1:1 cannot be reached"),
        ("http://user:secret@127.0.0.1:1/0", "The URL of redis cannot be read"),
        ("redis://user:secret@127.0.0.1:x/0", "The URL of redis cannot be read"),
    ],
)
async def test_connecting_fails_with_the_address_and_without_the_password(url: str, message: str) -> None:
    with pytest.raises(StoreUnavailable, match=message) as failure:
        await small_client(url)
    assert "secret" not in str(failure.value)
