"""Documents in Redis: known to all, and taken for nothing but what their names say."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.embedded.engines import StoreUrls
from loaders.cache.documents import SharedDocuments, digest
from loaders.stores.redis import Redis
from tests.loaders.cache.conftest import open_redis
from tests.loaders.cache.valkey import own_valkey

DAY_S = 86_400


@pytest.fixture
async def other(store_urls: StoreUrls) -> AsyncIterator[SharedDocuments]:
    async with open_redis(store_urls.redis_url) as redis:
        yield SharedDocuments(redis, timeout_s=2)


@pytest.fixture
def text() -> str:
    return f"query Q{uuid4().hex} {{ __typename }} # é"


async def test_an_automatic_document_is_known_to_others_for_a_month_after_its_last_use(
    redis: Redis, other: SharedDocuments, text: str
) -> None:
    name = digest(text)
    assert await other.automatic(name) is None
    await SharedDocuments(redis, timeout_s=2).keep(name, text)
    key = f"gateway:documents:{name}"
    assert 29 * DAY_S < await redis._client.ttl(key) <= 30 * DAY_S
    await redis._client.expire(key, 100)
    assert await other.automatic(name) == text
    assert await redis._client.ttl(key) > 29 * DAY_S


@pytest.mark.parametrize("forged", [b"{ __typename }", b"", b"\xff"])
async def test_an_automatic_document_that_its_digest_does_not_prove_is_unknown(
    redis: Redis, other: SharedDocuments, text: str, forged: bytes
) -> None:
    await redis._client.set(f"gateway:documents:{digest(text)}", forged, ex=60)
    assert await other.automatic(digest(text)) is None


async def test_a_trusted_document_is_known_by_any_name_for_three_days(
    redis: Redis, other: SharedDocuments, text: str
) -> None:
    name = f"{uuid4().hex} \ud800 any"
    assert await SharedDocuments(redis, timeout_s=2).publish({name: text, f"{name} 2": "{ a }"})
    assert await other.trusted(name) == text
    assert await other.trusted(f"{name} 2") == "{ a }"
    key = f"gateway:documents:trusted:{digest(name)}"
    assert 2 * DAY_S < await redis._client.ttl(key) <= 3 * DAY_S
    await redis._client.expire(key, 100)
    await other.trusted(name)
    assert await redis._client.ttl(key) <= 100, "one that no manifest has any more goes, though it is asked for"


async def test_a_trusted_document_under_anothers_name_is_unknown(
    redis: Redis, other: SharedDocuments, text: str
) -> None:
    one, another = uuid4().hex, uuid4().hex
    await SharedDocuments(redis, timeout_s=2).publish({one: text})
    value = await redis._client.get(f"gateway:documents:trusted:{digest(one)}")
    assert isinstance(value, bytes)
    for forged in (value, value[:-1], b""):
        await redis._client.set(f"gateway:documents:trusted:{digest(another)}", forged, ex=60)
        assert await other.trusted(another) is None


async def test_documents_outlive_a_restart_of_redis_that_has_them_on_disk(tmp_path: Path, text: str) -> None:
    with own_valkey(tmp_path) as valkey:
        async with open_redis(valkey.url) as redis:
            await SharedDocuments(redis, timeout_s=2).keep(digest(text), text)
        valkey.kill()
        valkey.start()
        async with open_redis(valkey.url) as redis:
            assert await SharedDocuments(redis, timeout_s=2).automatic(digest(text)) == text


async def test_without_redis_nothing_is_known_and_nothing_fails(tmp_path: Path, text: str) -> None:
    with own_valkey(tmp_path) as valkey:
        async with open_redis(valkey.url, command_timeout_s=0.5) as redis:
            documents = SharedDocuments(redis, timeout_s=0.2)
            await documents.keep(digest(text), text)
            valkey.kill()
            assert await documents.automatic(digest(text)) is None
            await documents.keep(digest(text), text)
            assert not await documents.publish({"name": text})
            assert await documents.trusted("name") is None
            await documents.close()
