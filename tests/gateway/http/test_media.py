"""Media types: which an answer has, which a request may have, and what follows for the status."""

import pytest

from gateway.http.compression import MIN_BYTES
from gateway.http.errors import HTTPError
from gateway.http.media import GRAPHQL, JSON, check_content_type, multipart, negotiated
from tests.gateway.http.conftest import Gateway

ACCEPTED = [
    ("", JSON),
    ("   ", JSON),
    ("*/*", JSON),
    ("application/*", JSON),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),
    (JSON, JSON),
    ("Application/JSON", JSON),
    ("application/json; charset=utf-8", JSON),
    (f"{JSON}, */*;q=0.1", JSON),
    (f"{JSON};q=0.5, */*", JSON),  # who does not name the other does not know it
    (f"{JSON};q=0, */*", GRAPHQL),
    (f"{GRAPHQL};q=0, */*", JSON),
    (f"{GRAPHQL};q=0, application/*", JSON),
    (GRAPHQL, GRAPHQL),
    (f"{GRAPHQL}; charset=utf-8, {JSON}; charset=utf-8", GRAPHQL),
    (f"{JSON}, {GRAPHQL}", GRAPHQL),
    (f"{GRAPHQL};q=0.9, {JSON}", JSON),
    (f"{GRAPHQL};q=0.9, {JSON};q=0.8", GRAPHQL),
    (f"{GRAPHQL},{JSON};q=0.9", GRAPHQL),
    (f"text/plain, {GRAPHQL};q=0.1", GRAPHQL),
    (f"{JSON};q=nonsense, {GRAPHQL};q=0.1", GRAPHQL),
    (f"{JSON};q=nan, {GRAPHQL};q=0.1", GRAPHQL),
    (f"{JSON};q=7, {GRAPHQL};q=1", GRAPHQL),
    ("multipart/mixed", JSON),
    (f"multipart/mixed, {GRAPHQL};q=0.5", GRAPHQL),
    (",,;;," + JSON, JSON),
]


@pytest.mark.parametrize(("accept", "media"), ACCEPTED)
def test_the_client_has_what_it_likes_best(accept: str, media: str) -> None:
    assert negotiated(accept) == media


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/xml",
        f"{JSON};q=0",
        "*/*;q=0",
        "application/*;q=0, */*",
        "nonsense",
        ";;;",
        "multipart/mixed;q=0",
        "*",
    ],
)
async def test_what_the_gateway_cannot_answer_is_406(gateway: Gateway, accept: str) -> None:
    with pytest.raises(HTTPError) as fault:
        negotiated(accept)
    assert fault.value.status == 406
    answer = await gateway.post({"query": "{ __typename }"}, accept=accept)
    assert (answer.status_code, answer.headers["content-type"]) == (406, "application/json; charset=utf-8")
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "NOT_ACCEPTABLE"


def test_a_header_without_end_is_read_in_part() -> None:
    with pytest.raises(HTTPError):
        negotiated("a/b," * 1_000_000 + JSON)


@pytest.mark.parametrize(
    ("accept", "takes"),
    [("multipart/mixed", True), ("multipart/mixed;q=0", False), (JSON, False), ("multipart/mixed;deferSpec=1", False)],
)
def test_an_answer_in_parts_is_asked_for_by_name(accept: str, takes: bool) -> None:
    assert (multipart(accept) is not None) is takes


@pytest.mark.parametrize(
    "content_type",
    [JSON, "APPLICATION/JSON", f"{JSON}; charset=utf-8", f'{JSON};charset="UTF-8"', f"{JSON}; charset=utf8; x=y"],
)
def test_json_in_utf_8_is_read(content_type: str) -> None:
    check_content_type(content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/jsonp",
        "application/graphql-response+json",
        f"{JSON}; charset=utf-16",
        f"{JSON}; charset=iso-8859-1",
        f"{JSON}, text/plain",
    ],
)
async def test_anything_else_is_415(gateway: Gateway, content_type: str) -> None:
    headers = {"content-type": content_type} if content_type else {}
    answer = await gateway.client.post("/graphql", content=b'{"query": "{ __typename }"}', headers=headers)
    assert (answer.status_code, answer.headers["accept"]) == (415, JSON)
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "UNSUPPORTED_MEDIA_TYPE"


QUERIES = [
    ("{ __typename }", 200),
    (
        '{ aircraft(tailNumber: "x") { revisions(first: -1) { revision } } }',
        200,
    ),  # a field's own fault: there is data, and it is null
    ("{ nothing }", 400),
    ("{", 400),
]


@pytest.mark.parametrize(("query", "status"), QUERIES)
async def test_only_graphqls_own_type_tells_by_its_status_that_nothing_was_executed(
    gateway: Gateway, query: str, status: int
) -> None:
    plain = await gateway.post({"query": query}, accept=JSON)
    own = await gateway.post({"query": query}, accept=GRAPHQL)
    assert (plain.status_code, plain.headers["content-type"]) == (200, f"{JSON}; charset=utf-8")
    assert (own.status_code, own.headers["content-type"]) == (status, f"{GRAPHQL}; charset=utf-8")
    assert plain.json() == own.json()
    assert ("data" in own.json()) is (status == 200)


QUERY = {"query": "{ __typename }"}


async def test_several_lines_of_accept_are_one_list(gateway: Gateway) -> None:
    headers = [("accept", "text/html"), ("accept", GRAPHQL)]
    answer = await gateway.client.post("/graphql", json=QUERY, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"{GRAPHQL}; charset=utf-8")
    body = {"query": '{ ... @defer { aircraft(tailNumber: "N14228") { id } } }'}
    headers = [("accept", JSON), ("accept", "multipart/mixed")]
    parts = await gateway.client.post("/graphql", json=body, headers=headers)
    assert parts.headers["content-type"].startswith("multipart/mixed")


async def test_several_lines_of_accept_encoding_are_one_list(gateway: Gateway) -> None:
    body = {"query": "{ __schema { types { name fields { name } } } }"}
    headers = [("accept-encoding", "deflate"), ("accept-encoding", "gzip")]
    answer = await gateway.client.post("/graphql", json=body, headers=headers)
    assert len(answer.content) > MIN_BYTES
    assert answer.headers["content-encoding"] == "gzip"


async def test_several_lines_of_if_none_match_are_one_list(gateway: Gateway) -> None:
    tag = (await gateway.client.get("/graphql", params=QUERY)).headers["etag"]
    headers = [("if-none-match", '"other"'), ("if-none-match", tag)]
    assert (await gateway.client.get("/graphql", params=QUERY, headers=headers)).status_code == 304
