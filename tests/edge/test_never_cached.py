"""What the edge keeps no copy of: answers that are not for all, requests with authorization, the other paths."""

import asyncio
import time

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.nginx import Edge
from tests.edge.asking import QUERY, STATUS, statuses_of_50
from tests.edge.upstream import Upstream, answering


def test_clients_of_an_answer_that_is_not_for_all_do_not_queue_for_long(edge: Edge, upstream: Upstream) -> None:
    upstream.answer = answering(cache="no-store")
    started = time.monotonic()
    assert asyncio.run(statuses_of_50(edge)) == {"MISS": 50}
    assert time.monotonic() - started < 4.5


@pytest.mark.parametrize("cache", ["no-store", "private, max-age=60", "no-cache", "max-age=0"])
def test_an_answer_that_is_not_for_all_is_never_cached(client: httpx.Client, upstream: Upstream, cache: str) -> None:
    upstream.answer = answering(cache=cache)
    assert [client.get(QUERY).headers[STATUS] for _ in range(3)] == ["MISS"] * 3
    assert len(upstream.asked) == 3


def test_an_answer_that_says_nothing_of_caching_is_never_cached(client: httpx.Client, upstream: Upstream) -> None:
    async def plain(_request: Request) -> Response:
        return Response("plain")

    upstream.answer = plain
    client.get(QUERY)
    client.get(QUERY)
    assert len(upstream.asked) == 2


def test_a_post_is_never_cached(client: httpx.Client, upstream: Upstream) -> None:
    client.get(QUERY)
    answers = [client.post(QUERY, json={"query": "{ __typename }"}) for _ in range(2)]
    assert [answer.headers.get(STATUS) for answer in answers] == [None, None]
    assert [request.method for request in upstream.asked] == ["GET", "POST", "POST"]


@pytest.mark.parametrize(
    ("name", "credential"), [("authorization", "Bearer secret"), ("authorization", "0"), ("x-api-key", "0")]
)
def test_an_authorized_answer_is_neither_cached_nor_taken_from_the_cache(
    client: httpx.Client, upstream: Upstream, name: str, credential: str
) -> None:
    headers = {name: credential}
    mine = [client.get(QUERY, headers=headers).headers[STATUS] for _ in range(2)]
    public = [client.get(QUERY).headers[STATUS] for _ in range(2)]
    mine.append(client.get(QUERY, headers=headers).headers[STATUS])
    assert (mine, public) == (["BYPASS"] * 3, ["MISS", "HIT"])
    assert [request.headers.get(name) for request in upstream.asked] == [*[credential] * 2, None, credential]


def test_an_authorized_client_revalidates_with_the_gateway(client: httpx.Client, upstream: Upstream) -> None:
    etag = client.get(QUERY).headers["etag"]
    answer = client.get(QUERY, headers={"Authorization": "Bearer secret", "If-None-Match": etag})
    assert (answer.status_code, answer.headers[STATUS]) == (304, "BYPASS")
    assert upstream.asked[1].headers["if-none-match"] == etag


@pytest.mark.parametrize("path", ["/livez", "/graphiql", "/export/analysis"])
def test_the_other_paths_are_not_cached(client: httpx.Client, upstream: Upstream, path: str) -> None:
    answers = [client.get(path, headers={"If-None-Match": '"old"'}) for _ in range(2)]
    assert [answer.headers.get(STATUS) for answer in answers] == [None, None]
    assert [request.headers["if-none-match"] for request in upstream.asked] == ['"old"'] * 2
