"""The gateway over HTTP, as clients meet it: a process of its own over the real stores."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.queries import DASHBOARD


@pytest.fixture
def client(gateway_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway_url, timeout=60) as client:
        yield client


def test_a_query_is_answered_as_json(client: httpx.Client) -> None:
    answer = client.post("/graphql", json={"query": DASHBOARD, "variables": {"ids": ["N14228", "none"]}})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    aircraft, unknown = answer.json()["data"]["aircraftByIds"]
    assert unknown is None
    assert aircraft["operator"] == {"code": "UA", "name": "United Air Lines Inc."}
    assert aircraft["analysis"]["punctuality"]["flights"] == 111


def test_a_query_is_answered_by_get(client: httpx.Client) -> None:
    answer = client.get("/graphql", params={"query": '{ airline(code: "UA") { name } }'})
    assert answer.json() == {"data": {"airline": {"name": "United Air Lines Inc."}}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"query"',
        b"{}",
        b'{"query": 5}',
        b'{"query": null}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"query": "\x80"}',
    ],
)
def test_a_body_that_is_no_request_is_400_and_the_connection_goes_on(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert client.get("/livez").status_code == 200


@pytest.mark.parametrize(
    "query", ["{", "{ nothing }", "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { id } }", "x" * 9_999]
)
def test_a_query_that_cannot_run_says_why(client: httpx.Client, query: str) -> None:
    answer = client.post("/graphql", json={"query": query})
    assert answer.json()["errors"][0]["message"]
    assert "Traceback" not in answer.text


def test_the_callers_fault_is_shown(client: httpx.Client) -> None:
    answer = client.post(
        "/graphql", json={"query": '{ aircraft(tailNumber: "x") { revisions(first: -1) { revision } } }'}
    )
    (error,) = answer.json()["errors"]
    assert error["message"] == "revisions: first must be from 0 to 1,000, and is -1."
    assert error["path"] == ["aircraft"]


def test_lone_surrogates_and_null_bytes_are_unknown_ids(client: httpx.Client) -> None:
    body = json.dumps(
        {"query": "query($i: [ID!]!) { aircraftByIds(ids: $i) { id } }", "variables": {"i": ["\ud800", "\0"]}}
    )
    answer = client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert answer.json() == {"data": {"aircraftByIds": [None, None]}}


def test_an_error_that_repeats_a_lone_surrogate_is_answered_beside_large_lists(client: httpx.Client) -> None:
    query = """query($i: [ID!]!, $n: ID!, $after: String) {
      aircraftByIds(ids: $i) { id } airport(code: $n) { name } node(id: $n) { id }
      aircraft(tailNumber: "N14228") { analysis { flightLog(after: $after) { edges { cursor } } } }
    }"""
    variables = {"i": ["N14228"] * 40, "n": "\ud800", "after": "\ud800"}
    body = json.dumps({"query": query, "variables": variables})
    answer = client.post("/graphql", content=body, headers={"content-type": "application/json"}).json()
    assert answer["data"].pop("aircraftByIds") == [{"id": "N14228"}] * 40
    assert answer["data"] == {"airport": None, "node": None, "aircraft": None}
    assert len(answer["errors"]) == 1


def test_as_many_ids_as_may_be_are_answered_in_order(client: httpx.Client) -> None:
    ids = ["N14228", *(f"X{n}" for n in range(498)), "N725MQ"]
    answer = client.post("/graphql", json={"query": DASHBOARD, "variables": {"ids": ids}})
    aircraft = answer.json()["data"]["aircraftByIds"]
    assert len(aircraft) == 500
    assert [item["id"] for item in aircraft if item] == ["N14228", "N725MQ"]


def test_probes_tell_life_and_readiness(client: httpx.Client) -> None:
    assert client.get("/livez").text == "alive\n"
    deadline = time.monotonic() + 30
    while "warnings" in (answer := client.get("/readyz").json()) and time.monotonic() < deadline:
        assert answer["ready"] is True  # a start is ready before it has shown that it hears of changes
        time.sleep(0.2)
    assert answer == {"ready": True, "stores": {"postgresql": "ok", "clickhouse": "ok", "redis": "ok"}}


def test_the_root_leads_to_graphiql(client: httpx.Client) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "graphiql")  # relative, for a prefix before it


def test_another_path_is_not_found(client: httpx.Client) -> None:
    assert client.get("/nothing").status_code == 404
