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
    assert {**head.headers, "date": ""} == {**got.headers, "date": ""}
    assert connection.goes_on()


def test_head_of_a_fault_has_no_body_either(connection: Connection) -> None:
    answer = connection.ask("HEAD", "/graphql")
    assert (answer.status, answer.body) == (400, b"")
    assert connection.goes_on()


def test_get_takes_all_that_post_takes(connection: Connection) -> None:
    query = "query A($code: ID!) { airline(code: $code) { name } } query B { __typename }"
    given = {"query": query, "variables": '{"code": "UA"}', "operationName": "A", "extensions": "{}"}
    answer = connection.ask("GET", f"/graphql?{urlencode(given)}")
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


def test_an_empty_query_is_a_syntax_error(connection: Connection) -> None:
    assert connection.ask("GET", "/graphql?query").codes == ["GRAPHQL_PARSE_FAILED"]
    assert connection.post({"query": ""}).codes == ["GRAPHQL_PARSE_FAILED"]
