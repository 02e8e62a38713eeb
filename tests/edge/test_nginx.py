"""The edge as clients meet it: what it answers from its cache, what it asks the gateway, and what it leaves alone."""

import asyncio
import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tests.edge.conftest import (
    TEMPLATE,
    Answer,
    Edge,
    StartEdge,
    Upstream,
    answering,
    free_port,
    program,
    wait_until,
    with_tls,
)

QUERY = "/graphql?query=%7B__typename%7D"
SHORT = "public, max-age=1"
RENEWED_BEHIND = "public, max-age=1, stale-while-revalidate=60"
STATUS = "x-cache-status"


def slowly(answer: Answer, seconds: float = 0.3) -> Answer:
    """The same answer, after a while."""

    async def later(request: Request) -> Response:
        await asyncio.sleep(seconds)
        return await answer(request)

    return later


def held(answer: Answer, until: threading.Event) -> Answer:
    """The same answer, once the event is set."""

    async def later(request: Request) -> Response:
        await asyncio.to_thread(until.wait, 10)
        return await answer(request)

    return later


def pass_seconds(count: int) -> None:
    """Sleep until so many seconds have begun and one has ended: nginx counts an answer's age in whole ones."""
    time.sleep(int(time.time()) + count + 1.05 - time.time())


async def statuses_of_50(edge: Edge) -> Counter[str]:
    """How the edge came by its answers to 50 clients that ask the same at once."""
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(base_url=edge.url, timeout=20, limits=limits) as client:
        answers = await asyncio.gather(*(client.get(QUERY) for _ in range(50)))
    return Counter(answer.headers[STATUS] for answer in answers)


def curl(*arguments: str) -> list[str]:
    """What curl reports of each answer: HTTP's version, status and how the edge came by it."""
    report = r"%{http_version} %{http_code} %header{x-cache-status}\n"
    command = [program("curl"), "--silent", "--show-error", "--output", "/dev/null", "--write-out", report, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


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


def test_of_50_clients_of_an_expired_copy_one_is_behind_a_request(edge: Edge, upstream: Upstream) -> None:
    upstream.answer = answering(cache=RENEWED_BEHIND)
    httpx.get(edge.url + QUERY)
    pass_seconds(1)
    upstream.answer = slowly(upstream.answer)
    assert asyncio.run(statuses_of_50(edge)) == {"STALE": 1, "UPDATING": 49}
    assert len(upstream.asked) == 2


def test_clients_of_an_answer_that_is_not_for_all_do_not_queue_for_long(edge: Edge, upstream: Upstream) -> None:
    upstream.answer = answering(cache="no-store")
    started = time.monotonic()
    assert asyncio.run(statuses_of_50(edge)) == {"MISS": 50}
    assert time.monotonic() - started < 4.5


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
    wait_until(lambda: httpx.get(edge.url + QUERY).headers[STATUS] == "HIT")
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
    assert min(answer.elapsed for answer in stale) < timedelta(seconds=0.15)


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
    assert client.get("/graphql?other").status_code == 502


def test_a_stale_copy_is_served_when_the_gateway_is_too_slow(start_edge: StartEdge, upstream: Upstream) -> None:
    patience = re.compile("proxy_read_timeout 60s")
    edge = start_edge(upstream.address, change=lambda text: patience.sub("proxy_read_timeout 500ms", text))
    upstream.answer = answering(cache=SHORT)
    httpx.get(edge.url + QUERY)
    upstream.answer = slowly(upstream.answer, 1.5)
    pass_seconds(1)
    stale = httpx.get(edge.url + QUERY)
    assert (stale.status_code, stale.text, stale.headers[STATUS]) == (200, "answer", "STALE")


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


@pytest.mark.parametrize("authorization", ["Bearer secret", "0"])
def test_an_authorized_answer_is_neither_cached_nor_taken_from_the_cache(
    client: httpx.Client, upstream: Upstream, authorization: str
) -> None:
    headers = {"Authorization": authorization}
    mine = [client.get(QUERY, headers=headers).headers[STATUS] for _ in range(2)]
    public = [client.get(QUERY).headers[STATUS] for _ in range(2)]
    mine.append(client.get(QUERY, headers=headers).headers[STATUS])
    assert (mine, public) == (["BYPASS"] * 3, ["MISS", "HIT"])
    assert [request.headers.get("authorization") for request in upstream.asked] == [
        *[authorization] * 2,
        None,
        authorization,
    ]


def test_an_authorized_client_revalidates_with_the_gateway(client: httpx.Client, upstream: Upstream) -> None:
    etag = client.get(QUERY).headers["etag"]
    answer = client.get(QUERY, headers={"Authorization": "Bearer secret", "If-None-Match": etag})
    assert (answer.status_code, answer.headers[STATUS]) == (304, "BYPASS")
    assert upstream.asked[1].headers["if-none-match"] == etag


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


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/graphiql", "/export/analysis"])
def test_the_other_paths_are_not_cached(client: httpx.Client, upstream: Upstream, path: str) -> None:
    answers = [client.get(path, headers={"If-None-Match": '"old"'}) for _ in range(2)]
    assert [answer.headers.get(STATUS) for answer in answers] == [None, None]
    assert [request.headers["if-none-match"] for request in upstream.asked] == ['"old"'] * 2


def test_an_export_streams(client: httpx.Client, upstream: Upstream) -> None:
    first_line_came = threading.Event()

    async def lines() -> AsyncIterator[bytes]:
        yield b"first\n"
        yield b"last\n" if await asyncio.to_thread(first_line_came.wait, 5) else b"too late\n"

    async def export(_request: Request) -> Response:
        return StreamingResponse(lines(), media_type="application/x-ndjson")

    upstream.answer = export
    with client.stream("GET", "/export/analysis") as answer:
        got = answer.iter_lines()
        first = next(got)
        first_line_came.set()
        assert (first, *got) == ("first", "last")


def test_an_export_is_no_faster_than_its_client(client: httpx.Client, upstream: Upstream) -> None:
    """Else the gateway would load all aircraft at once, for a client that may leave after the first."""
    mebibytes = 0

    async def lines() -> AsyncIterator[bytes]:
        nonlocal mebibytes
        while mebibytes < 100:
            mebibytes += 1
            yield b"x" * (1 << 20)

    async def export(_request: Request) -> Response:
        return StreamingResponse(lines(), media_type="application/x-ndjson")

    upstream.answer = export
    with client.stream("GET", "/export/analysis") as answer:
        got = answer.iter_raw()  # without a name for it, it would be closed at once
        next(got)
        time.sleep(1)
        assert mebibytes < 50  # what the sockets on the way hold


@pytest.mark.parametrize("path", ["/graphql", "/export/analysis"])
def test_a_body_of_2_mb_is_refused(client: httpx.Client, upstream: Upstream, path: str) -> None:
    assert client.post(path, content=b"x" * 2_000_000).status_code == 413
    assert upstream.asked == []


def test_a_body_of_a_megabyte_comes_through_whole(client: httpx.Client, upstream: Upstream) -> None:
    async def size(request: Request) -> Response:
        return Response(str(len(await request.body())))

    upstream.answer = size
    assert client.post("/graphql", content=b"x" * 1_000_000).text == "1000000"


def test_the_edge_leaves_compressing_to_the_gateway(client: httpx.Client, upstream: Upstream) -> None:
    async def page(_request: Request) -> Response:
        return Response("<p>" * 1_000, media_type="text/html")

    upstream.answer = page
    assert "content-encoding" not in client.get("/graphiql", headers={"Accept-Encoding": "gzip"}).headers


def test_connections_to_the_gateway_are_kept(client: httpx.Client, upstream: Upstream) -> None:
    for _ in range(6):
        client.post("/graphql", content=b"{}")
    assert len({request.client for request in upstream.asked}) <= 2  # one of each nginx worker


def test_the_gateway_learns_who_asked(client: httpx.Client, upstream: Upstream) -> None:
    client.get(QUERY, headers={"Host": "fleet.example"})
    headers = upstream.asked[0].headers
    assert headers["host"] == "fleet.example"
    assert (headers["x-forwarded-for"], headers["x-forwarded-proto"]) == ("127.0.0.1", "http")


def test_a_gateway_that_is_away_is_passed_over(start_edge: StartEdge, upstream: Upstream) -> None:
    edge = start_edge(f"127.0.0.1:{free_port()}", upstream.address)
    assert [httpx.post(f"{edge.url}/graphql", content=b"{}").status_code for _ in range(6)] == [200] * 6


async def test_a_post_whose_gateway_dies_goes_to_another(start_edge: StartEdge, upstream: Upstream) -> None:
    """It only reads, so that asking again is safe."""

    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(die, "127.0.0.1", 0) as dying:
        edge = start_edge(f"127.0.0.1:{dying.sockets[0].getsockname()[1]}", upstream.address)
        async with httpx.AsyncClient(base_url=edge.url) as client:
            answers = [await client.post("/graphql", content=b"{}") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 6


def test_http_2_without_tls_shares_the_cache(edge: Edge, client: httpx.Client) -> None:
    host = client.base_url.host
    client.get(QUERY)
    url = f"http://{host}{QUERY}"
    assert curl("--http2-prior-knowledge", "--unix-socket", str(edge.h2c_socket), url) == ["2 200 HIT"]


def test_50_requests_over_one_connection_with_tls_are_one(
    start_edge: StartEdge, upstream: Upstream, folder: Path
) -> None:
    certificate, key = folder / "certificate", folder / "key"
    command = [program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    names = ["-subj", "/CN=edge", "-addext", "subjectAltName=DNS:edge"]
    subprocess.run([*command, *names, "-nodes", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    edge = start_edge(upstream.address, change=lambda text: with_tls(text, certificate, key, folder / "tls"))
    upstream.answer = slowly(answering())
    urls = [f"https://edge{QUERY}"] * 50
    outputs = ["--output", "/dev/null"] * 49
    options = ["--parallel", "--parallel-max", "50", "--no-progress-meter", "--cacert", str(certificate)]
    answers = curl(*options, "--unix-socket", str(edge.tls_socket), *outputs, *urls)
    assert Counter(answers) == {"2 200 MISS": 1, "2 200 HIT": 49}
    assert upstream.asked[0].headers["x-forwarded-proto"] == "https"


def test_the_readme_names_each_variable() -> None:
    variables = set(re.findall(r"\$\{(EDGE_\w+)\}", TEMPLATE.read_text()))
    assert set(re.findall(r"EDGE_[A-Z0-9_]+", (TEMPLATE.parent / "README.md").read_text())) == variables
