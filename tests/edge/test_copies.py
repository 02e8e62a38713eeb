"""Copies that are young enough: who shares one, and what they are told apart by."""

import asyncio
import time
from collections.abc import Mapping

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.nginx import Edge
from tests.edge.asking import QUERY, RENEWED_BEHIND, STATUS, statuses_of_50
from tests.edge.upstream import Upstream, answering, slowly


def test_many_clients_are_answered_from_one_request(edge: Edge, upstream: Upstream) -> None:
    statuses = []
    for _ in range(5):
        answer = httpx.get(edge.url + QUERY)
        statuses.append((answer.text, answer.headers[STATUS]))
    assert statuses == [("answer", "MISS")] + [("answer", "HIT")] * 4
    assert len(upstream.asked) == 1


def test_a_copy_has_the_gateways_headers(client: httpx.Client, upstream: Upstream) -> None:
    upstream.answer = answering(cache=RENEWED_BEHIND)
    first = client.get(QUERY)
    time.sleep(1.1)
    copy = client.get(QUERY)
    assert copy.headers[STATUS] != "MISS"
    for name in ("cache-control", "etag", "date", "content-type"):
        assert copy.headers[name] == first.headers[name]


def test_a_client_that_has_the_copy_is_told_so(client: httpx.Client, upstream: Upstream) -> None:
    etag = client.get(QUERY).headers["etag"]
    again = client.get(QUERY, headers={"If-None-Match": etag})
    other = client.get("/graphql?other", headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert other.status_code == 304
    assert [request.headers.get("if-none-match") for request in upstream.asked] == [None, None]  # 304 fills no cache


def test_of_50_clients_at_once_one_reaches_the_gateway(edge: Edge, upstream: Upstream) -> None:
    upstream.answer = slowly(answering())
    assert asyncio.run(statuses_of_50(edge)) == {"MISS": 1, "HIT": 49}
    assert len(upstream.asked) == 1


async def _echo(name: str, vary: Mapping[str, str], request: Request) -> Response:
    headers = {"Cache-Control": "public, max-age=60", **vary}
    return Response(request.headers.get(name, "none"), headers=headers)


@pytest.mark.parametrize(
    ("name", "vary"),
    [
        pytest.param("accept", {}, id="accept, unsaid"),
        pytest.param("accept", {"Vary": "Accept"}, id="accept"),
        pytest.param("accept-encoding", {"Vary": "Accept-Encoding"}, id="accept-encoding"),
        pytest.param("origin", {"Vary": "Accept, Origin"}, id="origin"),
    ],
)
def test_answers_for_different_clients_do_not_mix(
    client: httpx.Client, upstream: Upstream, name: str, vary: Mapping[str, str]
) -> None:
    upstream.answer = lambda request: _echo(name, vary, request)
    asked = ["one", "two", "one", "two"]
    answers = [client.get(QUERY, headers={name: value}) for value in asked]
    assert [answer.text for answer in answers] == asked
    assert [answer.headers[STATUS] for answer in answers] == ["MISS", "MISS", "HIT", "HIT"]


def test_urls_and_hosts_do_not_mix(client: httpx.Client, upstream: Upstream) -> None:
    client.get(QUERY)
    others = [
        client.get(QUERY + "&variables=%7B%7D"),
        client.get("/graphql"),
        client.get(QUERY, headers={"Host": "another"}),
    ]
    assert [other.headers[STATUS] for other in others] == ["MISS"] * 3
    assert len(upstream.asked) == 4


def test_a_slash_at_the_end_changes_nothing(client: httpx.Client, upstream: Upstream) -> None:
    answers = [client.get("/graphql/?query=%7Ba%7D") for _ in range(2)]
    assert [answer.headers[STATUS] for answer in answers] == ["MISS", "HIT"]
    assert [(request.url.path, request.url.query) for request in upstream.asked] == [("/graphql", "query=%7Ba%7D")]


def test_head_and_get_share_a_copy(client: httpx.Client, upstream: Upstream) -> None:
    head, get = client.head(QUERY), client.get(QUERY)
    assert (head.headers[STATUS], head.content) == ("MISS", b"")
    assert (get.headers[STATUS], get.text) == ("HIT", "answer")
    assert [request.method for request in upstream.asked] == ["GET"]


def test_a_client_that_leaves_does_not_stop_the_fill(client: httpx.Client, upstream: Upstream) -> None:
    upstream.answer = slowly(answering(), 0.5)
    with pytest.raises(httpx.ReadTimeout):
        client.get(QUERY, timeout=0.2)
    assert client.get(QUERY).headers[STATUS] == "HIT"
    assert len(upstream.asked) == 1


def test_an_answer_with_a_long_url_is_cached(client: httpx.Client) -> None:
    url = QUERY + "&ids=" + "x" * 16_000
    assert [client.get(url, headers={"Accept": "x" * 15_000}).headers[STATUS] for _ in range(2)] == ["MISS", "HIT"]
    assert client.get(url + "x" * 1_000).status_code == 414


def test_a_file_that_is_removed_is_purged(client: httpx.Client, edge: Edge, upstream: Upstream) -> None:
    client.get(QUERY)
    client.get("/graphql?other")
    for file in edge.cache.rglob("*"):
        if file.is_file() and f"KEY: http://127.0.0.1{QUERY} ".encode() in file.read_bytes():
            file.unlink()
    assert client.get(QUERY).headers[STATUS] == "MISS"
    assert client.get("/graphql?other").headers[STATUS] == "HIT"
    assert len(upstream.asked) == 3
