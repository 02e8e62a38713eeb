"""Methods, and what GET asks by its parameters."""

import json
from urllib.parse import quote, urlencode

import pytest

from tests.gateway.http.connection import ANSWER, QUERY, Connection


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PURGE", "QUERY"])
def test_another_method_is_405_with_those_that_are_taken(connection: Connection, method: str) -> None:
    answer = connection.ask(method, body=b'{"query": "{ __typename }"}')
    assert (answer.status, answer.codes) == (405, ["METHOD_NOT_ALLOWED"])
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert connection.goes_on()


def test_options_is_answered_without_a_body(connection: Connection) -> None:
    answer = connection.ask("OPTIONS")
    assert (answer.status, answer.body, answer.headers["allow"]) == (204, b"", "GET, HEAD, POST, OPTIONS")
    assert connection.goes_on()


def test_head_has_the_headers_of_get_and_no_body(connection: Connection) -> None:
    path = f"/graphql?query={quote(QUERY)}"
    got, head = connection.ask("GET", path), connection.ask("HEAD", path)
    assert (json.loads(got.body), head.body, head.status) == (ANSWER, b"", 200)
    for answer in (got, head):
        del answer.headers["date"], answer.headers["ratelimit"]  # which are of their moment
    assert dict(head.headers) == dict(got.headers)
    assert connection.goes_on()


def test_head_of_a_fault_has_no_body_either(connection: Connection) -> None:
    answer = connection.ask("HEAD", "/graphql")
    assert (answer.status, answer.body) == (400, b"")
    assert connection.goes_on()


def test_get_takes_all_that_post_takes(connection: Connection) -> None:
    query = "query A($code: ID!) { airline(code: $code) { name } } query B { __typename }"
    value = {"query": query, "variables": '{"code": "UA"}', "operationName": "A", "extensions": "{}"}
    answer = connection.ask("GET", f"/graphql?{urlencode(value)}")
    assert json.loads(answer.body) == {"data": {"airline": {"name": "United Air Lines Inc."}}}


@pytest.mark.parametrize("empty", ["variables=", "extensions=", "operationName=", "variables=null", "extensions=null"])
def test_an_empty_parameter_is_as_none(connection: Connection, empty: str) -> None:
    answer = connection.ask("GET", f"/graphql?query={quote(QUERY)}&{empty}")
    assert json.loads(answer.body) == ANSWER


@pytest.mark.parametrize(
    "query_string",
    [
        "",
        "query=" + quote(QUERY) + "&query=" + quote(QUERY),
        "query=" + quote(QUERY) + "&variables={}&variables={}",
        "query=" + quote(QUERY) + "&variables={",
        "query=" + quote(QUERY) + "&variables=[]",
        "query=" + quote(QUERY) + "&variables=7",
        "query=" + quote(QUERY) + '&variables="x"',
        "query=" + quote(QUERY) + "&variables=NaN",
        "query=" + quote(QUERY) + "&variables=" + "[" * 9_000,
        "query=" + quote(QUERY) + '&variables={"a":1,"a":2}',
        "query=" + quote(QUERY) + "&extensions=x",
        "query=" + quote(QUERY) + "&extensions=[1]",
        "variables={}",
        "%FF=%FF",
    ],
)
def test_parameters_that_are_no_request_are_400(connection: Connection, query_string: str) -> None:
    answer = connection.ask("GET", f"/graphql?{query_string}")
    assert answer.status == 400
    assert answer.codes[0] in ("BAD_REQUEST", "GRAPHQL_PARSE_FAILED")
    assert connection.goes_on()


@pytest.mark.parametrize(
    "ignored", ["utm_source=a&utm_source=b", "query[]=%7Ba%7D", "Query=%7Ba%7D", "=", "&&", "ids=a"]
)
def test_a_parameter_that_is_not_known_is_ignored(connection: Connection, ignored: str) -> None:
    assert json.loads(connection.ask("GET", f"/graphql?{ignored}&query={quote(QUERY)}").body) == ANSWER
    assert connection.ask("GET", f"/graphql?{ignored}").codes == ["BAD_REQUEST"]


@pytest.mark.parametrize("name", ["query", "operationName", "variables", "extensions", "documentId", "id", "doc_id"])
def test_a_known_parameter_that_is_repeated_is_refused_by_its_name(connection: Connection, name: str) -> None:
    answer = connection.ask("GET", f"/graphql?query={quote(QUERY)}&{name}=&{name}=")
    assert (answer.status, json.loads(answer.body)["errors"][0]["message"]) == (
        400,
        f"The parameter {name} must not be repeated.",
    )


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_probe_ignores_all_parameters(connection: Connection, path: str) -> None:
    assert connection.ask("GET", f"{path}?a=1&a=2&ids=&%00=%FF").status == 200


def test_an_empty_query_is_a_syntax_error(connection: Connection) -> None:
    assert connection.ask("GET", "/graphql?query").codes == ["GRAPHQL_PARSE_FAILED"]
    assert connection.post({"query": ""}).codes == ["GRAPHQL_PARSE_FAILED"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
@pytest.mark.parametrize(
    "asked",
    [
        {"query": "mutation { __typename }"},
        {"query": "subscription { nothing }"},
        {"query": "query A { __typename } mutation B { __typename }", "operationName": "B"},
    ],
)
def test_what_does_not_only_read_is_asked_for_by_post(
    connection: Connection, method: str, accept: str, asked: dict[str, str]
) -> None:
    answer = connection.ask(method, f"/graphql?{urlencode(asked)}", accept=accept)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    if method == "GET":
        assert answer.codes == ["METHOD_NOT_ALLOWED"]
    assert connection.goes_on()


def test_a_mutation_by_post_is_invalid(connection: Connection) -> None:
    answer = connection.post({"query": "mutation { __typename }"}, accept="application/graphql-response+json")
    assert (answer.status, answer.codes) == (400, ["GRAPHQL_VALIDATION_FAILED"])


def test_a_query_beside_a_mutation_is_no_mutation(connection: Connection) -> None:
    asked = {"query": "query A { __typename } mutation B { __typename }", "operationName": "A"}
    assert connection.ask("GET", f"/graphql?{urlencode(asked)}").codes == ["GRAPHQL_VALIDATION_FAILED"]
