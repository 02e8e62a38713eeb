"""Copies that are too old: renewed behind, revalidated, replaced, and served where no gateway answers."""

import asyncio
import re
import threading
from datetime import timedelta

import httpx
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.nginx import Edge
from benchmarks.servers import wait_until
from tests.edge.asking import QUERY, RENEWED_BEHIND, SHORT, STATUS, pass_seconds, statuses_of_50
from tests.edge.conftest import StartEdge
from tests.edge.upstream import Upstream, answering, held, slowly


def test_of_50_clients_of_an_expired_copy_one_is_behind_a_request(edge: Edge, upstream: Upstream) -> None:
    upstream.answer = answering(cache=RENEWED_BEHIND)
    httpx.get(edge.url + QUERY)
    pass_seconds(1)
    upstream.answer = slowly(upstream.answer)
    assert asyncio.run(statuses_of_50(edge)) == {"STALE": 1, "UPDATING": 49}
    assert len(upstream.asked) == 2


def test_an_expired_copy_is_revalidated_with_its_etag(client: httpx.Client, upstream: Upstream) -> None:
    upstream.answer = answering(cache=SHORT)
    etag = client.get(QUERY).headers["etag"]
    pass_seconds(1)
    revalidated, hit = client.get(QUERY), client.get(QUERY)
    assert upstream.asked[1].headers["if-none-match"] == etag
    assert (revalidated.status_code, revalidated.text, revalidated.headers[STATUS]) == (200, "answer", "REVALIDATED")
    assert hit.headers[STATUS] == "HIT"
    assert len(upstream.asked) == 2


def test_a_changed_answer_replaces_an_expired_copy(client: httpx.Client, upstream: Upstream) -> None:
    upstream.answer = answering(cache=SHORT)
    client.get(QUERY)
    upstream.answer = answering("changed", cache=SHORT)
    pass_seconds(1)
    changed = client.get(QUERY)
    assert (changed.text, changed.headers[STATUS]) == ("changed", "EXPIRED")


def test_a_stale_copy_is_served_while_it_is_renewed_behind(edge: Edge, upstream: Upstream) -> None:
    may_renew = threading.Event()
    upstream.answer = answering(cache=RENEWED_BEHIND)
    httpx.get(edge.url + QUERY)
    upstream.answer = held(answering("renewed", cache=RENEWED_BEHIND), may_renew)
    pass_seconds(1)
    before = [httpx.get(edge.url + QUERY) for _ in range(3)]
    may_renew.set()
    wait_until(lambda: httpx.get(edge.url + QUERY, verify=False).headers[STATUS] == "HIT")
    assert [answer.headers[STATUS] for answer in before] == ["STALE", "UPDATING", "UPDATING"]
    assert [answer.text for answer in before] == ["answer"] * 3
    assert httpx.get(edge.url + QUERY).text == "renewed"
    assert [request.headers.get("if-none-match") for request in upstream.asked] == [None, before[0].headers["etag"]]


def test_the_end_of_a_stale_copy_does_not_wait_for_the_renewal(edge: Edge, upstream: Upstream) -> None:
    """With Debian's tcp_nopush, it comes 200 ms late."""
    may_renew = threading.Event()
    urls = [f"{edge.url}/graphql?{number}" for number in range(4)]
    upstream.answer = answering(cache=RENEWED_BEHIND)
    for url in urls:
        httpx.get(url)
    upstream.answer = held(upstream.answer, may_renew)
    pass_seconds(1)
    stale = [httpx.get(url) for url in urls]
    may_renew.set()
    assert [answer.headers[STATUS] for answer in stale] == ["STALE"] * 4
    assert min(answer.elapsed for answer in stale) < timedelta(seconds=0.19)


def test_a_copy_older_than_its_stale_while_revalidate_is_not_served(client: httpx.Client, upstream: Upstream) -> None:
    upstream.answer = answering(cache="public, max-age=1, stale-while-revalidate=1")
    client.get(QUERY)
    upstream.answer = answering("changed")
    pass_seconds(2)
    changed = client.get(QUERY)
    assert (changed.text, changed.headers[STATUS]) == ("changed", "EXPIRED")


def test_an_answer_that_is_for_all_no_longer_ends_the_copy(client: httpx.Client, upstream: Upstream) -> None:
    upstream.answer = answering(cache="public, max-age=1, stale-while-revalidate=1")
    client.get(QUERY)
    upstream.answer = answering("mine", cache="private, max-age=60")
    pass_seconds(1)
    for _ in range(3):  # each of them asks for a renewal that is not kept
        client.get(QUERY)
    pass_seconds(1)
    assert [client.get(QUERY).text for _ in range(2)] == ["mine", "mine"]


def test_a_stale_copy_is_served_while_the_gateway_fails(client: httpx.Client, upstream: Upstream) -> None:
    async def fail(request: Request) -> Response:
        return Response("failed", int(request.url.query))

    urls = [f"/graphql?{status}" for status in (500, 502, 503, 504)]
    upstream.answer = answering(cache=SHORT)
    for url in urls:
        client.get(url)
    upstream.answer = fail
    pass_seconds(1)
    stale = [client.get(url) for url in urls]
    assert [(answer.status_code, answer.text, answer.headers[STATUS]) for answer in stale] == [
        (200, "answer", "STALE")
    ] * 4


def test_a_stale_copy_is_served_while_no_gateway_is_there(client: httpx.Client, upstream: Upstream) -> None:
    upstream.answer = answering(cache=SHORT)
    client.get(QUERY)
    upstream.stop()
    pass_seconds(1)
    stale = client.get(QUERY)
    assert (stale.status_code, stale.text, stale.headers[STATUS]) == (200, "answer", "STALE")
    assert client.get("/graphql?other").status_code == 503


def test_a_stale_copy_is_served_when_the_gateway_is_too_slow(start_edge: StartEdge, upstream: Upstream) -> None:
    patience = re.compile("proxy_read_timeout 20s")
    edge = start_edge(upstream.address, change=lambda text: patience.sub("proxy_read_timeout 500ms", text))
    upstream.answer = answering(cache=SHORT)
    httpx.get(edge.url + QUERY)
    upstream.answer = slowly(upstream.answer, 1.5)
    pass_seconds(1)
    stale = httpx.get(edge.url + QUERY)
    assert (stale.status_code, stale.text, stale.headers[STATUS]) == (200, "answer", "STALE")
