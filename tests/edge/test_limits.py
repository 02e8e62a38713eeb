"""What one address may ask of the edge, and what nobody may."""

import asyncio
import re
import threading

import httpx
import pytest

from benchmarks.nginx import Edge
from benchmarks.servers import wait_until
from tests.credentials import asked
from tests.edge.asking import QUERY
from tests.edge.conftest import StartEdge
from tests.edge.upstream import Upstream, answering, held

REFUSED = {
    "message": "Too many requests or connections from one address: try again in 1 s.",
    "extensions": {"code": "RATE_LIMITED"},
}


def _check_refusal(answer: httpx.Response) -> None:
    assert answer.status_code == 429
    assert answer.json() == {"errors": [REFUSED]}
    assert (answer.headers["retry-after"], answer.headers["cache-control"]) == ("1", "no-store")
    assert answer.headers["content-type"] == "application/json"


def test_requests_of_one_address_are_bounded(start_edge: StartEdge, upstream: Upstream) -> None:
    def change(text: str) -> str:
        slow, burst = re.subn("rate=1000r/s", "rate=1r/m", text), "burst=10000"
        assert (slow[1], slow[0].count(burst)) == (1, 1)
        return slow[0].replace(burst, "burst=2")

    edge = start_edge(upstream.address, change=change)
    answers = [httpx.get(edge.url + path) for path in (QUERY, "/livez", QUERY, QUERY, "/livez")]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    for answer in answers[3:]:
        _check_refusal(answer)


async def test_requests_that_one_address_has_answered_at_once_are_bounded(
    start_edge: StartEdge, upstream: Upstream
) -> None:
    edge = start_edge(upstream.address, change=lambda text: text.replace("edge_connections 1000", "edge_connections 2"))
    may_answer = threading.Event()
    upstream.answer = held(answering(cache="no-store"), may_answer)
    async with httpx.AsyncClient(base_url=edge.url, timeout=20) as client:
        waiting = [asyncio.create_task(client.post("/graphql", content=b"{}")) for _ in range(2)]
        await asyncio.to_thread(wait_until, lambda: len(upstream.asked) == 2)
        _check_refusal(await client.post("/graphql", content=b"{}"))
        may_answer.set()
        assert [(await item).status_code for item in waiting] == [200, 200]


def test_ipv6_counts_by_network_and_ipv4_by_address_however_it_is_written(
    start_edge: StartEdge, upstream: Upstream
) -> None:
    real = "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For; limit_req zone=edge_requests;"

    def change(text: str) -> str:
        text = text.replace("limit_req zone=edge_requests burst=10000 nodelay;", real).replace(
            "rate=1000r/s", "rate=1r/m"
        )
        assert real in text
        return text

    edge = start_edge(upstream.address, change=change)

    def status(address: str) -> int:
        return httpx.get(f"{edge.url}/livez", headers={"X-Forwarded-For": address}).status_code

    for first, same, other in (
        ("2001:db8:0:1::1", "2001:db8::1:a:b:c:d", "2001:db8:0:2::1"),
        ("2001:db8:0:a::1", "2001:db8:0:a::a", "2001:db8:0:b::1"),  # a byte is a line's end to an expression
        ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("::ffff:198.51.100.1", "::ffff:198.51.100.1", "::ffff:198.51.100.2"),
    ):
        assert [status(address) for address in (first, same, other)] == [200, 429, 200], first


def test_what_is_shipped_lets_a_page_that_asks_much_through(client: httpx.Client) -> None:
    assert {client.get(QUERY).status_code for _ in range(200)} == {200}


@pytest.mark.parametrize(
    "path", ["/readyz", "/readyz/", "/readyz?a", "//readyz", "/./readyz", "/%72eadyz", "/a/../readyz"]
)
def test_the_probe_of_the_stores_is_not_public(edge: Edge, upstream: Upstream, path: str) -> None:
    assert asked(edge.url, path, []).status == 404
    assert upstream.asked == []
