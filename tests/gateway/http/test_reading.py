"""Requests that are not GraphQL: a status, a code, a sentence, and the same connection answers the next request."""

import json
import random
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.gateway.http.connection import ANSWER, QUERY, Connection

_DEEP = 100_000

BODIES: dict[str, bytes] = {
    "empty": b"",
    "whitespace": b" \n\t ",
    "truncated": b'{"query": "{ __ty',
    "truncated character": '{"query": "é'.encode()[:-1],
    "no UTF-8": b'{"query": "\xff"}',
    "UTF-16": json.dumps({"query": QUERY}).encode("utf-16"),
    "UTF-16 without a mark": json.dumps({"query": QUERY}).encode("utf-16-le"),
    "UTF-32": json.dumps({"query": QUERY}).encode("utf-32"),
    "byte order mark": b"\xef\xbb\xbf" + json.dumps({"query": QUERY}).encode(),
    "null bytes": b"\0" * 100,
    "null byte in text": b'{"query": "\0"}',
    "two values": b'{"query": "{ __typename }"} {}',
    "single quotes": b"{'query': 5}",
    "comment": b'{"query": "{ __typename }" /* x */}',
    "trailing comma": b'{"query": "{ __typename }",}',
    "key twice": b'{"query": "{ __typename }", "query": "{ __typename }"}',
    "key twice below": b'{"query": "{ __typename }", "variables": {"a": 1, "a": 1}}',
    "NaN": b'{"query": "{ __typename }", "variables": {"a": NaN}}',
    "Infinity": b'{"query": "{ __typename }", "variables": {"a": -Infinity}}',
    "deep arrays": b"[" * _DEEP,
    "deep closed arrays": b"[" * _DEEP + b"]" * _DEEP,
    "deep objects": b'{"a":' * _DEEP,
    "deep variable": b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * _DEEP + b"]" * _DEEP + b"}}",
    "integer of 5,000 digits": b'{"query": "{ __typename }", "variables": {"a": 1' + b"0" * 5_000 + b"}}",
    "braces of 1 MiB": b"{" * (1 << 20),
    "null": b"null",
    "true": b"true",
    "number": b"5",
    "text": b'"{ __typename }"',
    "no query": b"{}",
    "another key": b'{"Query": "{ __typename }"}',
    "form": b"query=%7B__typename%7D",
    "empty batch": b"[]",
    "batch of numbers": b"[1, 2]",
    "batch of null": b"[null]",
    "batch of batches": b'[[{"query": "{ __typename }"}]]',
    "batch with a bad one": b'[{"query": "{ __typename }"}, {"query": 5}]',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_request_is_400(connection: Connection, body: bytes) -> None:
    answer = connection.post(body)
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])
    assert len(answer.body) < 500
    assert connection.goes_on()


WRONG: dict[str, list[Any]] = {
    "query": [5, True, [], {}, 1.5],
    "operationName": [5, False, [], {}],
    "variables": ["{}", 5, True, [], [{"a": 1}]],
    "extensions": ["{}", 5, True, []],
    "documentId": [5, True, [], {}],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_parameter_of_another_type_is_400(connection: Connection, name: str, value: object) -> None:
    answer = connection.post({"query": QUERY, name: value})
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])
    assert connection.goes_on()


MEMBERS = ["operationName", "variables", "extensions", "documentId", "id", "doc_id"]
EMPTY: list[tuple[str, Any]] = [(name, value) for name in MEMBERS for value in (None, "")]
EMPTY += [(name, {}) for name in ("variables", "extensions")]
EMPTY += [("extensions", {"persistedQuery": None}), ("extensions", {"persistedQuery": ""})]
EMPTY += [("extensions", {"persistedQuery": {}})]


@pytest.mark.parametrize(("name", "value"), [*EMPTY, ("unknown", None), ("unknown", "")])
def test_what_is_empty_is_as_left_out_and_what_is_not_known_is_let_be(
    connection: Connection, name: str, value: object
) -> None:
    asked = {"query": QUERY, name: value}
    assert json.loads(connection.post(asked).body) == ANSWER
    assert json.loads(connection.post([asked, {"query": QUERY}]).body) == [ANSWER] * 2
    texts = {item: text if isinstance(text, str) else json.dumps(text) for item, text in asked.items()}
    if name not in ("variables", "extensions") and value is None:
        return  # a URL has no null
    assert json.loads(connection.ask("GET", f"/graphql?{urlencode(texts)}").body) == ANSWER


@pytest.mark.parametrize(("name", "value"), EMPTY)
def test_what_is_empty_names_no_document_either(connection: Connection, name: str, value: object) -> None:
    answer = connection.post({name: value})
    (error,) = json.loads(answer.body)["errors"]
    message = "The request has no query: send one in `query`, or the id of a persisted document."
    assert (answer.status, error["message"]) == (400, message)
    assert error["extensions"] == {"code": "BAD_REQUEST"}


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_query_or_id_beside_a_name_is_as_left_out(connection: Connection, empty: str | None) -> None:
    digest = sha256(QUERY.encode()).hexdigest()
    named = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
    assert json.loads(connection.post({"query": QUERY, **named}).body) == ANSWER
    for asked in (named, {"documentId": f"sha256:{digest}"}, {"doc_id": digest, "documentId": empty, "id": empty}):
        assert json.loads(connection.post({"query": empty, "operationName": empty, **asked}).body) == ANSWER


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_digest_is_a_lacking_one(connection: Connection, empty: str | None) -> None:
    for asked in ({}, {"query": QUERY}):
        extension = {"persistedQuery": {"version": 1, "sha256Hash": empty}}
        answer = connection.post({**asked, "extensions": extension})
        assert (answer.status, answer.codes) == (400, ["BAD_USER_INPUT"])


def test_random_bytes_are_400(connection: Connection) -> None:
    chance = random.Random(7)
    for length in (1, 2, 3, 10, 100, 1_000, 100_000):
        answer = connection.post(chance.randbytes(length))
        assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"]), length
    assert connection.goes_on()


def test_requests_with_random_bytes_in_them_are_answered(connection: Connection) -> None:
    chance = random.Random(11)
    query = "query($i: [ID!]!, $n: Int) { aircraftByIds(ids: $i) { id } fleet(first: $n) { edges { cursor } } }"
    good = json.dumps({"query": query, "variables": {"i": ["N1"], "n": 1}}).encode()
    for _ in range(100):
        body = bytearray(good)
        for _ in range(chance.randint(1, 3)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        answer = connection.post(bytes(body))
        assert answer.status in (200, 400)
        assert "INTERNAL_SERVER_ERROR" not in answer.body.decode(), bytes(body)
    assert connection.goes_on()


VARIABLES: dict[str, bytes] = {
    "2^70": str(2**70).encode(),
    "negative 2^31 less one": str(-(2**31) - 1).encode(),
    "1,000 digits": b"1" + b"0" * 1_000,
    "overflowing float": b"1e400",
    "text": b'"1"',
    "object": b'{"a": 1}',
    "list": b"[1, 2]",
    "deep list": b"[" * 400 + b"]" * 400,
    "true": b"true",
    "lone surrogate": b'"\\ud800"',
    "null byte": b'"\\u0000"',
}


@pytest.mark.parametrize("value", VARIABLES.values(), ids=VARIABLES)
def test_a_variable_that_is_no_int_is_refused(connection: Connection, value: bytes) -> None:
    query = b"query($n: Int) { fleet(first: $n) { edges { cursor } } }"
    answer = connection.post(b'{"query": "%s", "variables": {"n": %s}}' % (query, value))
    assert (answer.status, answer.codes) == (200, ["BAD_USER_INPUT"])
    assert connection.goes_on()


@pytest.mark.parametrize("value", VARIABLES.values(), ids=VARIABLES)
def test_a_variable_that_is_a_strange_id_is_unknown_or_refused(connection: Connection, value: bytes) -> None:
    query = b"query($n: ID!) { aircraft(tailNumber: $n) { id } }"
    answer = connection.post(b'{"query": "%s", "variables": {"n": %s}}' % (query, value))
    assert answer.status == 200
    read = json.loads(answer.body)
    assert read == {"data": {"aircraft": None}} or answer.codes == ["BAD_USER_INPUT"]
    assert connection.goes_on()


@pytest.mark.parametrize(
    "document",
    [
        'query($c: ID = "UA") { airline(code: $c) { name } }',
        'query($c: Boolean = true) { airline(code: "UA") @include(if: $c) { name } }',
        'query($c: Boolean = true) { aircraft(tailNumber: "N14228") { id @skip(if: $c) } }',
    ],
)
def test_null_for_a_variable_that_may_be_left_out_and_not_be_null_is_refused(
    connection: Connection, document: str
) -> None:
    answer = connection.post({"query": document, "variables": {"c": None}})
    assert (answer.status, answer.codes) == (200, ["BAD_USER_INPUT"])


@pytest.mark.parametrize("depth", [50, 100, 150, 200, 300, 600])
@pytest.mark.parametrize("kind", ["fragments", "inline", "lists", "objects", "types"])
def test_a_document_that_is_nested_deeply_is_answered_or_refused(connection: Connection, kind: str, depth: int) -> None:
    documents = {
        "fragments": "{ ...F0 } "
        + "".join(f"fragment F{n} on Query {{ ...F{n + 1} }} " for n in range(depth))
        + f"fragment F{depth} on Query {{ __typename }}",
        "inline": "{ " + "... { " * depth + "__typename" + " }" * depth + " }",
        "lists": "{ airport(code: " + "[" * depth + "]" * depth + ") { name } }",
        "objects": "{ airport(code: " + "{a: " * depth + "1" + "}" * depth + ") { name } }",
        "types": "query($a: " + "[" * depth + "Int" + "]" * depth + ") { __typename }",
    }
    answer = connection.post({"query": documents[kind]})
    assert answer.status == 200
    read = json.loads(answer.body)
    assert read == ANSWER or answer.codes[0] in (
        "GRAPHQL_PARSE_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
        "LIMIT_EXCEEDED",
        "BAD_USER_INPUT",
    )
    assert connection.goes_on()


def test_a_parameter_that_is_not_json_is_named(connection: Connection) -> None:
    answer = connection.ask("GET", "/graphql?query=%7B__typename%7D&extensions=%7B")
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])
    assert json.loads(answer.body)["errors"][0]["message"] == "The parameter extensions is not JSON in UTF-8."


# Batches


@pytest.mark.parametrize("operations", [1, 10])
def test_a_batch_is_answered_with_an_array(connection: Connection, operations: int) -> None:
    answer = connection.post([{"query": QUERY}] * operations)
    assert (answer.status, json.loads(answer.body)) == (200, [ANSWER] * operations)


def test_a_batch_of_one_more_is_refused(connection: Connection) -> None:
    answer = connection.post([{"query": QUERY}] * 11)
    assert answer.status == 400
    (error,) = json.loads(answer.body)["errors"]
    assert error["extensions"] == {"code": "LIMIT_EXCEEDED", "limit": "operations", "max": 10, "value": 11}
    assert connection.goes_on()
