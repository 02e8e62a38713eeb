"""Documents in Redis: known to all, and taken for nothing but what their names say."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.embedded.engines import StoreUrls
from loaders.persisted_documents import SharedDocuments, digest
from loaders.stores.redis import Redis
from tests.loaders.cache.valkey import own_valkey
from tests.loaders.conftest import open_redis
from tests.patience import PATIENCE_S

DAY_S = 86_400
KEYS = (TEXTS, USED) = ("gateway:documents", "gateway:documents:used")
MAX_DOCUMENTS, MAX_BYTES, MAX_LENGTH = 4_096, 16 << 20, 64 << 10


@pytest.fixture
async def other(store_urls: StoreUrls) -> AsyncIterator[SharedDocuments]:
    async with open_redis(store_urls.redis_url) as redis:
        yield SharedDocuments(redis, timeout_s=PATIENCE_S)


@pytest.fixture
def text() -> str:
    return f"query Q{uuid4().hex} {{ __typename }} # é"


async def test_an_automatic_document_is_known_to_others_for_a_month_after_its_last_use(
    redis: Redis, other: SharedDocuments, text: str
) -> None:
    name = digest(text)
    assert await other.automatic(name) is None
    await SharedDocuments(redis, timeout_s=PATIENCE_S).keep(name, text)
    for key in KEYS:
        assert 29 * DAY_S < await redis._client.ttl(key) <= 30 * DAY_S
        await redis._client.expire(key, 100)
    assert await other.automatic(name) == text
    for key in KEYS:
        assert await redis._client.ttl(key) > 29 * DAY_S


@pytest.mark.parametrize("forged", [b"{ __typename }", b"", b"\xff"])
async def test_an_automatic_document_that_its_digest_does_not_prove_is_unknown(
    redis: Redis, other: SharedDocuments, text: str, forged: bytes
) -> None:
    await SharedDocuments(redis, timeout_s=PATIENCE_S).keep(digest(text), text)
    await redis._client.hset(TEXTS, digest(text), forged)
    assert await other.automatic(digest(text)) is None


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Redis]:
    """A Redis with no other documents."""
    with own_valkey(tmp_path, "--appendonly", "no") as valkey:
        async with open_redis(valkey.url) as redis:
            yield redis


async def _kept(redis: Redis) -> tuple[int, int]:
    """How many documents Redis has and the bytes of all, by what it holds itself; what it remembers of it must agree."""
    texts = await redis._client.hgetall(TEXTS)
    bytes_of_all = int(texts.pop(b""))
    assert set(await redis._client.zrange(USED, 0, -1)) == set(texts)
    assert sum(map(len, texts.values())) == bytes_of_all
    return len(texts), bytes_of_all


@pytest.mark.parametrize(("size", "most"), [(100, MAX_DOCUMENTS), (MAX_LENGTH, MAX_BYTES // MAX_LENGTH)])
async def test_past_the_most_documents_or_bytes_those_used_least_lately_go(alone: Redis, size: int, most: int) -> None:
    documents = SharedDocuments(alone, timeout_s=PATIENCE_S)
    texts = [f"{{ a{index} }}".ljust(size) for index in range(most + 2)]
    names = [digest(text) for text in texts]
    for index in range(most):
        await documents.keep(names[index], texts[index])
    assert await _kept(alone) == (most, most * size)
    await documents.keep(names[1], texts[1])
    assert await documents.automatic(names[0]) == texts[0]
    assert await _kept(alone) == (most, most * size), "what is there already takes no other's place"
    for index in (most, most + 1):
        await documents.keep(names[index], texts[index])
    assert await _kept(alone) == (most, most * size)
    known = [await documents.automatic(names[index]) is not None for index in (0, 1, 2, 3, 4, most, most + 1)]
    assert known == [True, True, False, False, True, True, True]


async def test_a_long_document_takes_the_place_of_many_short_ones(alone: Redis) -> None:
    documents = SharedDocuments(alone, timeout_s=PATIENCE_S)
    for size in (*([MAX_LENGTH // 16] * 16), *([MAX_LENGTH] * 255), MAX_LENGTH):
        text = uuid4().hex.ljust(size)
        await documents.keep(digest(text), text)
    assert await _kept(alone) == (256, MAX_BYTES)


@pytest.mark.parametrize("evicted", KEYS)
async def test_documents_begin_anew_where_redis_evicted_one_of_their_keys(
    alone: Redis, text: str, evicted: str
) -> None:
    documents = SharedDocuments(alone, timeout_s=PATIENCE_S)
    await documents.keep(digest("{ a }"), "{ a }")
    await alone._client.delete(evicted)
    await documents.keep(digest(text), text)
    assert await _kept(alone) == (1, len(text.encode()))
    assert await documents.automatic(digest(text)) == text


async def test_a_trusted_document_is_known_by_any_name_for_three_days(
    redis: Redis, other: SharedDocuments, text: str
) -> None:
    name = f"{uuid4().hex} \ud800 any"
    assert await SharedDocuments(redis, timeout_s=PATIENCE_S).publish({name: text, f"{name} 2": "{ a }"})
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
    item, another = uuid4().hex, uuid4().hex
    await SharedDocuments(redis, timeout_s=PATIENCE_S).publish({item: text})
    value = await redis._client.get(f"gateway:documents:trusted:{digest(item)}")
    assert isinstance(value, bytes)
    for forged in (value, value[:-1], b""):
        await redis._client.set(f"gateway:documents:trusted:{digest(another)}", forged, ex=60)
        assert await other.trusted(another) is None


@pytest.mark.engine
async def test_documents_outlive_a_restart_of_redis_that_has_them_on_disk(tmp_path: Path, text: str) -> None:
    with own_valkey(tmp_path) as valkey:
        async with open_redis(valkey.url) as redis:
            await SharedDocuments(redis, timeout_s=PATIENCE_S).keep(digest(text), text)
        valkey.kill()
        valkey.start()
        async with open_redis(valkey.url) as redis:
            assert await SharedDocuments(redis, timeout_s=PATIENCE_S).automatic(digest(text)) == text


@pytest.mark.engine
async def test_a_full_redis_is_left_alone_for_as_long_as_it_is_full(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    with own_valkey(tmp_path, "--maxmemory", "1", "--maxmemory-policy", "noeviction") as valkey:
        async with open_redis(valkey.url) as redis:
            documents = SharedDocuments(redis, timeout_s=PATIENCE_S)
            for _ in range(8):
                await documents.keep(digest(text), text)
                await asyncio.sleep(0.2)
            assert [message.partition(":")[0] for message in caplog.messages] == [
                "Redis failed and is not used until it answers again"
            ]
            await documents.close()


@pytest.mark.engine
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
