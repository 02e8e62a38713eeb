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
        return [_rounded(item) for item in value]
    return {key: _rounded(item) for key, item in value.items()} if isinstance(value, dict) else value


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
            {"code": "LIMIT_EXCEEDED", "limit": "ids", "max": 500, "value": 501},
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


_KNOWN = "it takes ids and after."
_TWICE = "is there twice: send it once, with several ids between commas."
_UNPRINTABLE = "after must be an id, and ids have printable characters only."


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("ids=N14228&ids=N725MQ", "BAD_REQUEST", f"The parameter ids {_TWICE}"),
        ("ids=N14228&ids=", "BAD_REQUEST", f"The parameter ids {_TWICE}"),
        ("ids&ids", "BAD_REQUEST", f"The parameter ids {_TWICE}"),
        ("after=N1&after=N1", "BAD_REQUEST", f"The parameter after {_TWICE}"),
        ("ids[]=N14228", "BAD_REQUEST", f"The export has no parameter 'ids[]': {_KNOWN}"),
        ("ids%5B%5D=N14228", "BAD_REQUEST", f"The export has no parameter 'ids[]': {_KNOWN}"),
        ("ids%5B0%5D=N14228", "BAD_REQUEST", f"The export has no parameter 'ids[0]': {_KNOWN}"),
        ("IDS=N14228", "BAD_REQUEST", f"The export has no parameter 'IDS': {_KNOWN}"),
        ("id=N14228", "BAD_REQUEST", f"The export has no parameter 'id': {_KNOWN}"),
        ("ids%00=N14228", "BAD_REQUEST", f"The export has no parameter 'ids\\x00': {_KNOWN}"),
        ("ids=N14228&first=1", "BAD_REQUEST", f"The export has no parameter 'first': {_KNOWN}"),
        ("=N14228", "BAD_REQUEST", f"The export has no parameter '': {_KNOWN}"),
        ("x" * 200, "BAD_REQUEST", f"The export has no parameter '{'x' * 100}': {_KNOWN}"),
        ("after=%00", "BAD_USER_INPUT", _UNPRINTABLE),
        ("after=N1%00", "BAD_USER_INPUT", _UNPRINTABLE),
        ("after=N1%0A", "BAD_USER_INPUT", _UNPRINTABLE),
        ("ids=%00&after=%00", "BAD_USER_INPUT", _UNPRINTABLE),
        ("ids=&after=N14228", "BAD_USER_INPUT", "after must be one of the ids."),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_parameter_that_cannot_be_is_refused_in_a_sentence(
    client: httpx.Client, method: str, query: str, code: str, message: str
) -> None:
    answer = client.request(method, f"/export/analysis?{query}")
    assert answer.status_code == 400
    if method == "GET":
        assert answer.json() == {"errors": [{"message": message, "extensions": {"code": code}}]}


@pytest.mark.parametrize("query", ["ids=", "ids", "ids=,", "ids=,,&after="])
def test_a_list_of_no_ids_exports_nothing(client: httpx.Client, query: str) -> None:
    answer = client.get(f"/export/analysis?{query}")
    assert (answer.status_code, answer.text) == (200, "")


def test_an_empty_place_is_as_none(client: httpx.Client) -> None:
    assert [line["id"] for line in _export(client, ids="N14228", after="")] == ["N14228"]


def test_ids_that_no_store_could_hold_are_unknown(client: httpx.Client) -> None:
    answer = client.get("/export/analysis?ids=%00,%FF,N14228,%20")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [(line["id"], line["aircraft"] is None) for line in lines] == [
        ("\0", True),
        ("\ufffd", True),
        ("N14228", False),
        (" ", True),
    ]


def test_a_client_that_leaves_ends_its_export(client: httpx.Client) -> None:
    for _ in range(3):
        with client.stream("GET", "/export/analysis") as answer:
            next(answer.iter_lines())
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").json()["ready"]
