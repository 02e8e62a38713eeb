"""Cached responses, in front of an application of the test's own."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import httpx
import pytest
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.auth.errors import Unauthenticated
from gateway.auth.viewer import Viewer, ViewerLimits
from gateway.http.application import Application
from gateway.http.response_cache import CACHE_POLICY, ResponseCache, ResponseCacheMiddleware, matches
from loaders.cache.invalidation import EVERYTHING, Change
from loaders.cache_policy import CachePolicy
from tests.fleet.served import ALL_SCOPES, ANONYMOUS


class FakeCache:
    """A cache with what the response cache reads of it."""

    def __init__(self) -> None:
        self.is_kept = True
        self.changes = 0
        self.on_change: list[Any] = []

    def apply(self, change: Change) -> None:
        self.changes += 1
        for callback in self.on_change:
            callback(change)


class FakeAuthenticator:
    """Takes a credential for the scopes that it names, and a number among them for a limit of ids."""

    def anonymous_viewer(self, headers: Iterable[tuple[bytes, bytes]]) -> Viewer | None:
        return None if b"authorization" in dict(headers) else ANONYMOUS

    async def viewer(self, headers: Iterable[tuple[bytes, bytes]]) -> Viewer:
        scopes = dict(headers).get(b"authorization", b"").decode()
        if scopes == "bad":
            raise Unauthenticated("bad")
        if not scopes:
            return ANONYMOUS
        ids = next((int(item) for item in scopes.split() if item.isdigit()), None)
        named = frozenset(item for item in scopes.split() if not item.isdigit())
        return Viewer("key:1", named, ViewerLimits(ids_per_field=ids))


class Origin:
    """Counts what it is asked, and answers with what the test wants."""

    def __init__(self, max_bytes: int = 1 << 20) -> None:
        self.asked = 0
        self.control = "public, max-age=60"
        self.status = 200
        self.fresh_s = 60.0
        self.body = b"answer"
        self.while_asked: Any = None
        self.cache = FakeCache()
        self.app = Application(
            [Route("/graphql", self.answer, methods=["GET", "POST"])],
            [Middleware(ResponseCacheMiddleware, path="/graphql", timeout_s=10)],
        )
        self.responses = self.app.response_cache = ResponseCache(self.cache, max_bytes)  # type: ignore[arg-type]
        self.app.authenticator = FakeAuthenticator()  # type: ignore[assignment]
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://test")

    async def answer(self, request: Request) -> Response:
        self.asked += 1
        await request.body()
        if self.while_asked is not None:
            self.while_asked()
        request.scope[CACHE_POLICY] = CachePolicy(
            keys={"aircraft:a"}, sources={"flights"}, fresh_until=time.monotonic() + self.fresh_s
        )
        headers = {"Cache-Control": self.control, "ETag": 'W/"tag"', "RateLimit": "one's", "RateLimit-Policy": "own"}
        return Response(self.body, self.status, headers, "application/json")

    async def post(self, body: bytes = b"query", **headers: str) -> httpx.Response:
        return await self.client.post("/graphql", content=body, headers=headers)


async def test_the_same_request_is_answered_once() -> None:
    origin = Origin()
    answers = [await origin.post() for _ in range(3)]
    assert origin.asked == 1
    assert [answer.content for answer in answers] == [b"answer"] * 3
    assert ["age" in answer.headers for answer in answers] == [False, True, True]
    assert answers[2].headers["content-type"] == "application/json"
    assert origin.responses.hits == 2


async def test_another_request_is_another_answer() -> None:
    origin = Origin()
    asks: list[Callable[[], Awaitable[httpx.Response]]] = [
        lambda: origin.post(b"one"),
        lambda: origin.post(b"two"),
        lambda: origin.post(b"one", accept="text/html"),
        lambda: origin.client.get("/graphql?query=one"),
        lambda: origin.client.get("/graphql?query=two"),
    ]
    for ask in asks:
        before = origin.asked
        await ask()
        await ask()
        assert origin.asked == before + 1


async def test_a_request_that_says_it_is_compressed_is_for_the_application_to_refuse() -> None:
    origin = Origin()
    await origin.post(b"one")
    answer = await origin.post(b"one", **{"content-encoding": "gzip"})
    assert (origin.asked, "age" in answer.headers) == (2, False)


async def test_an_answer_is_shared_by_those_who_may_read_the_same() -> None:
    origin = Origin()
    origin.control = "private, max-age=60"
    everything = " ".join(ALL_SCOPES)
    for authorization, asked in ((None, 1), ("analysis:read", 2), (everything, 3), ("register:read analysis:read", 4)):
        headers = {} if authorization is None else {"authorization": authorization}
        for _ in range(2):
            await origin.client.post("/graphql", content=b"query", headers=headers)
        assert origin.asked == asked
    await origin.client.post("/graphql", content=b"query", headers={"authorization": "analysis:read register:read"})
    assert origin.asked == 4


async def test_an_answer_is_shared_by_those_alone_who_may_ask_for_as_many_ids() -> None:
    origin = Origin()
    origin.control = "private, max-age=60"
    for credential, asked in (("1000 export", 1), ("export", 2), ("10 export", 3), ("1000 export", 3), ("export", 3)):
        await origin.client.post("/graphql", content=b"query", headers={"authorization": credential})
        assert origin.asked == asked, credential


async def test_whoever_is_refused_is_not_answered_from_what_is_kept() -> None:
    origin = Origin()
    await origin.post()
    for asked in (2, 3):
        await origin.client.post("/graphql", content=b"query", headers={"authorization": "bad"})
        assert origin.asked == asked


@pytest.mark.parametrize("header", ["cookie", "cache-control"])
async def test_whoever_has_a_session_or_wants_it_new_asks_the_application(header: str) -> None:
    origin = Origin()
    await origin.post()
    for _ in range(2):
        await origin.client.post("/graphql", content=b"query", headers={header: "x"})
    assert origin.asked == 3


@pytest.mark.parametrize(
    "harm",
    [{"control": "no-store"}, {"control": "no-cache"}, {"status": 400}, {"fresh_s": 0.0}, {"body": b"x" * (1 << 21)}],
)
async def test_what_may_not_be_kept_is_not(harm: dict[str, Any]) -> None:
    origin = Origin()
    vars(origin).update(harm)
    for _ in range(2):
        await origin.post()
    assert origin.asked == 2
    assert origin.responses.bytes == 0


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        (Change(keys=("aircraft:b",)), 1),
        (Change(sources=("aircraft",)), 1),
        (Change(keys=("aircraft:a",)), 2),
        (Change(sources=("flights",)), 2),
        (Change(sources=(EVERYTHING,)), 2),
    ],
)
async def test_a_change_lets_go_of_what_it_concerns(change: Change, asked: int) -> None:
    origin = Origin()
    await origin.post()
    origin.cache.apply(change)
    await origin.post()
    assert origin.asked == asked


async def test_an_answer_during_which_anything_changed_is_not_kept() -> None:
    origin = Origin()
    origin.while_asked = lambda: origin.cache.apply(Change(keys=("aircraft:a",)))
    await origin.post()
    origin.while_asked = None
    await origin.post()
    assert origin.asked == 2


async def test_nothing_is_served_while_changes_may_be_missed() -> None:
    origin = Origin()
    await origin.post()
    origin.cache.is_kept = False
    await origin.post()
    assert origin.asked == 2


async def test_an_answer_goes_when_it_is_no_longer_fresh() -> None:
    origin = Origin()
    origin.fresh_s = 0.5
    await origin.post()
    await origin.post()
    assert origin.asked == 1
    await asyncio.sleep(0.51)
    await origin.post()
    assert origin.asked == 2


async def test_memory_is_bounded_and_the_least_used_goes_first() -> None:
    origin = Origin(max_bytes=5_000)  # two answers
    for body in (b"one", b"two", b"one", b"three"):
        await origin.post(body)
    assert origin.responses.bytes <= 5_000
    assert origin.asked == 3
    await origin.post(b"one")
    assert origin.asked == 3
    await origin.post(b"two")
    assert origin.asked == 4


async def test_a_client_that_has_it_is_told_so() -> None:
    origin = Origin()
    await origin.client.get("/graphql?query=one")
    answer = await origin.client.get("/graphql?query=one", headers={"If-None-Match": '"tag"'})
    assert (answer.status_code, answer.content, origin.asked) == (304, b"", 1)
    assert answer.headers["etag"] == 'W/"tag"'


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (b'"a"', True),
        (b'W/"a"', True),
        (b'"b", W/"a"', True),
        (b"*", True),
        (b'"b"', False),
        (b"", False),
        (b"a", False),
    ],
)
def test_tags_are_compared_weakly(value: bytes, answer: bool) -> None:
    assert matches(value, b'W/"a"') is answer


async def test_several_lines_of_a_header_are_the_list_that_the_application_reads() -> None:
    origin = Origin()
    for lines, asked in ((["a"], 1), (["a", "b"], 2), (["a, b"], 2), (["b", "a"], 3), (["a"], 3)):
        headers = [("accept", line) for line in lines]
        await origin.client.post("/graphql", content=b"query", headers=headers)
        assert origin.asked == asked, lines
    for lines, asked in ((["gzip"], 4), (["deflate", "gzip"], 4), (["deflate"], 5)):
        headers = [("accept", "c"), *(("accept-encoding", line) for line in lines)]
        await origin.client.post("/graphql", content=b"query", headers=headers)
        assert origin.asked == asked, lines


async def test_of_several_types_of_a_body_the_first_counts() -> None:
    origin = Origin()
    for lines, asked in ((["a", "b"], 1), (["a, b"], 2), (["a"], 2)):
        headers = [("content-type", line) for line in lines]
        await origin.client.post("/graphql", content=b"query", headers=headers)
        assert origin.asked == asked, lines


async def test_a_client_that_has_it_may_say_so_in_several_lines() -> None:
    origin = Origin()
    await origin.client.get("/graphql?query=one")
    headers = [("if-none-match", '"other"'), ("if-none-match", '"tag"')]
    answer = await origin.client.get("/graphql?query=one", headers=headers)
    assert (answer.status_code, origin.asked) == (304, 1)


@pytest.mark.parametrize(("size", "asked"), [(1 << 20, 1), ((1 << 20) + 1, 2)])
async def test_an_answer_of_more_than_a_mebibyte_is_not_kept_whatever_room_there_is(size: int, asked: int) -> None:
    origin = Origin(max_bytes=8 << 20)
    origin.body = b"x" * size
    await origin.post()
    await origin.post()
    assert origin.asked == asked


async def test_what_one_caller_has_left_is_not_kept() -> None:
    origin = Origin()
    first, second = await origin.post(), await origin.post()
    assert origin.asked == 1
    assert {"ratelimit", "ratelimit-policy"} <= set(first.headers)
    assert {"ratelimit", "ratelimit-policy"}.isdisjoint(second.headers)
