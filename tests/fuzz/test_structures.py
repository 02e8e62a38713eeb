"""Requests that are wrong in their structure, made part by part: nothing that a client sends is an internal error."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote, quote_from_bytes

import httpx
import pytest
from hypothesis import strategies as st

from tests.fuzz.conftest import Watched
from tests.fuzz.trials import Client, Fuzz, trials
from tests.gateway.auth.issuing import SECRET, claims

pytestmark = pytest.mark.engine


@pytest.fixture
def fuzz(request: pytest.FixtureRequest) -> Fuzz:
    """Try the same few examples each time, or new ones for as long as `--fuzz-seconds` says."""
    return trials(float(request.config.getoption("--fuzz-seconds", default=0.0)))


@pytest.fixture
def client(watched: Watched) -> Any:
    before = len(watched.errors())
    with httpx.Client(base_url=watched.url, timeout=60) as client:
        yield Client(client)
    assert watched.errors()[before:] == []


BOUNDS = [0, 1, -1, 9_999, 10_000, 2**16, 2**31 - 1, 2**31, -(2**31), 2**32 - 1, 2**32, 2**63, -(2**63), 2**64, 10**40]
TEXTS = [
    "",
    " ",
    "\0",
    "N14228",
    "UA",
    "null",
    "Infinity",
    "'",
    "\\",
    "\\N",
    "\n",
    "é",
    "\u202e",
    "\U0001f6e9",
    "a" * 300,
]
DATES = ["2013-02-03", "0000-00-00", "0001-01-01", "9999-12-31", "10000-01-01", "1582-10-10", "2013-02-30", "2013-2-3"]
DATES += [
    "20130203",
    "2013-W05-1",
    "2013-034",
    "2013-02-03T00:00",
    "-0001-01-01",
    "2106-02-07",
    "2149-06-07",
    "1899-12-31",
]

texts = st.sampled_from(TEXTS) | st.sampled_from(DATES) | st.text(max_size=20)
ints = st.sampled_from(BOUNDS) | st.integers()
scalars = st.none() | st.booleans() | ints | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
scalars_and_beyond = values | st.sampled_from([float("nan"), float("inf"), float("-inf")])


def _near(cursor: str) -> st.SearchStrategy[str]:
    """A cursor, texts that are not quite it, and others."""
    places = st.integers(0, len(cursor) - 1)
    changed = st.tuples(places, st.characters()).map(lambda it: cursor[: it[0]] + it[1] + cursor[it[0] + 1 :])
    encoded = st.binary(max_size=100).map(lambda value: base64.urlsafe_b64encode(value).decode().rstrip("="))
    return st.just(cursor) | changed | places.map(lambda end: cursor[:end]) | encoded | texts


codes = st.sampled_from(["UA", "EWR", "N14228"]) | texts
LOG = """query L($id: ID!, $after: String, $first: Int, $period: Period) { aircraft(tailNumber: $id) {
    analysis(period: $period) { flightLog(after: $after, first: $first) { edges { cursor } pageInfo { hasNextPage } } } } }"""
FLEET = """query F($after: String, $first: Int, $filter: FleetFilter, $order: FleetOrder) {
    fleet(after: $after, first: $first, filter: $filter, orderBy: $order) { edges { cursor } totalCount } }"""
ROOTS = """query R($id: ID!, $ids: [ID!]!, $code: ID!, $period: Period) { aircraft(tailNumber: $id) { id }
    aircraftByIds(ids: $ids) { id analysis(period: $period) { punctuality { flights } } }
    airport(code: $code) { code } airline(code: $code) { code } node(id: $id) { id } nodes(ids: $ids) { id } }"""


def test_no_cursor_of_flights_is_a_fault(fuzz: Fuzz, client: Client) -> None:
    first = client.post(LOG, {"id": "N14228", "first": 1}).json()["data"]["aircraft"]["analysis"]["flightLog"]

    def check(example: tuple[str, object]) -> None:
        after, rows = example
        client.post(LOG, {"id": "N14228", "after": after, "first": rows})

    fuzz(st.tuples(_near(first["edges"][0]["cursor"]), st.sampled_from([1, 3, None]) | ints), check)


def test_no_cursor_filter_or_order_of_the_fleet_is_a_fault(fuzz: Fuzz, client: Client) -> None:
    sorts = st.sampled_from(["TAIL_NUMBER", "REVISED_AT", "SEATS", "YEAR"])
    ordered = client.post(FLEET, {"order": {"field": "SEATS"}, "first": 1}).json()
    cursors = _near(ordered["data"]["fleet"]["edges"][0]["cursor"])
    range_ = st.fixed_dictionaries({}, optional={"from": ints, "to": ints}) | values
    filters = st.fixed_dictionaries(
        {},
        optional={
            "tailNumberPrefix": texts,
            "model": texts,
            "seats": range_,
            "year": range_,
            "registered": st.booleans(),
        },
    )
    order = st.fixed_dictionaries({"field": sorts | values, "direction": st.sampled_from(["ASC", "DESC", "asc", 1])})
    given_ = {
        "after": cursors | values,
        "first": st.just(2) | ints,
        "filter": filters | values,
        "order": order | values,
    }
    fuzz(st.fixed_dictionaries({}, optional=given_), lambda variables: client.post(FLEET, variables))


def test_no_id_code_or_period_is_a_fault(fuzz: Fuzz, client: Client) -> None:
    period = st.fixed_dictionaries({}, optional={"from": texts, "to": texts}) | values
    given_ = {
        "id": texts | values | st.sampled_from(["Aircraft:", "Airport:\0", ":", "Airline:UA"]),
        "ids": st.lists(texts | values, max_size=4) | values,
        "code": codes | values,
    }
    variables = st.fixed_dictionaries(given_, optional={"period": period})
    known = {"id": "N14228", "ids": ["N14228", "Airline:UA"], "code": "UA", "period": {"from": "2013-02-03"}}
    assert client.post(ROOTS, known).json().keys() == {"data"}
    fuzz(variables, lambda example: client.post(ROOTS, example))


def test_no_literal_is_a_fault(fuzz: Fuzz, client: Client) -> None:
    def literal(value: object) -> str:
        if isinstance(value, dict):
            return "{" + " ".join(f"from: {literal(item)}" for item in value.values()) + "}"
        return "[" + " ".join(map(literal, value)) + "]" if isinstance(value, list) else json.dumps(value)

    def check(example: list[Any]) -> None:
        first, period, ids, after = map(literal, example)
        item = f"analysis(period: {{from: {period}}}) {{ flightLog(first: {first}, after: {after}) {{ edges {{ cursor }} }} }}"
        client.post(
            f"{{ fleet(first: {first}) {{ edges {{ cursor }} }} aircraftByIds(ids: {ids}) {{ id {item} }} }}", {}
        )

    fuzz(st.tuples(ints | values, texts | values, st.lists(texts) | values, texts | values), check)


def test_no_request_member_is_a_fault(fuzz: Fuzz, client: Client) -> None:
    persisted = st.fixed_dictionaries({}, optional={"version": values, "sha256Hash": texts | values})
    members = {
        "query": st.sampled_from(["{ __typename }", "query A { __typename } query B { __typename }", "", "{"]) | values,
        "operationName": st.sampled_from(["A", "", None]) | values,
        "variables": values,
        "extensions": st.fixed_dictionaries(
            {}, optional={"persistedQuery": persisted | values, "accounting": values, "explain": values}
        )
        | values,
        **dict.fromkeys(("documentId", "id", "doc_id"), texts | values),
    }
    requests = st.fixed_dictionaries({}, optional=members)

    def check(example: Any) -> None:
        client.ask("POST", "/graphql", json=example)
        item = example[0] if isinstance(example, list) and example else example
        if isinstance(item, dict):
            url = "&".join(f"{quote(name)}={quote(_text(value))}" for name, value in item.items())
            client.ask("GET", f"/graphql?{url}")

    fuzz(requests | st.lists(requests | values, max_size=3) | values, check)


def _text(value: object) -> str:
    return value if isinstance(value, str) and value.isprintable() else json.dumps(value)


def test_no_url_is_a_fault(fuzz: Fuzz, client: Client) -> None:
    encoded = texts.map(quote) | st.binary(max_size=8).map(quote_from_bytes) | st.sampled_from(["%", "%0", "%ZZ", "+"])
    names = (
        st.sampled_from(["ids", "after", "query", "variables", "extensions", "id", "ids[]", "operationName"]) | encoded
    )
    parameters = st.lists(st.tuples(names, encoded | encoded.map(lambda text: f"N14228,{text}")), max_size=3)
    paths = st.sampled_from(["/export/analysis", "/graphql", "/livez", "/", "/graphiql", "/nothing"])

    def check(example: tuple[str, list[tuple[str, str]]]) -> None:
        path, given_ = example
        given_ = [("ids", "N14228"), *given_] if path.startswith("/export") and "ids" not in dict(given_) else given_
        client.ask("GET", f"{path}?{'&'.join(f'{name}={value}' for name, value in given_)}")

    fuzz(st.tuples(paths | paths.map(lambda path: path + "/"), parameters), check)


def _token(header: object, payload: object, secret: bytes) -> bytes:
    parts = [base64.urlsafe_b64encode(json.dumps(item).encode()).rstrip(b"=") for item in (header, payload)]
    signature = hmac.new(secret, b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")])


def test_no_token_is_a_fault(fuzz: Fuzz, client: Client) -> None:
    header = st.fixed_dictionaries(
        {"alg": st.just("HS256") | st.sampled_from(["none", "RS256", "hs256"]) | values},
        optional={
            "kid": scalars_and_beyond,
            "typ": st.just("JWT") | scalars_and_beyond,
            "crit": scalars_and_beyond | st.sampled_from([["exp"], ["b64"], []]),
            **dict.fromkeys(("jku", "jwk", "x5c", "b64", "cty"), scalars_and_beyond),
        },
    )
    names = ("exp", "nbf", "iat", "aud", "iss", "sub", "scope", "scp", "jti")
    changes = st.fixed_dictionaries({}, optional=dict.fromkeys(names, scalars_and_beyond))
    payload = changes.map(lambda changed: {**claims(), **changed}) | values
    good = st.just(SECRET.encode())

    def check(example: tuple[object, object, bytes]) -> None:
        for name, value in ((b"authorization", b"Bearer " + _token(*example)), (b"x-api-key", _token(*example))):
            if len(value) < 8_000:
                client.ask("GET", "/graphql?query=%7B__typename%7D", headers=[(name, value)])

    fuzz(
        st.tuples(st.just({"alg": "HS256"}) | header | values, payload, good | st.binary(min_size=1, max_size=9)), check
    )


_BYTES = st.binary(max_size=30).map(lambda value: bytes(code for code in value if code >= 32 and code != 127).strip())
_HEADERS: dict[str, list[str]] = {
    "authorization": [
        "Bearer",
        "Bearer a.b.c",
        "Bearer fgk_",
        "Basic",
        "Bearer fgk_aaaaaaaaaaaa_" + "a" * 43,
        "Bearer ..",
        ",",
    ],
    "x-api-key": ["fgk_aaaaaaaaaaaa_" + "b" * 43, "fgk_", "fgk_a_b", "0"],
    "accept": [
        "*/*;q=nan",
        "application/json;q=inf",
        "a/b;q=1e400",
        ";;;",
        ",",
        "multipart/mixed;deferSpec=20220824",
        "*",
    ],
    "content-type": ["application/json;charset", "application/json; charset=utf-16", "application/json;;=", "a", "*/*"],
    "accept-encoding": ["gzip;q=nan", "*;q=0", "br;q=1e999", ",,,", "identity;q=0"],
    "graphql-cost": ["validate", "report", "Validate", "x"],
    "if-none-match": ["*", 'W/"', '"', ","],
    "origin": ["null", "https://", "x"],
    "sec-fetch-site": ["cross-site", "x"],
    "x-forwarded-for": ["::ffff:1.2.3.4", "1.2.3.4:99999", "[::1", "unknown", ",,,", "fe80::1%eth0"],
    "x-forwarded-proto": ["https", "x", ","],
    "content-encoding": ["gzip", ""],
    "host": ["x:99999", "[::1", "a b", "é"],
}


def test_no_header_is_a_fault(fuzz: Fuzz, client: Client) -> None:
    strategies = [
        st.tuples(st.just(name.encode()), st.sampled_from(known).map(str.encode) | _BYTES)
        for name, known in _HEADERS.items()
    ]
    lines = st.lists(st.one_of(strategies), min_size=1, max_size=4, unique_by=lambda line: line[0] == b"host" or line)
    body = json.dumps({"query": "{ __typename }"}).encode()

    def check(headers: list[tuple[bytes, bytes]]) -> None:
        json_body = (
            [] if any(name == b"content-type" for name, _ in headers) else [(b"content-type", b"application/json")]
        )
        client.ask("POST", "/graphql", content=body, headers=[*headers, *json_body])
        client.ask("GET", "/graphql?query=%7B__typename%7D", headers=headers)
        client.ask("GET", "/export/analysis?ids=N1", headers=headers)

    fuzz(lines, check)
