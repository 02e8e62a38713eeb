"""Documents by name: units, over HTTP, and in processes that have not met them."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.embedded.engines import StoreUrls
from gateway.http.errors import RequestError
from gateway.http.request_parser import GraphQLRequest
from gateway.persisted import Persisted
from loaders.persisted_documents import SharedDocuments, digest
from loaders.stores.redis import Redis
from tests.conftest import Stores
from tests.gateway.conftest import served
from tests.gateway.in_process import opened
from tests.lag import takes_less_than
from tests.loaders.cache.valkey import own_valkey
from tests.loaders.conftest import open_redis
from tests.patience import PATIENCE_S

GRAPHQL = "application/graphql-response+json"


@pytest.fixture
def text() -> str:
    """A document that nobody has sent before."""
    return f"query Q{uuid4().hex} {{ __typename }}"


def _named(text: str, version: int = 1) -> dict[str, Any]:
    return {"persistedQuery": {"version": version, "sha256Hash": digest(text)}}


def _code(answer: httpx.Response) -> str:
    code: str = answer.json()["errors"][0]["extensions"]["code"]
    return code


async def _code_of(persisted: Persisted, asked: GraphQLRequest) -> str:
    with pytest.raises(RequestError) as raised:
        await persisted.text(asked)
    code: str = (raised.value.errors[0].extensions or {})["code"]
    return code


@pytest.fixture(scope="module")
def two(store_urls: StoreUrls) -> Iterator[list[httpx.Client]]:
    with ExitStack() as stack:
        urls = [stack.enter_context(served(store_urls)) for _ in range(2)]
        yield [stack.enter_context(httpx.Client(base_url=url, timeout=60)) for url in urls]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_document_is_sent_once_and_known_to_all_by_its_digest(
    two: list[httpx.Client], text: str, method: str
) -> None:
    def ask(client: httpx.Client, **body: Any) -> httpx.Response:
        if method == "POST":
            return client.post("/graphql", json=body)
        return client.get("/graphql", params={k: v if isinstance(v, str) else json.dumps(v) for k, v in body.items()})

    for client in two:
        unknown = ask(client, extensions=_named(text))
        assert (unknown.status_code, unknown.headers["cache-control"]) == (200, "no-store")
        assert unknown.json()["errors"] == [
            {"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}
        ]
    first = ask(two[0], query=text, extensions=_named(text))
    assert first.json() == {"data": {"__typename": "Query"}}
    for client in two:
        assert ask(client, extensions=_named(text)).json() == first.json()
        assert ask(client, documentId=f"sha256:{digest(text)}").json() == first.json()


def test_what_is_not_known_is_400_in_graphqls_own_media_type(two: list[httpx.Client], text: str) -> None:
    answer = two[0].post("/graphql", json={"extensions": _named(text)}, headers={"Accept": GRAPHQL})
    assert (answer.status_code, _code(answer)) == (400, "PERSISTED_QUERY_NOT_FOUND")


@pytest.mark.parametrize("invalid", ["{", "{ nothing%s }", "{ a: __typename %s" + "b: __typename " * 9_000 + "}"])
def test_what_cannot_be_executed_is_not_kept(two: list[httpx.Client], text: str, invalid: str) -> None:
    text = invalid.replace("%s", text[6:20])
    assert "errors" in two[0].post("/graphql", json={"query": text, "extensions": _named(text)}).json()
    answer = two[0].post("/graphql", json={"extensions": _named(text)})
    assert _code(answer) == "PERSISTED_QUERY_NOT_FOUND"


def test_a_document_that_is_too_long_to_be_kept_is_executed(two: list[httpx.Client], text: str) -> None:
    for size, is_kept in ((64 << 10, True), ((64 << 10) + 1, False)):
        long = text + " " * (size - len(text))
        assert two[0].post("/graphql", json={"query": long, "extensions": _named(long)}).json()["data"]
        assert ("data" in two[0].post("/graphql", json={"extensions": _named(long)}).json()) is is_kept


def test_a_batch_is_answered_in_order(two: list[httpx.Client], text: str) -> None:
    other = "{ __schema { queryType { name } } }"
    batch = [{"query": other}, {"extensions": _named(text)}, {"query": text, "extensions": _named(text)}]
    first, unknown, known = two[0].post("/graphql", json=batch).json()
    assert first["data"]["__schema"]
    assert unknown["errors"][0]["message"] == "PersistedQueryNotFound"
    assert known == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "extension",
    [
        {"version": 1, "sha256Hash": digest("{ another }")},
        {"version": 1, "sha256Hash": digest("{ __typename }").upper()},
        {"version": 2, "sha256Hash": digest("{ __typename }")},
        {"sha256Hash": digest("{ __typename }")},
        {"version": 1},
        {"version": 1, "sha256Hash": 5},
        [],
        "x",
    ],
)
def test_a_digest_that_is_not_the_texts_or_another_version_is_400(two: list[httpx.Client], extension: Any) -> None:
    body = {"query": "{ __typename }", "extensions": {"persistedQuery": extension}}
    answer = two[0].post("/graphql", json=body)
    assert (answer.status_code, _code(answer), answer.headers["cache-control"]) == (400, "BAD_USER_INPUT", "no-store")


async def test_a_public_answer_is_public_by_name_too(store_urls: StoreUrls, sample_stores: Stores) -> None:  # noqa: ARG001
    text = '{ airline(code: "UA") { name } }'
    async with opened(store_urls) as client:
        await client.post("/graphql", json={"query": text, "extensions": _named(text)})
        answer = await client.get("/graphql", params={"extensions": json.dumps(_named(text))})
    assert answer.json() == {"data": {"airline": {"name": "United Air Lines Inc."}}}
    assert answer.headers["cache-control"].startswith("public, max-age=")


async def test_a_process_that_was_started_again_knows_what_was_sent_before(store_urls: StoreUrls, text: str) -> None:
    async with opened(store_urls) as client:
        await client.post("/graphql", json={"query": text, "extensions": _named(text)})
    async with opened(store_urls) as client:
        assert (await client.post("/graphql", json={"extensions": _named(text)})).json()["data"]


async def test_without_redis_a_process_knows_its_own(store_urls: StoreUrls, text: str, tmp_path: Path) -> None:
    with own_valkey(tmp_path) as valkey:
        async with opened(store_urls, redis_url=valkey.url) as client:
            valkey.kill()
            answer = await client.post("/graphql", json={"extensions": _named(text)})
            assert _code(answer) == "PERSISTED_QUERY_NOT_FOUND"
            await client.post("/graphql", json={"query": text, "extensions": _named(text)})
            assert (await client.post("/graphql", json={"extensions": _named(text)})).json()["data"]


async def test_a_process_remembers_as_many_as_it_may() -> None:
    persisted = Persisted()
    texts = [f"{{ a{index}: __typename }}" for index in range(257)]
    for text in texts:
        await persisted.keep(GraphQLRequest(text, extensions=_named(text)))
        await persisted.text(GraphQLRequest(None, extensions=_named(texts[0])))
    assert await persisted.text(GraphQLRequest(None, extensions=_named(texts[0]))) == texts[0]
    assert await persisted.text(GraphQLRequest(None, extensions=_named(texts[256]))) == texts[256]
    assert await _code_of(persisted, GraphQLRequest(None, extensions=_named(texts[1]))) == "PERSISTED_QUERY_NOT_FOUND"


async def test_what_is_used_or_sent_is_made_known_again_to_a_redis_that_has_lost_it(
    store_urls: StoreUrls, text: str
) -> None:
    now_s = 0.0
    asked, named = GraphQLRequest(text, extensions=_named(text)), GraphQLRequest(None, extensions=_named(text))
    key = "gateway:documents"
    persisted = Persisted(clock=lambda: now_s)
    async with open_redis(store_urls.redis_url) as redis, persisted.over(redis, timeout_s=PATIENCE_S):
        await persisted.keep(asked)
        for after_s, is_known in ((9, False), (1, True)):
            await redis._client.hdel(key, digest(text))
            now_s += after_s
            await persisted.keep(asked)
            assert await redis._client.hexists(key, digest(text)) == is_known
        for after_s, is_known in ((59, False), (1, True)):
            await redis._client.hdel(key, digest(text))
            now_s += after_s
            assert await persisted.text(named) == text
            assert await redis._client.hexists(key, digest(text)) == is_known


@pytest.mark.engine
async def test_a_manifest_is_made_known_when_redis_is_there(tmp_path: Path) -> None:
    persisted = Persisted("trusted", {"page": "{ a }"})
    with own_valkey(tmp_path) as valkey:
        async with open_redis(valkey.url) as redis:
            valkey.kill()
            async with persisted.over(redis, timeout_s=0.2):
                assert await persisted.text(GraphQLRequest(None, document_id="page")) == "{ a }"
                await asyncio.to_thread(valkey.start)
                others = SharedDocuments(redis, timeout_s=PATIENCE_S)
                for _ in range(200):
                    if await others.trusted("page") is not None:
                        break
                    await asyncio.sleep(0.05)
                assert await others.trusted("page") == "{ a }"


class _Deaf(Redis):
    """Takes the first time that it is told to stop for something else, as a driver may."""

    began: asyncio.Event

    async def keep(self, key: str, value: bytes, *, keep_s: int) -> bool:  # noqa: ARG002
        self.began.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3_600)
        return True


async def test_a_process_stops_though_the_driver_takes_that_for_something_else() -> None:
    redis = _Deaf.opened("redis://127.0.0.1:1", max_connections=1, acquire_timeout_s=1, command_timeout_s=1)
    assert isinstance(redis, _Deaf)
    redis.began = asyncio.Event()
    async with takes_less_than(4), Persisted("trusted", {digest("{ a }"): "{ a }"}).over(redis, timeout_s=3_600):
        await redis.began.wait()


async def test_a_text_without_a_digest_is_neither_named_nor_kept(text: str) -> None:
    persisted = Persisted()
    assert await persisted.text(GraphQLRequest(text)) == text
    await persisted.keep(GraphQLRequest(text))
    assert await _code_of(persisted, GraphQLRequest(None, document_id=digest(text))) == "PERSISTED_QUERY_NOT_FOUND"


async def test_a_client_may_send_any_text_and_any_name() -> None:
    persisted = Persisted("trusted", {"a": "{ a }"})
    for odd in ("\ud800", "\0", "x" * 1_000_000):
        assert await _code_of(persisted, GraphQLRequest(odd, extensions=_named(odd))) == "PERSISTED_QUERY_REQUIRED"
        assert await _code_of(persisted, GraphQLRequest(None, document_id=odd)) == "PERSISTED_QUERY_REQUIRED"


async def test_where_names_are_off_only_texts_are_executed() -> None:
    persisted = Persisted("off")
    assert await persisted.text(GraphQLRequest("{ a }")) == "{ a }"
    for asked in (
        GraphQLRequest(None, document_id="a"),
        GraphQLRequest(None, extensions=_named("{ a }")),
        GraphQLRequest("{ a }", extensions=_named("{ a }")),
    ):
        assert await _code_of(persisted, asked) == "PERSISTED_QUERY_NOT_SUPPORTED"


async def test_only_trusted_documents_are_executed_by_name_or_by_their_very_text() -> None:
    persisted = Persisted("trusted", {"page": "{ a }"})
    for asked in (
        GraphQLRequest(None, document_id="page"),
        GraphQLRequest(None, extensions={"persistedQuery": {"version": 1, "sha256Hash": "page"}}),
        GraphQLRequest(None, extensions=_named("{ a }")),
        GraphQLRequest("{ a }"),
        GraphQLRequest("{ a }", extensions=_named("{ a }")),
    ):
        assert await persisted.text(asked) == "{ a }"
    for asked in (
        GraphQLRequest("{ a } "),
        GraphQLRequest("{ b }", document_id="page"),
        GraphQLRequest("{ b }", extensions=_named("{ b }")),
        GraphQLRequest(None, document_id="another"),
        GraphQLRequest(None, extensions=_named("{ b }")),
    ):
        await persisted.keep(asked)
        assert await _code_of(persisted, asked) == "PERSISTED_QUERY_REQUIRED"


async def test_a_name_that_is_another_texts_digest_makes_that_text_no_trusted_one() -> None:
    persisted = Persisted("trusted", {digest("{ b }"): "{ a }"})
    assert await _code_of(persisted, GraphQLRequest("{ b }")) == "PERSISTED_QUERY_REQUIRED"


async def test_trusted_documents_are_known_besides_automatic_ones(text: str) -> None:
    persisted = Persisted("automatic", {"page": "{ a }"})
    assert await persisted.text(GraphQLRequest(None, document_id="page")) == "{ a }"
    assert await persisted.text(GraphQLRequest(text)) == text


async def test_a_release_with_an_older_manifest_knows_the_newer_ones_documents(
    store_urls: StoreUrls, tmp_path: Path, text: str
) -> None:
    name = uuid4().hex
    for file, documents in (("old", {"a": "{ __typename }"}), ("new", {"a": "{ __typename }", name: text})):
        (tmp_path / file).write_text(json.dumps(documents))
    async with (
        opened(store_urls, persisted="trusted", trusted_documents=str(tmp_path / "old")) as old,
        opened(store_urls, persisted="trusted", trusted_documents=str(tmp_path / "new")) as new,
    ):
        answer = {"data": {"__typename": "Query"}}
        for body in ({"id": name}, {"query": text}):
            assert (await new.post("/graphql", json=body)).json() == answer
            for _ in range(200):  # the newer one makes its documents known beside the requests
                told = (await old.post("/graphql", json=body)).json()
                if told == answer:
                    break
                await asyncio.sleep(0.02)
            assert told == answer
        refused = await old.post("/graphql", json={"query": "{ __typename } "}, headers={"Accept": GRAPHQL})
        assert (refused.status_code, _code(refused)) == (400, "PERSISTED_QUERY_REQUIRED")
