"""The export: the same values as the GraphQL answer, line by line, resumable."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.asking import SCHEMA
from tests.queries import everything


@pytest.fixture
def client(gateway_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway_url, timeout=120) as client:
        yield client


def _export(client: httpx.Client, **parameters: str) -> list[dict[str, object]]:
    answer = client.get("/export/analysis", params=parameters)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert (answer.headers["x-content-type-options"], answer.headers["cache-control"]) == ("nosniff", "no-store")
    return [json.loads(line) for line in answer.text.splitlines()]


def _rounded(value: object) -> object:
    """Sums of floats differ in their last digits from one run to the next, with the order of ClickHouse's threads."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return {key: _rounded(one) for key, one in value.items()} if isinstance(value, dict) else value


def test_lines_are_what_graphql_answers_in_the_order_asked(client: httpx.Client) -> None:
    ids = ["N725MQ", "N14228", "nothing", "N725MQ"]
    lines = _export(client, ids=",".join(ids))
    query = {"query": everything(SCHEMA._schema), "variables": {"ids": ids}}
    answer = client.post("/graphql", json=query).json()["data"]["aircraftByIds"]
    assert [line["id"] for line in lines] == ids
    assert _rounded([line["aircraft"] for line in lines]) == _rounded(answer)


def test_an_export_goes_on_after_an_id(client: httpx.Client) -> None:
    ids = ["N725MQ", "N14228", "N804JB"]
    assert [line["id"] for line in _export(client, ids=",".join(ids), after="N725MQ")] == ids[1:]
    assert _export(client, ids=",".join(ids), after="N804JB") == []


def test_all_aircraft_come_by_tail_number_and_resume(client: httpx.Client) -> None:
    with client.stream("GET", "/export/analysis", params={"after": "N99"}) as answer:
        lines = answer.iter_lines()
        first = [json.loads(next(lines))["id"] for _ in range(3)]
    resumed = client.get("/export/analysis", params={"after": first[1]})
    assert json.loads(resumed.text.splitlines()[0])["id"] == first[2]
    assert first == sorted(first)
    assert resumed.text.count("\n") == len({json.loads(line)["id"] for line in resumed.text.splitlines()})


@pytest.mark.parametrize(
    ("parameters", "message", "extensions"),
    [
        ({"ids": "N1,N2", "after": "N3"}, "after must be one of the ids.", {"code": "BAD_USER_INPUT"}),
        (
            {"ids": ",".join(["N1"] * 501)},
            "At most 500 ids can be exported, and these are 501.",
            {"code": "LIMIT_EXCEEDED", "limit": "ids", "most": 500, "value": 501},
        ),
    ],
)
def test_an_export_that_cannot_be_is_refused_in_a_sentence(
    client: httpx.Client, parameters: dict[str, str], message: str, extensions: dict[str, object]
) -> None:
    answer = client.get("/export/analysis", params=parameters)
    error = {"message": message, "extensions": extensions}
    assert (answer.status_code, answer.json()) == (400, {"errors": [error]})
    assert (answer.headers["x-content-type-options"], answer.headers["cache-control"]) == ("nosniff", "no-store")


def test_a_client_that_leaves_ends_its_export(client: httpx.Client) -> None:
    for _ in range(3):
        with client.stream("GET", "/export/analysis") as answer:
            next(answer.iter_lines())
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").json()["ready"]
